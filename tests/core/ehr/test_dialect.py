"""SQL of SQLite's habits: where DuckDB refuses it, it answers what SQLite does, and says how it was read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr.dialect import read_again
from clinseek_core.ehr.sandbox import RefusedError
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.visible import open_snapshot
from clinseek_fixtures import world_store_path

CUTOFF = datetime(2150, 3, 4, 12, 30)
TABLES = ("labevents", "d_labitems", "prescriptions", "vitalsign", "omr", "chartevents", "inputevents")
COLUMNS = {"labevents": {"itemid": "INTEGER", "charttime": "TIMESTAMP", "value": "VARCHAR", "d": "DATE"}}


@pytest.fixture(scope="module")
def record() -> Iterator[Snapshot]:
    opened = open_snapshot(world_store_path(), 90000001, CUTOFF, Policy())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def sqlite(record: Snapshot) -> sqlite3.Connection:
    """The record's rows in SQLite: times as text, all else of its type."""
    lite = sqlite3.connect(":memory:")
    lite.create_function("regexp", 2, lambda form, text: text and int(re.search(form, str(text)) is not None))
    for name in TABLES:
        rows = record.select(f"SELECT * FROM {name}")
        types = record._words.columns[name]
        typed = [
            f"{c} {'TEXT' if types[c][:4] in {'VARC', 'TIME', 'DATE'} else 'NUMERIC'}" for c in rows.columns
        ]
        lite.execute(f"CREATE TABLE {name} ({', '.join(typed)})")
        lite.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows.columns))})", rows.rows)
    return lite


def alike(rows: Any, *, ordered: bool) -> list[tuple[Any, ...]]:
    """Rows to compare: numbers to six places, truth as a number, in any order where none was asked for."""

    def cell(value: Any) -> Any:
        return round(float(value), 6) if isinstance(value, bool | int | float) else value

    found = [tuple(cell(value) for value in row) for row in rows]
    return found if ordered else sorted(found, key=repr)


AS_SQLITE_ANSWERS = (
    # Time functions
    "SELECT datetime(charttime, '-1 day') FROM labevents",
    "SELECT datetime(charttime, '+3 hours', 'start of day'), datetime(charttime, '-1.5 days') FROM labevents",
    "SELECT date(charttime, 'start of month', '+1 month', '-1 day'), date('now') FROM labevents",
    "SELECT date(charttime, 'weekday 0'), date(charttime, 'weekday 3') FROM labevents",
    "SELECT date(charttime, '-' || (itemid % 7) || ' days') FROM labevents",
    "SELECT date('now', '-7 days'), datetime('now'), time('now'), date('now', 'start of year'), date()",
    "SELECT strftime('%H:%M', 'now'), datetime('now', 'localtime'), julianday('now')",
    "SELECT julianday(charttime), time(charttime), unixepoch(charttime) FROM labevents",
    "SELECT round((julianday(storetime) - julianday(charttime)) * 24, 2) FROM labevents",
    "SELECT strftime('%Y-%m %H', charttime), strftime('%j %w %W %M', charttime, '+1 day') FROM labevents",
    "SELECT strftime('%s', charttime), strftime('%d.%m.%Y', chartdate, '+1 day') FROM labevents, omr",
    "SELECT (strftime('%s', storetime) - strftime('%s', charttime)) / 3600.0 FROM labevents",
    "SELECT strftime('%Y', storetime) - strftime('%Y', charttime) FROM labevents",
    "SELECT CAST((julianday('now') - julianday(charttime)) AS INTEGER) FROM labevents",
    "SELECT datetime(julianday(charttime) - 1) FROM labevents",
    "SELECT datetime(0, 'unixepoch'), date(5685411600, 'unixepoch'), datetime('2150-01-01')",
    "SELECT count(*) FROM labevents WHERE charttime > datetime('now', '-24 hours') AND charttime <= 'now'",
    "SELECT count(*) FROM labevents WHERE date(charttime) BETWEEN date('now', '-3 days') AND date('now')",
    "SELECT count(*) FROM labevents WHERE strftime('%H', charttime) = '14' AND date('now') > '2150'",
    # Text functions over times and numbers
    "SELECT substr(charttime, 1, 10), count(*) FROM labevents GROUP BY substr(charttime, 1, 10) ORDER BY 1",
    "SELECT substr(charttime, 1, 10) AS day, count(*) AS n FROM labevents GROUP BY day ORDER BY day",
    "SELECT labevent_id FROM labevents WHERE charttime LIKE '2150-03-02%'",
    "SELECT labevent_id FROM labevents WHERE itemid LIKE '508%' AND charttime NOT LIKE '%09:2%'",
    "SELECT instr(charttime, ' '), length(charttime), upper(charttime), length(itemid) FROM labevents",
    "SELECT replace(charttime, '2150', 'Y'), trim(itemid), itemid || '/' || value FROM labevents",
    "SELECT count(DISTINCT substr(charttime, 1, 10)) FROM labevents",
    "SELECT value FROM labevents WHERE value REGEXP '^[0-9]+$'",
    "SELECT like('%a%', value), total(1), hex('a'), char(65, 66), unicode('a') FROM labevents",
    "SELECT max(charttime, storetime), min(valuenum, itemid, 3) FROM labevents",
    # Text as numbers
    "SELECT ABS(value), ROUND(value, 0), value + 1, value * 2.0 FROM labevents WHERE value = valuenum",
    "SELECT round(sum(value), 3), round(avg(value), 3) FROM labevents WHERE value GLOB '[0-9]*'",
    "SELECT CAST('7.5 mg' AS REAL), CAST('12abc' AS INTEGER), CAST('-3.9' AS INTEGER), CAST('1e3x' AS REAL)",
    "SELECT CAST(charttime AS INTEGER), CAST(value AS TEXT) FROM labevents",
    "SELECT labevent_id FROM labevents WHERE itemid IN ('50912', '50931.0', '') ORDER BY labevent_id",
    "SELECT labevent_id FROM labevents WHERE itemid NOT IN ('50912', 'nan') ORDER BY labevent_id",
    "SELECT sum(valuenum > 100), avg(flag IS NOT NULL) FROM labevents",
    "SELECT (valuenum > 100) + (itemid > 51000) FROM labevents WHERE valuenum IS NOT NULL",
    "SELECT itemid, round(total(valuenum), 4) FROM labevents GROUP BY itemid ORDER BY itemid",
    "SELECT printf('%.1f', itemid), printf('%d', valuenum), printf('%s|%5d', itemid, 3) FROM labevents"
    " WHERE valuenum IS NOT NULL",
    # Missing values
    "SELECT count(*) FROM labevents WHERE valuenum != ''",
    "SELECT count(*) FROM labevents WHERE flag IS NOT 'abnormal'",
    "SELECT count(*) FROM labevents WHERE flag IS 'abnormal' AND itemid IS NOT 50912",
    "SELECT iif(valuenum > 100, 'high', 'low'), ifnull(flag, 'none'), nullif(valuenum, '') FROM labevents",
    "SELECT sum(CASE WHEN valuenum != '' THEN 1 ELSE 0 END) FROM labevents",
    "SELECT CASE WHEN hadm_id IS NULL THEN 'none' ELSE 'one' END, coalesce(storetime, '') FROM labevents"
    " WHERE storetime != ''",
    # Times as text
    "SELECT count(*) FROM labevents WHERE charttime >= '2150-03'",
    "SELECT count(*) FROM labevents WHERE charttime BETWEEN '2150-02-25' AND '2150-03-0'",
    "SELECT count(*) FROM labevents WHERE charttime < '2150-02-30' OR charttime > '2150'",
    "SELECT count(*) FROM labevents WHERE charttime > substr(storetime, 1, 13)",
    # Syntax
    "SELECT [itemid], `value` FROM [labevents] WHERE [itemid] == 50912",
    "SELECT labevent_id FROM labevents WHERE itemid == 50912 ORDER BY labevent_id LIMIT 2, 3",
    'SELECT count(*) FROM labevents WHERE flag = "abnormal" OR flag IS "none"',
    "SELECT group_concat(itemid), group_concat(itemid, '; '), total(1) FROM labevents",
    "SELECT row_number() OVER (PARTITION BY itemid ORDER BY datetime(charttime), labevent_id), itemid"
    " FROM labevents ORDER BY 1, 2",
    # Columns that are not grouped by
    "SELECT itemid, value, max(labevent_id) FROM labevents GROUP BY itemid ORDER BY itemid",
    "SELECT itemid, value, min(labevent_id), count(*) FROM labevents GROUP BY itemid ORDER BY itemid",
    "SELECT *, max(labevent_id) FROM labevents GROUP BY itemid ORDER BY itemid",
    "SELECT max(labevent_id), value FROM labevents",
    "SELECT l.itemid, d.label, l.valuenum, max(l.labevent_id) FROM labevents l JOIN d_labitems d"
    " ON l.itemid = d.itemid GROUP BY d.label ORDER BY d.label",
    "SELECT itemid, label, count(*) FROM labevents JOIN d_labitems USING (itemid) GROUP BY itemid ORDER BY 1",
    # Through subqueries
    "SELECT t.day, t.n FROM (SELECT substr(charttime, 1, 10) AS day, count(*) AS n FROM labevents GROUP BY 1)"
    " AS t WHERE t.n > 1 ORDER BY t.day",
    "WITH x AS (SELECT charttime AS c, valuenum AS v FROM labevents) SELECT substr(c, 1, 7), v FROM x"
    " WHERE v != ''",
    "SELECT a.labevent_id FROM labevents a WHERE EXISTS (SELECT 1 FROM labevents b WHERE b.itemid = a.itemid"
    " AND substr(b.charttime, 1, 10) = substr(a.charttime, 1, 10) AND b.labevent_id <> a.labevent_id)",
    "SELECT count(*) FROM labevents WHERE itemid IN (SELECT itemid FROM d_labitems WHERE label LIKE '%gluc%')"
    " AND charttime LIKE '2150%'",
)


@pytest.mark.parametrize("sql", AS_SQLITE_ANSWERS, ids=[sql[:70] for sql in AS_SQLITE_ANSWERS])
def test_it_answers_what_sqlite_answers(record: Snapshot, sqlite: sqlite3.Connection, sql: str) -> None:
    ordered = "ORDER BY" in sql
    answer = record.select_untrusted(sql, 5000)
    theirs = sqlite.execute(re.sub(r"'now'|date\(\)", lambda found: NOW[found[0]], sql)).fetchall()
    assert alike(answer.rows, ordered=ordered) == alike(theirs, ordered=ordered)
    assert answer.notes[0].startswith("read as SQLite")


NOW = {"'now'": f"'{CUTOFF}'", "date()": f"date('{CUTOFF}')"}

DIFFERENT = {
    "SELECT 5 / 2, datetime('2150-01-01')": [[2.5, "2150-01-01 00:00:00"]],
    "SELECT CAST('none' AS REAL), CAST('>8' AS INTEGER)": [[None, None]],
    "SELECT count(*) FROM vitalsign WHERE pain > 4 AND pain < 10": [[5]],
    "SELECT CAST(7.9 AS INTEGER), group_concat(itemid > 0) FROM labevents LIMIT 0, 1": [
        [7, "true" + ",true" * 164]
    ],
    "SELECT count(*) FROM labevents WHERE storetime IS NOT '' AND storetime IS NULL": [[0]],
    "SELECT iif(1 > 2, 'low', 3), iif(1 > 2, '4', 3)": [["3", 3]],
    "SELECT date('2150-01-31', '+1 month')": [["2150-02-28"]],
    "SELECT count(*) FROM labevents WHERE value > 'a' AND value > 1000": [[0]],
}


@pytest.mark.parametrize(("sql", "rows"), DIFFERENT.items())
def test_where_sqlite_is_a_trap_it_differs(record: Snapshot, sql: str, rows: list[list[Any]]) -> None:
    assert [list(row) for row in record.select_untrusted(sql, 10).rows] == rows


def test_a_dictionarys_columns_are_looked_up_for_the_table_it_explains(record: Snapshot) -> None:
    joined = (
        "FROM labevents l JOIN d_labitems d USING (itemid) WHERE d.label = 'Glucose' ORDER BY l.charttime"
    )
    for table, label in {"labevents": "label", "labevents l": "l.label", "labevents AS x": "x.label"}.items():
        answer = record.select_untrusted(
            f"SELECT value, {label} FROM {table} WHERE {label} LIKE 'glucose' ORDER BY charttime", 100
        )
        assert answer.rows == record.select(f"SELECT l.value, d.label {joined}").rows
        assert "columns of a dictionary are joined" in answer.notes[0]
        assert [origin.table for origin in answer.origins] == ["labevents"]
    assert record.select_untrusted("SELECT * FROM labevents WHERE fluid = 'Blood'", 1).columns[-3:] == (
        *("label", "fluid", "category"),
    )
    with pytest.raises(RefusedError, match="no column label in triage; d_labitems, d_items have it"):
        record.select_untrusted("SELECT label FROM triage", 10)


NOTED = {
    "SELECT datetime('now')": "the clock says the cutoff",
    "SELECT count(*) FROM vitalsign WHERE pain > 4": "text counts as the number it says, else as NULL",
    "SELECT CAST('7 mg' AS REAL)": "CAST takes the number that a text starts with",
    "SELECT count(*) FROM labevents WHERE valuenum != 'nan'": None,
    "SELECT count(*) FROM labevents WHERE itemid != 'nan'": "'' and 'nan' mean NULL",
    "SELECT count(*) FROM labevents WHERE charttime > '2150-03'": "times compare as text",
    'SELECT count(*) FROM labevents WHERE flag = "abnormal"': 'names in "double quotes"',
    "SELECT itemid, value, max(charttime) FROM labevents GROUP BY 1": "a column outside GROUP BY",
    "SELECT itemid FROM labevents LIMIT 1, 2": "what ran: SELECT itemid FROM labevents LIMIT 2 OFFSET 1",
}


@pytest.mark.parametrize(("sql", "note"), NOTED.items())
def test_a_note_says_what_the_reader_must_know(record: Snapshot, sql: str, note: str | None) -> None:
    notes = record.select_untrusted(sql, 10).notes
    assert bool(notes) == (note is not None)
    assert note is None or note in notes[0]
    assert len("".join(notes)) < 1500


RUNS_AS_IT_IS = (
    "SELECT 5 / 2, CAST(7.9 AS INTEGER), typeof(1)",
    "SELECT date(charttime), strftime('%Y', charttime) FROM labevents WHERE charttime > '2150-03-01'",
    "SELECT * FROM labevents WHERE itemid = '50912.0' AND value == '3' AND valuenum = 'nan'",
    "SELECT `itemid`, ifnull(valuenum, 0) FROM labevents WHERE value LIKE '%a%' ORDER BY 1 DESC",
)


@pytest.mark.parametrize("sql", RUNS_AS_IT_IS)
def test_a_statement_that_duckdb_runs_is_left_as_it_is(record: Snapshot, sql: str) -> None:
    assert record.select_untrusted(sql, 10).notes == ()


AS_DUCKDB_READS = {
    "string_split(value, '.')[1]": "3",
    "[1, 2][2]": 2,
    "value ~ '.'": False,
    "value ~ '3.*'": True,
    "regexp_matches(value, '3')": True,
    "regexp_full_match(value, '.')": False,
    "list_filter([1, 2], lambda x: x > 1)": [2],
    "date_diff('day', DATE '2150-01-01', DATE '2150-01-03')": 2,
    "`value`[1]": "3",
}


@pytest.mark.parametrize(("expression", "expected"), AS_DUCKDB_READS.items())
def test_what_duckdb_can_parse_keeps_its_meaning(record: Snapshot, expression: str, expected: Any) -> None:
    sql = f"SELECT {expression} FROM labevents WHERE value > 3 AND value < 4"
    answer = record.select_untrusted(sql, 10)
    assert {repr(row[0]) for row in answer.rows} == {repr(expected)}
    assert "what ran" in answer.notes[0]


def test_columns_keep_the_names_that_sqlite_gives_them(record: Snapshot) -> None:
    answer = record.select_untrusted(
        "SELECT itemid, datetime(charttime), value + 1 AS v, iif(1, 2, 3) FROM labevents", 1
    )
    assert answer.columns == ("itemid", "datetime(charttime)", "v", "IIF(1, 2, 3)")


def test_the_rewritten_statement_keeps_its_origins(record: Snapshot) -> None:
    answer = record.select_untrusted("SELECT substr(charttime, 1, 10) FROM labevents LIMIT 1, 2", 10)
    (origin,) = answer.origins
    stored = record.select("SELECT charttime FROM labevents LIMIT 2 OFFSET 1").rows
    assert (origin.table, [row and row[:1] for row in origin.rows]) == ("labevents", list(stored))


def test_the_second_reading_opens_nothing(record: Snapshot) -> None:
    for hidden in (
        "random()",
        "current_setting('x')",
        "getenv('HOME')",
        "(SELECT count(*) FROM duckdb_settings())",
    ):
        with pytest.raises(RefusedError, match="not available"):
            record.select_untrusted(f"SELECT datetime('now'), {hidden} FROM [labevents] LIMIT 1, 2", 10)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT TO_CHAR(charttime, 'YYYY') FROM labevents",  # a reading that would lose the format
        "SELECT date(charttime, '+1 fortnight') FROM labevents",
        "SELECT strftime('%Q', charttime, '+1 day') FROM labevents",
        "SELECT * FROM labevents WHERE itemid = 'Creatinine'",
        "SELECT * FROM labevents WHERE charttime > 'yesterday'",
        "SELECT '2150-01-02' - '2150-01-01'",
    ],
)
def test_what_has_no_sure_meaning_is_refused(record: Snapshot, sql: str) -> None:
    with pytest.raises(RefusedError):
        record.select_untrusted(sql, 10)


WORDS = """SELECT FROM WHERE GROUP BY ORDER LIMIT labevents itemid charttime value ( ) , = <> '' 'now' "x" [y]
datetime( strftime( max( CASE WHEN THEN END IN BETWEEN AND NOT IS NULL 1 2.5 * + - || AS t . ; -- /* JOIN ON
UNION ALL WITH OVER PARTITION EXISTS CAST( REAL iif( printf( '%d' LIKE REGEXP date( '+1' '2150-03' )"""
words = st.sampled_from(WORDS.split())


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sql=st.one_of(st.text(max_size=60), st.lists(words, max_size=25).map(" ".join)),
    select=st.booleans(),
    parsed=st.booleans(),
)
def test_any_text_is_read_or_not_and_nothing_else(sql: str, select: bool, parsed: bool) -> None:
    read_again("SELECT " * select + sql, COLUMNS, parsed=parsed)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(sql=st.lists(words, min_size=2, max_size=20).map(" ".join))
def test_any_statement_is_answered_or_refused_in_words(record: Snapshot, sql: str) -> None:
    try:
        record.select_untrusted(f"SELECT {sql}", 5)
    except RefusedError as error:
        told = str(error)
        assert told
        assert len(told) < 600
