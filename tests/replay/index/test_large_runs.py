"""What is read a step at a time is what is read at once."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.journal import (
    CallRequest,
    End,
    Message,
    Nudge,
    Observation,
    Prompt,
    Resumed,
    Retry,
    Turn,
    bodies_folder,
)
from clinseek_replay.index import LazySteps, call_counts
from clinseek_replay.readers import journal, json_records, large_chat, large_journal, run_lines
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory

TEXT = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["\u2713", '"', "}", "\\", "a\nb", ""]
)
IDS = st.sampled_from(["c1", "c2", "c2", "synthetic_finish_1", "", None])
FUNCTION = st.fixed_dictionaries(
    {"name": st.sampled_from(["ehr_load_ehr", "finish", "ehr.finish", "search", ""])},
    optional={"arguments": st.sampled_from(['{"response": ["a"]}', {"x": 1}, "{", "[1]", None])},
)
CALLS = st.lists(st.fixed_dictionaries({"function": FUNCTION}, optional={"id": IDS}), max_size=2)
ASSISTANT = st.fixed_dictionaries(
    {"role": st.sampled_from(["assistant", "assistant", "model"])},
    optional={
        "content": TEXT
        | st.just("<tool_call><function=ehr.x><parameter=y>1</parameter></function></tool_call>")
        | st.just([{"type": "tool_use", "id": "c1", "name": "search", "input": {}}]),
        "tool_calls": CALLS | st.none(),
        "reasoning_content": TEXT,
        "usage": st.just({"prompt_tokens": 3, "completion_tokens": 4}),
        "extra": st.just({"status": "odd", "messages": [1]}),
    },
)
OTHER = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "tool", "tool", "developer", 7, None])},
    optional={
        "content": TEXT
        | st.just([{"type": "tool_result", "tool_use_id": "c1", "content": "rows"}])
        | st.just("<tool_response>\nrows\n</tool_response>"),
        "tool_call_id": IDS,
    },
)
ODD = st.none() | st.integers(-3, 3) | TEXT | st.lists(st.integers(0, 3), max_size=2) | st.just({})
MESSAGES = st.lists(ASSISTANT | OTHER | ODD, max_size=9)
RECORD = st.fixed_dictionaries(
    {"qid": TEXT, "messages": MESSAGES | ODD},
    optional={
        "run_index": st.integers(1, 4),
        "session_id": TEXT,
        "status": st.sampled_from(["success", "incomplete", "error", ""]),
        "stop_reason": st.sampled_from(["finish_tool_call", None]),
        "error": TEXT,
        "question": TEXT,
        "label": st.lists(TEXT, max_size=2),
        "input": TEXT,
        "task": st.floats(allow_nan=True),
    },
)


def _runs(path):
    """What opening a file gives: the entries, the problems, and each run or why it can't be read."""
    try:
        recordings = open_recordings([path])
    except InputError as error:
        return str(error)
    runs = []
    for index in range(len(recordings.entries)):
        try:
            runs.append(recordings.run(index))
        except InputError as error:
            runs.append(str(error))
    return tuple(recordings.entries), recordings.problems, runs


def _by_steps(path, patch):
    """The same, with everything read as what is large is."""
    for module in (json_records, large_chat, journal, large_journal):
        patch.setattr(module, "LARGE_BYTES", 0)
    for name in ("_LARGE_BYTES", "_PEEKED_BYTES"):
        patch.setattr(run_lines, name, 0)
    return _runs(path)


def _counts(runs):
    return [list(call_counts(run.steps)) for run in runs[2] if isinstance(run, Trajectory)]


def _check_both(path):
    at_once = _runs(path)
    with pytest.MonkeyPatch.context() as patch:
        by_steps = _by_steps(path, patch)
        assert by_steps == at_once
        assert isinstance(at_once, str) or _counts(by_steps) == _counts(at_once)
        assert _by_steps(path, patch) == at_once  # from the cache


@settings(deadline=None, max_examples=50)
@given(records=st.lists(RECORD, min_size=1, max_size=3), compact=st.booleans())
def test_a_chat_read_by_steps_is_the_chat_read_at_once(tmp_path_factory, records, compact):
    path = tmp_path_factory.mktemp("chat") / "results.jsonl"
    separators = (",", ":") if compact else (", ", ": ")
    path.write_bytes(b"".join(json.dumps(one, separators=separators).encode() + b"\n" for one in records))
    _check_both(path)


CHAT = {
    "qid": "q",
    "messages": [
        {"role": "user", "content": "Which?"},
        17,
        {"role": "assistant", "content": "a", "tool_calls": [{"id": "c", "function": {"name": "search"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "\u2713 rows"},
        {"role": "assistant", "content": "b", "tool_calls": [{"id": "c", "function": {"name": "finish"}}]},
    ],
    "status": "success",
}


def test_the_steps_of_a_large_chat_stand_where_they_say(write_runs, monkeypatch):
    path = write_runs({"qid": "before", "messages": []}, CHAT)
    _, _, runs = _by_steps(path, monkeypatch)
    assert isinstance(runs[1].steps, LazySteps)
    data = path.read_bytes()
    [turn, result] = runs[1].steps[0].raw
    assert json.loads(data[turn.offset :][: turn.length])["content"] == "a"
    assert json.loads(data[result.offset :][: result.length])["role"] == "tool"
    assert [call.flags for step in runs[1].steps for call in step.calls] == [("duplicate_id",)] * 2
    assert [damage.reason for damage in runs[1].damage] == ["messages[1] is no object"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"qid": "q", "messages": [NaN], "status": "success"}\n', id="not strictly JSON"),
        pytest.param(b'{"qid": "q", "messages": [{"role": "user", "content": "\xff"}]}\n', id="not UTF-8"),
        pytest.param(b'{"messages": [1], "qid": "q", "messages": [{"role": "assistant"}]}\n', id="twice"),
        pytest.param(b'{"qid": "q", "m\\u0065ssages": [{"role": "assistant"}]}\n', id="escaped name"),
        pytest.param(
            b'{"qid": "q", "messages": [{"role": "assist\\u0061nt"}] , "status":1}\r\n', id="blanks"
        ),
        pytest.param(b'{"qid": "q", "messages": [{"role": "assistant"}\n', id="cut off"),
        pytest.param(b'{"qid": "q", "messages": [{"role": "assistant"}]} x\n', id="more behind it"),
        pytest.param(b'{"qid": "q", "messages": {"role": "assistant"}}\n', id="no list"),
        pytest.param(b'\n \n{"qid": "q", "messages": []}\n\n[]\noops', id="other lines"),
    ],
)
def test_odd_lines_are_read_as_they_are_at_once(tmp_path, line):
    path = tmp_path / "results.jsonl"
    path.write_bytes(json.dumps(CHAT).encode() + b"\n" + line + json.dumps(CHAT).encode() + b"\n")
    _check_both(path)


def test_a_run_that_changes_under_its_reader_is_an_error(write_runs, monkeypatch):
    path = write_runs(CHAT)
    _, _, [run] = _by_steps(path, monkeypatch)
    path.write_bytes(path.read_bytes().replace(b'"assistant"', b'"assistXnt"'))
    with pytest.raises(InputError, match="no longer as it was"):
        run.steps[0]
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(InputError, match="no longer as it was"):
        run.steps[0]


STEP = st.integers(1, 3)
EVENT = st.one_of(
    st.builds(lambda step, n: ("turn", step, n), STEP, st.integers(0, 2)),
    st.builds(lambda step, call, kind: ("observation", step, call, kind), STEP, st.integers(0, 3), TEXT),
    st.builds(lambda step: ("retry", step), STEP),
    st.builds(lambda step: ("nudge", step), STEP),
    st.sampled_from(
        [("resumed",), ("end",), ("prompt",), ("header",), ("unknown",), ("blank",), ("damage",)]
    ),
)


def _write(journal, event):
    kind, *rest = event
    match kind, rest:
        case "turn", (step, calls):
            asked = tuple(CallRequest(id=f"c{n}", name="ehr.x", arguments={"n": n}) for n in range(calls))
            journal.append(Turn, step=step, text=f"s{step}", calls=asked, finish_reason="stop")
        case "observation", (step, call, text):
            same = {"step": step, "call": call, "tool_call_id": "c", "name": "ehr.x", "status": "ok"}
            if len(text) > 5:
                journal.append(Observation, **same, body=journal.store_text(text))
            else:
                journal.append(Observation, **same, text=text)
        case "retry", (step,):
            journal.append(Retry, step=step, reason="429", wait_s=1.0)
        case "nudge", (step,):
            journal.append(Nudge, step=step, text="go on")
        case "resumed", _:
            journal.append(Resumed, engine_version="9")
        case "end", _:
            journal.append(End, status="answered", stop_reason="finish", answer=("a",))
        case "prompt", _:
            journal.append(Prompt, messages=(Message(role="user", content="Which?"),))
        case _:
            _write_raw(journal.path, kind)


def _write_raw(path, kind):
    first = path.read_bytes().split(b"\n")[0]
    lines = {
        "header": first,
        "unknown": b'{"type":"later","seq":1,"at":"2150-01-01T00:00:00Z","x":[1]}',
        "blank": b" ",
        "damage": b'{"type":"turn","seq":1,"at":"2150-01-01T00:00:00Z","step":"x"}',
    }
    with path.open("ab") as file:
        file.write(lines[kind] + b"\n")


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENT, max_size=14), cut=st.sampled_from([0, 0, 1, 30]), headless=st.booleans())
def test_a_journal_read_by_steps_is_the_journal_read_at_once(tmp_path_factory, start, events, cut, headless):
    path = tmp_path_factory.mktemp("journal") / "traj.jsonl"
    with start(path) as journal:
        for event in events:
            _write(journal, event)
    data = path.read_bytes()
    if headless:
        data = data.partition(b"\n")[2] or data
    path.write_bytes(data[: len(data) - cut])
    for body in bodies_folder(path).glob("*" if cut else "none"):
        body.unlink()
    _check_both(path)


def test_the_golden_journal_is_the_same_by_steps(golden, monkeypatch):
    at_once = _runs(golden)
    by_steps = _by_steps(golden, monkeypatch)
    assert isinstance(by_steps[2][0].steps, LazySteps)
    assert by_steps == at_once


def test_the_steps_of_a_journal_stand_where_they_say(golden, monkeypatch):
    data = golden.read_bytes()
    for run in (_runs(golden)[2][0], _by_steps(golden, monkeypatch)[2][0]):
        for step in run.steps:
            [turn, *results] = [json.loads(data[span.offset :][: span.length]) for span in step.raw]
            assert (turn["type"], turn["step"]) == ("turn", step.number)
            assert {(result["type"], result["step"]) for result in results} <= {("observation", step.number)}


def test_a_large_journal_of_a_newer_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "new.jsonl"
    path.write_text('{"type":"header","format":"clinseek.journal/2"}\n')
    assert "clinseek.journal/2" in _by_steps(path, monkeypatch)


def test_a_journal_that_changes_under_its_reader_is_an_error(start, monkeypatch):
    with start() as journal:
        journal.append(Turn, step=1, text="a")
    _, _, [run] = _by_steps(journal.path, monkeypatch)
    journal.path.write_bytes(b"x" * journal.path.stat().st_size)
    with pytest.raises(InputError, match="the file may have changed"):
        run.steps[0]
