"""The table of runs: any number of rows, of which those in view are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from clinseek_replay.runs import COLUMNS, RunColumn, RunRow
from clinseek_tui.view.grid import fitted
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.line import Line
from clinseek_tui.widgets.painted import Painted, Piece

__all__ = ["RunsHead", "RunsTable", "columns_in"]

_FROZEN = 2
"""The number and the case stay where they are."""
_SIGNS = 2
"""Cells for the signs of selection and mark."""


def columns_in(width: int, first: int) -> list[tuple[RunColumn, int]]:
    """The columns that have room, from the `first` that can move on, each with its cells; the last is cut.

    What is left over goes to the last one.
    """
    left = width - _SIGNS
    chosen: list[tuple[RunColumn, int]] = []
    for column in (*COLUMNS[:_FROZEN], *COLUMNS[_FROZEN + first :]):
        room = min(column.width, left)
        if room < min(column.width, 4):
            break
        chosen.append((column, room))
        left -= room + 1
    if chosen and left > 0 and not chosen[-1][0].numeric:
        column, room = chosen[-1]
        chosen[-1] = (column, room + left)
    return chosen


class RunsHead(Line):
    """The titles of the columns in view, and by which of them the rows are sorted."""

    DEFAULT_CSS = "RunsHead { padding: 0 0; }"

    first: reactive[int] = reactive(0)
    """How many of the columns that can move are out of view at the left."""
    order: reactive[tuple[str, bool]] = reactive(("number", False))
    """By which column the rows are sorted, and whether the other way round."""

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- one line
        """Each title over its column, with a sign at the one that sorts."""
        pieces: list[tuple[str, str]] = [(" " * _SIGNS, "dim")]
        for column, cells in columns_in(width - 1, self.first):
            name, reverse = self.order
            sign = ("▾" if reverse else "▴") if column.name == name else ""
            text = f"{sign}{column.title}"[:cells]
            padded = text.rjust(cells) if column.numeric else text.ljust(cells)
            pieces.append((f"{padded} ", "accent" if sign else "dim"))
        return tuple(pieces)


class RunsTable(Painted):
    """Shows rows, one of them selected, some of them marked."""

    ALLOW_SELECT = False

    DEFAULT_CSS = "RunsTable { overflow-x: hidden; }"

    @dataclass
    class Chosen(Message):
        """A row was clicked; twice, to open it."""

        row: int
        twice: bool

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._rows: Sequence[RunRow] = ()
        self._marked: frozenset[int] = frozenset()
        self._first = 0
        self.selected = 0
        """Index of the selected row."""

    def show(self, rows: Sequence[RunRow], marked: frozenset[int], first: int) -> None:
        """Show other rows, marks by the runs' numbers, or other columns; the selected index stays."""
        self._rows, self._marked, self._first = rows, marked, first
        self.virtual_size = Size(self.size.width, len(rows))
        self.repaint()

    def select(self, row: int) -> None:
        """Select a row, the nearest there is, and bring it into view."""
        before, self.selected = self.selected, min(max(row, 0), max(len(self._rows) - 1, 0))
        self.repaint_lines(before, self.selected)
        self.bring_into_view(self.selected)

    def on_click(self, event: events.Click) -> None:
        """Tell which row was clicked."""
        row = event.y + round(self.scroll_y)
        if row < len(self._rows):
            self.post_message(self.Chosen(row, event.chain > 1))

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self.virtual_size = Size(self.size.width, len(self._rows))
        self.repaint()
        self.bring_into_view(self.selected)

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """A row: signs of selection and mark, then its cells."""
        row = self._rows[y]
        base = self.style("selected" if y == self.selected else "plain")
        signs = ("▸" if y == self.selected else " ") + ("●" if row.number in self._marked else " ")
        pieces: list[Piece] = [(signs, self.on(base, "accent"))]
        for column, cells in columns_in(self.size.width - 1, self._first):
            text = fitted(column.text(row), cells)
            if column.numeric:
                text = text.strip().rjust(cells)
            pieces.append((f"{text} ", self._style(column, row, base)))
        return [], pieces

    def _style(self, column: RunColumn, row: RunRow, base: Style) -> Style:
        failed = column.name == "cause" and row.error
        leaks = column.name == "leaks" and row.facts is not None and row.facts.leaks
        if failed or leaks:
            return self.on(base, "error")
        return base if row.facts or column.name in ("number", "case") else self.on(base, "dim")
