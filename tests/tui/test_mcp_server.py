"""`mcp`: the official SDK's client over both transports, each connection a run of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from clinseek_core.journal import End, Header, read_journal
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_fixtures import bundled_cases, world_path, world_store_path
from clinseek_tui.cli import main
from clinseek_tui.mcp_server.connections import Connections
from clinseek_tui.running import Options, plan_new

CASES = bundled_cases()
BY_PATIENT = {case.subject_id: case for case in CASES}
COMMAND = (sys.executable, "-m", "clinseek_tui", "mcp")
EHR = {spec.name.removeprefix("ehr.") for spec in EHR_TOOLS}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts `mcp --http` on a free port; its address."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environ: str) -> str:
        process = subprocess.Popen(
            [*COMMAND, *arguments, "--http", "127.0.0.1:0", "--out", str(tmp_path / "runs")],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=os.environ | environ,
        )
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("serving at http://127.0.0.1:"), line
        return line.split()[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()


@contextlib.asynccontextmanager
async def client(address: str) -> Any:
    async with (
        streamable_http_client(address) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        yield session


def said(result: Any) -> str:
    return "".join(part.text for part in result.content)


def journals(folder: Path) -> dict[int, Path]:
    found = {}
    for path in folder.glob("*.jsonl"):
        header = read_journal(path).records[0]
        assert isinstance(header, Header)
        found[header.case.subject_id] = path
    return found


async def every_tool(session: ClientSession, case: Any) -> dict[str, Any]:
    """Calls each tool once, `finish` last; what each said."""
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    at = str(case.prediction_time)
    values: dict[str, Any] = {
        "subject_id": str(case.subject_id),
        "timestamp": at,
        "start_time": "2150-01-01",
        "end_time": at,
        "table_name": "admissions",
        "column_name": "admission_type",
        "sql_query": "SELECT count(*) AS n FROM labevents",
        "response": ["nothing"],
        "query": "sepsis",
    }
    results = {}
    order = ["load_ehr", *(name for name in tools if name not in {"load_ehr", "finish"}), "finish"]
    for name in order:
        properties = tools[name].input_schema["properties"]
        arguments = {
            key: values.get(key, "x")
            for key in properties
            if key in tools[name].input_schema.get("required", ())
        }
        if name.startswith("get_candidates"):
            arguments["table_name"] = "labevents_candidates"
        results[name] = await session.call_tool(name, arguments)
    return results


def test_every_tool_is_listed_and_called_over_http(served: Callable[..., str], tmp_path: Path) -> None:
    case = CASES[0]
    address = served(case.qid)

    async def go() -> dict[str, Any]:
        async with client(address) as session:
            prompt = await session.get_prompt("case")
            assert case.question in prompt.messages[0].content.text
            return await every_tool(session, case)

    results = asyncio.run(go())
    assert set(results) > EHR
    assert {"search", "open", "find"} < set(results)
    assert not results["load_ehr"].is_error
    assert "n" in said(results["run_sql_query"])
    (journal,) = journals(tmp_path / "runs").values()
    records = read_journal(journal).records
    assert isinstance(records[-1], End)
    assert (records[-1].status, records[-1].answer) == ("answered", ("nothing",))


def test_every_tool_is_listed_and_called_over_standard_input_and_output(tmp_path: Path) -> None:
    case = CASES[1]
    server = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], case.qid, "--out", str(tmp_path)], env=dict(os.environ)
    )

    async def go() -> dict[str, Any]:
        async with stdio_client(server) as (incoming, outgoing), ClientSession(incoming, outgoing) as session:
            await session.initialize()
            return await every_tool(session, case)

    results = asyncio.run(go())
    assert set(results) > EHR
    assert {"image_visualizer", "chest_xray_classifier"} < set(results)
    assert list(journals(tmp_path)) == [case.subject_id]


def test_two_clients_at_once_see_two_patients_and_nothing_of_each_other(
    served: Callable[..., str], tmp_path: Path
) -> None:
    address = served(str(world_path() / "cases.jsonl"), "--ehr", str(world_store_path()))
    one, other = CASES[0], CASES[2]

    async def ask(case: Any, turn: asyncio.Barrier) -> list[str]:
        texts = []
        async with client(f"{address}?case={case.qid}") as session:
            for subject in (one.subject_id, other.subject_id):
                await turn.wait()
                told = {"subject_id": str(subject), "timestamp": str(case.prediction_time)}
                texts.append(said(await session.call_tool("load_ehr", told)))
                query = {
                    "subject_id": str(subject),
                    "sql_query": "SELECT DISTINCT subject_id FROM admissions",
                }
                texts.append(said(await session.call_tool("run_sql_query", query)))
        return texts

    async def both() -> list[list[str]]:
        turn = asyncio.Barrier(2)
        return await asyncio.gather(ask(one, turn), ask(other, turn))

    first, second = asyncio.run(both())
    assert all(str(other.subject_id) not in text or "Error" in text for text in first)
    assert all(str(one.subject_id) not in text or "Error" in text for text in second)
    found = journals(tmp_path / "runs")
    assert set(found) == {one.subject_id, other.subject_id}


def test_neither_patient_nor_time_is_the_clients_to_choose(served: Callable[..., str]) -> None:
    case = CASES[0]
    address = served(case.qid)

    async def go() -> tuple[str, str]:
        async with client(address) as session:
            told = {"subject_id": str(case.subject_id), "timestamp": "2199-01-01 00:00:00"}
            loaded = said(await session.call_tool("load_ehr", told))
            sql = "SELECT max(charttime)::VARCHAR AS latest FROM labevents"
            query = {"subject_id": str(case.subject_id), "sql_query": sql}
            return loaded, said(await session.call_tool("run_sql_query", query))

    _, latest = asyncio.run(go())
    assert "2150" in latest
    assert str(case.prediction_time) > latest.split()[-2] + " " + latest.split()[-1]


def test_a_foreign_agents_run_replays_with_audit_and_score(
    served: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[0]
    assert case.gold is not None
    address = served(case.qid)

    async def go() -> None:
        async with client(address) as session:
            told = {"subject_id": str(case.subject_id), "timestamp": str(case.prediction_time)}
            await session.call_tool("load_ehr", told)
            await session.call_tool("finish", {"response": list(case.gold)})
            late = await session.call_tool("load_ehr", told)
            assert late.is_error
            assert "has ended" in said(late)

    asyncio.run(go())
    (journal,) = journals(tmp_path / "runs").values()
    assert main(["replay", str(journal), "--plain"]) == 0
    shown = capsys.readouterr().out
    assert "(over MCP)" in shown
    assert main(["audit", str(journal)]) == 0
    assert main(["score", str(journal), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])
    assert main(["run", "--headless", "--resume", str(journal)]) == 2
    assert "foreign agent" in capsys.readouterr().err


def test_the_references_client_works(served: Callable[..., str]) -> None:
    """Protocol 2024-11-05 by hand: initialize, the session's header, JSON or events."""
    case = CASES[0]
    address = served(case.qid)
    headers = {"accept": "application/json, text/event-stream"}

    def payload(response: httpx2.Response) -> Any:
        assert response.status_code == 200, response.text
        if response.headers["content-type"].startswith("text/event-stream"):
            (data,) = [
                line[5:]
                for line in response.text.splitlines()
                if line.startswith("data:") and line[5:].strip()
            ]
            return json.loads(data)
        return response.json()

    with httpx2.Client(headers=headers, trust_env=False, timeout=30) as http:
        asked = {
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "clientInfo": {"name": "r", "version": "0"},
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked}
        response = http.post(address, json=message)
        assert payload(response)["result"]["protocolVersion"] == "2024-11-05"
        http.headers["mcp-session-id"] = response.headers["mcp-session-id"]
        http.post(address, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        told = {"subject_id": str(case.subject_id), "timestamp": str(case.prediction_time)}
        call = {"name": "load_ehr", "arguments": told}
        answer = payload(
            http.post(address, json={"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
        )
        assert answer["result"]["content"][0]["type"] == "text"
        assert answer["result"]["isError"] is False


def test_a_client_that_leaves_leaves_a_whole_journal(served: Callable[..., str], tmp_path: Path) -> None:
    case = CASES[0]
    address = served(case.qid)

    async def go() -> None:
        async with client(address) as session:
            await session.call_tool("get_table_names", {"subject_id": str(case.subject_id)})

    asyncio.run(go())
    (journal,) = journals(tmp_path / "runs").values()
    for _ in range(100):
        records = read_journal(journal).records
        if isinstance(records[-1], End):
            break
        asyncio.run(asyncio.sleep(0.05))
    assert isinstance(records[-1], End)
    assert records[-1].stop_reason == "disconnected"


def test_without_the_token_nobody_is_let_in(served: Callable[..., str]) -> None:
    token = "t" * 20
    address = served(CASES[0].qid, CLINSEEK_MCP_TOKEN=token)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with httpx2.Client(trust_env=False, timeout=30) as http:
        for sent in ({}, {"authorization": "Bearer wrong"}, {"authorization": token}):
            assert http.post(address, json=message, headers=sent).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--http", "0.0.0.0:0"], "others can reach that address"),
        (["--http", "0.0.0.0:0", "--token", "short"], "16 characters"),
        (["--http", "nowhere"], "write it like 127.0.0.1:5003"),
        (["no-such-case"], "no bundled case"),
        (["--token", "t" * 20], "--token goes with --http"),
    ],
)
def test_what_can_not_be_served_is_told(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mcp", *arguments, "--out", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_sessions_that_ask_nothing_for_long_are_closed(tmp_path: Path) -> None:
    numbers = iter(range(9))

    def plan(_: str | None) -> Any:
        return plan_new(Options(case=CASES[0].qid, web="off", out=tmp_path / f"{next(numbers)}.jsonl"), {})

    connections = Connections(plan, at_most=1, idle_s=0.0)
    run = connections.run_of("a", None, "client")
    connections.end_idle()
    assert run.call("load_ehr", {}).status == "error"
    connections.run_of("b", None, "client")
    connections.close()
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
