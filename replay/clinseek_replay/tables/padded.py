"""Tables as pandas' `to_string(index=False)` pads them: every column ends where its header ends.

A row is as long as the header, newlines in a cell included. So the header tells where each cell ends, and a
cell may hold spaces. What the header can't tell is whether a space in it divides two names or is part of one:
the rows decide, and where they don't the cells are marked as unsure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from typing import NamedTuple

from clinseek_core.mimic import tables
from clinseek_replay.tables.table import Cell, Grid, TextTable

__all__ = ["padded_table"]

_WORD = re.compile(r"\S+")
_WIDEST = 400
"""Columns; a first line of more words is prose."""


class _Column(NamedTuple):
    name: str
    start: int
    """Where its cells begin within a row: behind the end of the column before and a space."""
    end: int


class _Rows(NamedTuple):
    """Where rows stand in a text, and how long each is."""

    text: str
    offsets: range | list[int]
    end: int
    width: int

    def characters_at(self, place: int) -> str:
        """The characters at one place of all rows."""
        if isinstance(self.offsets, range):
            return self.text[self.offsets.start + place : self.end : self.offsets.step]
        return "".join(self.text[offset + place] for offset in self.offsets if offset + place < self.end)

    def cells(self, start: int, stop: int) -> list[str]:
        """What stands between two places of all rows."""
        return [self.text[offset + start : min(offset + stop, self.end)] for offset in self.offsets]


class _PaddedGrid:
    """Cells cut out of the text when they are looked at."""

    def __init__(self, rows: _Rows, columns: tuple[_Column, ...]) -> None:
        self._rows = rows
        self._text = rows.text
        self._columns = columns
        self._ends = [column.end for column in columns]
        self._offsets = rows.offsets
        self._end = rows.end
        self._sure: dict[int, bool] = {}

    def __len__(self) -> int:
        return len(self._offsets)

    def cell(self, row: int, column: int) -> Cell:
        """The cell at 0-based indexes."""
        sure = self._sure.get(column)
        if sure is None:
            sure = self._sure[column] = not (self._may_go_on(column - 1) or self._may_go_on(column))
        _, start, end = self._columns[column]
        offset = self._offsets[row]
        end = min(offset + end, self._end)
        padded = self._text[offset + start : end]
        text = padded.strip(" ")
        if not text:
            return Cell("", None, None, sure)
        start = end - len(padded.lstrip(" "))
        return Cell(text, start, start + len(text), sure)

    def text(self, row: int, column: int) -> str:
        """The same cell's text alone."""
        _, start, end = self._columns[column]
        offset = self._offsets[row]
        return self._text[offset + start : min(offset + end, self._end)].strip(" ")

    def _may_go_on(self, column: int) -> bool:
        """Whether a column may not end where it was ended; the last one ends with the row."""
        return 0 <= column < len(self._columns) - 1 and _may_go_on(self._rows, self._columns[column])

    def at(self, position: int) -> tuple[int, int] | None:
        """Row and column of the cell whose text holds a character of the text."""
        row = self._row_at(position)
        if row < 0:
            return None
        column = bisect_right(self._ends, position - self._offsets[row])
        if column == len(self._columns):
            return None
        if self._text[position] == " ":
            start = self.cell(row, column).start
            if start is None or position < start:
                return None
        return row, column

    def _row_at(self, position: int) -> int:
        """The row that a character is in; -1 for one of the header."""
        offsets = self._offsets
        if isinstance(offsets, range):
            # The table ends where its last row does.
            return (position - offsets.start) // offsets.step
        return bisect_right(offsets, position) - 1


def padded_table(text: str, start: int, end: int, names: tuple[str, ...]) -> TextTable | None:
    """The table whose header is the line at `start`; None where the lines below don't fit it.

    The last row may break off, and the header may have lost the spaces before it.
    """
    body = text.find("\n", start, end) + 1
    if not body or body >= end:
        return None
    header = text[start : body - 1].rstrip(" \r")
    words = [(found.start(), found.end()) for found in _WORD.finditer(header)]
    if not words or len(words) > _WIDEST or header.endswith(":"):
        return None
    rows = _rows(text, body, end, len(header))
    if rows is None:
        return None
    shift = rows.width - len(header)
    columns = _columns(rows, header, [(a + shift, b + shift) for a, b in words])
    if not columns:
        return None
    grid: Grid = _PaddedGrid(rows, columns)
    return TextTable("padded", tuple(c.name for c in columns), grid, names=names, start=start, end=end)


def _rows(text: str, body: int, end: int, width: int) -> _Rows | None:
    """The rows from `body` on; None where the lines are no rows of a table."""
    first_line = text.find("\n", body, end)
    first_line = (end if first_line < 0 else first_line) - body
    for length in dict.fromkeys((width, first_line)):
        if length >= width and _are_records(text, body, end, length, 1 if length == width else 2):
            return _Rows(text, range(body, end, length + 1), end, length)
    # The text was stripped, or rows have lost characters: the lines that are as long as the first count.
    lines: list[int] = []
    others = 0
    at = body
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        if stop - at == first_line:
            lines.append(at)
        else:
            others += 1
        at = stop + 1
    enough = first_line >= width and len(lines) > others and len(lines) > 1
    return _Rows(text, lines, end, first_line) if enough else None


def _are_records(text: str, body: int, end: int, length: int, whole_ones: int) -> bool:
    """Whether rows of one length follow each other; after so many whole ones the last may break off."""
    breaks = text[body + length : end : length + 1]
    if length == 0 or breaks.strip("\n"):
        return False
    rest = end - body - len(breaks) * (length + 1)
    return rest <= 0 or rest == length or len(breaks) >= whole_ones


def _columns(rows: _Rows, header: str, words: list[tuple[int, int]]) -> tuple[_Column, ...]:
    """The columns: words of the header, joined where a row's cell runs over the gap between them.

    `words` are places within a row, of which the header may have lost the first.
    """
    shift = rows.width - len(header)
    columns: list[_Column] = []
    start, begin = 0, words[0][0]
    for index, (_, stop) in enumerate(words):
        last = index == len(words) - 1
        if not last and rows.characters_at(stop).strip(" "):
            continue  # a character stands where the columns would be parted
        columns.append(_Column(header[begin - shift : stop - shift], start, stop))
        start = stop + 1
        begin = words[index + 1][0] if not last else stop
    return tuple(columns)


def _may_go_on(rows: _Rows, column: _Column) -> bool:
    """Whether a column may not end where its name does: a cell ends in a space there, or no row has any."""
    if " " not in rows.characters_at(column.end - 1):
        return False
    cells = rows.cells(column.start, column.end)
    if any(cell[-1:] == " " and cell.strip(" ") for cell in cells):
        return True
    return column.name.lower() not in _known_names() and not any(cell.strip(" ") for cell in cells)


@cache
def _known_names() -> frozenset[str]:
    """Names of columns of the record: one of them is hardly ever the first word of a longer name."""
    return frozenset(column.name.lower() for info in tables().values() for column in info.columns)
