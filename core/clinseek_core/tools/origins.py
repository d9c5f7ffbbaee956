"""Where the rows of an answer come from: their table, their key, and when they happened and were known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clinseek_core.ehr.snapshot import RowOrigins, Snapshot, SnapshotTable
from clinseek_core.journal.events import Origin, OriginRow

__all__ = ["origins_of", "rows_origin"]


def rows_origin(
    table: SnapshotTable, columns: Sequence[str], rows: Sequence[Sequence[Any]], event_times: Sequence[Any]
) -> tuple[Origin, ...]:
    """The origin of rows that hold the table's key and `known_at`; none for dictionaries."""
    if not table.key:
        return ()
    at = {name: index for index, name in enumerate(columns)}
    known = at.get("known_at")
    found = tuple(
        OriginRow(
            tuple(row[at[name]] for name in table.key), event_time, None if known is None else row[known]
        )
        for row, event_time in zip(rows, event_times, strict=True)
    )
    return (Origin(table=table.name, key=table.key, rows=found),)


def origins_of(snapshot: Snapshot, found: Sequence[RowOrigins]) -> tuple[Origin, ...]:
    """The origins of a query's rows, in the journal's words."""
    return tuple(
        Origin(
            table=each.table,
            key=snapshot.tables[each.table].key,
            rows=tuple(OriginRow(row[2:], row[0], row[1]) if row else None for row in each.rows),
        )
        for each in found
    )
