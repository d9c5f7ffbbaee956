"""Rows of a model's query know the record's rows they come from, and are the same rows as without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr import snapshot as snapshot_module
from clinseek_core.ehr.origins import HIDDEN
from clinseek_core.ehr.sandbox import checked
from clinseek_core.ehr.snapshot import Rows, Snapshot
from clinseek_core.ehr.visible import open_snapshot
from clinseek_fixtures import world_store_path


@pytest.fixture(scope="module")
def record() -> Iterator[Snapshot]:
    opened = open_snapshot(world_store_path(), 90000001, datetime(2150, 3, 2, 17, 20), Policy())
    yield opened
    opened.close()


TRACED = {
    "SELECT value FROM labevents ORDER BY valuenum DESC LIMIT 2": ["labevents"],
    "SELECT * FROM labevents l WHERE l.itemid = 50912": ["labevents"],
    "FROM labevents": ["labevents"],
    "TABLE triage": ["triage"],
    "SELECT l.value, d.label FROM labevents l JOIN d_labitems d USING (itemid)": ["labevents"],
    "SELECT l.value, p.drug FROM labevents l LEFT JOIN prescriptions p ON p.poe_seq = l.labevent_id": [
        "labevents",
        "prescriptions",
    ],
    "SELECT v.pain FROM vitalsign v SEMI JOIN edstays USING (stay_id)": ["vitalsign"],
    "SELECT max(valuenum) OVER (PARTITION BY itemid) FROM labevents QUALIFY row_number() OVER () > 3": [
        "labevents"
    ],
    "SELECT DISTINCT ON (itemid) value FROM labevents ORDER BY itemid, charttime DESC": ["labevents"],
    "SELECT * FROM (SELECT value, itemid FROM labevents WHERE valuenum > 10) ORDER BY ALL": [],
    "SELECT * FROM (SELECT value, itemid FROM labevents WHERE valuenum > 10) t ORDER BY 1, 2": ["labevents"],
    "SELECT t.*, 1 AS one FROM (SELECT * EXCLUDE (comments) FROM labevents LIMIT 5) t": ["labevents"],
    "WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY itemid ORDER BY charttime DESC) AS n"
    " FROM labevents) SELECT * FROM ranked WHERE n = 1": ["labevents"],
    "WITH a AS (SELECT * FROM labevents), b AS (SELECT *, 1 AS x FROM a) SELECT value FROM b": ["labevents"],
    "SELECT a.* EXCLUDE (value) FROM (SELECT itemid, value FROM labevents) a, (SELECT 1) b": ["labevents"],
    "SELECT itemid, n FROM labevents JOIN (SELECT itemid, count(*) AS n FROM labevents GROUP BY 1)"
    " USING (itemid)": ["labevents"],
    "SELECT unnest([1, 2]), value FROM labevents": ["labevents"],
    "SELECT a.stay_id, b.stay_id FROM edstays a, edstays b": ["edstays", "edstays"],
}
UNTRACED = (
    "SELECT count(*) FROM labevents",
    "SELECT sum(count(*)) OVER () FROM labevents",
    "SELECT itemid, max(value) FROM labevents GROUP BY ALL",
    "SELECT DISTINCT itemid FROM labevents",
    "SELECT value FROM labevents UNION ALL SELECT value FROM labevents",
    "SELECT itemid FROM labevents GROUP BY itemid ORDER BY count(*), itemid",
    "SELECT wavg(valuenum, 1) FROM labevents",
    "SELECT 1",
    "SELECT * FROM range(3)",
    "SELECT t FROM (SELECT value, valuenum FROM labevents) t",
    "SELECT to_json(t) FROM (SELECT value, valuenum FROM labevents) t",
    "SELECT COLUMNS(*) FROM (SELECT value, valuenum FROM labevents) t",
    "WITH a AS (SELECT * FROM labevents) SELECT x.value FROM a x, a y",
    "WITH labevents AS (SELECT * FROM labevents) SELECT value FROM labevents",
    "SELECT * FROM (PIVOT labevents ON itemid IN (50912) USING count(*) GROUP BY subject_id)",
)


def without_origins(record: Snapshot, sql: str) -> Rows:
    """The answer to the statement with nothing added to it."""
    with record._read_only():
        record._con.execute(checked(record._con, sql, record._words, {}).sql)
        return snapshot_module._fetch(record._con, 1000)


@pytest.mark.parametrize(("sql", "tables"), TRACED.items(), ids=[sql[:70] for sql in TRACED])
def test_each_row_of_a_plain_select_names_its_rows(record: Snapshot, sql: str, tables: list[str]) -> None:
    answer = record.select_untrusted(sql, 1000)
    assert [origin.table for origin in answer.origins] == tables
    assert {len(origin.rows) for origin in answer.origins} <= {len(answer.rows)}
    assert (answer.columns, answer.rows) == (
        without_origins(record, sql).columns,
        without_origins(record, sql).rows,
    )


@pytest.mark.parametrize("sql", UNTRACED)
def test_what_is_no_row_of_the_record_has_no_origin(record: Snapshot, sql: str) -> None:
    answer, plain = record.select_untrusted(sql, 1000), without_origins(record, sql)
    assert answer.origins == ()
    assert (answer.columns, answer.rows) == (plain.columns, plain.rows)
    assert HIDDEN not in repr(answer)


def test_an_origin_is_the_row_it_names(record: Snapshot) -> None:
    answer = record.select_untrusted(
        "SELECT value, label FROM labevents LEFT JOIN d_labitems USING (itemid)", 50
    )
    (labs,) = answer.origins
    key = record.tables["labevents"].key
    for (value, _), told in zip(answer.rows, labs.rows, strict=True):
        assert told is not None
        event_time, known_at, *cells = told
        where = " AND ".join(f"{column} IS NOT DISTINCT FROM ?" for column in key)
        stored = f"SELECT value, CAST(charttime AS VARCHAR), known_at FROM labevents WHERE {where}"
        assert record.select(stored, cells).rows == ((value, event_time, known_at),)


def test_where_an_outer_join_found_nothing_there_is_no_origin(record: Snapshot) -> None:
    sql = "SELECT l.value, p.drug FROM labevents l LEFT JOIN prescriptions p ON p.poe_seq = -l.itemid"
    labs, orders = record.select_untrusted(sql, 50).origins
    assert None not in labs.rows
    assert set(orders.rows) == {None}


def test_zoned_times_and_intervals_keep_their_origins(record: Snapshot) -> None:
    answer = record.select_untrusted("SELECT charttime::TIMESTAMPTZ, storetime - charttime FROM labevents", 3)
    assert [len(row or ()) for row in answer.origins[0].rows] == [5, 5, 5]


columns = st.sampled_from(["itemid", "value", "valuenum", "charttime", "labevent_id", "*", "1 AS one"])
sources = st.sampled_from(
    [
        "labevents l",
        "(SELECT * FROM labevents WHERE valuenum > 1) l",
        "(SELECT * FROM labevents ORDER BY valuenum DESC, labevent_id LIMIT 20) AS l",
        "labevents l JOIN d_labitems d USING (itemid)",
        "labevents l LEFT JOIN edstays e ON e.intime < l.charttime",
        "edstays RIGHT JOIN labevents l ON l.charttime > intime",
        "(SELECT DISTINCT itemid, value, valuenum, charttime, labevent_id FROM labevents) l",
        "(SELECT itemid, value, valuenum, charttime, labevent_id FROM labevents UNION ALL"
        " SELECT itemid, value, valuenum, charttime, labevent_id FROM labevents) l",
        "named l",
        "named l, (SELECT count(*) AS n FROM triage) t",
    ]
)
filters = st.sampled_from(
    ["", "WHERE l.valuenum > 5", "WHERE l.itemid IN (SELECT itemid FROM labevents WHERE valuenum > 100)"]
)
orders = st.sampled_from(
    [
        "",
        "ORDER BY l.labevent_id DESC",
        "ORDER BY 1",
        "ORDER BY ALL",
        "ORDER BY l.valuenum LIMIT 7 OFFSET 3",
        "LIMIT 5",
    ]
)
heads = st.sampled_from(["SELECT", "SELECT DISTINCT", "SELECT DISTINCT ON (l.itemid)"])


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    head=heads, shown=st.lists(columns, min_size=1, max_size=3), source=sources, where=filters, order=orders
)
def test_hidden_columns_change_neither_rows_nor_order(
    record: Snapshot, head: str, shown: list[str], source: str, where: str, order: str
) -> None:
    items = ["l." + item if item == "*" else item for item in shown]
    named = "WITH named AS (SELECT * FROM labevents WHERE itemid > 50000)"
    sql = f"{named} {head} {', '.join(items)} FROM {source} {where} {order}"
    try:
        plain = without_origins(record, sql)
    except duckdb.BinderException:  # a column of two tables, an order that DISTINCT hides
        assume(False)
    answer = record.select_untrusted(sql, 1000)
    assert (answer.columns, answer.rows, answer.more) == (plain.columns, plain.rows, plain.more)
