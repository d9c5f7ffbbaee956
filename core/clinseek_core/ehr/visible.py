"""What was known: from the dated record, the rows and cells known at a cutoff, in a locked database.

Everything that is shown is decided here, by SQL made from the contract; nothing is filtered afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.candidates import CANDIDATE_TABLES
from clinseek_core.case import Policy
from clinseek_core.ehr.record import HAPPENED_AT, UPSTREAM_AT, Record, Relation, event_clock, known, row_order
from clinseek_core.ehr.sandbox import install_clock, lock
from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.ehr.source import RECORD, attach_record, find_source
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT, Rule, upstream_clock
from clinseek_core.mimic.keys import KEYS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["open_snapshot", "take_snapshot"]

_NOTE_NUMBERS = {"note_id": "number", "note_seq": "seq"}
"""Columns of notes that are numbered anew: where their number stands."""


def open_snapshot(
    path: Path,
    subject_id: int,
    cutoff: datetime,
    policy: Policy,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Read a patient from a source and take the snapshot at `cutoff`.

    `path` is what `find_source` takes. Raises InputError for a source or patient that is not there.
    """
    con = attach_record()
    record = find_source(path).record(con, subject_id, on_progress)
    on_progress("taking the snapshot")
    snapshot = take_snapshot(con, record, subject_id, cutoff, policy)
    snapshot.notices = (*record.notices, *_outcome_notices(snapshot))
    return snapshot


def take_snapshot(
    con: DuckDBPyConnection, record: Record, subject_id: int, cutoff: datetime, policy: Policy
) -> Snapshot:
    """Copy what was known at `cutoff` out of the dated record, detach the record, and lock.

    The order matters: what is attached when external access is switched off stays readable.
    """
    con.execute(f"USE {RECORD}")
    con.execute(f"CREATE MACRO cutoff() AS TIMESTAMP '{cutoff:%Y-%m-%d %H:%M:%S}'")
    known_by = "<=" if policy.boundary == "inclusive" else "<"
    con.execute(f"CREATE MACRO known_by_cutoff(t) AS coalesce(t {known_by} cutoff(), FALSE)")
    for notes in sorted({rule.note_ids for rule in CONTRACT.values() if rule.note_ids}):
        con.execute(
            f"CREATE TABLE numbers_{notes} AS {_note_numbers_sql(record.relations[notes].sql, notes, policy)}"
        )
    found: list[SnapshotTable] = []
    outside = record.references
    for name in (*CONTRACT, *CANDIDATE_TABLES):
        if name in outside.columns:
            columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in outside.columns[name])
            con.execute(f"CREATE TABLE memory.main.{name} ({columns})")
            shown, rows = tuple(column for column, _ in outside.columns[name]), outside.counts.get(name)
        else:
            sql = _visible_sql(record.relations[name], tables()[name], CONTRACT[name], policy)
            (rows,) = con.execute(f"CREATE TABLE memory.main.{name} AS {sql}").fetchone() or (0,)
            shown = _shown(tables()[name], CONTRACT[name], policy)
        found.append(_described(name, shown, rows))
    con.execute("USE memory")
    con.execute(f"DETACH {RECORD}")
    install_clock(con, cutoff)
    # What was copied has a total order whatever the threads; a query's float sums and groups would not.
    con.execute("SET threads = 1")
    lock(con)
    return Snapshot(con, tuple(found), subject_id, cutoff, policy, outside)


def _described(name: str, columns: tuple[str, ...], rows: int | None) -> SnapshotTable:
    info = tables().get(name)
    clock = (event_clock(info) if info else "") or ("known_at" if "known_at" in columns else "")
    dictionary = info is None or info.kind == "dictionary"
    return SnapshotTable(name, columns, rows, clock, dictionary, KEYS.get(name, ()))


def _shown(info: TableInfo, rule: Rule, policy: Policy) -> tuple[str, ...]:
    return _exposed(info, rule, policy) + (() if rule.available == ALWAYS else ("known_at",))


def _visible_sql(relation: Relation, info: TableInfo, rule: Rule, policy: Policy) -> str:
    """The rows known at the cutoff, unknown cells NULL, in a total order over what is visible."""
    cells = {name: _cell(name, rule, policy) for name in _exposed(info, rule, policy)}
    clock = _row_clock(info, rule, policy)
    if rule.available != ALWAYS:
        cells["known_at"] = clock
    shown = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in cells.items())
    rows = f"SELECT {shown} FROM {relation.sql} row WHERE {_is_visible(clock, rule, policy)}"
    if not relation.sorted:
        rows = f"SELECT * FROM ({rows}) ORDER BY {_order(info, rule, policy)}"
    # Notes have theirs from the same count as their `note_id`.
    counters = () if policy.basis == "upstream" or rule.note_ids else rule.counters
    # A window without an order of its own numbers the rows as they come: already sorted.
    numbered = ", ".join(f"row_number() OVER () AS {quoted(name)}" for name in counters)
    return f"SELECT * REPLACE ({numbered}) FROM ({rows})" if numbered else rows


def _exposed(info: TableInfo, rule: Rule, policy: Policy) -> tuple[str, ...]:
    """The columns of a table that the contract lets through, in MIMIC-IV's order; derived ones last."""
    if policy.basis == "upstream":
        return tuple(column.name for column in info.columns)
    return (*(c.name for c in info.columns if c.name not in rule.never), *rule.derived)


def _row_clock(info: TableInfo, rule: Rule, policy: Policy) -> str:
    """When a row became known under the policy: a column of the dated record, or an expression over it."""
    if policy.basis == "upstream":
        return UPSTREAM_AT if rule.upstream else upstream_clock(info, rule) or ALWAYS
    if policy.basis == "event" and rule.event:
        return HAPPENED_AT
    if policy.interval_rows == "started" and rule.started:
        return f"({rule.started})::TIMESTAMP"
    if rule.coded and policy.coding_lag_hours:
        return f"row.known_at + INTERVAL ({int(policy.coding_lag_hours)}) HOUR"
    return "row.known_at"


def _cell(name: str, rule: Rule, policy: Policy) -> str:
    column = f"row.{quoted(name)}"
    if policy.basis == "upstream":
        return column
    if name in rule.derived:
        return rule.derived[name]
    if rule.note_ids and name in _NOTE_NUMBERS:
        return _note_number(_NOTE_NUMBERS[name], rule, "note_id")
    if rule.names_note and name == "field_value":
        other = _note_number("number", rule, name)
        return f"CASE WHEN {rule.names_note} THEN {other} ELSE {column} END"
    if name in rule.later:
        return f"CASE WHEN known_by_cutoff({quoted(known(name))}) THEN {column} END"
    return column


def _note_number(column: str, rule: Rule, key: str) -> str:
    numbers = f"numbers_{rule.note_ids}"
    return f"(SELECT min(n.{column}) FROM {numbers} n WHERE n.note_id = row.{key})"


def _is_visible(clock: str, rule: Rule, policy: Policy) -> str:
    if not rule.pending:
        return f"known_by_cutoff({clock})"
    if policy.basis == "upstream":
        return f"NOT pending AND known_by_cutoff({clock})"
    return f"known_by_cutoff({clock}) AND NOT known_by_cutoff(superseded_at)"


def _order(info: TableInfo, rule: Rule, policy: Policy) -> str:
    """The row's order, then every other visible cell: rows that tie are the same to the letter."""
    first = row_order(info, rule)
    rest = [quoted(name) for name in _shown(info, rule, policy) if name not in rule.counters]
    return ", ".join(dict.fromkeys((*first, *rest)))


def _note_numbers_sql(relation: str, notes: str, policy: Policy) -> str:
    """`note_id` to numbers of its own that count visible notes only: the originals count all of them."""
    clock = _row_clock(tables()[notes], CONTRACT[notes], policy)
    # The originals count all notes of a type: their number orders them, their digits as text would not.
    order = "charttime, note_type, length(note_id), note_id"
    return (
        "SELECT note_id, seq, subject_id || '-' || coalesce(note_type, 'N') || '-' || seq AS number FROM ("
        f"SELECT note_id, subject_id, note_type, row_number() OVER (ORDER BY {order}) AS seq"
        f" FROM {relation} row WHERE known_by_cutoff({clock}))"
    )


def _outcome_notices(snapshot: Snapshot) -> tuple[str, ...]:
    """A case that is asked after the outcome proves nothing: what of it is in the record."""
    if snapshot.policy.basis == "upstream":
        return ()
    died = snapshot.select("SELECT min(deathtime) FROM admissions").rows[0][0]
    return (
        (f"the patient died at {died}, before the case's time: the outcome is in the record",) if died else ()
    )
