"""SQL that a model writes: what runs, what is refused and how it is bounded; the record stays whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.tools.ehr import EhrTools
from clinseek_fixtures import world_path

LAB = {
    "charttime": "2150-03-01 09:00:00",
    "storetime": "2150-03-01 10:00:00",
    "itemid": 50912,
    "valuenum": 9.0,
}

HOSTILE = {
    "SELECT * FROM read_text('/etc/hostname')": "not available",
    "SELECT * FROM read_csv('/etc/passwd')": "not available",
    "SELECT * FROM glob('/*')": "not available",
    "SELECT * FROM '/etc/hostname'": "no table",
    "SELECT * FROM query('SELECT 1')": "not available",
    "SELECT * FROM query_table('labevents')": "not available",
    "SELECT * FROM duckdb_settings()": "not available",
    "SELECT * FROM duckdb_tables()": "not available",
    "SELECT * FROM pragma_storage_info('labevents')": "not available",
    "SELECT current_setting('memory_limit')": "not available",
    "SELECT getenv('HOME')": "not available",
    "SELECT current_user": "not available",
    "SELECT user": "not available",
    "SELECT * FROM information_schema.tables": "get_table_names",
    "SELECT * FROM pg_catalog.pg_tables": "get_table_names",
    "SELECT * FROM sqlite_master": "get_table_names",
    "SELECT * FROM record.dated.labevents": "not part of the record",
    "SELECT * FROM raw.labevents": "not part of the record",
    "SHOW TABLES": "get_table_names",
    "DESCRIBE labevents": "get_column_names",
    "SUMMARIZE labevents": "get_column_names",
    "ATTACH ':memory:' AS x": "only SELECT",
    "COPY labevents TO '/tmp/x.csv'": "only SELECT",
    "INSTALL httpfs": "only SELECT",
    "LOAD icu": "only SELECT",
    "SET memory_limit = '9GB'": "only SELECT",
    "PRAGMA database_list": "only SELECT",
    "DROP TABLE labevents": "only SELECT",
    "DELETE FROM labevents": "only SELECT",
    "UPDATE labevents SET valuenum = 0": "only SELECT",
    "INSERT INTO labevents SELECT * FROM labevents": "only SELECT",
    "CREATE MACRO sum(x) AS 0": "only SELECT",
    "CREATE TEMP TABLE x AS SELECT 1": "only SELECT",
    "WITH d AS (DELETE FROM labevents RETURNING *) SELECT * FROM d": "only SELECT",
    "WITH d AS (COPY labevents TO '/tmp/x.csv') SELECT 1": "only SELECT",
    "EXPLAIN ANALYZE DELETE FROM labevents": "only SELECT",
    "BEGIN; SELECT 1": "only SELECT",
    "SELECT 1; SELECT 2": "exactly one",
    "-- nothing": "exactly one",
    "": "exactly one",
    "SELECT random()": "not available",
    "SELECT system.main.now()": "without a schema",
    "SELECT system.main.today()": "without a schema",
    "SELECT pg_catalog.count(*)": "without a schema",
    "SELECT main.row_number() OVER () FROM labevents": "without a schema",
    "SELECT * FROM system.main.range(3)": "without a schema",
    "SELECT gen_random_uuid()": "not available",
    "SELECT nextval('s')": "not available",
    "SELECT * FROM labevents USING SAMPLE 3": "sampling",
    "SELECT * FROM labevents TABLESAMPLE 10%": "sampling",
    "SELECT levenshtein(repeat('ab', 100000), repeat('ba', 100000))": "not available",
    "SELECT sleep_ms(60000)": "not available",
    "SELECT write_log('x')": "not available",
    "SELECT json_execute_serialized_sql('x')": "not available",
    "SELECT txid_current()": "not available",
    "SELECT pg_sleep(9)": "not available",
    "SELECT version()": "not available",
    "SELECT " + "(" * 2000 + "1" + ")" * 2000: "",
    "SELECT '" + "x" * 30_000 + "'": "longer than",
    "SELECT \x00": "",
    "SELECT * FROM ｌabevents": "no table",
}


@pytest.fixture
def tools(known_at: Callable[..., Snapshot]) -> EhrTools:
    return EhrTools(known_at("2150-03-02 00:00:00", labevents=[LAB, LAB | {"valuenum": 100.5}]))


def ask(tools: Any, sql: str) -> Any:
    return tools.call("ehr.run_sql_query", {"sql_query": sql})


@pytest.mark.parametrize(("sql", "reason"), HOSTILE.items(), ids=[sql[:60] for sql in HOSTILE])
def test_a_hostile_statement_is_refused_in_words(tools: EhrTools, sql: str, reason: str) -> None:
    result = ask(tools, sql)
    assert result.status == "error"
    assert reason in result.text
    assert len(result.text) < 2000
    assert ask(tools, "SELECT count(*) FROM labevents").text == "1 row\ncount_star()\n2"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT valuenum FROM labevents WHERE valuenum > 99", [[100.5]]),
        ("SELECT max(valuenum) - min(valuenum) FROM labevents", [[91.5]]),
        ("SELECT count(*) FROM labevents WHERE storetime IS NULL", [[0]]),
        ("WITH a AS (SELECT * FROM labevents) SELECT count(*) FROM a JOIN a AS b USING (itemid);", [[4]]),
        ("SELECT now(), current_date, today()", [["2150-03-02 00:00:00", "2150-03-02", "2150-03-02"]]),
        ("SELECT CURRENT_TIMESTAMP, localtimestamp", [["2150-03-02 00:00:00", "2150-03-02 00:00:00"]]),
        ("SELECT age(TIMESTAMP '2150-03-01'), age(TIMESTAMP '2150-03-02', TIMESTAMP '2150-03-01')", None),
        ("SELECT strftime(max(charttime), '%H:%M') FROM labevents", [["09:00"]]),
        ("SELECT row_number() OVER (ORDER BY valuenum) FROM labevents", [[1], [2]]),
        ("SELECT to_timestamp(0)", [["1970-01-01 00:00:00+00"]]),
        ("SELECT 1e400::DOUBLE, 170141183460469231731687303715884105727", None),
        ("SELECT list(valuenum ORDER BY valuenum) FROM labevents", [[[9.0, 100.5]]]),
        ("SELECT generate_series FROM generate_series(1, 2)", [[1], [2]]),
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) FROM r",
            [[1], [2], [3]],
        ),
        ("SELECT label FROM labevents LEFT JOIN d_labitems USING (itemid)", [[None], [None]]),
    ],
)
def test_an_ordinary_query_runs(tools: EhrTools, sql: str, rows: list[list[Any]] | None) -> None:
    result = ask(tools, sql)
    assert result.status in {"ok", "error" if rows is None else "ok"}, result.text
    if rows is not None:
        assert [list(row) for row in result.table.rows] == rows


def test_a_long_answer_never_claims_to_be_whole(tools: EhrTools) -> None:
    result = ask(tools, "SELECT * FROM range(5000)")
    assert "the first 1000 rows; there are more" in result.text
    assert (len(result.table.rows), result.table.total) == (1000, 1001)


@pytest.fixture(scope="module")
def session() -> Iterator[EhrSession]:
    with EhrSession(world_path(), 90000001, datetime(2150, 3, 2, 17, 20), Policy()) as opened:
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(repeat('x', 3000000000))",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range < b.range",
    ],
)
def test_a_query_that_eats_time_or_memory_is_stopped_and_the_record_stays_open(
    session: EhrSession, sql: str
) -> None:
    assert ask(session, sql).status == "limited"
    assert session.call("ehr.get_table_names", {}).status == "ok"


def test_a_worker_that_was_killed_is_replaced_on_the_same_snapshot(session: EhrSession) -> None:
    before = session.call("ehr.get_latest_records", {"table_name": "labevents"})
    assert session._worker is not None
    session._worker._process.kill()
    assert session.call("ehr.get_table_names", {}).status == "limited"
    assert session.call("ehr.get_latest_records", {"table_name": "labevents"}) == before
