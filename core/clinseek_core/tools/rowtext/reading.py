"""The text of rows read back: the exact cells that were written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from clinseek_core.tools.rowtext.cells import (
    EMPTY,
    IN_ALL,
    REPEATED,
    ROWS,
    SECTION,
    TOLD_BY,
    UNLESS,
    date_of,
    read_cell,
    read_name,
)
from clinseek_core.tools.rowtext.formulas import Formula, read_formula

__all__ = ["Block", "read_back", "read_block"]

Cells = dict[str, str | None]

_RAW = re.compile(r'(?:[^",\n]++|"(?:[^"]++|"")*+")*+')
_PAIR = re.compile(r'("(?:[^"]++|"")*+"|[^="]*+)=(.*)', re.DOTALL)
_TOLD_BY = re.compile(re.escape(TOLD_BY) + r'("(?:[^"]++|"")*+"|[^:\n]*+): ')
_BARE_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Block(msgspec.Struct, frozen=True):
    """Rows as they were written, each cell by its column; None where it is missing."""

    columns: tuple[str, ...]
    rows: tuple[Cells, ...]


def read_back(text: str) -> Block:
    """The rows of an observation: what stands under its first line that ends with a colon.

    Raises ValueError where there is no such line, or no rows as `as_text` writes them.
    """
    _, colon, block = text.partition(":\n")
    if not colon:
        raise ValueError("no line that ends with a colon, so no rows")
    return read_block(block)


def read_block(text: str, *, cut: bool = False) -> Block:
    """The rows in what `as_text` wrote; ValueError for another text.

    A `cut` text may break off anywhere: the rows before the break are given.
    """
    said: dict[str, list[str]] = {IN_ALL: [], EMPTY: [], UNLESS: [], REPEATED: []}
    at = 0
    while kind := next((kind for kind in said if text.startswith(kind, at)), ""):
        raws, at = _record(text, at + len(kind))
        said[kind] = [raws[0], *(raw.removeprefix(" ") for raw in raws[1:])]
    lookups, at = _lookups(text, at)
    header, at = _record(text, at)
    table = _Table(said, lookups, [read_name(raw) for raw in header])
    rows: list[Cells] = []
    try:
        for row in table.rows(text, at):
            rows.append(row)  # noqa: PERF402 - what was read before an error counts
    except ValueError as error:
        if not cut:
            raise ValueError(f"row {len(rows) + 1}: {error}") from error
    return Block(tuple(table.columns), tuple(rows))


class _Table:
    """What the lines above the rows say, and the rows read by it."""

    def __init__(self, said: Mapping[str, list[str]], lookups: list[list[str]], header: list[str]) -> None:
        self._header = header
        self._repeated = {name: read_cell(raw) or "" for name, raw in map(_pair, said[REPEATED])}
        self._everywhere: Cells = {read_name(raw): None for raw in said[EMPTY]}
        self._formulas: dict[str, Formula] = {}
        for name, raw in map(_pair, [*said[IN_ALL], *said[UNLESS]]):
            formula = None if raw.startswith('"') else read_formula(raw)
            if formula is None:
                self._everywhere[name] = read_cell(raw)
            else:
                self._formulas[name] = formula
        self._key, *self._told_by_key = map(read_name, lookups[0]) if lookups else [""]
        cells = [[read_cell(raw, "", self._repeated) for raw in line] for line in lookups[1:]]
        self._by_key = {of_key: dict(zip(self._told_by_key, line, strict=True)) for of_key, *line in cells}
        self.columns = list(dict.fromkeys([*self._everywhere, *self._formulas, *self._told_by_key, *header]))

    def rows(self, text: str, at: int) -> Iterator[Cells]:
        """The rows from `at` on; ValueError at the first that can't be read."""
        section: Cells = {}
        day = ""
        while at < len(text):
            if text.startswith(SECTION, at):
                raws, at = _record(text, at + len(SECTION))
                told, day = self._section([raws[0], *(raw.removeprefix(" ") for raw in raws[1:])], day)
                section |= told
            else:
                raws, at = _record(text, at)
                yield self._row(raws, section, day)

    def _section(self, raws: list[str], day: str) -> tuple[Cells, str]:
        """What a line tells of the rows below it, and the date told last."""
        if _BARE_DATE.fullmatch(raws[0]):
            day, *raws = raws
        told: Cells = {}
        for name, raw in map(_pair, raws):
            told[name] = read_cell(raw, day, self._repeated)
            day = date_of(told[name]) or day
        return told, day

    def _row(self, raws: list[str], section: Cells, day: str) -> Cells:
        width = len(self._header)
        if len(raws) < width:
            raise ValueError(f"{len(raws)} cells under {width} columns")
        named = [*zip(self._header, raws[:width], strict=True), *map(_pair, raws[width:])]
        told: Cells = {}
        for name, raw in named:
            told[name] = read_cell(raw, day, self._repeated)
            day = day or date_of(told[name])
        row = self._everywhere | section | told
        if self._key:
            row = self._by_key.get(_cell_of(row, self._key), {}) | row
        for name, formula in self._formulas.items():
            if name not in told:
                row[name] = formula.cell([_cell_of(row, column) for column in formula.columns])
        self.columns += [name for name in row if name not in self.columns]
        return row


def _lookups(text: str, at: int) -> tuple[list[list[str]], int]:
    """The names and the lines of the table in which one column tells others; where the header begins."""
    found = _TOLD_BY.match(text, at)
    if found is None:
        return [], at
    raws, at = _record(text, found.end())
    lines = [[found[1], raws[0], *(raw.removeprefix(" ") for raw in raws[1:])]]
    while not text.startswith(f"{ROWS}\n", at):
        if at == len(text):
            raise ValueError(f"no line {ROWS} before the rows")
        raws, at = _record(text, at)
        lines.append(raws)
    return lines, at + len(f"{ROWS}\n")


def _cell_of(row: Cells, column: str) -> str | None:
    if column not in row:
        raise ValueError(f"no column {column} to read")
    return row[column]


def _record(text: str, at: int) -> tuple[list[str], int]:
    """The raw cells of the line at `at`, and where the next line begins."""
    raws = []
    while True:
        found = _RAW.match(text, at)
        raws.append(found[0] if found else "")
        at += len(raws[-1])
        if at == len(text):
            return raws, at
        if text[at] == "\n":
            return raws, at + 1
        if text[at] != ",":
            raise ValueError("a quote that does not end")
        at += 1


def _pair(raw: str) -> tuple[str, str]:
    found = _PAIR.fullmatch(raw)
    if found is None:
        raise ValueError(f"no name=value: {raw[:40]}")
    return read_name(found[1]), found[2]
