"""The dated record: whole patients, and beside every row and later cell the time it became known.

It holds the future. It lives in a database of its own that is detached before any tool can run. It does not
depend on a run's policy: what a policy chooses between stands side by side in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from clinseek_core.ehr.sql_text import quoted
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import CLOCKS, CONTRACT, Rule

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from clinseek_core.ehr.references import References

__all__ = [
    "HAPPENED_AT",
    "UPSTREAM_AT",
    "Record",
    "Relation",
    "date_record",
    "dated_columns",
    "dated_sql",
    "event_clock",
    "install_clocks",
    "known",
    "row_order",
    "split_stays",
]

HAPPENED_AT = "happened_at"
"""When a row happened, in tables where basis `event` differs from `available`."""
UPSTREAM_AT = "upstream_at"
"""The time that the reference implementation makes up for a table that has none."""


class Relation(NamedTuple):
    """Where a database reads a patient's rows of one table from."""

    sql: str
    sorted: bool = False
    """They come in `row_order`, and no two of them are alike in it."""


class Record(NamedTuple):
    """One patient's dated record, as a database can read it."""

    relations: Mapping[str, Relation]
    """Per table of patients' rows, and per dictionary that is not a reference."""
    references: References
    notices: tuple[str, ...]
    """What was noticed on the way: columns left out, cells of the wrong type."""


_ICU_UNIT = "intensive|critical|icu|ccu|neuro (stepdown|intermediate)"
_ICU_PARTS = f"""
CREATE TEMP TABLE icu_parts AS
WITH inside AS (
    SELECT s.stay_id, t.intime, t.outtime, t.careunit,
        regexp_matches(lower(t.careunit), '{_ICU_UNIT}')
            OR t.careunit IN (s.first_careunit, s.last_careunit) AS in_icu
    FROM raw.icustays s
    JOIN raw.transfers t ON t.subject_id = s.subject_id AND t.intime >= s.intime AND t.intime < s.outtime
    WHERE t.careunit IS NOT NULL
), merged AS (
    SELECT *, count(*) FILTER (WHERE NOT in_icu) OVER (PARTITION BY stay_id ORDER BY intime) AS part
    FROM inside
    QUALIFY bool_or(NOT in_icu) OVER (PARTITION BY stay_id)
)
SELECT stay_id, min(intime) AS intime, max(outtime) AS outtime,
    min_by(careunit, intime) AS first_careunit, max_by(careunit, intime) AS last_careunit
FROM merged WHERE in_icu GROUP BY stay_id, part
"""
_SHOW_PARTS = """
CREATE TEMP TABLE icu_whole AS FROM raw.icustays WHERE stay_id IN (SELECT stay_id FROM icu_parts);
DELETE FROM raw.icustays WHERE stay_id IN (SELECT stay_id FROM icu_parts);
INSERT INTO raw.icustays
    SELECT w.* REPLACE (p.intime AS intime, p.outtime AS outtime, p.first_careunit AS first_careunit,
        p.last_careunit AS last_careunit, date_diff('second', p.intime, p.outtime) / 86400.0 AS los)
    FROM icu_whole w JOIN icu_parts p USING (stay_id);
DROP TABLE icu_whole;
"""


def date_record(con: DuckDBPyConnection) -> tuple[str, ...]:
    """Make schema `dated` from schema `raw`: every table of the contract; what was noticed on the way.

    Each table has its own columns, `known_at`, where the contract says so `happened_at` and `upstream_at`,
    and a `<column>@known` per later cell. Tables of pending results have `pending` and `superseded_at` too:
    when the first result was known.
    """
    install_clocks(con)
    notices = split_stays(con)
    con.execute("CREATE SCHEMA dated")
    for name, rule in CONTRACT.items():
        con.execute(f"CREATE TABLE dated.{name} {_content(con, tables()[name], rule)}")
    return notices


def _content(con: DuckDBPyConnection, info: TableInfo, rule: Rule) -> str:
    """The query that dates a table; of one without a row the columns alone: planning costs more than rows."""
    if con.execute(f"FROM raw.{info.name} LIMIT 1").fetchone() is not None:
        return f"AS {dated_sql(info, rule)}"
    return f"({', '.join(f'{quoted(name)} {kind}' for name, kind in dated_columns(info, rule))})"


def install_clocks(con: DuckDBPyConnection) -> None:
    """The functions that the contract's times are written in; they read schema `raw`."""
    con.execute(CLOCKS)


def known(column: str) -> str:
    """The name of the column that says when a later cell became known."""
    return f"{column}@known"


def dated_sql(info: TableInfo, rule: Rule) -> str:
    """The query that dates one table of schema `raw`; any number of patients at once."""
    columns = ", ".join(quoted(column.name) for column in info.columns)
    clocks = _clocks(rule).items()
    dated = ", ".join(f"({time})::TIMESTAMP AS {quoted(name)}" for name, time in clocks)
    rows = f"SELECT {columns}, {dated} FROM raw.{info.name}"
    return _with_pending(rows, info, rule) if rule.pending else rows


def dated_columns(info: TableInfo, rule: Rule) -> tuple[tuple[str, str], ...]:
    """Names and DuckDB types of the columns of a dated table."""
    columns = [(column.name, str(column.type)) for column in info.columns]
    columns += [(name, "TIMESTAMP") for name in _clocks(rule)]
    if rule.pending:
        columns += [("superseded_at", "TIMESTAMP"), ("pending", "BOOLEAN")]
    return tuple(columns)


def event_clock(info: TableInfo) -> str:
    """The row's own time, its date where the time is missing; for orders the planned time."""
    dated = [column for column in info.columns if column.type in {"TIMESTAMP", "DATE"}]
    columns = [c for c in dated if c.role == "event"] or [c for c in dated if c.role == "plan"]
    columns.sort(key=lambda column: "date" in column.name.lower())
    if len(columns) < 2:
        return "".join(quoted(column.name) for column in columns)
    return f"coalesce({', '.join(f'{quoted(column.name)}::TIMESTAMP' for column in columns)})"


def row_order(info: TableInfo, rule: Rule) -> tuple[str, ...]:
    """When a row happened, then its cells that are known with it: what no policy masks or numbers anew."""
    others = {*rule.later, *rule.never, *rule.counters, *rule.derived}
    if rule.note_ids:
        others |= {"note_id", "field_value"}
    cells = [quoted(column.name) for column in info.columns if column.name not in others]
    return (*filter(None, [event_clock(info)]), *cells)


def split_stays(con: DuckDBPyConnection) -> tuple[str, ...]:
    """Show an ICU stay that was merged over time elsewhere as its parts, each known when it began.

    MIMIC-IV joins ICU stays less than a day apart. A merged stay without an end would foretell the return;
    its parts, told apart by the transfers inside it, do not.
    """
    con.execute(_ICU_PARTS)
    (merged,) = con.execute("SELECT count(DISTINCT stay_id) FROM icu_parts").fetchone() or (0,)
    if merged:
        con.execute(_SHOW_PARTS)
    con.execute("DROP TABLE icu_parts")
    return (f"icustays: {merged} stays merged over time elsewhere are shown as parts",) if merged else ()


def _clocks(rule: Rule) -> dict[str, str]:
    clocks = {"known_at": rule.available, HAPPENED_AT: rule.event, UPSTREAM_AT: rule.upstream}
    clocks |= {known(column): time for column, time in rule.later.items()}
    return {name: time for name, time in clocks.items() if time}


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
            QUALIFY row_number() OVER (PARTITION BY subject_id, {pending.key} ORDER BY {order}) = 1
        ) first
        WHERE {pending.key} IS NOT NULL
    """
