"""Which of two runs' differences change what was seen, and which only its order or the way there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from clinseek_core.journal import Table
from clinseek_replay.cursor.signature import digest
from clinseek_replay.diff.alignment import Aligned
from clinseek_replay.diff.calls import CallRef, calls_at
from clinseek_replay.evidence.call_kinds import CallKind, call_kind
from clinseek_replay.tables import MISSING, tables_in
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["Gained", "evidence_of", "gained"]

_EVIDENCE: frozenset[CallKind] = frozenset(("patient", "web"))
"""Kinds of calls that show something of the patient or the world; names to choose from are no evidence."""

Unit = bytes
"""Digest of one piece of evidence: a row of the record, a printed row, or a text that holds no table."""


class Gained(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of a diff showed one run and the other never saw, in pieces of evidence."""

    only_a: int = 0
    only_b: int = 0


def evidence_of(call: Call) -> frozenset[Unit]:
    """The pieces of evidence in a call's result; none where it failed, found nothing or reads no evidence.

    A row that its journal traces to rows of the record counts as these, whatever columns were asked for.
    Others count by their cells, whatever their order.
    """
    result = call.result
    if result is None or result.status != "ok" or call_kind(call) not in _EVIDENCE:
        return frozenset()
    if result.table is not None and result.table.rows:
        return frozenset(_of_table(result.table))
    rows = frozenset(_printed_rows(call))
    return rows or frozenset((digest("text", result.text.strip()),))


def gained(a: Trajectory, b: Trajectory, lines: Sequence[Aligned]) -> tuple[Gained, ...]:
    """For each line, how many pieces of evidence it showed that the other run never saw.

    Only the lines that differ are kept in memory; calls that are the same in both show the same.
    """
    differing = [line.change not in ("same", "moved") for line in lines]
    of_a = _seen(a, (line.a for line, differs in zip(lines, differing, strict=True) if differs))
    of_b = _seen(b, (line.b for line, differs in zip(lines, differing, strict=True) if differs))
    only_a = set().union(*of_a.values()) - set().union(*of_b.values())
    only_b = set().union(*of_b.values()) - set().union(*of_a.values())
    shared = [line.a for line, differs in zip(lines, differing, strict=True) if not differs and line.a]
    if only_a or only_b:
        for _, call in calls_at(a, shared):
            units = evidence_of(call)
            only_a -= units
            only_b -= units
    return tuple(
        Gained(only_a=_count(of_a, line.a, only_a), only_b=_count(of_b, line.b, only_b)) for line in lines
    )


_Seen = dict[tuple[int, int], frozenset[Unit]]


def _seen(trajectory: Trajectory, refs: Iterable[CallRef | None]) -> _Seen:
    wanted = (ref for ref in refs if ref is not None)
    return {(ref.step, ref.call): evidence_of(call) for ref, call in calls_at(trajectory, wanted)}


def _count(seen: _Seen, ref: CallRef | None, only: set[Unit]) -> int:
    return 0 if ref is None else len(seen.get((ref.step, ref.call), frozenset()) & only)


def _of_table(table: Table) -> Iterator[Unit]:
    order = _column_order(table.columns)
    for index, row in enumerate(table.rows):
        traced = [
            digest("origin", origin.table, str(origin_row.key))
            for origin in table.origins
            if index < len(origin.rows) and (origin_row := origin.rows[index]) is not None
        ]
        yield from traced or (_printed(order, ["" if cell is None else str(cell) for cell in row]),)


def _printed_rows(call: Call) -> Iterator[Unit]:
    for table in tables_in(call):
        order = _column_order(table.columns)
        for row in table.rows:
            yield _printed(order, ["" if cell.text in MISSING else cell.text for cell in row])


_ColumnOrder = list[tuple[str, int]]


def _column_order(columns: Sequence[str]) -> _ColumnOrder:
    """The columns by name, so that rows are the same in whatever order their columns were asked for."""
    return sorted((name.lower(), index) for index, name in enumerate(columns))


def _printed(order: _ColumnOrder, cells: Sequence[str]) -> Unit:
    """A row by its cells, those that hold nothing left out."""
    told = (
        f"{name}\x1f{cells[index].strip()}" for name, index in order if index < len(cells) and cells[index]
    )
    return digest("row", "\x1e".join(told))
