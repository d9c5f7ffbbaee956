"""The dated record: one patient's whole record, and beside every row and later cell when it became known.

It holds the future. It lives in a database of its own that is detached before any tool can run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.case import Policy
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.ehr.tree import read_candidates, read_patient
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import CLOCKS, CONTRACT, Rule

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RECORD", "date_record", "exposed", "known", "open_record"]

RECORD = "record"
"""The attached database that holds the dated record, in schema `dated`."""


def open_record(
    root: Path, subject_id: int, policy: Policy, on_progress: Callable[[str], None]
) -> tuple[DuckDBPyConnection, tuple[str, ...]]:
    """Read a patient from a MIMIC-IV tree and date the record; the connection and what was noticed."""
    import duckdb  # noqa: PLC0415 - heavy: loaded where a record is read

    # One thread: float sums and group order vary with more.
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute(f"ATTACH ':memory:' AS {RECORD}")
    con.execute(f"USE {RECORD}")
    notices = read_patient(con, root, subject_id, on_progress)
    read_candidates(con, root, subject_id, on_progress)
    on_progress("dating the record")
    date_record(con, policy)
    return con, notices


def date_record(con: DuckDBPyConnection, policy: Policy) -> None:
    """Make schema `dated` from `raw`: each table with `known_at`, and a `<column>@known` per later cell.

    Tables of pending results get `pending` and `superseded_at` too: when the first result was known.
    """
    con.execute(CLOCKS)
    con.execute(f"CREATE MACRO coding_lag() AS INTERVAL ({int(policy.coding_lag_hours)}) HOUR")
    con.execute("CREATE SCHEMA dated")
    for name, rule in CONTRACT.items():
        con.execute(f"CREATE TABLE dated.{name} AS {_dated_sql(tables()[name], rule, policy)}")


def known(column: str) -> str:
    """The name of the column that says when a later cell became known."""
    return f"{column}@known"


def exposed(info: TableInfo, rule: Rule, policy: Policy) -> tuple[str, ...]:
    """The columns of a table that the contract lets through, in MIMIC-IV's order; derived ones last."""
    if policy.basis == "upstream":
        return tuple(column.name for column in info.columns)
    return (*(c.name for c in info.columns if c.name not in rule.never), *rule.derived)


def _dated_sql(info: TableInfo, rule: Rule, policy: Policy) -> str:
    columns = ", ".join(quoted(column.name) for column in info.columns)
    if policy.basis == "upstream":
        return f"SELECT {columns}, {_upstream_time(info, rule)} AS known_at FROM raw.{info.name}"
    clocks = [f"{_row_time(rule, policy)} AS known_at"]
    clocks += [f"({time})::TIMESTAMP AS {quoted(known(column))}" for column, time in rule.later.items()]
    rows = f"SELECT {columns}, {', '.join(clocks)} FROM raw.{info.name}"
    return _with_pending(rows, info, rule) if rule.pending else rows


def _row_time(rule: Rule, policy: Policy) -> str:
    if policy.basis == "event" and rule.event:
        return f"({rule.event})::TIMESTAMP"
    if policy.interval_rows == "started" and rule.started:
        return f"({rule.started})::TIMESTAMP"
    return f"({rule.available})::TIMESTAMP"


def _upstream_time(info: TableInfo, rule: Rule) -> str:
    """The reference implementation's rule: the first column whose name holds `time` or `date`.

    A table without one is not filtered; a date counts as 23:59 of its day.
    """
    if rule.upstream:
        return f"({rule.upstream})::TIMESTAMP"
    for column in info.columns:
        if any(word in column.name.lower() for word in ("time", "date")):
            if column.type == "DATE":
                return f"{quoted(column.name)}::TIMESTAMP + INTERVAL '23:59:00'"
            return f"TRY_CAST({quoted(column.name)} AS TIMESTAMP)"
    return "TIMESTAMP '0001-01-01'"


def _with_pending(rows: str, info: TableInfo, rule: Rule) -> str:
    """Rows of results, and before the first of them one row for what they belong to."""
    pending = rule.pending
    assert pending is not None  # noqa: S101 - the caller asked
    shown = [
        quoted(c.name) if c.name in pending.columns else f"NULL AS {quoted(c.name)}" for c in info.columns
    ]
    clocks = [f"({time})::TIMESTAMP AS {quoted(known(column))}" for column, time in rule.later.items()]
    order = ", ".join((pending.known, *pending.columns))
    return f"""
        SELECT *, NULL::TIMESTAMP AS superseded_at, FALSE AS pending FROM ({rows})
        UNION ALL BY NAME
        SELECT {", ".join(shown)}, ({pending.known})::TIMESTAMP AS known_at, {", ".join(clocks)},
            (SELECT min(d.known_at) FROM ({rows}) d WHERE d.{pending.key} = first.{pending.key})
                AS superseded_at, TRUE AS pending
        FROM (
            SELECT * FROM raw.{info.name}
            QUALIFY row_number() OVER (PARTITION BY {pending.key} ORDER BY {order}) = 1
        ) first
        WHERE {pending.key} IS NOT NULL
    """
