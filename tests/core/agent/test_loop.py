"""The loop with a scripted model: what it writes down, what it tells the model, how it ends."""

from __future__ import annotations

import pytest

from clinseek_core.agent import NUDGE, Asking, CallState, run
from clinseek_core.errors import InputError, ModelError
from clinseek_core.journal import CallRequest, End, JournalWriter, Nudge, Observation, Prompt, Turn, Usage
from clinseek_core.models import Reply, Retrying, ToolMessage, UserMessage

LOOK = ("ehr.get_records", {"table_name": "labevents"})
FINISH = ("ehr.finish", {"response": ["Piperacillin-Tazobactam"]})


def kinds(journal):
    return [type(event).__name__ for event in journal.events]


def observations(journal):
    return [event for event in journal.events if isinstance(event, Observation)]


def test_a_run_writes_down_every_turn_and_every_observation_in_order(
    new_journal, toolbox, scripted, call, control
):
    journal = new_journal()
    usage = Usage(input_tokens=9, output_tokens=2)
    opened = call(("ehr.load_ehr", {"subject_id": 1}), LOOK, text="I open it.", reasoning="Hm.", usage=usage)
    model = scripted(opened, call(("ehr.get_records", {"table_name": "emar"})), call(FINISH))
    end = run(journal, model, toolbox, control)
    assert (end.status, end.stop_reason, end.answer) == ("answered", "finish", ("Piperacillin-Tazobactam",))
    assert kinds(journal) == [
        *("Header", "Prompt", "Turn", "Observation", "Observation"),
        *("Turn", "Observation", "Turn", "Observation", "End"),
    ]
    turn = journal.events[2]
    assert (turn.step, turn.text, turn.reasoning, turn.usage) == (1, "I open it.", "Hm.", usage)
    seen = [(event.step, event.call, event.name, event.status) for event in observations(journal)]
    assert seen == [
        (1, 1, "ehr.load_ehr", "ok"),
        (1, 2, "ehr.get_records", "ok"),
        (2, 1, "ehr.get_records", "empty"),
        (3, 1, "ehr.finish", "ok"),
    ]
    assert observations(journal)[1].table.rows == (("Lactate", "4.1"), ("Creatinine", "1.9"))
    last = model.conversations[-1]
    assert [message.text for message in last if isinstance(message, ToolMessage)] == [
        "ehr.load_ehr: done",
        "Lactate,4.1\nCreatinine,1.9",
        "0 rows",
    ]


def test_what_is_going_on_is_reported(new_journal, toolbox, scripted, call, control):
    progress = []
    run(new_journal(), scripted(call(LOOK, FINISH)), toolbox, control, on_progress=progress.append)
    assert progress == [
        Asking(1),
        CallState(1, 1, "ehr.get_records", "queued"),
        CallState(1, 2, "ehr.finish", "queued"),
        CallState(1, 1, "ehr.get_records", "running"),
        CallState(1, 2, "ehr.finish", "running"),
    ]


BAD_CALLS = {
    "not JSON": (
        CallRequest(id="x", name="ehr.get_records", raw='{"table_name": labevents}'),
        ["not valid JSON", "line 1 column 16", '{"table_name": "<string>"}', "labevents}"],
    ),
    "no object": (CallRequest(id="x", name="ehr.get_records", raw='["labevents"]'), ["not an object"]),
    "unknown": (
        CallRequest(id="x", name="ehr.get_record", arguments={}),
        ["no tool `ehr.get_record`", "nearest: ehr.get_records"],
    ),
    "invented": (
        CallRequest(id="x", name="pubmed.xyz\x1b[2J", arguments={}),
        ["there are: ehr.load_ehr", "browser.search", "␛"],
    ),
    "finish without an answer": (
        CallRequest(id="x", name="ehr.finish", arguments={"answer": ["a"]}),
        ["`response` is missing", '{"response": ["<string>"]}', "the run goes on"],
    ),
    "finish with numbers": (
        CallRequest(id="x", name="ehr.finish", arguments={"response": [1]}),
        ["list of strings"],
    ),
    "finish that is not JSON": (CallRequest(id="x", name="ehr.finish", raw="Furosemide"), ["not valid JSON"]),
}


@pytest.mark.parametrize("what", BAD_CALLS)
def test_a_bad_call_is_told_to_the_model_and_the_run_goes_on(
    new_journal, toolbox, scripted, call, control, what
):
    request, says = BAD_CALLS[what]
    journal = new_journal()
    model = scripted(Reply(calls=(request,)), call(FINISH))
    assert run(journal, model, toolbox, control).status == "answered"
    told = observations(journal)[0]
    assert told.status == "error"
    assert model.conversations[1][-1] == ToolMessage("x", request.name, told.text)
    assert [part for part in says if part not in told.text] == []
    assert toolbox.called == [FINISH], "no tool was run on it"


def test_arguments_cut_by_the_output_limit_are_said_to_be_so(new_journal, toolbox, scripted, call, control):
    journal = new_journal()
    request = CallRequest(id="x", name="ehr.get_records", raw='{"table_name": "lab')
    run(journal, scripted(Reply(calls=(request,), finish_reason="length"), call(FINISH)), toolbox, control)
    assert "limit of output tokens" in observations(journal)[0].text


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (["a", "b"], ("a", "b")),
        ("a", ("a",)),
        ("a, b", ("a, b",)),
        ('["a", "b"]', ("a", "b")),
        ([" a ", ""], ("a",)),
        ([], ()),
        ("", ()),
        ("12", ("12",)),
    ],
)
def test_finish_takes_a_list_or_one_item(new_journal, toolbox, scripted, call, control, response, answer):
    end = run(new_journal(), scripted(call(("ehr.finish", {"response": response}))), toolbox, control)
    assert (end.status, end.answer) == ("answered", answer)


def test_the_batch_that_holds_finish_is_run_to_its_end(new_journal, toolbox, scripted, call, control):
    journal = new_journal()
    revised = ("ehr.finish", {"response": ["Furosemide"]})
    end = run(journal, scripted(call(FINISH, LOOK, revised)), toolbox, control)
    assert [event.name for event in observations(journal)] == ["ehr.finish", "ehr.get_records", "ehr.finish"]
    assert end.answer == ("Furosemide",), "the last word counts"


def test_a_turn_without_a_call_is_nudged(new_journal, toolbox, scripted, call, control):
    journal = new_journal()
    model = scripted(Reply(text="I think so."), Reply(), call(LOOK), Reply(text="Well."), call(FINISH))
    assert run(journal, model, toolbox, control).status == "answered"
    assert [event.step for event in journal.events if isinstance(event, Nudge)] == [1, 2, 4]
    assert model.conversations[1][-1] == UserMessage(NUDGE)


def test_a_model_that_makes_no_call_ends_without_an_answer(new_journal, toolbox, scripted, control):
    journal = new_journal()
    end = run(journal, scripted(*[Reply(text="Furosemide")] * 9), toolbox, control)
    assert (end.status, end.stop_reason, end.answer) == ("no_answer", "no_call", None)
    assert kinds(journal)[2:] == ["Turn", "Nudge", "Turn", "Nudge", "Turn", "End"]


@pytest.mark.parametrize("silent", [False, True])
def test_rounds_are_bounded(new_journal, toolbox, scripted, call, control, silent):
    journal = new_journal(max_rounds=2)
    end = run(journal, scripted(call(LOOK), Reply() if silent else call(LOOK)), toolbox, control)
    assert (end.status, end.stop_reason) == ("no_answer", "max_rounds")
    assert sum(isinstance(event, Turn) for event in journal.events) == 2
    assert kinds(journal)[-2] == ("Turn" if silent else "Observation"), "and the last batch is run"


def test_an_answer_in_the_last_round_counts(new_journal, toolbox, scripted, call, control):
    assert run(new_journal(max_rounds=1), scripted(call(FINISH)), toolbox, control).status == "answered"


def test_a_long_result_is_cut_and_the_model_is_told(new_journal, toolbox, scripted, call, control):
    journal = new_journal(max_result_characters=1000)
    model = scripted(call(("ehr.recite", {"characters": 5000})), call(FINISH))
    run(journal, model, toolbox, control)
    event = observations(journal)[0]
    text = model.conversations[1][-1].text
    assert event.text == text
    assert 990 < len(text) <= 1000
    shown = text.count("é")
    assert f"{shown:,} of 5,000 characters" in text
    assert "LIMIT" in text
    assert journal.read_body(event.full).decode() == "é" * 5000
    assert event.table is None, "rows the text no longer shows are not claimed"


@pytest.mark.parametrize("limit", [0, 10, 170, 250])
def test_even_a_tiny_cap_holds(new_journal, toolbox, scripted, call, control, limit):
    journal = new_journal(max_result_characters=limit)
    run(journal, scripted(call(("ehr.recite", {"characters": 5000})), call(FINISH)), toolbox, control)
    assert limit - 10 < len(observations(journal)[0].text) <= limit


def test_a_large_result_lies_beside_the_journal(new_journal, toolbox, scripted, call, control):
    journal = new_journal()
    model = scripted(
        call(("ehr.recite", {"characters": 20_000}), ("ehr.recite", {"characters": 150_000})), call(FINISH)
    )
    run(journal, model, toolbox, control)
    fits, cut = observations(journal)[:2]
    assert (fits.text, cut.text) == ("", "")
    assert journal.read_body(fits.body).decode() == "é" * 20_000
    assert fits.full is None
    assert fits.table is not None
    assert 99_990 < cut.body.characters <= 100_000
    assert cut.full.characters == 150_000
    got = [message.text for message in model.conversations[1] if isinstance(message, ToolMessage)]
    assert got[0] == "é" * 20_000
    assert got[1] == journal.read_body(cut.body).decode()


def test_an_endpoint_that_fails_ends_the_run_in_one_line_and_resume_goes_on(
    new_journal, toolbox, scripted, call, control
):
    journal = new_journal()
    end = run(journal, scripted(call(LOOK), ModelError("x: down; wait", "endpoint_down")), toolbox, control)
    assert (end.status, end.stop_reason, end.message) == ("error", "endpoint_down", "x: down; wait")
    assert run(journal, scripted(), toolbox, control) == end, "it has ended until it is resumed"
    journal.close()
    with JournalWriter.resume(journal.path) as again:
        model = scripted(call(LOOK), call(FINISH))
        assert run(again, model, toolbox, control).status == "answered"
        assert len(model.conversations) == 1, "the first turn is not asked for again"
        assert kinds(again)[2:] == ["Turn", "Observation", "End", "Resumed", "Turn", "Observation", "End"]


@pytest.mark.parametrize("how", [KeyboardInterrupt(), ModelError("stopped", "cancelled")])
def test_an_interrupt_is_a_stop(new_journal, toolbox, scripted, call, control, how):
    journal = new_journal()
    end = run(journal, scripted(call(LOOK), how), toolbox, control)
    assert (end.status, end.stop_reason) == ("stopped", "stopped_by_user")
    assert kinds(journal) == ["Header", "Prompt", "Turn", "Observation", "End"]


def test_a_stop_between_calls_leaves_the_rest_for_later(new_journal, toolbox, scripted, call, control):
    journal = new_journal()

    def stop_at_first_call(progress):
        if isinstance(progress, CallState) and progress.state == "running":
            control.stop()

    model = scripted(call(LOOK, LOOK, FINISH))
    end = run(journal, model, toolbox, control, on_progress=stop_at_first_call)
    assert end.status == "stopped"
    assert len(observations(journal)) == 1, "the running call is finished and kept"
    journal.close()
    with JournalWriter.resume(journal.path) as again:
        assert run(again, model, toolbox, type(control)()).status == "answered"
        assert [event.call for event in observations(again)] == [1, 2, 3]


def test_the_model_s_retries_are_written_down(new_journal, toolbox, scripted, call, control):
    class Stumbling(scripted):
        def reply(self, *args, on_progress, **named):
            on_progress(Retrying("HTTP 429 (slow down)", 2.0))
            return super().reply(*args, on_progress=on_progress, **named)

    journal = new_journal()
    run(journal, Stumbling(call(LOOK), call(FINISH)), toolbox, control)
    retries = [event for event in journal.events if type(event).__name__ == "Retry"]
    assert [(event.step, event.reason, event.wait_s) for event in retries] == [
        (1, "HTTP 429 (slow down)", 2.0),
        (2, "HTTP 429 (slow down)", 2.0),
    ]


def test_a_model_is_shown_neither_task_nor_gold_nor_qid(new_journal, toolbox, scripted, call, control):
    journal = new_journal()
    model = scripted(call(FINISH))
    run(journal, model, toolbox, control)
    assert "secret" not in repr(model.conversations)
    assert "secret" not in repr([event for event in journal.events if isinstance(event, Prompt | End)])


def test_a_journal_without_a_header_is_refused(new_journal, toolbox, scripted, control):
    journal = new_journal()
    journal.events.clear()
    with pytest.raises(InputError, match="no header"):
        run(journal, scripted(), toolbox, control)
