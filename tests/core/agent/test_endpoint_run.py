"""The whole loop against a chat endpoint over HTTP: each trouble ends as it should, and no step is lost."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from clinseek_core.agent import Control, run
from clinseek_core.journal import JournalWriter, Observation, Retry, Turn, read_journal
from clinseek_core.models import Endpoint
from clinseek_core.models.openai_chat import OpenAIChat

LOOK = ("ehr.get_records", {"table_name": "labevents"})
SEARCH = ("browser.search", {"query": "sepsis"})
FINISH = ("ehr.finish", {"response": ["Piperacillin-Tazobactam"]})


@pytest.fixture
def model(server, key):
    return OpenAIChat(Endpoint("test-model", server.url, key))


@pytest.fixture
def go(server, model, new_journal, toolbox, control):
    """Run a script of answers to its end; gives the end and the journal's events as a reader sees them."""

    def go(*script, control=control):
        server.script = list(script)
        journal = new_journal()
        end = run(journal, model, toolbox, control)
        journal.close()
        recording = read_journal(journal.path)
        assert not recording.damage
        assert list(recording.records) == journal.events
        assert recording.records[-1] == end
        return end, recording.records

    return go


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("style", ["stream", "whole"])
def test_a_run_over_http(go, server, say, style):
    answer = getattr(say, style)
    end, events = go(answer("I look.", LOOK, SEARCH), answer("", FINISH))
    assert (end.status, end.answer) == ("answered", ("Piperacillin-Tazobactam",))
    assert of(Observation, events)[0].text == "Lactate,4.1\nCreatinine,1.9"
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assert [event.usage.input_tokens for event in of(Turn, events)] == [7, 7]


TROUBLES = {
    "too many requests": lambda say: [say.status(429, "slow down", retry_after="3")],
    "a server error": lambda say: [say.status(500, "oops")] * 2,
    "a dropped connection": lambda say: [say.hang_up],
    "a dropped stream": lambda say: [say.half(say.stream("I look at it again.", LOOK, SEARCH))],
    "refused dots": lambda say: [say.status(400, "function.name does not match pattern")],
    "refused streaming": lambda say: [say.status(400, "streaming is not supported")],
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("place", [0, 1])
def test_trouble_that_passes_costs_no_step(go, say, trouble, place):
    plain = [say.stream("I look.", LOOK), say.whole("", FINISH)]
    script = [*plain[:place], *TROUBLES[trouble](say), *plain[place:]]
    end, events = go(*script)
    assert end.status == "answered"
    assert [(event.step, event.text) for event in of(Turn, events)] == [(1, "I look."), (2, "")]
    assert [event.name for event in of(Observation, events)] == ["ehr.get_records", "ehr.finish"]
    retries = of(Retry, events)
    assert len(retries) == len(script) - 2
    assert {event.step for event in retries} == {place + 1}
    assert all(event.reason for event in retries)


TOLD = {
    "malformed arguments": (("ehr.get_records", '{"table_name": lab'), "not valid JSON"),
    "an unknown tool": (("ehr.get_everything", {}), "no tool `ehr.get_everything`"),
    "an unknown table": (("ehr.get_records", {"table_name": "x"}), "no such table"),
    "an empty finish": (("ehr.finish", ""), "`response` is missing"),
}


@pytest.mark.parametrize("style", ["stream", "whole"])
@pytest.mark.parametrize("what", TOLD)
def test_a_bad_call_is_told_to_the_model(go, server, say, what, style):
    call, says = TOLD[what]
    end, events = go(getattr(say, style)("", call), say.stream("", FINISH))
    assert end.status == "answered"
    told = of(Observation, events)[0]
    assert told.status == "error"
    assert says in told.text
    assert server.requests[1]["messages"][-1]["content"] == told.text


@pytest.mark.parametrize("written", ["get_records", "ehr_get_records", "browser.get_records"])
def test_a_name_without_its_namespace_is_understood(go, say, written):
    _, events = go(say.stream("", (written, LOOK[1])), say.stream("", ("finish", FINISH[1])))
    assert [event.name for event in of(Observation, events)] == ["ehr.get_records", "ehr.finish"]
    assert of(Turn, events)[0].calls[0].wire_name == written


def test_text_alone_is_nudged_then_finished(go, server, say):
    end, _ = go(say.stream("It is sepsis."), say.stream("", FINISH))
    assert end.status == "answered"
    assert "ehr.finish" in server.requests[1]["messages"][-1]["content"]


FATAL = {
    "a bad key": (lambda say: say.status(401, "bad key"), "refused", "OPENAI_API_KEY"),
    "a full context": (
        lambda say: say.status(400, "maximum context length is 10 tokens"),
        "context_overflow",
        "longer context",
    ),
    "a web page": (lambda say: say.raw(b"<html>"), "bad_reply", "--base-url"),
}


@pytest.mark.parametrize("trouble", FATAL)
def test_trouble_that_stays_ends_the_run_in_one_line_and_keeps_its_steps(
    go, say, server, model, toolbox, control, tmp_path, trouble
):
    answer, kind, names = FATAL[trouble]
    end, events = go(say.stream("I look.", LOOK), answer(say))
    assert (end.status, end.stop_reason) == ("error", kind)
    assert names in end.message
    assert "\n" not in end.message
    assert len(of(Observation, events)) == 1
    server.script = [say.stream("", FINISH)]
    with JournalWriter.resume(tmp_path / "traj.jsonl") as journal:
        assert run(journal, model, toolbox, control).status == "answered"


def test_garbage_is_tried_again_then_given_up(go, say, server):
    end, events = go(*[say.raw(b"{garbage")] * 6)
    assert (end.status, end.stop_reason) == ("error", "bad_reply")
    assert (len(server.requests), len(of(Retry, events))) == (6, 5)


def test_a_slow_endpoint_can_be_stopped(go, server, say):
    control = Control()
    threading.Thread(target=lambda: server.asked.wait(10) and control.stop()).start()
    end, events = go(say.raw(b"", held_until=server.released), control=control)
    assert (end.status, end.stop_reason) == ("stopped", "stopped_by_user")
    assert not server.released.is_set(), "the server still holds its answer"
    assert not of(Turn, events)


@pytest.fixture
def python_handles_ctrl_c():
    """A job in the background inherits an ignored SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_handles_ctrl_c")
def test_ctrl_c_while_a_model_is_asked_is_a_stop(go, server, say):
    interrupter = threading.Thread(
        target=lambda: server.asked.wait(10) and os.kill(os.getpid(), signal.SIGINT)
    )
    interrupter.start()
    end, _ = go(say.raw(b"", held_until=server.released), control=Control())
    interrupter.join()
    assert end.status == "stopped"
