"""What was known: from the dated record, the rows and cells known at a cutoff, in a locked database.

Everything that is shown is decided here, by SQL made from the contract; nothing is filtered afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.case import Policy
from clinseek_core.ehr.candidates import CANDIDATE_TABLES
from clinseek_core.ehr.record import RECORD, exposed, known, open_record
from clinseek_core.ehr.sandbox import install_clock, lock
from clinseek_core.ehr.snapshot import Snapshot, event_clock
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT, Rule

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["open_snapshot", "take_snapshot"]


def open_snapshot(
    root: Path,
    subject_id: int,
    cutoff: datetime,
    policy: Policy,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Read a patient from a MIMIC-IV tree and take the snapshot at `cutoff`.

    Raises InputError for a tree or patient that is not there.
    """
    con, notices = open_record(root, subject_id, policy, on_progress)
    on_progress("taking the snapshot")
    snapshot = take_snapshot(con, subject_id, cutoff, policy)
    snapshot.notices = notices
    return snapshot


def take_snapshot(con: DuckDBPyConnection, subject_id: int, cutoff: datetime, policy: Policy) -> Snapshot:
    """Copy what was known at `cutoff` out of the dated record, detach the record, and lock.

    The order matters: what is attached when external access is switched off stays readable.
    """
    con.execute(f"USE {RECORD}")
    con.execute(f"CREATE MACRO cutoff() AS TIMESTAMP '{cutoff:%Y-%m-%d %H:%M:%S}'")
    known_by = "<=" if policy.boundary == "inclusive" else "<"
    con.execute(f"CREATE MACRO known_by_cutoff(t) AS coalesce(t {known_by} cutoff(), FALSE)")
    for notes in sorted({rule.note_ids for rule in CONTRACT.values() if rule.note_ids}):
        con.execute(f"CREATE TABLE numbers_{notes} AS {_note_numbers_sql(tables()[notes], policy)}")
    for name, rule in CONTRACT.items():
        con.execute(f"CREATE TABLE memory.main.{name} AS {_visible_sql(tables()[name], rule, policy)}")
    for name in CANDIDATE_TABLES:
        con.execute(f"CREATE TABLE memory.main.{name} AS SELECT * FROM raw.{name} ORDER BY ALL")
    con.execute("USE memory")
    con.execute(f"DETACH {RECORD}")
    install_clock(con, cutoff)
    lock(con)
    return Snapshot(con, subject_id, cutoff, policy)


def _visible_sql(info: TableInfo, rule: Rule, policy: Policy) -> str:
    """The rows known at the cutoff, unknown cells NULL, in a total order over what is visible."""
    cells = {name: _cell(name, rule, policy) for name in exposed(info, rule, policy)}
    if rule.available != ALWAYS:
        cells["known_at"] = "known_at"
    shown = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in cells.items())
    order = _order(info, rule, policy)
    counters = () if policy.basis == "upstream" else rule.counters
    numbered = ", ".join(f"row_number() OVER (ORDER BY {order}) AS {quoted(name)}" for name in counters)
    replaced = f"* REPLACE ({numbered})" if numbered else "*"
    rows = f"SELECT {shown} FROM dated.{info.name} row WHERE {_is_visible(rule, policy)}"
    return f"SELECT {replaced} FROM ({rows}) ORDER BY {order}"


def _cell(name: str, rule: Rule, policy: Policy) -> str:
    column = quoted(name)
    if policy.basis == "upstream":
        return column
    if name in rule.derived:
        return rule.derived[name]
    if rule.note_ids and name == "note_id":
        return f"(SELECT min(n.number) FROM numbers_{rule.note_ids} n WHERE n.note_id = row.note_id)"
    if name in rule.later:
        return f"CASE WHEN known_by_cutoff({quoted(known(name))}) THEN {column} END"
    return column


def _is_visible(rule: Rule, policy: Policy) -> str:
    if policy.basis != "upstream" and rule.pending:
        return "known_by_cutoff(known_at) AND NOT known_by_cutoff(superseded_at)"
    return "known_by_cutoff(known_at)"


def _order(info: TableInfo, rule: Rule, policy: Policy) -> str:
    """When a row happened, then every visible cell: rows that tie are the same to the letter."""
    names = [quoted(name) for name in exposed(info, rule, policy) if name not in rule.counters]
    clock = event_clock(info)
    if clock:
        names.insert(0, clock)
    if rule.available != ALWAYS:
        names.append("known_at")
    return ", ".join(names)


def _note_numbers_sql(info: TableInfo, policy: Policy) -> str:
    """`note_id` to a number of its own that counts visible notes only: the original counts all of them."""
    rank = "row_number() OVER (ORDER BY charttime, note_id)"
    number = f"subject_id || '-' || coalesce(note_type, 'N') || '-' || {rank}"
    shown = "note_id" if policy.basis == "upstream" else number
    return f"SELECT note_id, {shown} AS number FROM dated.{info.name} WHERE known_by_cutoff(known_at)"
