"""SQL that a model writes: what runs, what is refused and how it is bounded; the record stays whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr import session as ehr_session
from clinseek_core.ehr.sandbox import checked
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.mimic import table
from clinseek_core.tools.ehr import EhrTools
from clinseek_fixtures import world_store_path

SUBJECT = 90000001
LABS = (
    {"itemid": 50912, "charttime": "2150-03-01 09:00:00", "valuenum": 9.0, "value": "9.0"},
    {"itemid": 50912, "charttime": "2150-03-01 09:30:00", "valuenum": 100.5, "value": "NEG"},
    {"itemid": 50931, "charttime": "2150-03-01 09:45:00", "valuenum": "", "value": "Trace of blood"},
)

NOT_HERE = "not available"
NO_TABLE = "no table"
SCHEMA = "get_table_names"
ONLY_SELECT = "only SELECT"
DEEP = "nested too deeply"

# What a statement tries to reach, and words of the refusal.
HOSTILE = {
    # Files, folders and other databases
    "SELECT * FROM read_text('/etc/hostname')": NOT_HERE,
    "SELECT * FROM read_csv('/etc/passwd')": NOT_HERE,
    "SELECT * FROM read_blob('/proc/self/environ')": NOT_HERE,
    "SELECT * FROM read_json_auto('/etc/passwd')": NOT_HERE,
    "SELECT * FROM read_parquet('/tmp/*.parquet')": NOT_HERE,
    "SELECT * FROM read_duckdb('/tmp/x.duckdb')": NOT_HERE,
    "SELECT * FROM sniff_csv('/etc/passwd')": NOT_HERE,
    "SELECT * FROM parquet_metadata('/tmp/x')": NOT_HERE,
    "SELECT * FROM glob('/*')": NOT_HERE,
    "SELECT * FROM '/etc/hostname'": NO_TABLE,
    'SELECT * FROM "/etc/passwd"': NO_TABLE,
    "SELECT * FROM 'x.csv', labevents": NO_TABLE,
    "WITH x AS (SELECT * FROM 'x.csv') SELECT * FROM x": NO_TABLE,
    'WITH "x.csv" AS (SELECT * FROM "x.csv") SELECT * FROM "x.csv"': NO_TABLE,
    "SELECT * FROM 'https://example.org/x.csv'": NO_TABLE,
    "SELECT 1 ORDER BY (SELECT count(*) FROM read_text('/etc/passwd'))": NOT_HERE,
    "SELECT 1 LIMIT (SELECT count(*) FROM glob('/*'))": NOT_HERE,
    "SELECT itemid FROM labevents QUALIFY (SELECT count(*) FROM glob('/*')) > 0": NOT_HERE,
    "SELECT sum(itemid) OVER (ROWS BETWEEN (SELECT count(*) FROM glob('/*')) PRECEDING"
    " AND CURRENT ROW) FROM labevents": NOT_HERE,
    "SELECT * FROM labevents l, LATERAL (SELECT * FROM read_text(l.value)) r": NOT_HERE,
    "SELECT * FROM (PIVOT (FROM glob('/*')) ON file IN ('x') USING count(*))": NOT_HERE,
    "SELECT count(*) FILTER (WHERE EXISTS (FROM glob('/*'))) FROM labevents": NOT_HERE,
    "SELECT * FROM record.dated.labevents": "not part of the record",
    "SELECT * FROM raw.labevents": "not part of the record",
    "SELECT * FROM a.b.c.labevents": "not part of the record",
    "ATTACH ':memory:' AS x": ONLY_SELECT,
    "COPY labevents TO '/tmp/x.csv'": ONLY_SELECT,
    "EXPORT DATABASE '/tmp/x'": ONLY_SELECT,
    "INSTALL httpfs": ONLY_SELECT,
    "LOAD icu": ONLY_SELECT,
    # The engine: settings, catalogs, other ways to run a statement
    "SELECT * FROM query('SELECT 1')": NOT_HERE,
    "SELECT * FROM query_table('labevents')": NOT_HERE,
    "SELECT * FROM json_execute_serialized_sql('x')": NOT_HERE,
    "SELECT json_execute_serialized_sql('x')": NOT_HERE,
    "SELECT json_serialize_sql('SELECT 1')": NOT_HERE,
    "SELECT * FROM duckdb_settings()": NOT_HERE,
    "SELECT * FROM duckdb_tables()": NOT_HERE,
    "SELECT * FROM pragma_storage_info('labevents')": NOT_HERE,
    "SELECT * FROM seq_scan('labevents')": NOT_HERE,
    "SELECT * FROM summary(TABLE labevents)": "syntax error",
    "SELECT (SELECT count(*) FROM duckdb_tables())": NOT_HERE,
    "SELECT current_setting('memory_limit')": NOT_HERE,
    "SELECT getenv('HOME')": NOT_HERE,
    "SELECT getvariable('x')": NOT_HERE,
    "SELECT current_user": NOT_HERE,
    "SELECT user": NOT_HERE,
    'SELECT "current_schema"': NOT_HERE,
    "SELECT * FROM (VALUES (session_user)) t": NOT_HERE,
    "SELECT current_query()": NOT_HERE,
    "SELECT in_search_path('a', 'b')": NOT_HERE,
    "SELECT has_table_privilege('labevents', 'select')": NOT_HERE,
    "SELECT col_description(1, 1)": NOT_HERE,
    "SELECT stats(itemid) FROM labevents": NOT_HERE,
    "SELECT version()": NOT_HERE,
    "SELECT * FROM information_schema.tables": SCHEMA,
    "SELECT * FROM pg_catalog.pg_tables": SCHEMA,
    "SELECT * FROM sqlite_master": SCHEMA,
    "SELECT * FROM pg_tables": NO_TABLE,
    "WITH pg_tables AS (SELECT * FROM pg_tables) SELECT * FROM pg_tables": "another name",
    "SELECT * FROM duckdb_columns, (WITH duckdb_columns AS (SELECT 1) FROM duckdb_columns) q": "another name",
    "WITH RECURSIVE pg_settings AS (SELECT name FROM pg_settings UNION SELECT name FROM pg_settings)"
    " FROM pg_settings": "another name",
    "WITH a AS (FROM b), b AS (SELECT 1) FROM a": NO_TABLE,
    "SELECT * FROM (WITH hidden AS (SELECT 1) FROM hidden), hidden": NO_TABLE,
    "SHOW TABLES": SCHEMA,
    "SELECT * FROM (SHOW ALL TABLES)": SCHEMA,
    "DESCRIBE labevents": "get_column_names",
    "SUMMARIZE labevents": "get_column_names",
    "SET memory_limit = '9GB'": ONLY_SELECT,
    "SET VARIABLE x = 1": ONLY_SELECT,
    "PRAGMA database_list": ONLY_SELECT,
    "CALL duckdb_settings()": ONLY_SELECT,
    "USE memory": ONLY_SELECT,
    "PREPARE x AS SELECT 1": ONLY_SELECT,
    "EXECUTE parsed('SELECT 1')": ONLY_SELECT,
    "SELECT sum(itemid) EXPORT_STATE FROM labevents": "state of an aggregate",
    "SELECT finalize(itemid) FROM labevents": NOT_HERE,
    "SELECT * FROM labevents AT (VERSION => 1)": "without AT",
    "SELECT $1": "no parameters",
    "SELECT ?": "no parameters",
    "SELECT $name": "no parameters",
    # Writing
    "DROP TABLE labevents": ONLY_SELECT,
    "DELETE FROM labevents": ONLY_SELECT,
    "UPDATE labevents SET valuenum = 0": ONLY_SELECT,
    "INSERT INTO labevents SELECT * FROM labevents": ONLY_SELECT,
    "MERGE INTO labevents USING labevents b ON false WHEN MATCHED THEN DELETE": ONLY_SELECT,
    "CREATE MACRO sum(x) AS 0": ONLY_SELECT,
    "CREATE TEMP TABLE x AS SELECT 1": ONLY_SELECT,
    "ALTER TABLE labevents ADD COLUMN x INT": ONLY_SELECT,
    "WITH d AS (DELETE FROM labevents RETURNING *) SELECT * FROM d": ONLY_SELECT,
    "WITH d AS (COPY labevents TO '/tmp/x.csv') SELECT 1": ONLY_SELECT,
    "SELECT * FROM (WITH d AS (UPDATE labevents SET itemid = 1 RETURNING *) FROM d)": ONLY_SELECT,
    "SELECT * INTO x FROM labevents": ONLY_SELECT,
    "EXPLAIN ANALYZE DELETE FROM labevents": ONLY_SELECT,
    "EXPLAIN SELECT 1": ONLY_SELECT,
    "CHECKPOINT": ONLY_SELECT,
    "VACUUM": ONLY_SELECT,
    "COMMIT": ONLY_SELECT,
    "UPDATE EXTENSIONS": ONLY_SELECT,
    # Several statements, or none
    "BEGIN; SELECT 1": ONLY_SELECT,
    "SELECT 1; SELECT 2": "exactly one",
    "SELECT 1; DROP TABLE labevents": ONLY_SELECT,
    "SELECT 1 /* ; */; -- \n SELECT 2": "exactly one",
    "'); DROP TABLE labevents; --": "unterminated",
    "SELECT 1'); DROP TABLE labevents; --": "unterminated",
    "SELECT 1\x00'); DROP TABLE labevents; --": "",
    "-- nothing": "exactly one",
    "/* SELECT 1 */": "exactly one",
    ";": "exactly one",
    "": "exactly one",
    # What is never the same twice, and the clock behind its shadow
    "SELECT random()": NOT_HERE,
    "SELECT list_transform([1], lambda x: random())": NOT_HERE,
    "SELECT COLUMNS(lambda c: random() > 0.5) FROM labevents": NOT_HERE,
    "SELECT * REPLACE (random() AS value) FROM labevents": NOT_HERE,
    "SELECT list(value ORDER BY random()) FROM labevents": NOT_HERE,
    "SELECT max(itemid) FILTER (WHERE random() > 1) FROM labevents": NOT_HERE,
    "SELECT gen_random_uuid()": NOT_HERE,
    "SELECT MAP {'a': uuid()}": NOT_HERE,
    "SELECT nextval('s')": NOT_HERE,
    "SELECT txid_current()": NOT_HERE,
    "SELECT system.main.now()": "without a schema",
    "SELECT system.main.today()": "without a schema",
    "SELECT a.b.c.d.now()": "without a schema",
    "SELECT 1 OPERATOR(main.+) 2": "without a schema",
    "SELECT pg_catalog.count(*)": "without a schema",
    "SELECT main.row_number() OVER () FROM labevents": "without a schema",
    "SELECT * FROM system.main.range(3)": "without a schema",
    "SELECT * FROM labevents USING SAMPLE 3": "sampling",
    "SELECT * FROM labevents TABLESAMPLE 10%": "sampling",
    "SELECT * FROM (FROM labevents LIMIT 3) TABLESAMPLE 1": "sampling",
    # Time without bound in one call
    "SELECT levenshtein(repeat('ab', 100000), repeat('ba', 100000))": NOT_HERE,
    "SELECT sleep_ms(60000)": NOT_HERE,
    "SELECT pg_sleep(9)": NOT_HERE,
    "SELECT write_log('x')": NOT_HERE,
    # SQLite's own ways out, which the second reading must not open
    "SELECT readfile('/etc/passwd')": NOT_HERE,
    "SELECT load_extension('x')": NOT_HERE,
    "SELECT sqlite_compileoption_get(1)": NOT_HERE,
    "SELECT [random]() FROM labevents": NOT_HERE,
    "SELECT datetime('now'), random()": NOT_HERE,
    "SELECT * FROM [sqlite_master]": SCHEMA,
    "SELECT * FROM pragma_table_info('labevents') WHERE name IS NOT 'x'": NOT_HERE,
    "VACUUM INTO '/tmp/x.db'": "syntax error",
    # Sizes and characters
    "SELECT " + "(" * 2000 + "1" + ")" * 2000: "",
    "SELECT " + "+".join(["1"] * 900): DEEP,
    "SELECT " + "abs(" * 900 + "1" + ")" * 900: DEEP,
    "SELECT " + "[" * 900 + "1" + "]" * 900: DEEP,
    "SELECT " + "NOT " * 900 + "true": DEEP,
    "SELECT 1 FROM " + ", ".join(f"triage a{n}" for n in range(300)): DEEP,
    "WITH a0 AS (FROM triage)"
    + "".join(f",a{n + 1} AS (FROM a{n})" for n in range(900))
    + " FROM a900": DEEP,
    "SELECT * FROM " + "(SELECT * FROM " * 600 + "labevents" + ")" * 600: DEEP,
    "SELECT '" + "x" * 30_000 + "'": "longer than",
    "SELECT 1" + "0" * 20_000: "longer than",
    "SELECT \x00": "",
    "SELECT * FROM ｌabevents": NO_TABLE,
    "SELECT * FROM l\u0430bevents": NO_TABLE,
    "SELECT * FROM labevents WHERE value = ’a’": "no column",
    "SELECT 1\u037e SELECT 2": "syntax error",
    "ＳＥＬＥＣＴ 1": "syntax error",
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Three laboratory results of one patient, all known by the cutoff."""
    root = tmp_path_factory.mktemp("tree")
    common = {"subject_id": SUBJECT, "storetime": "2150-03-01 10:00:00"}
    patient = {"subject_id": SUBJECT, "gender": "F", "anchor_age": 70, "anchor_year": 2150}
    for name, rows in {"labevents": [common | lab for lab in LABS], "patients": [patient]}.items():
        info = table(name)
        (root / info.module).mkdir(exist_ok=True)
        with (root / info.module / f"{info.file}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [column.name for column in info.columns], restval="")
            writer.writeheader()
            writer.writerows(rows)
    opened = open_snapshot(root, SUBJECT, datetime(2150, 3, 2), Policy())
    yield opened
    opened.close()


def ask(tools: Any, sql: str) -> Any:
    return tools.call("ehr.run_sql_query", {"sql_query": sql})


def rows(record: Snapshot, sql: str) -> list[list[Any]]:
    return [list(row) for row in record.select_untrusted(sql, 1000).rows]


@pytest.mark.parametrize(("sql", "reason"), HOSTILE.items(), ids=[ascii(sql[:60]) for sql in HOSTILE])
def test_a_hostile_statement_is_refused_in_words(record: Snapshot, sql: str, reason: str) -> None:
    result = ask(EhrTools(record), sql)
    assert result.status == "error"
    assert reason in result.text
    assert len(result.text) < 600
    assert "LINE 1" not in result.text
    assert "Candidate" not in result.text
    assert record.select_untrusted("SELECT count(*) FROM labevents", 1).rows == ((3,),)


def test_hostile_statements_change_nothing(record: Snapshot) -> None:
    before, tools = record.digest(), EhrTools(record)
    assert {ask(tools, sql).status for sql in HOSTILE} == {"error"}
    assert record.digest() == before


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT valuenum FROM labevents WHERE valuenum > 99", [[100.5]]),
        ("SELECT max(valuenum) - min(valuenum) FROM labevents", [[91.5]]),
        ("SELECT count(*) FROM labevents WHERE storetime IS NULL", [[0]]),
        ("WITH a AS (SELECT * FROM labevents) SELECT count(*) FROM a JOIN a AS b USING (itemid);", [[5]]),
        ("WITH labevents AS (SELECT itemid FROM labevents LIMIT 1) SELECT * FROM labevents", [[50912]]),
        ("SELECT now(), current_date, today()", [["2150-03-02 00:00:00", "2150-03-02", "2150-03-02"]]),
        ("SELECT CURRENT_TIMESTAMP, localtimestamp(3)", [["2150-03-02 00:00:00", "2150-03-02 00:00:00"]]),
        ("SELECT age(TIMESTAMP '2150-03-01'), ago(INTERVAL 1 DAY)", [["1 day", "2150-03-01 00:00:00"]]),
        ("SELECT strftime(max(charttime), '%H:%M') FROM labevents", [["09:45"]]),
        ("SELECT row_number() OVER (ORDER BY valuenum) FROM labevents", [[1], [2], [3]]),
        ("SELECT to_timestamp(0)", [["1970-01-01 00:00:00+00"]]),
        ("SELECT INTERVAL 1 MONTH, to_days(2147483647), 1.5", [["1 month", "2147483647 days", 1.5]]),
        ("SELECT storetime - charttime, valuenum FROM labevents LIMIT 1", [["01:00:00", 9.0]]),
        ("SELECT DATE 'infinity', DATE '20000-01-01'", [["9999-12-31", "20000-01-01"]]),
        ("SELECT list(valuenum ORDER BY valuenum) FROM labevents", [[[9.0, 100.5, None]]]),
        ("SELECT generate_series FROM generate_series(1, 2)", [[1], [2]]),
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) FROM r",
            [[1], [2], [3]],
        ),
        ("SELECT label FROM labevents LEFT JOIN d_labitems USING (itemid)", [[None], [None], [None]]),
        ("SELECT value FROM labevents WHERE value LIKE 'neg'", [["NEG"]]),
        ("SELECT count(*) FROM labevents WHERE value NOT LIKE '%OF!_%' ESCAPE '!'", [[3]]),
        ("SELECT 'Abc' LIKE 'aBC', 'Abc' NOT LIKE 'aBC', 'Abc' GLOB 'aBC'", [[True, False, False]]),
        ("SELECT COLUMNS('VALUE|value')::VARCHAR FROM labevents LIMIT 1", [["9.0", "9.0", None]]),
        ("SELECT 1;;  -- once", [[1]]),
    ],
)
def test_an_ordinary_query_runs(record: Snapshot, sql: str, answer: list[list[Any]]) -> None:
    assert rows(record, sql) == answer


def test_a_long_answer_never_claims_to_be_whole(record: Snapshot) -> None:
    answer = record.select_untrusted("SELECT * FROM range(5000)", 1000)
    assert (len(answer.rows), answer.more) == (1000, True)
    assert record.select_untrusted("SELECT * FROM range(1000)", 1000).more is False


def test_the_tables_that_a_statement_names_are_known_before_it_runs(record: Snapshot) -> None:
    statement = checked(
        record._con,
        "WITH triage AS (SELECT 1), x AS (SELECT * FROM Labevents) SELECT * FROM x, triage"
        " WHERE EXISTS (SELECT 1 FROM main.d_items)",
        record._words,
        {},
    )
    assert statement.tables == {"labevents", "d_items"}


@pytest.fixture(scope="module")
def session() -> Iterator[EhrSession]:
    with EhrSession(world_store_path(), SUBJECT, datetime(2150, 3, 2, 17, 20), Policy()) as opened:
        yield opened


# What eats time or memory, and the seconds that a call gets: the engine's own limit is 5.
BOMBS = (
    ("SELECT length(repeat('x', 3000000000))", 8),
    ("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range < b.range", 8),
    ("SELECT length(list_reduce(range(60), lambda x, y: x || x, repeat('a', 10)))", 2),
)
SLOW_BOMBS = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT a.n + b.n FROM r a, r b) SELECT count(*) FROM r",
    "SELECT count(*) FROM labevents a, labevents b, labevents c, labevents d, labevents e, labevents f",
    "SELECT max(a.range * b.range) FROM range(10000000000) a, range(10) b",
    "SELECT lpad('x', 2000000000, 'ab')",
    "SELECT rpad('x', 2147483647, 'y')",
    "SELECT printf('%2000000000d', 1::BIGINT)",
    "SELECT format('{:>2000000000}', 'x')",
    "SELECT list_reduce(range(100000000), lambda x, y: x + y)",
    "SELECT length(string_agg(repeat('x', 100000), '')) FROM range(1000000)",
    "SELECT len(list(repeat('x', 10000))) FROM range(10000000)",
    "SELECT list_sort(range(500000000))[1]",
    "SELECT len(range(3000000000))",
    "SELECT count(DISTINCT md5(a.range::VARCHAR || b.range)) FROM range(100000) a, range(100000) b",
    "SELECT range FROM range(100000000000) ORDER BY hash(range) DESC LIMIT 1 OFFSET 99999999999",
    "SELECT regexp_extract_all(repeat('ab', 50000000), '(.*)(.*)(.*)b')",
    "SELECT count(*) FROM range(10000000000) WHERE regexp_matches(range || repeat('a', 1000), '(a?){400}$')",
    "SELECT jaro_winkler_similarity(repeat('ab', 2000000), repeat('ba', 2000000))",
    "SELECT factorial(range % 30)::VARCHAR FROM range(10000000000) ORDER BY 1",
    "SELECT json_group_array(range) FROM range(3000000000)",
    "SELECT bitstring_agg(range, 0, 99999999999) FROM range(10)",
    "SELECT unnest(range(1000000000)) ORDER BY 1 DESC",
    "SELECT histogram(range) FROM range(1000000000)",
    "SELECT * FROM (PIVOT (FROM range(30000000000)) ON range IN (1, 2) USING list(range))",
    "SELECT replace(repeat('a', 100000000), 'a', repeat('b', 1000))",
    "SELECT CAST(repeat('[', 100000000) AS JSON)",
    "SELECT x.* FROM labevents a, LATERAL (SELECT repeat(a.value, 100000000) FROM labevents) x",
)


@pytest.mark.parametrize(
    ("sql", "seconds"),
    [*BOMBS, *(pytest.param(sql, 3, marks=pytest.mark.slow) for sql in SLOW_BOMBS)],
    ids=lambda value: str(value)[:60],
)
def test_a_query_that_eats_time_or_memory_is_bounded_and_the_record_stays_open(
    session: EhrSession, sql: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ehr_session, "_CALL_SECONDS", seconds)
    assert ask(session, sql).status in {"limited", "error"}
    monkeypatch.undo()
    assert session.call("ehr.get_table_names", {}).status == "ok"


@pytest.mark.parametrize("odd", ["nested", "long number", "no JSON"])
def test_arguments_that_json_cannot_carry_are_an_error_and_not_the_end(session: EhrSession, odd: str) -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    value = {"nested": nested, "long number": 10**5000, "no JSON": {1j}}[odd]
    assert session.call("ehr.think", {"response": value}).status == "error"
    assert session.call("ehr.get_table_names", {}).status == "ok"


def test_a_worker_that_was_killed_is_replaced_on_the_same_snapshot(session: EhrSession) -> None:
    before = session.call("ehr.get_latest_records", {"table_name": "labevents"})
    assert session._worker is not None
    session._worker._process.kill()
    assert session.call("ehr.get_table_names", {}).status == "limited"
    assert session.call("ehr.get_latest_records", {"table_name": "labevents"}) == before
