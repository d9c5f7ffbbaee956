"""Our own tools' rows (`clinseek_core.tools.rowtext`), with the place of each cell.

What lines above the rows tell stands there once for all rows: the cells of all of them have that one place.
A cell that a formula makes has the place of the formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from clinseek_core.journal import Table
from clinseek_core.tools.rowtext.cells import (
    EMPTY,
    IN_ALL,
    REPEATED,
    ROWS,
    SECTION,
    TOLD_BY,
    UNLESS,
    cell_text,
    date_of,
    read_cell,
    read_name,
)
from clinseek_core.tools.rowtext.formulas import Formula, read_formula
from clinseek_replay.tables.table import Cell, ReadGrid, TextTable

__all__ = ["OPENINGS", "rows_table", "typed_table"]

OPENINGS = (IN_ALL, EMPTY, UNLESS, REPEATED, TOLD_BY)
"""How a line begins that stands above our rows and tells of all of them."""

_RAW = re.compile(r'(?:[^",\n]++|"(?:[^"]++|"")*+")*+')
_PAIR = re.compile(r'("(?:[^"]++|"")*+"|[^="]*+)=(.*)', re.DOTALL)
_KEY = re.compile(re.escape(TOLD_BY) + r'("(?:[^"]++|"")*+"|[^:\n]*+): ')
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

_Told = dict[str, Cell]
_Raw = tuple[str, int]
"""A cell as it is written, and where."""


def rows_table(text: str, start: int, names: tuple[str, ...]) -> TextTable | None:
    """The rows from `start` to the end of a text; None where none are written there."""
    read = _read(text, start)
    if read is None or not read.rows:
        return None
    columns = tuple(read.columns)
    cells = [[row.get(name, _NOTHING) for name in columns] for row in read.rows]
    return TextTable("rows", columns, ReadGrid(cells), names=names, start=read.start, end=len(text))


def typed_table(text: str, typed: Table, names: tuple[str, ...]) -> TextTable:
    """The rows that a journal records, with the places that the text has for them where it reads the same."""
    names = (typed.source.lower(),) if typed.source else names
    return TextTable("rows", typed.columns, _TypedGrid(text, typed), names=names, start=0, end=len(text))


class _TypedGrid:
    """Recorded cells; the text is read for their places only when one is asked for."""

    def __init__(self, text: str, typed: Table) -> None:
        self._text = text
        self._typed = typed

    def __len__(self) -> int:
        return len(self._typed.rows)

    def text(self, row: int, column: int) -> str:
        """The cell's text alone."""
        cells = self._typed.rows[row]
        return (cell_text(cells[column]) or "") if column < len(cells) else ""

    def cell(self, row: int, column: int) -> Cell:
        """The cell with its place."""
        return self._read.cell(row, column)

    def at(self, position: int) -> tuple[int, int] | None:
        """Row and column of the first cell that holds a character of the text."""
        return self._read.at(position)

    @cached_property
    def _read(self) -> ReadGrid:
        colon = self._text.find(":\n")
        read = _read(self._text, colon + 2) if colon >= 0 else None
        told: Sequence[_Told] = read.rows if read is not None and len(read.rows) == len(self) else ()
        return ReadGrid(
            [
                [
                    _typed(self.text(row, column), told[row].get(name) if told else None)
                    for column, name in enumerate(self._typed.columns)
                ]
                for row in range(len(self))
            ]
        )


def _read(text: str, start: int) -> _Block | None:
    try:
        return _Block(text, start)
    except ValueError:
        return None


def _typed(text: str, told: Cell | None) -> Cell:
    return Cell(text, told.start, told.end) if told and text else Cell(text, None, None)


_NOTHING = Cell("", None, None)


class _Block:
    """Rows and what the lines above them say; ValueError for a text that is none."""

    def __init__(self, text: str, start: int) -> None:
        self.start = start
        self._text = text
        self._repeated: dict[str, str] = {}
        self._everywhere: _Told = {}
        self._formulas: dict[str, tuple[Formula, int, int]] = {}
        at = self._lines_above(start)
        self._key, self._by_key, at = self._lookups(at)
        header, at = _record(text, at)
        self._header = [read_name(raw) for raw, _ in header]
        named = [name for told in self._by_key.values() for name in told]
        self.columns = list(dict.fromkeys([*self._everywhere, *self._formulas, *named, *self._header]))
        if not any(name for name in self._header):
            raise ValueError("no header")
        self.rows = list(self._rows(at))

    def _lines_above(self, at: int) -> int:
        while kind := next((kind for kind in OPENINGS[:-1] if self._text.startswith(kind, at)), ""):
            raws, at = _record(self._text, at + len(kind))
            for raw, place in _spaced(raws):
                if kind == EMPTY:
                    self._everywhere[read_name(raw)] = _NOTHING
                    continue
                name, value, begin = _pair(raw, place)
                if kind == REPEATED:
                    self._repeated[name] = read_cell(value) or ""
                elif not value.startswith('"') and (formula := read_formula(value)):
                    self._formulas[name] = (formula, begin, begin + len(value))
                else:
                    self._everywhere[name] = self._cell(value, begin, "")
        return at

    def _lookups(self, at: int) -> tuple[str, dict[str, _Told], int]:
        found = _KEY.match(self._text, at)
        if found is None:
            return "", {}, at
        raws, at = _record(self._text, found.end())
        columns = [read_name(raw) for raw, _ in _spaced(raws)]
        told: dict[str, _Told] = {}
        while not self._text.startswith(f"{ROWS}\n", at):
            if at >= len(self._text):
                raise ValueError("no rows below what is told of them")
            ((key, _), *raws), at = _record(self._text, at)
            cells = [self._cell(raw, place, "") for raw, place in raws]
            told[read_cell(key, "", self._repeated) or ""] = dict(zip(columns, cells, strict=True))
        return read_name(found[1]), told, at + len(f"{ROWS}\n")

    def _rows(self, at: int) -> Iterator[_Told]:
        section: _Told = {}
        day = ""
        while at < len(self._text):
            if self._text.startswith(SECTION, at):
                raws, at = _record(self._text, at + len(SECTION))
                spaced = list(_spaced(raws))
                if _DATE.fullmatch(spaced[0][0]):
                    day = spaced.pop(0)[0]
                for raw, place in spaced:
                    name, value, begin = _pair(raw, place)
                    section = section | {name: self._cell(value, begin, day)}
                    day = date_of(section[name].text) or day
            else:
                try:
                    raws, at = _record(self._text, at)
                    row = self._row(raws, section, day)
                except ValueError:
                    return  # the text was cut here
                yield row

    def _row(self, raws: list[_Raw], section: _Told, day: str) -> _Told:
        width = len(self._header)
        if len(raws) < width:
            raise ValueError("fewer cells than columns")
        told: _Told = {}
        named = [(name, *raw) for name, raw in zip(self._header, raws, strict=False)]
        for name, value, place in (*named, *(_pair(*raw) for raw in raws[width:])):
            told[name] = self._cell(value, place, day)
            day = day or date_of(told[name].text)
        row = self._everywhere | section | told
        if self._key:
            row = self._by_key.get(row.get(self._key, _NOTHING).text, {}) | row
        for name, (formula, start, end) in self._formulas.items():
            if name not in told:
                texts = [row.get(column, _NOTHING).text or None for column in formula.columns]
                made = formula.cell(texts)
                row[name] = _NOTHING if made is None else Cell(made, start, end)
        self.columns += [name for name in row if name not in self.columns]
        return row

    def _cell(self, raw: str, place: int, day: str) -> Cell:
        value = read_cell(raw, day, self._repeated)
        return _NOTHING if value is None else Cell(value, place, place + len(raw))


def _record(text: str, at: int) -> tuple[list[_Raw], int]:
    """The cells of the line at `at` as they are written, and where the next line begins."""
    raws: list[_Raw] = []
    while True:
        found = _RAW.match(text, at)
        raw = found[0] if found else ""
        raws.append((raw, at))
        at += len(raw)
        if at >= len(text):
            return raws, at
        if text[at] == "\n":
            return raws, at + 1
        if text[at] != ",":
            raise ValueError("a quote that does not end")
        at += 1


def _spaced(raws: Sequence[_Raw]) -> Iterator[_Raw]:
    """What a line tells, with the space behind each comma left out."""
    for index, (raw, place) in enumerate(raws):
        yield (raw[1:], place + 1) if index and raw.startswith(" ") else (raw, place)


def _pair(raw: str, place: int) -> tuple[str, str, int]:
    found = _PAIR.fullmatch(raw)
    if found is None:
        raise ValueError("no name=value")
    return read_name(found[1]), found[2], place + found.start(2)
