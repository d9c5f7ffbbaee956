"""A pane for the table of a result: frozen header, a selected row, only the columns in view painted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events, on
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

    row: var[int] = var(0, init=False)
    """Index of the selected row."""

    @dataclass
    class Moved(Message):
        """Another row is selected, or other columns are in view."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes)
        self.table = _EMPTY
        """What is shown."""
        self._columns: tuple[Column, ...] = ()
        self._note = ""
        self._width = 0

    def show(self, table: Table, row: int = 0) -> None:
        """Show another table, at a row of it; the same one stays where it is."""
        if table is self.table or table == self.table:
            return
        self.table = table
        self._note = _note(table)
        self.set_reactive(Grid.row, row)
        self.scroll_to(0, 0, animate=False)
        self._lay_out()
        if row:
            self.call_after_refresh(self.bring_into_view, row)

    @property
    def place(self) -> str:
        """The selected row, and the columns in view where not all are: `row 3/37 · columns 2–9/400`."""
        if not self.table.rows:
            return ""
        row = f"row {self.row + 1:,}/{len(self.table.rows):,}"
        seen = [number for number, column in enumerate(self._columns, 1) if self._in_view(column)]
        if len(seen) in (0, len(self._columns)):
            return row
        return f"{row} · columns {seen[0]}–{seen[-1]}/{len(self._columns)}"

    @property
    def line_count(self) -> int:
        """Rows, and the note under them."""
        return len(self.table.rows) + bool(self._note)

    def go(self, lines: int) -> None:
        """Select the row so many lines further."""
        self.row = min(max(self.row + lines, 0), max(len(self.table.rows) - 1, 0))

    def go_columns(self, direction: int) -> None:
        """Scroll to the start of the next column, or of the one before."""
        left = round(self.scroll_x)
        starts = [column.start for column in self._columns]
        further = [start for start in starts if (start > left if direction > 0 else start < left)]
        if further:
            self.scroll_to(x=further[0] if direction > 0 else further[-1], animate=False)

    def bring_into_view(self, y: int, margin: int = 0) -> None:  # noqa: ARG002 -- rows need none
        """Scroll no more than needed for row `y` to be seen under the header."""
        top, height = round(self.scroll_y), self.room.height - 1
        if y < top or y >= top + height:
            self.scroll_to(y=y if y < top else y - height + 1, animate=False)

    def refresh_line(self, y: int) -> None:
        """Paint row `y` again, one line lower: the header stands above."""
        super().refresh_line(y + 1)

    def watch_row(self, before: int, now: int) -> None:
        """Keep the selected row in view."""
        self.repaint_lines(before, now)
        self.bring_into_view(now)
        self.post_message(self.Moved())

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Paint the columns that have come into view."""
        super().watch_scroll_x(old_value, new_value)
        self.repaint()
        self.post_message(self.Moved())

    @on(events.Resize)
    @on(events.Show)
    def _fit(self) -> None:
        if self.room.width != self._width:
            self._lay_out()
            self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Select the row clicked."""
        line = event.y - 1 + round(self.scroll_y)
        if event.y > 0 and line < len(self.table.rows):
            self.row = line

    def render_line(self, y: int) -> Strip:
        """The header and the sign of the selected row stay in place; the rows move."""
        line = y - 1 + round(self.scroll_y)
        if y and line >= self.line_count:
            return Strip.blank(self.size.width, self.rich_style)
        chosen = y > 0 and line == self.row and bool(self.table.rows)
        base = self.style("selected") if chosen else self.rich_style
        cells = self.kept_line(line) if y else self._header()
        marker = ("▸ ", self.on(base, "accent")) if chosen else ("  ", base)
        left, width = round(self.scroll_x), self.size.width - _MARKER
        return Strip.join([Strip([Segment(*marker)]), cells.crop_extend(left, left + width, base)])

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """The cells of a row that are in view, or the note under the rows."""
        if y >= len(self.table.rows):
            return [], [(self._note, self.style("dim"))]
        base = self.style("selected" if y == self.row else "plain")
        return self._cells(self.table.rows[y], base, self.on(base, "dim"))

    def _header(self) -> Strip:
        heading = self.style("heading")
        before, cells = self._cells(self.table.columns, heading, heading)
        return Strip([Segment(*piece) for piece in (*before, *cells)])

    def _cells(self, row: tuple[Any, ...], style: Style, null: Style) -> tuple[list[Piece], list[Piece]]:
        both = zip_longest(self._columns, row[: len(self._columns)])
        seen = [(column, value) for column, value in both if self._in_view(column)]
        start = seen[0][0].start if seen else 0
        cells = [
            (cell(value, column) + " " * GAP, null if value is None else style) for column, value in seen
        ]
        return [(" " * start, style)], cells

    def _in_view(self, column: Column) -> bool:
        left = round(self.scroll_x)
        return column.start < left + self._width - _MARKER and column.start + column.width > left

    def _lay_out(self) -> None:
        # A pane that is hidden has no size; it will have the one it had.
        self._width = self.room.width or self._width
        self._columns = laid_out(self.table, self._width - _MARKER)
        last = self._columns[-1] if self._columns else Column("", 0, 0, numeric=False)
        self.virtual_size = Size(_MARKER + last.start + last.width, 1 + self.line_count)
        self.repaint()


def _note(table: Table) -> str:
    """What stands under the rows: that there are none, or that there are more than were recorded."""
    if not table.rows:
        return "∅ no rows"
    left_out = table.total - len(table.rows)
    return (
        f"✂ {left_out:,} more row{'' if left_out == 1 else 's'}: not in the recording" if left_out > 0 else ""
    )
