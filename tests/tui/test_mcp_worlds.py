"""Over MCP as in process: two worlds that differ only after the cutoff give a client the same bytes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")
from mcp.client.client import Client

from clinseek_core.journal import Observation, read_journal
from clinseek_fixtures import bundled_cases, world_path
from clinseek_tui.mcp_server.connections import Connections
from clinseek_tui.mcp_server.server import make_server
from clinseek_tui.running import Options, plan_new

CASE = bundled_cases()[0]
CHARTED = {
    "hosp/labevents": "charttime",
    "hosp/microbiologyevents": "charttime",
    "hosp/emar": "charttime",
    "icu/chartevents": "charttime",
    "icu/outputevents": "charttime",
    "ed/vitalsign": "charttime",
    "ed/pyxis": "charttime",
    "note/radiology": "charttime",
}
"""Tables whose rows are known no sooner than they are charted."""


def without_the_future(folder: Path, at: datetime) -> int:
    """Take out every row of the world that was charted at the cutoff or later; how many those were."""
    shutil.copytree(world_path(), folder, dirs_exist_ok=True)
    con = duckdb.connect()
    taken = 0
    for name, column in CHARTED.items():
        (path,) = folder.glob(f"{name}.*")
        table = (
            f"read_csv('{path}', all_varchar = true)" if ".csv" in path.name else f"read_parquet('{path}')"
        )
        con.execute(f"CREATE OR REPLACE TABLE whole AS FROM {table}")
        is_late = f"{column} IS NOT NULL AND {column}::TIMESTAMP >= TIMESTAMP '{at}'"
        (late,) = con.execute(f"SELECT count(*) FROM whole WHERE {is_late}").fetchone() or (0,)
        taken += late
        con.execute(f"COPY (FROM whole WHERE NOT ({is_late})) TO '{path}'")
    return taken


def calls() -> Iterator[tuple[str, dict[str, Any]]]:
    subject = str(CASE.subject_id)
    yield "load_ehr", {"subject_id": subject, "timestamp": str(CASE.prediction_time)}
    yield "get_table_names", {"subject_id": subject}
    span = {"start_time": "2100-01-01 00:00:00", "end_time": "2200-01-01 00:00:00"}
    yield "get_event_counts_by_time", {"subject_id": subject, **span}
    for name, column in CHARTED.items():
        table = {"subject_id": subject, "table_name": name.partition("/")[2]}
        yield "get_latest_records", table
        yield "get_records_by_time", table | span
        sql = f"SELECT count(*), max({column}) FROM {table['table_name']}"
        yield "run_sql_query", {"subject_id": subject, "sql_query": sql}
    yield "get_candidates_by_keyword", {"table_name": "labevents_candidates", "keyword": "a"}


def seen(ehr: Path, journal: Path) -> list[str]:
    options = Options(case=CASE.qid, ehr=ehr, web="off", out=journal)
    connections = Connections(lambda _: plan_new(options, {}), at_most=1, idle_s=60.0)

    async def ask() -> list[str]:
        async with Client(make_server(connections)) as client:
            results = [await client.call_tool(name, asked) for name, asked in calls()]
            return ["".join(part.text for part in result.content) for result in results]

    try:
        return asyncio.run(ask())
    finally:
        connections.close()


def test_the_future_can_not_be_told_from_what_the_tools_say(tmp_path: Path) -> None:
    assert without_the_future(tmp_path / "other", CASE.prediction_time) > 10
    here = seen(world_path(), tmp_path / "here.jsonl")
    there = seen(tmp_path / "other", tmp_path / "there.jsonl")
    assert here == there
    assert any("2150" in text for text in here)
    written = [r.text for r in read_journal(tmp_path / "here.jsonl").records if isinstance(r, Observation)]
    assert written == here


def test_the_same_is_found_out_where_the_rule_is_the_references(tmp_path: Path) -> None:
    """The comparison can fail: a stay that ends later is seen under `upstream`."""
    without_the_future(tmp_path / "other", datetime(2150, 1, 1))
    assert seen(world_path(), tmp_path / "a.jsonl") != seen(tmp_path / "other", tmp_path / "b.jsonl")
