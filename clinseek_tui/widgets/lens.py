"""The pane of the time lens: its lines are drawn as they come into view, and one of them is selected."""

from __future__ import annotations

from textual import events, on
from textual.geometry import Size
from textual.reactive import var

from clinseek_replay.lens_lines import LensLines
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.wrap import parted
from clinseek_tui.widgets.painted import Painted, Piece

__all__ = ["LensPane"]

_MARKER = 2


class LensPane(Painted):
    """Shows a LensPage; `show` replaces it."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    LensPane { overflow-x: hidden; }
    """

    row: var[int] = var(0, init=False)
    """Index of the selected line."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes)
        self._page: LensPage | None = None
        self._all: LensLines | None = None
        self._width = 0

    def show(self, page: LensPage) -> None:
        """Show another lens, or the same at another scale; the selected line stays where its call is."""
        if self._page is not None and page.lens is self._page.lens and page.span == self._page.span:
            return
        self._page = page
        self._lay_out()

    @property
    def selected(self) -> str:
        """Of the call that the selected line stands for; empty where it stands for none."""
        return self._all[self.row].anchor if self._all is not None and self.row < len(self._all) else ""

    def go(self, lines: int) -> None:
        """Select the line so many further."""
        count = len(self._all) if self._all is not None else 1
        self.row = min(max(self.row + lines, 0), count - 1)

    def watch_row(self, before: int, now: int) -> None:
        """Keep the selected line in view."""
        self.repaint_lines(before, now)
        self.bring_into_view(now)

    @on(events.Resize)
    @on(events.Show)
    def _fit(self) -> None:
        if self.room.width != self._width:
            self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """Select the line clicked."""
        line = event.y + round(self.scroll_y)
        if self._all is not None and line < len(self._all):
            self.row = line

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """A line; the selected one with its sign."""
        if self._all is None or y >= len(self._all):
            return [], []
        base = self.style("selected" if y == self.row else "plain")
        marker = "▸ " if y == self.row else "  "
        pieces = [(parted(text), self.on(base, style)) for text, style in self._all[y].pieces]
        return [], [(marker, self.on(base, "accent")), *pieces]

    def _lay_out(self) -> None:
        # A pane that is hidden has no size; it will have the one it had.
        self._width = self.room.width or self._width
        if self._page is None or not self._width:
            return
        selected = self.selected
        self._all = LensLines(self._page.lens, self._width - _MARKER, self._page.minutes)
        self.virtual_size = Size(self._width, len(self._all))
        self.repaint()
        self.row = self._all.line_of(selected)
