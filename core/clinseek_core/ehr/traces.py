"""What would tell a patient to somebody outside: identifiers, dates and free text of an open record."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.errors import WorkerError
from clinseek_core.mimic import TableInfo, tables

__all__ = ["Traces", "traces_of"]

_IDENTIFIERS = frozenset(("subject", "id", "key", "staff"))
"""Roles of columns whose values name a person, a stay, a sample, an order or a document."""
_TIMES = frozenset(("TIMESTAMP", "DATE"))
_FREE_TEXT = frozenset(("text", "comments", "chiefcomplaint", "field_value"))
"""Columns in which somebody wrote sentences."""
_MAX_CHARACTERS = 64_000_000


class Traces(msgspec.Struct, frozen=True):
    """The values themselves; they stay in memory and are written nowhere."""

    identifiers: tuple[str, ...]
    days: tuple[str, ...]
    """ISO dates: `2150-03-02`."""
    texts: tuple[str, ...]


def traces_of(snapshot: Snapshot) -> Traces:
    """The traces of everything a snapshot shows.

    Raises WorkerError where it shows more text than can be held: then nothing is known to be safe.
    """
    identifiers: set[str] = {str(snapshot.subject_id)}
    days: set[str] = {snapshot.cutoff.date().isoformat()}
    texts: set[str] = set()
    for shown, known in _patients_tables(snapshot):
        for name in shown.columns:
            column = known.column(name)
            if name == "known_at" or (column is not None and column.type in _TIMES):
                days.update(_values(snapshot, shown.name, f"CAST({quoted(name)} AS DATE)"))
            elif column is not None and column.role in _IDENTIFIERS:
                identifiers.update(_values(snapshot, shown.name, quoted(name)))
            elif column is not None and column.name in _FREE_TEXT:
                texts.update(_values(snapshot, shown.name, quoted(name)))
    characters = sum(map(len, texts))
    if characters > _MAX_CHARACTERS:
        raise WorkerError(f"the record holds {characters:,} characters of notes, too many to be guarded")
    return Traces(*(tuple(sorted(found)) for found in (identifiers, days, texts)))


def _patients_tables(snapshot: Snapshot) -> Iterator[tuple[SnapshotTable, TableInfo]]:
    catalogue = tables()
    for shown in snapshot.tables.values():
        known = catalogue.get(shown.name)
        if known is not None and known.kind == "patient" and shown.rows is not None:
            yield shown, known


def _values(snapshot: Snapshot, table: str, expression: str) -> Iterator[str]:
    found = snapshot.select(
        f"SELECT DISTINCT CAST({expression} AS VARCHAR) FROM {quoted(table)} WHERE {expression} IS NOT NULL"
    )
    return (value for (value,) in found.rows)
