"""A table inside a result's text: columns, and cells that know where in the text they stand."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

__all__ = ["MISSING", "Cell", "Form", "Grid", "ReadGrid", "TextTable"]

Form = Literal["padded", "rows", "markdown", "csv", "json"]
"""`padded` as pandas' `to_string` writes it, `rows` as our own tools do, and what their names say."""

MISSING = frozenset(("", "nan", "NaN", "None", "NaT", "<NA>", "NULL", "null", "___"))
"""How systems print a cell that holds nothing; the reference implementation has most of them in one run."""


class Cell(NamedTuple):
    """One cell."""

    text: str
    """Its value: for our own rows in full (a time with its date), else as it is printed."""
    start: int | None
    end: int | None
    """Characters of the result's text; None where the cell is told nowhere: it is missing, or made from
    others."""
    sure: bool = True
    """False where the text may be divided into cells in another way."""

    @property
    def missing(self) -> bool:
        """Whether it holds nothing."""
        return self.text in MISSING


class Grid(Protocol):
    """The cells of a table, read when they are looked at."""

    def __len__(self) -> int:
        """Rows."""
        ...

    def cell(self, row: int, column: int) -> Cell:
        """The cell at 0-based indexes."""
        ...

    def text(self, row: int, column: int) -> str:
        """The same cell's text alone, which may cost less."""
        ...

    def at(self, position: int) -> tuple[int, int] | None:
        """Row and column of the cell that holds a character of the text."""
        ...


class ReadGrid:
    """A grid of cells that have all been read."""

    def __init__(self, rows: Sequence[Sequence[Cell]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def cell(self, row: int, column: int) -> Cell:
        """The cell at 0-based indexes."""
        return self._rows[row][column]

    def text(self, row: int, column: int) -> str:
        """The same cell's text alone."""
        return self._rows[row][column].text

    def at(self, position: int) -> tuple[int, int] | None:
        """Row and column of the first cell that holds a character of the text."""
        starts, places = self._by_start
        index = bisect_right(starts, position) - 1
        if index < 0:
            return None
        row, column = places[index]
        end = self._rows[row][column].end
        return (row, column) if end is not None and position < end else None

    @cached_property
    def _by_start(self) -> tuple[list[int], list[tuple[int, int]]]:
        """Where cells begin, in order; of cells told at one place the first."""
        found: dict[int, tuple[int, int]] = {}
        for r, row in enumerate(self._rows):
            for c, cell in enumerate(row):
                if cell.start is not None:
                    found.setdefault(cell.start, (r, c))
        starts = sorted(found)
        return starts, [found[start] for start in starts]


class TextTable:
    """A table in a text. Rows and columns count from 0 here; anchors count rows from 1."""

    def __init__(
        self,
        form: Form,
        columns: tuple[str, ...],
        grid: Grid,
        *,
        names: tuple[str, ...] = (),
        start: int = 0,
        end: int = 0,
        first_row: int = 0,
    ) -> None:
        self.form: Form = form
        self.columns = columns
        """As printed, in order; a name may stand twice."""
        self.names = names
        """The tables of the record its rows may come from, in lower case; empty where that is not known."""
        self.start = start
        self.end = end
        """Characters of the text it covers, its header included."""
        self.first_row = first_row
        """Rows of earlier tables of the same text."""
        self._grid = grid

    def __len__(self) -> int:
        return len(self._grid)

    def __repr__(self) -> str:
        return f"TextTable({self.form}, {len(self)} rows of {', '.join(self.columns)})"

    @property
    def name(self) -> str:
        """The one table its rows come from; empty where they may come from several."""
        return self.names[0] if len(self.names) == 1 else ""

    @cached_property
    def index(self) -> dict[str, int]:
        """Column name in lower case to its index; of columns of one name the first."""
        return {name.lower(): index for index, name in reversed(list(enumerate(self.columns)))}

    def cell(self, row: int, column: int) -> Cell:
        """The cell at 0-based indexes."""
        return self._grid.cell(row, column)

    def text(self, row: int, column: int) -> str:
        """The text of the cell at 0-based indexes; quicker than the cell with its place."""
        return self._grid.text(row, column)

    def get(self, row: int, name: str) -> Cell | None:
        """The cell of a named column (lower case); None where there is no such column or it is missing."""
        column = self.index.get(name)
        if column is None:
            return None
        cell = self._grid.cell(row, column)
        return None if cell.missing else cell

    def value(self, row: int, name: str) -> str:
        """The text of a named column's cell (lower case); empty where it is missing, or the column is."""
        column = self.index.get(name)
        text = "" if column is None else self._grid.text(row, column)
        return "" if text in MISSING else text

    @property
    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """All rows with all their cells."""
        for row in range(len(self)):
            yield tuple(self._grid.cell(row, column) for column in range(len(self.columns)))

    def at(self, position: int) -> tuple[int, int] | None:
        """Row and column of the cell that holds a character of the text; None between cells."""
        return self._grid.at(position) if self.start <= position < self.end else None
