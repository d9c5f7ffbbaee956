"""What the cells of a column have in common, and whether saying it once is shorter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Literal, NamedTuple

from clinseek_core.tools.rowtext.cells import date_of, written, written_name
from clinseek_core.tools.rowtext.formulas import Formula, copy_of, later_of, number_in

__all__ = ["Cells", "Shared", "changes", "shared_columns"]

Cells = Sequence[str | None]
Kind = Literal["constant", "formula", "section", "lookup"]

_WORTH = 0.6
"""A column leaves the rows, but for some of its cells, where it then takes at most this share of its room."""
_ROWS_AN_EXCEPTION: dict[Kind, int] = {"constant": 2, "formula": 2, "section": 4, "lookup": 10}
"""Rows that there must be for each exception. Sections that change sooner are hard to follow; what a label
tells of most rows only, `abnormal` of a laboratory item, is no property of it."""
_LONGEST = 60
"""Characters of what rows may say otherwise: a longer text is told once in another way."""
_EXCEPTION = 4
"""What a row that says otherwise costs a reader, in characters, beside those it takes."""
_KEY_WORTH = 0.9
"""A column tells others in a table of its own where all then takes at most this share."""
_SAMPLE = 24
"""Rows in which a formula must hold for half before it is tried on all."""
_MOST_TIMES = 6
_PLAIN_NAME = re.compile(r"\w+")
_PLAIN_START = re.compile(r"[\w.-]*-", re.ASCII)


class Shared(NamedTuple):
    """A column that is told once for many rows."""

    kind: Kind
    exceptions: tuple[int, ...] = ()
    """The rows that say otherwise; of a `section`, the rows at which the cell changes."""
    words: str = ""
    """Its `constant` cell, or its `formula`."""
    reads: tuple[str, ...] = ()
    """The columns that its `formula` reads; of a `lookup` the one column that tells it."""
    cells: Mapping[str | None, str | None] = MappingProxyType({})
    """Of a `lookup`: by the other column's cell, its own."""


class _Column(NamedTuple):
    """A column with how long each cell is as it is written."""

    cells: Cells
    lengths: Sequence[int]
    label: int
    """How long its name is, with a sign before and after it."""

    @property
    def in_rows(self) -> int:
        """How much room it takes where every row tells it."""
        return self.label + sum(self.lengths) + len(self.lengths)


_Table = Mapping[str, _Column]


def shared_columns(cells: Mapping[str, Cells]) -> dict[str, Shared]:
    """The columns that are told once instead of in every row; at least one is left."""
    table = {
        name: _Column(texts, [len(written(text)) for text in texts], len(written_name(name)) + 2)
        for name, texts in cells.items()
    }
    alone = _shared(table, "", {})
    key, lookups = _best_key(table, alone)
    if not key:
        return alone
    together = _shared(table, key, lookups)
    return together if _size(together, table) < _KEY_WORTH * _size(alone, table) else alone


def _shared(table: _Table, key: str, lookups: Mapping[str, Shared]) -> dict[str, Shared]:
    """Each column as it is told shortest, where `key` is a column that may tell others as in `lookups`."""
    shared: dict[str, Shared] = {}
    read = {key}
    names = list(table)
    # From the last to the first: what stands later is told by what stands earlier.
    for name in reversed(names):
        column = table[name]
        ways = [Shared("section", changes(column.cells))]
        if name != key:
            ways.append(_constant(column.cells))
        if name not in read:
            formulas = _formulas(name, table, shared)
            ways += filter(None, (_holds(formula, name, table) for formula in formulas))
        if name in lookups:
            ways.append(lookups[name])
        ways = [way for way in ways if _is_worth_it(way, column)]
        if ways and len(shared) + 1 < len(table):
            shared[name] = min(ways, key=lambda way: _cost(way, column))
            read.update(shared[name].reads)
    return {name: shared[name] for name in names if name in shared}


def _best_key(table: _Table, alone: Mapping[str, Shared]) -> tuple[str, dict[str, Shared]]:
    """The column of words that tells most of the others, and how; empty where none is worth its own table."""
    best, most, key = {}, 0, ""
    for name, column in table.items():
        if not _are_words(column.cells):
            continue
        lookups = {}
        gain = -_key_size(column)
        for other, told in table.items():
            way = _lookup(told.cells, name, column.cells) if other != name else None
            if way and _is_worth_it(way, told):
                lookups[other] = way
                room = _cost(alone[other], told) if other in alone else told.in_rows
                gain += max(room - _cost(way, told), 0)
        if gain > most:
            best, most, key = lookups, gain, name
    return key, best


def _are_words(cells: Cells) -> bool:
    """Whether cells come again and again and are words, which say more to a reader than a code does."""
    texts = {text for text in cells if text is not None}
    plain = [text for text in texts if text != text.upper() and not date_of(text)]
    return len(plain) * 2 > len(texts) and len(texts) * 2 <= len(cells)


def _lookup(cells: Cells, key: str, keys: Cells) -> Shared | None:
    """Each cell by the key's cell, the one most rows have; None where that is soon seen to fail."""
    first: dict[str | None, str | None] = {}
    fails = sum(first.setdefault(of, text) != text for of, text in zip(keys[:_SAMPLE], cells, strict=False))
    if fails * 2 > _SAMPLE:
        return None
    groups: dict[str | None, Counter[str | None]] = {}
    for (of, text), times in Counter(zip(keys, cells, strict=True)).items():
        groups.setdefault(of, Counter())[text] = times
    told = {of: group.most_common(1)[0][0] for of, group in groups.items()}
    pairs = enumerate(zip(keys, cells, strict=True))
    exceptions = tuple(row for row, (of, text) in pairs if told[of] != text)
    return Shared("lookup", exceptions, reads=(key,), cells=told)


def changes(cells: Cells) -> tuple[int, ...]:
    """The rows, but the first, whose cell differs from that above."""
    return tuple(row for row, (above, text) in enumerate(pairwise(cells), 1) if text != above)


def _constant(cells: Cells) -> Shared:
    ((most, _),) = Counter(cells).most_common(1)
    return Shared("constant", tuple(row for row, text in enumerate(cells) if text != most), written(most))


def _formulas(name: str, table: _Table, shared: Mapping[str, Shared]) -> Iterator[Formula]:
    """The formulas worth a try: of columns that no formula tells, and but for one kind of earlier ones."""
    others = [
        other
        for other in table
        if other != name and _PLAIN_NAME.fullmatch(other) and not (other in shared and shared[other].reads)
    ]
    earlier = [other for other in others if other in set(list(table)[: list(table).index(name)])]
    for other in earlier:
        yield copy_of(other)
        yield number_in(other)
    cells = table[name].cells
    if not any(map(date_of, cells)):
        starts = ((other, _start(cells, table[other].cells)) for other in others)
        yield from (copy_of(other, start) for other, start in starts if start)
        return
    times = [other for other in earlier if any(map(date_of, table[other].cells))]
    yield from (later_of(*pair) for pair in combinations(times[:_MOST_TIMES], 2))


def _start(cells: Cells, ends: Cells) -> str:
    """What the first cell has before the text of the other column: `90000001-` of `90000001-12`."""
    whole, end = next(((a, b) for a, b in zip(cells, ends, strict=True) if a and b), ("", ""))
    start = whole[: -len(end)] if end and whole.endswith(end) else ""
    return start if _PLAIN_START.fullmatch(start) else ""


def _holds(formula: Formula, name: str, table: _Table) -> Shared | None:
    """The formula with its exceptions; None where it fails in most rows."""
    sources_of_rows = zip(*(table[column].cells for column in formula.columns), strict=True)
    pairs = zip(table[name].cells, sources_of_rows, strict=True)
    exceptions: list[int] = []
    for row, (text, sources) in enumerate(pairs):
        if formula.cell(sources) != text:
            exceptions.append(row)
            if row < _SAMPLE and len(exceptions) * 2 > min(_SAMPLE, len(table[name].cells)):
                return None
    return Shared("formula", tuple(exceptions), formula.words, formula.columns)


def _size(shared: Mapping[str, Shared], table: _Table) -> int:
    """About how many characters the whole takes."""
    keys = {way.reads[0] for way in shared.values() if way.kind == "lookup"}
    columns = sum(
        _cost(shared[name], column) if name in shared else column.in_rows for name, column in table.items()
    )
    return columns + sum(_key_size(table[key]) for key in keys)


def _key_size(column: _Column) -> int:
    lengths = dict(zip(column.cells, column.lengths, strict=True))
    return 2 * column.label + sum(lengths.values()) + len(lengths)


def _cost(way: Shared, column: _Column) -> int:
    told = [0, *way.exceptions] if way.kind == "section" else way.exceptions
    each = column.label + (0 if way.kind == "section" else _EXCEPTION)
    once = len(way.words) + sum(len(written(text)) + 1 for text in way.cells.values())
    return column.label + once + sum(each + column.lengths[row] for row in told)


def _is_worth_it(way: Shared, column: _Column) -> bool:
    if way.kind == "constant" and not way.exceptions:
        return True
    if way.exceptions and len(way.words) > _LONGEST:
        return False
    if len(way.exceptions) * _ROWS_AN_EXCEPTION[way.kind] > len(column.cells):
        return False
    worth = _WORTH if way.exceptions or way.kind == "lookup" else 1
    return _cost(way, column) < worth * column.in_rows
