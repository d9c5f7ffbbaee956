"""What changed between two tables of one call: rows that went, rows that came, and cells of rows that stayed.

Rows are the same row where the record's keys behind them are the same; where these are not known, where
most of their cells are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from clinseek_replay.reexec.rows import OURS_ALONE, ROW_COUNTERS, Rows

__all__ = ["CellChange", "Change", "Difference", "compare"]

_COMMON = 50
"""A cell that more rows than this hold tells no row from another."""

_TOLD_BY = 2
_TELLS_NOTHING = frozenset(("subject_id", "hadm_id"))

Line = tuple[str | None, ...]


class CellChange(msgspec.Struct, frozen=True):
    """One cell: what the recording says and what the record says now; None where it is missing."""

    column: str
    before: str | None
    after: str | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row."""

    kind: Literal["lost", "gained", "changed"]
    row: int
    """1-based in the recorded result; of a gained row, in the result now."""
    table: str = ""
    cells: tuple[CellChange, ...]
    """The cells that differ; of a lost or gained row all that are not missing."""
    names: tuple[str, ...] = ()
    """Items of the run's answer that the cells name as they were recorded."""
    told_by: tuple[tuple[str, str], ...] = ()
    """Of a changed row some cells that did not change, by which a person knows it."""

    @property
    def vanished(self) -> tuple[CellChange, ...]:
        """Cells that the recording shows and the record, as it is read now, does not."""
        return tuple(cell for cell in self.cells if cell.after is None)


class Difference(msgspec.Struct, frozen=True):
    """How the rows of two tables differ."""

    changes: tuple[Change, ...]
    reordered: bool

    def has(self, kind: str) -> bool:
        """Whether any row changed so."""
        return any(change.kind == kind for change in self.changes)


def compare(
    before: Rows, now: Rows, *, by_place: bool = False, without: frozenset[str] = frozenset()
) -> Difference:
    """The difference of two tables, over the columns of the first but those in `without`.

    With `by_place` columns whose names are in neither's are compared by their place: two SQL dialects name
    an expression differently.
    """
    if not before.columns:
        before = msgspec.structs.replace(before, columns=now.columns)
    columns = [name for name in before.columns if name not in ROW_COUNTERS | without]
    places = _places(before, now, by_place)
    columns = [name for name in columns if places.get(name) is not None or name not in OURS_ALONE]
    then_at = [before.columns.index(name) for name in columns]
    then = [tuple(row[at] for at in then_at) for row in before.cells]
    now_at = [places.get(name) for name in columns]
    here = [tuple(None if at is None else row[at] for at in now_at) for row in now.cells]
    if then == here:
        return Difference((), reordered=False)
    left, right = _unmatched(then, here)
    if not left and not right:
        return Difference((), reordered=True)
    if before.keys and now.keys:
        pairs = _by_key(before, now, left, right)
    else:
        pairs = [(0, 0)] if len(then) == len(here) == 1 else _by_likeness(then, here, left, right)
    paired_left, paired_right = {one for one, _ in pairs}, {other for _, other in pairs}
    changes = [_changed(columns, then, here, one, other, before.table) for one, other in pairs]
    changes += [_gone("lost", columns, then[at], at, before.table) for at in left if at not in paired_left]
    changes.sort(key=lambda change: change.row)
    changes += [_gone("gained", columns, here[at], at, now.table) for at in right if at not in paired_right]
    return Difference(tuple(changes), reordered=False)


def _places(before: Rows, now: Rows, by_place: bool) -> dict[str, int]:
    """Where the first table's columns stand in the second."""
    lowered = {name.lower(): at for at, name in reversed(list(enumerate(now.columns)))}
    places = {name: lowered[name.lower()] for name in before.columns if name.lower() in lowered}
    if by_place and len(before.columns) == len(now.columns):
        taken = set(places.values())
        free = [at for at in range(len(now.columns)) if at not in taken]
        places |= dict(zip((name for name in before.columns if name not in places), free, strict=True))
    return places


def _unmatched(then: Sequence[Line], here: Sequence[Line]) -> tuple[list[int], list[int]]:
    """Which rows of each have no equal in the other."""
    both = Counter(then) & Counter(here)
    return _beyond(then, both.copy()), _beyond(here, both)


def _beyond(rows: Sequence[Line], matched: Counter[Line]) -> list[int]:
    beyond = []
    for at, row in enumerate(rows):
        if matched[row] > 0:
            matched[row] -= 1
        else:
            beyond.append(at)
    return beyond


def _by_key(before: Rows, now: Rows, left: list[int], right: list[int]) -> list[tuple[int, int]]:
    waiting: defaultdict[object, list[int]] = defaultdict(list)
    for at in reversed(right):
        waiting[now.keys[at]].append(at)
    return [(at, waiting[before.keys[at]].pop()) for at in left if waiting[before.keys[at]]]


def _by_likeness(
    then: Sequence[Line], here: Sequence[Line], left: list[int], right: list[int]
) -> list[tuple[int, int]]:
    """Pairs of rows that share at least half of their cells; each row of the first takes the likest left."""
    holders: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for at in right:
        for column, cell in _told(here[at]):
            holders[column, cell].append(at)
    free = set(right)
    pairs = []
    for at in left:
        told = list(_told(then[at]))
        hits = Counter(
            other
            for place in told
            if len(holders[place]) <= _COMMON
            for other in holders[place]
            if other in free
        )
        best = max(hits, key=lambda other: (_alike(then[at], here[other]), -other), default=None)
        if best is not None and 2 * _alike(then[at], here[best]) >= len(then[at]):
            free.discard(best)
            pairs.append((at, best))
    return pairs


def _told(row: Line) -> Iterable[tuple[int, str]]:
    return ((column, cell) for column, cell in enumerate(row) if cell is not None)


def _alike(one: Line, other: Line) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


def _changed(  # noqa: PLR0917 -- one caller
    columns: Sequence[str], then: Sequence[Line], here: Sequence[Line], one: int, other: int, table: str
) -> Change:
    cells = tuple(
        CellChange(name, before, after)
        for name, before, after in zip(columns, then[one], here[other], strict=True)
        if before != after
    )
    kept = [
        (name, before)
        for name, before, after in zip(columns, then[one], here[other], strict=True)
        if before is not None and before == after and name not in _TELLS_NOTHING
    ]
    return Change(kind="changed", row=one + 1, table=table, cells=cells, told_by=tuple(kept[:_TOLD_BY]))


def _gone(kind: Literal["lost", "gained"], columns: Sequence[str], row: Line, at: int, table: str) -> Change:
    lost = kind == "lost"
    cells = tuple(
        CellChange(name, cell if lost else None, None if lost else cell)
        for name, cell in zip(columns, row, strict=True)
        if cell is not None
    )
    return Change(kind=kind, row=at + 1, table=table, cells=cells)
