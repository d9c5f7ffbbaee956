"""A person between the model and the tools: calls wait, are changed or refused, and the journal says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.agent import Control
from clinseek_core.agent.approval import AskedCall, Decision
from clinseek_core.agent.control import StoppedError
from clinseek_core.journal import CallRequest, End, Observation, read_journal
from clinseek_fixtures import bundled_cases
from clinseek_replay.source import FollowSource
from clinseek_tui.running import Options, Work, plan_new, plan_resumed

CASE = bundled_cases()[0]
LOAD = ("ehr.load_ehr", {"subject_id": str(CASE.subject_id), "timestamp": str(CASE.prediction_time)})
SQL = ("ehr.run_sql_query", {"subject_id": str(CASE.subject_id), "sql_query": "SELECT 1 AS one"})


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run(server: Any, journal: Path, decisions: list[Decision]) -> list[Observation]:
    """A run each of whose calls waits for the next decision."""
    options = Options(case=CASE.qid, web="off", out=journal, model="m", base_url=server.url)
    work = Work(plan_new(options, {}), lambda _: None)
    work.live.ask_before_calls(True)
    with work:
        for decision in decisions:
            until(lambda: work.live.waiting_call is not None or work.end is not None)
            assert work.live.waiting_call is not None
            work.live.decide(decision)
            asked = work.live.waiting_call
            until(lambda asked=asked: work.live.waiting_call is not asked or work.live.waiting_call is None)
        until(lambda: work.end is not None)
    return [record for record in read_journal(journal).records if isinstance(record, Observation)]


RUN = Decision(what="run")


def test_an_allowed_call_is_run_as_it_was_asked(server: Any, say: Any, tmp_path: Path) -> None:
    server.script = [say.stream("", LOAD, SQL), say.stream("", ("ehr.finish", {"response": ["a"]}))]
    load, sql, finish = run(server, tmp_path / "t.jsonl", [RUN, RUN, RUN])
    assert [one.decided for one in (load, sql, finish)] == ["", "", ""]
    assert "1" in sql.text


def test_a_changed_call_is_run_changed_and_the_model_is_told(server: Any, say: Any, tmp_path: Path) -> None:
    server.script = [say.stream("", LOAD, SQL), say.stream("", ("ehr.finish", {"response": ["a"]}))]
    other = SQL[1] | {"sql_query": "SELECT 42 AS answer"}
    journal = tmp_path / "t.jsonl"
    _, sql, _ = run(server, journal, [RUN, Decision(what="edit", arguments=other), RUN])
    assert (sql.decided, sql.arguments) == ("edit", other)
    assert "42" in sql.text
    assert sql.text.startswith("[The person who follows this run changed")
    sent = server.requests[-1]["messages"]
    assert "SELECT 1 AS one" in str(sent[2]["tool_calls"])
    assert sent[-1]["content"] == sql.text
    trajectory = FollowSource(journal).select(0)
    assert trajectory.steps[0].calls[1].arguments == other
    assert any("the model asked for" in note.text for note in trajectory.steps[0].notes)


def test_a_refused_call_does_not_run(server: Any, say: Any, tmp_path: Path) -> None:
    server.script = [say.stream("", LOAD, SQL), say.stream("", ("ehr.finish", {"response": ["a"]}))]
    _, sql, _ = run(server, tmp_path / "t.jsonl", [RUN, Decision(what="refuse", why="too broad"), RUN])
    assert (sql.decided, sql.status) == ("refuse", "refused")
    assert "too broad" in sql.text


def test_a_changed_finish_is_the_answer_and_a_refused_one_ends_nothing(
    server: Any, say: Any, tmp_path: Path
) -> None:
    finish = ("ehr.finish", {"response": ["a"]})
    server.script = [say.stream("", finish), say.stream("", finish)]
    journal = tmp_path / "t.jsonl"
    changed = Decision(what="edit", arguments={"response": ["b"]})
    first, second = run(server, journal, [Decision(what="refuse"), changed])
    assert (first.decided, second.decided) == ("refuse", "edit")
    end = read_journal(journal).records[-1]
    assert isinstance(end, End)
    assert end.answer == ("b",)


def test_a_run_that_was_left_while_a_call_waits_goes_on_with_it(
    server: Any, say: Any, tmp_path: Path
) -> None:
    server.script = [say.stream("", LOAD)]
    journal = tmp_path / "t.jsonl"
    options = Options(case=CASE.qid, web="off", out=journal, model="m", base_url=server.url)
    work = Work(plan_new(options, {}), lambda _: None)
    work.live.ask_before_calls(True)
    with work:
        until(lambda: work.live.waiting_call is not None)
    assert not any(isinstance(record, Observation) for record in read_journal(journal).records)
    server.script = [say.stream("", ("ehr.finish", {"response": ["a"]}))]
    again = Options(model="m", base_url=server.url)
    with Work(plan_resumed(journal, again, {}), lambda _: None) as resumed:
        until(lambda: resumed.end is not None)
    names = [record.name for record in read_journal(journal).records if isinstance(record, Observation)]
    assert names == ["ehr.load_ehr", "ehr.finish"]


ASKED = AskedCall(1, 2, CallRequest(id="x", name="ehr.think", arguments={}))


def test_nobody_waits_where_nobody_asked() -> None:
    assert Control().approve(ASKED) == RUN
    control = Control()
    control.decide(Decision(what="refuse"))
    assert control.approve(ASKED) == RUN
    assert ASKED.anchor == "s1.c2"


@pytest.mark.parametrize("release", ["off", "stop"])
def test_a_waiting_call_is_let_go_when_asking_ends_or_the_run_stops(release: str) -> None:
    control = Control()
    control.ask_before_calls(True)
    got: list[Any] = []

    def wait() -> None:
        try:
            got.append(control.approve(ASKED))
        except StoppedError:
            got.append("stopped")

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: control.asked is not None)
    control.ask_before_calls(False) if release == "off" else control.stop()
    thread.join(5)
    assert got == [RUN if release == "off" else "stopped"]
    assert control.asked is None
