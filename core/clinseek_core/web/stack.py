"""The pages that a run was shown, in order: a page's place is its cursor."""

from __future__ import annotations

from clinseek_core.tools.arguments import CallError
from clinseek_core.web.pages import Page

__all__ = ["PageStack"]


class PageStack:
    """Every page that is shown is put on top, also one that was shown before."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._by_url: dict[str, Page] = {}

    def show(self, page: Page, *asked: str) -> int:
        """Put a page on top; its cursor. It is found again by its own address and by those `asked` for."""
        self._pages.append(page)
        if page.kind == "text":
            for url in (page.url, *asked):
                self._by_url.setdefault(url, page)
        return len(self._pages) - 1

    def at(self, cursor: int) -> Page:
        """The page at a cursor, the last one at -1; CallError with words for the model where none is."""
        if not self._pages:
            raise CallError("no page is open yet; call browser.search, or browser.open with an address")
        if not -1 <= cursor < len(self._pages):
            raise CallError(
                f"Invalid cursor `{cursor}`: the pages shown so far are 0 to {len(self._pages) - 1}."
            )
        return self._pages[cursor]

    def read_before(self, url: str) -> Page | None:
        """The page that this address gave earlier in the run."""
        return self._by_url.get(url)
