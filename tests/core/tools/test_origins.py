"""Where the rows of an observation come from."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clinseek_core.journal.events import Origin, Table
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.mimic.keys import KEYS
from clinseek_core.tools.ehr import EhrTools

ALL_TIME = {"start_time": "2100-01-01", "end_time": "2199-12-31", "limit": 1000}


def table_of(tools: EhrTools, name: str, **arguments: Any) -> Table:
    table = tools.call(f"ehr.{name}", arguments).table
    assert table is not None
    return table


def assert_true(tools: EhrTools, table: Table, origin: Origin) -> None:
    """Each row's origin is one row of the record, with its times."""
    clock = tools._snapshot.tables[origin.table].clock
    event = f"CAST({clock} AS VARCHAR)" if clock not in ("", "known_at") else "NULL"
    known = "known_at" if "known_at" in tools._snapshot.tables[origin.table].columns else "NULL"
    stored = tools._snapshot.select(
        f"SELECT {', '.join(origin.key)}, {event}, {known} FROM {origin.table}"
    ).rows
    assert len(origin.rows) == len(table.rows)
    for row in origin.rows:
        assert row is None or (*row.key, row.event_time, row.known_at) in stored


def test_every_table_of_the_record_has_a_key_of_its_own_columns() -> None:
    assert set(KEYS) == {name for name in CONTRACT if tables()[name].kind == "patient"}
    for name, key in KEYS.items():
        assert all(tables()[name].column(column) for column in key), name


def test_keys_tell_all_rows_apart(afterwards: EhrTools) -> None:
    for name, key in KEYS.items():
        rows = afterwards._snapshot.select(f"SELECT {', '.join(key)} FROM {name}").rows
        assert len(set(rows)) == len(rows), name


@pytest.mark.parametrize("name", sorted(KEYS))
def test_records_tell_where_each_row_comes_from(afterwards: EhrTools, name: str) -> None:
    table = table_of(afterwards, "get_records_by_time", table_name=name, **ALL_TIME)
    (origin,) = table.origins
    assert origin.table == name
    assert_true(afterwards, table, origin)
    for row, from_row in zip(table.rows, origin.rows, strict=True):
        assert from_row is not None
        assert from_row.key == tuple(row[table.columns.index(column)] for column in origin.key)


def test_dictionaries_have_no_origin(tools: EhrTools) -> None:
    assert table_of(tools, "get_latest_records", table_name="d_labitems").origins == ()


def test_a_query_tells_the_rows_of_each_table_that_it_joins(afterwards: EhrTools) -> None:
    sql = (
        "SELECT e.medication, p.route FROM emar e LEFT JOIN pharmacy p ON e.pharmacy_id = p.pharmacy_id"
        " ORDER BY e.charttime DESC LIMIT 7"
    )
    table = table_of(afterwards, "run_sql_query", sql_query=sql)
    assert [origin.table for origin in table.origins] == ["emar", "pharmacy"]
    for origin in table.origins:
        assert_true(afterwards, table, origin)


def test_a_page_of_a_query_tells_the_rows_of_that_page(afterwards: EhrTools) -> None:
    sql = "SELECT value FROM labevents ORDER BY labevent_id"
    whole = table_of(afterwards, "run_sql_query", sql_query=sql).origins[0].rows
    page = table_of(afterwards, "run_sql_query", sql_query=sql, limit=5, offset=10).origins[0].rows
    assert page == whole[10:15]


def test_a_count_comes_from_no_row(afterwards: EhrTools) -> None:
    assert table_of(afterwards, "run_sql_query", sql_query="SELECT count(*) FROM labevents").origins == ()


def test_origins_travel_and_old_tables_are_read_as_before(afterwards: EhrTools) -> None:
    table = table_of(afterwards, "get_latest_records", table_name="emar", limit=2)
    assert msgspec.json.decode(msgspec.json.encode(table), type=Table) == table
    old = b'{"columns":["a"],"rows":[[1]],"total":1,"source":"emar"}'
    assert msgspec.json.encode(msgspec.json.decode(old, type=Table)) == old
