"""A pane for the table of a result: frozen header, a selected row, only the columns in view painted."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from clinseek_core.journal.events import Table
from clinseek_tui.view.grid import GAP, Column, cell, laid_out
from clinseek_tui.widgets.painted import Painted, Piece

__all__ = ["Grid"]

_MARKER = 2
"""Cells at the left for the sign of the selected row, which does without colour."""
_EMPTY = Table(columns=(), rows=(), total=0)


class Grid(Painted):
    """Shows a Table; `show` replaces it."""

    DEFAULT_CSS = """
    Grid { overflow-x: auto; overflow-y: auto; }
    """

    row: var[int] = var(0, init=False)
    """Index of the selected row."""

    @dataclass
    class Moved(Message):
        """Another row is selected."""

        row: int

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes)
        self.table = _EMPTY
        """What is shown."""
        self._columns: tuple[Column, ...] = ()
        self._note = ""

    def show(self, table: Table) -> None:
        """Show another table from its first row; the same one stays where it is."""
        if table is self.table:
            return
        self.table = table
        left_out = table.total - len(table.rows)
        self._note = _note(len(table.rows), left_out)
        self.set_reactive(Grid.row, 0)
        self.scroll_to(0, 0, animate=False)
        self._lay_out()

    def go(self, lines: int) -> None:
        """Select the row so many lines further."""
        self.row = min(max(self.row + lines, 0), max(len(self.table.rows) - 1, 0))

    def go_columns(self, direction: int) -> None:
        """Scroll to the start of the next column out of view, or of the one before."""
        starts = [column.start for column in self._columns]
        left = round(self.scroll_x)
        further = [start for start in starts if (start > left if direction > 0 else start < left)]
        if further:
            self.scroll_to(x=further[0] if direction > 0 else further[-1], animate=False)

    def watch_row(self) -> None:
        """Keep the selected row in view below the header."""
        self.bring_into_view(self.row)
        self.repaint()
        self.post_message(self.Moved(self.row))

    def bring_into_view(self, y: int, margin: int = 0) -> None:
        """Scroll no more than needed for row `y` to be seen under the header."""
        top, height = round(self.scroll_y), self.room.height - 1
        if y < top or y >= top + height:
            self.scroll_to(y=y if y < top else y - height + 1, animate=False)

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 -- Textual's
        """Fit the columns to the new width."""
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """Select the row clicked."""
        line = event.y + round(self.scroll_y) - 1
        if event.y > 0 and line < len(self.table.rows):
            self.row = line

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Paint the columns that have come into view."""
        super().watch_scroll_x(old_value, new_value)
        self.repaint()

    @property
    def line_count(self) -> int:
        """Rows, and the note under them."""
        return len(self.table.rows) + bool(self._note)

    def render_line(self, y: int) -> Strip:
        """The header and the sign of the selected row stay; the rows scroll."""
        line = y - 1 + round(self.scroll_y)
        chosen = y > 0 and line == self.row and line < len(self.table.rows)
        base = self.style("selected") if chosen else self.rich_style
        if y == 0:
            cells = Strip([Segment(*piece) for part in self._header() for piece in part])
        elif line < self.line_count:
            cells = self.kept_line(line)
        else:
            return Strip.blank(self.size.width, base)
        left, width = round(self.scroll_x), self.size.width - _MARKER
        marker = Segment("▸ " if chosen else "  ", base + self.style("accent") if chosen else base)
        return Strip.join([Strip([marker]), cells.crop_extend(left, left + width, base)])

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """The cells of a row that are in view, or the note under the rows."""
        if y >= len(self.table.rows):
            return [], [(self._note, self.style("dim"))]
        row = self.table.rows[y]
        base = self.style("selected" if y == self.row else "plain")
        dim = base + Style(dim=True)
        return self._in_view(
            [(cell(row[i] if i < len(row) else None, column), dim if row[i] is None else base) for i, column in shown]
        )
