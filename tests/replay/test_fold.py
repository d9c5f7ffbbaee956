import msgspec

from clinseek_core.journal import (
    CallRequest,
    End,
    Nudge,
    Observation,
    Resumed,
    Retry,
    Turn,
    bodies_folder,
    read_body,
    read_journal,
)
from clinseek_replay.fold import fold
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Note, Trajectory

EMPTY = Trajectory(run_id="", source="x", format="")


def _look(step, *ids):
    return {"step": step, "calls": tuple(CallRequest(id=id_, name="ehr.x", arguments={}) for id_ in ids)}


def _seen(step, call, text="found", **more):
    return {
        "step": step,
        "call": call,
        "tool_call_id": "?",
        "name": "ehr.x",
        "status": "ok",
        "text": text,
    } | more


def _run(journal):
    return open_recordings([journal.path]).run(0)


def test_the_golden_journal_as_a_trajectory(golden):
    run = open_recordings([golden]).run(0)
    assert (run.qid, run.subject_id, run.policy.basis, run.model) == (
        "golden-1",
        90000001,
        "available",
        "example-model",
    )
    assert (run.status, run.stop_reason, run.answer, run.answer_source) == (
        "answered",
        "finish",
        ("Piperacillin-Tazobactam",),
        "finish",
    )
    assert [step.anchor for step in run.steps] == ["s1", "s2", "s3", "s4", "s5"]
    statuses = [call.status for step in run.steps for call in step.calls]
    assert statuses == ["ok", "ok", "error", "ok", "refused", "empty", "limited", "ok"]
    cut = run.steps[2].calls[0].result
    assert (len(cut.text), cut.full_characters) == (200, 478)
    assert run.steps[1].calls[1].raw_arguments.startswith('{"sql_query"')
    assert run.prompt[1][1].endswith("[image/png films/s95000001.png, 105 B]")
    assert [note.kind for step in run.steps for note in step.notes] == [
        "retry",
        "unheard_of",
        "nudge",
        "resumed",
    ]
    assert run.notes == (Note("forked", "from 00000000000000000000000000000001#s2"),)
    assert run.damage == ()


def test_one_event_at_a_time_gives_what_all_at_once_give(golden):
    records = read_journal(golden).records
    stepwise = EMPTY
    for record in records:
        stepwise = fold(stepwise, [record], lambda body: read_body(golden, body))
    assert stepwise == fold(EMPTY, records, lambda body: read_body(golden, body))


def test_what_did_not_change_is_shared(start):
    with start() as journal:
        journal.append(Turn, **_look(1, "a"))
        journal.append(Observation, **_seen(1, 1))
        journal.append(Turn, **_look(2, "a"))
        before = fold(EMPTY, journal.events, journal.read_body)
        after = fold(before, [journal.append(Observation, **_seen(2, 1))], journal.read_body)
    assert after.steps[0] is before.steps[0]
    assert before.steps[1].calls[0].status == "pending"
    assert after.steps[1].calls[0].status == "ok"


def test_calls_are_found_by_step_and_number_though_their_ids_repeat(start):
    with start() as journal:
        journal.append(Turn, **_look(1, "same", "same"))
        journal.append(Observation, **_seen(1, 2, "second"))
        journal.append(Observation, **_seen(1, 1, "first"))
    assert [call.result.text for call in _run(journal).steps[0].calls] == ["first", "second"]


def test_a_retry_before_the_answer_stays_with_its_step(start):
    with start() as journal:
        journal.append(Retry, step=1, reason="429", wait_s=2.0)
        assert _run(journal).steps[0].at is None
        journal.append(Turn, step=1, text="here")
    [step] = _run(journal).steps
    assert step.text == "here"
    assert step.notes == (Note("retry", "429; tried again after 2 s"),)


def test_an_end_is_lifted_by_a_resume(start):
    with start() as journal:
        journal.append(Turn, step=1, text="hm")
        journal.append(Nudge, step=1, text="go on")
        journal.append(End, status="error", stop_reason="endpoint_down", message="no route")
        assert _run(journal).ended
        journal.append(Resumed, engine_version="9")
    run = _run(journal)
    assert (run.ended, run.message, run.answer) == (False, "", None)
    assert [note.kind for note in run.steps[0].notes] == ["nudge", "resumed"]


def test_events_that_fit_nowhere_are_told(start):
    with start() as journal:
        journal.append(Turn, **_look(2, "a"))
        journal.append(Observation, **_seen(2, 3))
        journal.append(Observation, **_seen(1, 1))
        journal.append(Turn, step=2, text="asked again")
    run = _run(journal)
    assert [step.number for step in run.steps] == [1, 2]
    assert "of s1.c1, a call that no turn made" in run.steps[0].notes[0].text
    assert [note.kind for note in run.steps[1].notes] == ["observation", "turn"]


def test_a_body_that_is_gone_is_told_and_the_rest_still_shows(start):
    with start() as journal:
        body = journal.store_text("x" * 500)
        journal.append(Turn, **_look(1, "a"))
        journal.append(Observation, **_seen(1, 1, "", body=body))
    assert _run(journal).steps[0].calls[0].result.text == "x" * 500
    (bodies_folder(journal.path) / body.sha256).unlink()
    [step] = _run(journal).steps
    assert step.notes[0].kind == "missing"
    assert step.calls[0].result.full_characters == 500


def test_two_headers_in_one_file_are_told(start, tmp_path):
    first, second = start(tmp_path / "a.jsonl"), start(tmp_path / "b.jsonl")
    with first, second:
        first.append(Turn, step=1)
    both = tmp_path / "both.jsonl"
    both.write_bytes(first.path.read_bytes() + second.path.read_bytes())
    run = open_recordings([both]).run(0)
    assert run.run_id == first.events[0].run_id
    assert "a second header" in run.steps[0].notes[0].text


def test_a_trajectory_is_a_value():
    assert msgspec.structs.replace(EMPTY, qid="x") != EMPTY
