"""The browser tools: a search, a stack of pages, and a way to find words on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_core.tools import PastCall, ToolResult, ToolSpec
from clinseek_core.tools.arguments import CallError, check_arguments, encodable, number, text
from clinseek_core.tools.names import nearest, shown
from clinseek_core.web.pages import Page, document_page, find_page, page_view, search_page
from clinseek_core.web.port import Backend, WebError
from clinseek_core.web.specs import BROWSER_TOOLS, MAX_HITS
from clinseek_core.web.stack import PageStack

__all__ = ["MAX_CALLS", "BrowserTools"]

MAX_CALLS = 40
"""Browser calls of one run, as in the paper; the reference's driver ends the run there, ours says no."""

_SPECS = {spec.name: spec for spec in BROWSER_TOOLS}
_HITS = 10
_MAX_LINES = 2_000
_MAX_QUERY = 400
_MAX_ADDRESS = 2_000
_ALIASES = {"browser.search": {"top_n": "topn"}}
_QUOTES = "\"'` \t\n\r"
_YES, _NO = frozenset(("true", "1", "yes")), frozenset(("false", "0", "no", ""))


class BrowserTools:
    """A Toolbox of `browser.search`, `browser.open` and `browser.find` for one run.

    `memory` answers again what an interrupted run was answered, without a network; the backend itself where
    it is left out.
    """

    def __init__(self, backend: Backend, memory: Backend | None = None) -> None:
        self._backend = backend
        self._memory = memory or backend
        self._stack = PageStack()
        self._calls = 0
        self._tools: dict[str, Callable[[dict[str, Any]], ToolResult]] = {
            "browser.search": self._search,
            "browser.open": self._open,
            "browser.find": self._find,
        }

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The three tools."""
        return BROWSER_TOOLS

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call; any name and any arguments give a result.

        Raises InputError where a cassette can't be written: what is not kept can't be gone on with.
        """
        self._calls += 1
        try:
            if self._calls > MAX_CALLS:
                raise CallError(
                    f"this run has made its {MAX_CALLS} browser calls, and there are no more; go on with the "
                    "record and with what the pages said",
                    "limited",
                )
            return self._answer(encodable(name), encodable(arguments))
        except (CallError, WebError) as error:
            words = str(error)
            return ToolResult(
                status=error.status, text=words if error.status == "empty" else f"Error: {words}"
            )
        except RecursionError:
            return ToolResult(status="error", text="Error: the arguments are nested too deeply")

    def restore(self, calls: Iterable[PastCall]) -> None:
        """Show again what calls before an interruption showed, so that cursors and links go on.

        Raises InputError where a page is not what it was: then cursors would not mean what the model thinks.
        """
        asked, self._backend = self._backend, self._memory
        try:
            for past in calls:
                self._calls += 1
                # A call that was refused, failed or found nothing left nothing on the stack.
                if past.status == "ok":
                    self._show_again(past)
        finally:
            self._backend = asked

    def _show_again(self, past: PastCall) -> None:
        try:
            again = self._answer(encodable(past.name), encodable(past.arguments)).text
        except (CallError, WebError) as error:
            again = str(error)
        if again != past.text:
            raise InputError(
                f"{past.place}: {past.name} gives another page than it did ({one_line(again, 120)}); "
                "go on with the corpus or cassette that the run was made with"
            )

    def close(self) -> None:
        """End what the backend holds open."""
        self._backend.close()

    def _answer(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        spec = _SPECS.get(name)
        if spec is None:
            raise CallError(f"there is no tool {shown(name)}{nearest(name, _SPECS, 'see the list of tools')}")
        alias = _ALIASES.get(name, {})
        renamed = {alias.get(key, key): value for key, value in arguments.items()}
        return self._tools[name](check_arguments(spec, renamed))

    def _search(self, arguments: dict[str, Any]) -> ToolResult:
        query = " ".join(_one(arguments, "query").split())
        if not query:
            raise CallError("query is empty; give at least one word")
        if len(query) > _MAX_QUERY:
            raise CallError(f"query has {len(query)} characters; ask in at most {_MAX_QUERY}")
        count = max(1, min(_whole(arguments, "topn", _HITS), MAX_HITS))
        try:
            found = self._backend.search(query, count)
        except WebError as error:
            raise _told(f"Error during search for `{one_line(query, 80)}`", error) from error
        if not found.hits:
            raise CallError(f"No results for `{one_line(query, 80)}`; try fewer or other words.", "empty")
        return self._show(search_page(query, found, self._backend.name, self._backend.badge))

    def _open(self, arguments: dict[str, Any]) -> ToolResult:
        line, count = _whole(arguments, "loc", -1), _whole(arguments, "num_lines", -1)
        address = _address(arguments)
        url, found_at = address if address else self._linked(arguments)
        if url:
            page = self._page(url, source=_flag(arguments, "view_source"))
        else:
            page = self._stack.at(_whole(arguments, "cursor", -1))
            if _flag(arguments, "view_source"):
                if page.kind != "text":
                    raise CallError("a page of results has no source; open a page first")
                page = self._page(page.url, source=True)
        line = found_at if line == -1 else line
        if not 0 <= line < len(page.lines):
            raise CallError(
                f"Invalid location parameter: `{line}`. Cannot exceed page maximum of {len(page.lines) - 1}."
            )
        return self._show(page, url, line=line, count=min(count, _MAX_LINES) if count > 0 else None)

    def _linked(self, arguments: dict[str, Any]) -> tuple[str, int]:
        """The address and line that `id` names on the page at `cursor`; no address where there is no `id`."""
        given = _whole(arguments, "id", -1)
        if given == -1:
            return "", 0
        links = self._stack.at(_whole(arguments, "cursor", -1)).links
        if not 0 <= given < len(links):
            there = f"links 0 to {len(links) - 1}" if links else "no links"
            raise CallError(f"Invalid link id `{given}`. That page has {there}.")
        return links[given]

    def _page(self, url: str, *, source: bool) -> Page:
        before = None if source else self._stack.read_before(url)
        if before is not None:
            return before
        try:
            document = self._backend.fetch(url, source=source)
        except WebError as error:
            raise _told(f"Error fetching URL `{one_line(url, 200)}`", error) from error
        # A page's source has an address of its own, or it would be taken for the page.
        address = f"view-source:{document.url}" if source else document.url
        return document_page(document, self._backend.badge)._replace(url=address)

    def _find(self, arguments: dict[str, Any]) -> ToolResult:
        pattern = _one(arguments, "pattern").strip()
        if not pattern:
            raise CallError("pattern is empty; give the words to find")
        page = self._stack.at(_whole(arguments, "cursor", -1))
        if page.kind != "text":
            raise CallError("Cannot run `find` on search results page or find results page; open one")
        found = find_page(page, pattern)
        if found is None:
            raise CallError(f"No `find` results for pattern: `{one_line(pattern, 80)}`", "empty")
        return self._show(found)

    def _show(self, page: Page, *asked: str, line: int = 0, count: int | None = None) -> ToolResult:
        cursor = self._stack.show(page, *filter(None, asked))
        return ToolResult(status="ok", text=page_view(page, cursor, line, count))


def _told(what: str, error: WebError) -> CallError:
    return CallError(f"{what}: {error}", error.status)


def _address(arguments: dict[str, Any]) -> tuple[str, int] | None:
    """The address that `id` is; None where it is the number of a link."""
    if not isinstance(arguments.get("id"), str):
        return None
    written = arguments["id"].strip(_QUOTES)
    if number(written) is not None or not written:
        arguments["id"] = written or -1
        return None
    if len(written) > _MAX_ADDRESS:
        raise CallError(f"id is an address of {len(written)} characters; the longest read is {_MAX_ADDRESS}")
    if "://" not in written:
        if "." not in written or " " in written:
            raise CallError(f"Invalid link id `{shown(written)}`. Give the number of a link, or an address.")
        written = f"https://{written}"
    return written.partition("#")[0], 0


def _one(arguments: dict[str, Any], key: str) -> str:
    """An argument as one text; of a list of one, that one."""
    value = arguments[key]
    if isinstance(value, list):
        if len(value) != 1:
            raise CallError(f"{key} is a list of {len(value)}; give one text a call")
        return str(value[0])
    return text(arguments, key)


def _whole(arguments: dict[str, Any], key: str, default: int) -> int:
    if key not in arguments:
        return default
    value = number(text(arguments, key).strip(_QUOTES))
    if not isinstance(value, int):
        raise CallError(f"{key} is not a whole number: {shown(text(arguments, key))!r}")
    return value


def _flag(arguments: dict[str, Any], key: str) -> bool:
    written = str(arguments.get(key, False)).strip(_QUOTES).lower()
    if written not in _YES | _NO:
        raise CallError(f"{key} is true or false, not {shown(written)!r}")
    return written in _YES
