"""What the cells of a column have in common, and whether saying it once is shorter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from clinseek_core.tools.rowtext.cells import date_of, written, written_name
from clinseek_core.tools.rowtext.formulas import Formula, copy_of, later_of, number_in

__all__ = ["Cells", "Shared", "changes", "shared_columns"]

Cells = Sequence[str | None]

_WORTH = 0.6
"""A column leaves the rows, but for some of its cells, where it then takes at most this share of its room."""
_ROWS_A_SECTION = 4
"""Sections that change sooner are hard to follow."""
_LONGEST = 60
"""Characters of what rows may say otherwise: a longer text is told once in another way."""
_EXCEPTION = 4
"""What a row that says otherwise costs a reader, in characters, beside those it takes."""
_SAMPLE = 24
"""Rows in which a formula must hold for half before it is tried on all."""
_MOST_TIMES = 6
_PLAIN_NAME = re.compile(r"\w+")
_PLAIN_START = re.compile(r"[\w.-]*-", re.ASCII)


class Shared(NamedTuple):
    """A column that is told once for many rows."""

    words: str = ""
    """Its cell, or its formula; nothing where lines of their own tell it for the rows below them."""
    exceptions: tuple[int, ...] = ()
    """The rows that say otherwise; by sections, the rows at which the cell changes."""
    reads: tuple[str, ...] = ()
    """The columns its formula reads."""
    by_section: bool = False


def shared_columns(table: Mapping[str, Cells]) -> dict[str, Shared]:
    """The columns that are told once instead of in every row; at least one is left."""
    shared: dict[str, Shared] = {}
    read: set[str] = set()
    names = list(table)
    # From the last to the first: what stands later is told by what stands earlier.
    for name in reversed(names):
        ways = [_constant(table[name]), Shared(exceptions=changes(table[name]), by_section=True)]
        if name not in read:
            formulas = _formulas(name, table, shared)
            ways += filter(None, (_holds(formula, name, table) for formula in formulas))
        ways = [way for way in ways if _is_worth_it(way, name, table[name])]
        if ways and len(shared) + 1 < len(table):
            shared[name] = min(ways, key=lambda way: _cost(way, name, table[name]))
            read.update(shared[name].reads)
    return {name: shared[name] for name in names if name in shared}


def changes(cells: Cells) -> tuple[int, ...]:
    """The rows, but the first, whose cell differs from that above."""
    return tuple(row for row, (above, text) in enumerate(pairwise(cells), 1) if text != above)


def _constant(cells: Cells) -> Shared:
    ((most, _),) = Counter(cells).most_common(1)
    return Shared(written(most), tuple(row for row, text in enumerate(cells) if text != most))


def _formulas(name: str, table: Mapping[str, Cells], shared: Mapping[str, Shared]) -> Iterator[Formula]:
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
    if not any(map(date_of, table[name])):
        yield from (copy_of(other, start) for other in others if (start := _start(table[name], table[other])))
        return
    times = [other for other in earlier if any(map(date_of, table[other]))]
    yield from (later_of(*pair) for pair in combinations(times[:_MOST_TIMES], 2))


def _start(cells: Cells, ends: Cells) -> str:
    """What the first cell has before the text of the other column: `90000001-` of `90000001-12`."""
    whole, end = next(((a, b) for a, b in zip(cells, ends, strict=True) if a and b), ("", ""))
    start = whole[: -len(end)] if end and whole.endswith(end) else ""
    return start if _PLAIN_START.fullmatch(start) else ""


def _holds(formula: Formula, name: str, table: Mapping[str, Cells]) -> Shared | None:
    """The formula with its exceptions; None where it fails in most rows."""
    pairs = zip(table[name], zip(*(table[column] for column in formula.columns), strict=True), strict=True)
    exceptions: list[int] = []
    for row, (text, sources) in enumerate(pairs):
        if formula.cell(sources) != text:
            exceptions.append(row)
            if row < _SAMPLE and len(exceptions) * 2 > min(_SAMPLE, len(table[name])):
                return None
    return Shared(formula.words, tuple(exceptions), formula.columns)


def _cost(way: Shared, name: str, cells: Cells) -> int:
    label = len(written_name(name)) + len("=,")
    told = [0, *way.exceptions] if way.by_section else way.exceptions
    each = label + (0 if way.by_section else _EXCEPTION)
    return label + len(way.words) + sum(each + len(written(cells[row])) for row in told)


def _is_worth_it(way: Shared, name: str, cells: Cells) -> bool:
    if not way.exceptions and not way.reads:
        return True
    in_rows = len(name) + 1 + sum(len(written(text)) + 1 for text in cells)
    worth = _WORTH if way.exceptions else 1
    few = len(way.exceptions) * (_ROWS_A_SECTION if way.by_section else 2) <= len(cells)
    if way.exceptions and len(way.words) > _LONGEST:
        return False
    return few and _cost(way, name, cells) < worth * in_rows
