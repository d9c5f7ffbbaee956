"""A page as an agent reads it: numbered lines of about 80 columns, with numbered links.

The forms `[3] Title (url)`, `L12: text` and `【4†Link text†host】` are those that models were trained on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple
from urllib.parse import quote_plus, urljoin, urlsplit

from clinseek_core.text import one_line, visible
from clinseek_core.web.corpus import page_address
from clinseek_core.web.port import Document, Found

__all__ = ["Link", "Page", "document_page", "find_page", "host_of", "page_view", "search_page"]

_WIDTH = 80
_VIEW_CHARACTERS = 6_000
_MAX_VIEW_CHARACTERS = 60_000
_MAX_CHARACTERS = 2_000_000
_MAX_TABLE_LINE = 400
_MAX_MATCHES = 50
_CONTEXT = 4
"""Lines that are shown of each place that was found."""
_TITLE = 200
_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\(((?:[^()\s]|\([^()\s]{0,200}\)){1,2000})\)")
_HINTS = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Where a line may break: nothing that a reader sees."""
_INDENT = re.compile(r"\s*(?:(?:[-*+•]|\d{1,3}[.)])\s+)?")
_KEPT_SPACE = "\x00"
"""Stands for a space that no line may break at."""


class Link(NamedTuple):
    """What a link leads to: an address, and the line of it that is meant."""

    url: str
    line: int = 0


class Page(NamedTuple):
    """A page; `kind` says what may be done with it."""

    url: str
    title: str
    lines: tuple[str, ...]
    links: tuple[Link, ...]
    badge: str
    kind: Literal["search", "text", "find"] = "text"


def host_of(url: str) -> str:
    """The host of an address, without `www.`; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def document_page(document: Document, badge: str) -> Page:
    """A document as a page: its links numbered in the order they stand, its lines wrapped."""
    links = _Links()
    text = _clean(document.text)
    if document.form == "markdown":
        text = _LINK.sub(lambda found: links.mark_in(document.url, found), text)
    title = one_line(document.title, _TITLE) or document.url
    head = ["", f"URL: {visible(document.url)}"]
    if len(document.text) > _MAX_CHARACTERS:
        head.append(f"Only the first {_MAX_CHARACTERS:,} of {len(document.text):,} characters are shown.")
    lines = (*head, *_wrapped(text))
    return Page(document.url, title, lines, links.found, badge)


def search_page(query: str, found: Found, backend: str, badge: str) -> Page:
    """The hits of a search as a page, each with its link."""
    links = _Links()
    blocks = []
    for hit in found.hits:
        mark = _unbroken(links.mark(Link(hit.url), hit.title or hit.url, host_of(hit.url)))
        blocks.append(f"  * {mark} {one_line(hit.snippet, 600)}".rstrip())
    if found.left_out:
        blocks.append(f"{found.left_out} left out: pages that hold a benchmark's cases or answers.")
    url = f"web-search://{backend}/?q={quote_plus(query)}"
    lines = ("", f"URL: {url}", "# Search Results", "", *_wrapped("\n".join(blocks)))
    return Page(url, one_line(query, _TITLE), lines, links.found, badge, "search")


def find_page(page: Page, pattern: str) -> Page | None:
    """Where `pattern` stands on a page, whatever its case and where its lines break; None where nowhere."""
    found = list(_lines_with(page.lines, pattern))
    if not found:
        return None
    links = _Links()
    blocks: list[str] = []
    for line in found[:_MAX_MATCHES]:
        mark = links.mark(Link(page.url, line), f"match at L{line}", "")
        blocks += [f"# {mark}", *page.lines[line : line + _CONTEXT], ""]
    if len(found) > _MAX_MATCHES:
        blocks.append(f"{len(found) - _MAX_MATCHES} more places; find words that stand there alone.")
    url = f"{page.url}/find?pattern={quote_plus(pattern)}"
    title = f"Find results for text: `{one_line(pattern, 80)}` in `{page.title}`"
    lines = ("", f"URL: {one_line(url, _TITLE)}", *blocks)
    return Page(url, title, lines, links.found, page.badge, "find")


def page_view(page: Page, cursor: int, line: int = 0, count: int | None = None) -> str:
    """The text of a page from `line` on: `count` lines, or as many as are read at once."""
    room = _VIEW_CHARACTERS if count is None else _MAX_VIEW_CHARACTERS
    shown: list[str] = []
    for number, text in enumerate(page.lines[line : None if count is None else line + count], line):
        numbered = f"L{number}: {text}"
        room -= len(numbered) + 1
        if room < 0 and shown:
            break
        shown.append(numbered)
    last = line + len(shown) - 1
    head = f"[{cursor}] {page.title} ({one_line(page.url, 2 * _TITLE)})"
    seen = f"**viewing lines [{line} - {last}] of {len(page.lines) - 1}** {page.badge}"
    return "\n".join([head, seen, "", *shown])


class _Links:
    """The links of a page that is being made."""

    def __init__(self) -> None:
        self._number: dict[Link, int] = {}

    @property
    def found(self) -> tuple[Link, ...]:
        return tuple(self._number)

    def mark(self, link: Link, text: str, host: str) -> str:
        number = self._number.setdefault(link, len(self._number))
        words = one_line(text, 120).replace("†", " ")
        return f"【{number}†{words}{f'†{host}' if host else ''}】"

    def mark_in(self, origin: str, found: re.Match[str]) -> str:
        target = _absolute(origin, found[2])
        if target is None:
            return found[1]
        # A page's own site goes without saying.
        host = "" if host_of(target) == host_of(origin) else host_of(target)
        return _unbroken(self.mark(Link(target), found[1] or target, host))


def _unbroken(mark: str) -> str:
    return mark.replace(" ", _KEPT_SPACE)


def _absolute(origin: str, target: str) -> str | None:
    """Where a link leads, without its place on the page; None where a tool can't follow it."""
    if origin.startswith("corpus://") and "://" not in target:
        return page_address(origin, target)
    try:
        url = urljoin(origin, target).partition("#")[0]
        return url if urlsplit(url).scheme in {"http", "https"} and host_of(url) else None
    except ValueError:
        return None


def _clean(text: str) -> str:
    """The text of a page without what would pass for our marks, hide or act on a terminal."""
    text = _HINTS.sub("", text[:_MAX_CHARACTERS]).replace("\u00a0", " ").replace("\r\n", "\n")
    return visible(text.translate({ord("【"): "[", ord("】"): "]", ord("\r"): "\n", ord("\t"): "    "}))


def _wrapped(text: str) -> Iterator[str]:
    blank = False
    for line in text.split("\n"):
        if not line.strip():
            # One empty line says as much as several.
            if not blank:
                yield ""
            blank = True
            continue
        blank = False
        whole = line.startswith("|") and len(line) <= _MAX_TABLE_LINE
        for part in (line,) if whole else _parts(line):
            yield part.rstrip().replace(_KEPT_SPACE, " ")


def _parts(line: str) -> Iterator[str]:
    """A line in parts of at most 80 columns, the later ones indented as its first words are."""
    lead = _INDENT.match(line)
    indent = " " * min(len(lead[0]) if lead else 0, 8)
    part = line[: len(lead[0])] if lead else ""
    fresh = True
    for word in line[len(part) :].split(" "):
        if not fresh and len(part) + 1 + len(word) > _WIDTH:
            yield part
            part, fresh = indent, True
        part, fresh = (part + word, False) if fresh else (f"{part} {word}", False)
        if len(part) > _WIDTH and _KEPT_SPACE not in part:
            *full, part = (part[at : at + _WIDTH] for at in range(0, len(part), _WIDTH))
            yield from full
    if part.strip():
        yield part


def _lines_with(lines: tuple[str, ...], pattern: str) -> Iterator[int]:
    """The lines at which `pattern` begins; a phrase may run on over the end of a line."""
    wanted = " ".join(pattern.casefold().split())
    starts: list[int] = []
    joined: list[str] = []
    length = 0
    for line in lines:
        starts.append(length)
        text = " ".join(line.casefold().split())
        joined.append(text)
        length += len(text) + 1
    yield from _starts_with(" ".join(joined).find, starts, wanted)


def _starts_with(find: Callable[[str, int], int], starts: list[int], wanted: str) -> Iterator[int]:
    at, line = find(wanted, 0) if wanted else -1, 0
    while at >= 0:
        while line + 1 < len(starts) and starts[line + 1] <= at:
            line += 1
        yield line
        # Once a line: its other places are shown with it.
        after = starts[line + 1] if line + 1 < len(starts) else -1
        at = find(wanted, after) if after >= 0 else -1
