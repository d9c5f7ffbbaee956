"""`run --mcp`: a foreign server's tools beside ours, recorded, bounded, and never taken for proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_core.journal import Header, Observation, read_journal
from clinseek_core.tools.foreign import ForeignTools
from clinseek_fixtures import bundled_cases, world_store_path
from clinseek_tui.cli import main
from clinseek_tui.running import Options, plan_new, plan_resumed

CASE = bundled_cases()[0]
OWN = {"subject": CASE.subject_id, "at": CASE.prediction_time, "question": "Why?", "ehr": world_store_path()}


def run(server: Any, say: Any, journal: Path, *arguments: str, call: tuple[str, Any]) -> list[Observation]:
    server.script = [say.stream("", call), say.stream("", ("ehr.finish", {"response": ["x"]}))]
    model = ("--model", "m", "--base-url", server.url)
    assert main(["run", "--headless", "--out", str(journal), *model, *arguments]) == 0
    return [record for record in read_journal(journal).records if isinstance(record, Observation)]


@pytest.mark.parametrize("as_events", [False, True], ids=["JSON", "events"])
def test_a_foreign_tool_is_offered_answered_and_recorded(
    server: Any, say: Any, mcp_server: Any, tmp_path: Path, capsys: Any, as_events: bool
) -> None:
    mcp_server.as_events = as_events
    mcp_server.tools = {"lookup": lambda asked: {"content": [{"type": "text", "text": f"of {asked['q']}"}]}}
    journal = tmp_path / "traj.jsonl"
    first, _ = run(server, say, journal, "--mcp", mcp_server.url, call=("mcp.lookup", {"q": "sepsis"}))
    assert (first.name, first.status, first.text) == ("mcp.lookup", "ok", "of sepsis")
    offered = {tool["function"]["name"] for tool in server.requests[0]["tools"]}
    assert offered & {"mcp.lookup", "mcp_lookup"}
    header = read_journal(journal).records[0]
    assert isinstance(header, Header)
    assert header.mcp is not None
    assert header.mcp.server == mcp_server.url
    assert mcp_server.methods.count("initialize") == 1
    assert mcp_server.ended == 1
    main(["replay", str(journal), "--plain"])
    assert "by a foreign server" in capsys.readouterr().out


def test_only_the_tools_that_were_chosen_are_offered(
    server: Any, say: Any, mcp_server: Any, tmp_path: Path
) -> None:
    mcp_server.tools = {"one": lambda _: {}, "other": lambda _: {}}
    options = ("--mcp", mcp_server.url, "--mcp-tool", "one")
    first, _ = run(server, say, tmp_path / "t.jsonl", *options, call=("mcp.other", {}))
    assert first.status == "error"
    assert mcp_server.calls == []


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        ({"content": [], "isError": False}, "empty", ""),
        ({"content": [{"type": "text", "text": "no"}], "isError": True}, "error", "no"),
        ({"content": [{"type": "image", "data": "aGk="}]}, "ok", "[image]"),
        ({"content": [{"type": "text", "text": 7}]}, "ok", "[text]"),
        ({"content": "what"}, "error", "no result of a tool"),
    ],
    ids=["empty", "failed", "image", "no text", "no result"],
)
def test_whatever_a_server_says_is_an_observation(
    mcp_server: Any, answer: Any, status: str, text: str
) -> None:
    mcp_server.tools = {"t": lambda _: answer}
    tools = ForeignTools(mcp_server.url)
    result = tools.call("mcp.t", {})
    tools.close()
    assert result.status == status
    assert text in result.text


def test_a_server_that_goes_away_fails_calls_and_not_the_run(mcp_server: Any) -> None:
    mcp_server.tools = {"t": lambda _: {}}
    tools = ForeignTools(mcp_server.url)
    mcp_server.tools = {}
    assert tools.call("mcp.t", {}).status == "error"
    tools.close()


@pytest.mark.parametrize(
    ("tools", "only", "told"),
    [
        (dict, (), "offers no tools"),
        (lambda: {"a": 1}, ("b",), "offers no such tool; there are: a"),
        (lambda: {f"t{n}": 1 for n in range(65)}, (), "more than 64 tools"),
        (lambda: {"bad\x1b name": 1}, (), "a tool is called"),
    ],
    ids=["none", "unknown", "too many", "name"],
)
def test_tools_that_can_not_be_offered_are_told(
    mcp_server: Any, tools: Callable[[], Any], only: tuple[str, ...], told: str
) -> None:
    mcp_server.tools = tools()
    with pytest.raises(InputError) as raised:
        ForeignTools(mcp_server.url, only)
    assert told in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_a_record_goes_to_a_server_elsewhere_only_where_that_is_allowed() -> None:
    far = {"mcp": "https://far.example/mcp"}
    with pytest.raises(InputError, match="--mcp is not on this machine"):
        plan_new(Options(**OWN, **far), {})
    assert plan_new(Options(**OWN, **far, allow_remote_model=True), {}).mcp is not None
    with pytest.raises(InputError, match="--mcp-tool t goes with --mcp"):
        plan_new(Options(mcp_tool=["t"]), {})
    with pytest.raises(InputError, match="no http"):
        plan_new(Options(mcp="x"), {})


def test_a_resumed_run_asks_again_for_the_server(
    server: Any, say: Any, mcp_server: Any, tmp_path: Path
) -> None:
    mcp_server.tools = {"t": lambda _: {}}
    journal = tmp_path / "t.jsonl"
    run(server, say, journal, "--mcp", mcp_server.url, call=("mcp.t", {}))
    model = {"model": "m", "base_url": server.url}
    with pytest.raises(InputError, match=f"add --mcp {mcp_server.url}"):
        plan_resumed(journal, Options(**model), {})
    with pytest.raises(InputError, match="made with other tools"):
        plan_resumed(journal, Options(**model, mcp=mcp_server.url, mcp_tool=["t"]), {})
    assert plan_resumed(journal, Options(**model, mcp=mcp_server.url), {}).mcp is not None
