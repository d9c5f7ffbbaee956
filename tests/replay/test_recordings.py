import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.journal import Turn
from clinseek_replay.overview import overview
from clinseek_replay.plain import overview_lines, step_lines
from clinseek_replay.readers import READERS
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory

RUN = {
    "qid": "q",
    "run_index": 1,
    "messages": [{"role": "assistant", "content": "hm"}],
    "status": "incomplete",
}


def test_a_file_of_fifty_runs_is_indexed_and_a_run_read_when_looked_at(write_runs, monkeypatch):
    path = write_runs(*(RUN | {"qid": f"q{n // 2}", "run_index": n % 2 + 1} for n in range(50)))
    recordings = open_recordings([path])
    assert len(recordings.entries) == 50
    assert recordings.entries[31].label == "q15 run 2 · no_answer"
    assert recordings.entries[31].place == f"{path}:32"
    assert recordings.read_as == (
        f"{path}: read as results-jsonl because line 1 is a run with `messages` and `qid`",
    )
    assert recordings.run(31).source == f"{path}:32"
    assert recordings.find("q15") == 30
    assert recordings.find("50") == 49
    for wanted in ("q99", "0", "51", ""):
        with pytest.raises(InputError, match=r"no such run; there are 50"):
            recordings.find(wanted)


def test_a_qid_that_is_a_number_wins_over_the_number(write_runs):
    path = write_runs(RUN | {"qid": "2"}, RUN | {"qid": "1"})
    assert open_recordings([path]).find("1") == 1


def test_the_name_of_a_file_means_nothing(start, write_runs, tmp_path):
    with start(tmp_path / "results.txt") as journal:
        pass
    runs = write_runs(RUN, name="traj.journal")
    recordings = open_recordings([journal.path, runs])
    assert [recordings.run(n).format for n in range(2)] == ["clinseek.journal/1", "results.jsonl"]


def test_a_folder_is_read_in_order_and_tells_what_is_no_recording(start, write_runs, tmp_path):
    write_runs(RUN, name="b/results.jsonl")
    write_runs({"qid": "a case", "question": "?"}, name="a/cases.jsonl")
    (tmp_path / "a" / "notes.txt").write_text("not looked at")
    (tmp_path / "c.jsonl").write_text("oops\n")
    with start(tmp_path / "a" / "traj.jsonl"):
        pass
    recordings = open_recordings([tmp_path])
    assert [entry.qid for entry in recordings.entries] == ["q1", "q"]
    assert [(os.path.basename(p.place), p.reason[:30]) for p in recordings.problems] == [
        ("cases.jsonl", "line 1 is neither a journal no"),
        ("c.jsonl", "line 1 is not a JSON object, n"),
    ]


def test_one_bad_line_never_kills_a_file(tmp_path):
    path = tmp_path / "r.jsonl"
    good = json.dumps(RUN).encode() + b"\n"
    nan = json.dumps(RUN | {"hadm_id": float("nan")}).encode() + b"\n"
    path.write_bytes(good + b"oops\n\n[1]\n" + b'{"qid": "x"}\n' + b'{"qid": "\xff"\n' + nan + good[:30])
    recordings = open_recordings([path])
    assert [entry.line for entry in recordings.entries] == [1, 7]
    assert recordings.run(1).steps[0].text == "hm"
    reasons = {int(problem.place.rpartition(":")[2]): problem.reason for problem in recordings.problems}
    assert list(reasons) == [2, 4, 5, 6, 8]
    assert "not JSON" in reasons[2]
    assert "a JSON list" in reasons[4]
    assert "without `messages`" in reasons[5]
    assert "not JSON" in reasons[6]
    assert "cut off" in reasons[8]


def test_a_line_longer_than_any_run_is_passed_over(tmp_path, monkeypatch):
    from clinseek_replay.readers import reader

    monkeypatch.setattr(reader, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "r.jsonl"
    line = json.dumps(RUN) + "\n"
    path.write_text(line + "x" * 5000 + "\n" + line)
    recordings = open_recordings([path])
    assert [entry.line for entry in recordings.entries] == [1, 3]
    assert recordings.run(1).qid == "q"
    assert "longer than" in recordings.problems[0].reason


def _half_a_header(path):
    path.write_text('{"type":"header","seq":0,"at":"2150-')


UNREADABLE = {
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "blank": (lambda path: path.write_bytes(b"\n\n \n"), "is empty"),
    "binary": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "line 1 is binary"),
    "text": (lambda path: path.write_text("dear reader\n" * 30), "line 1 is not a JSON object"),
    "a list": (lambda path: path.write_text("[\n{}\n]\n"), "the file is a JSON list"),
    "cases": (lambda path: path.write_text('{"qid": "x", "question": "?"}\n'), "line 1 is neither"),
    "other chats": (lambda path: path.write_text('{"messages": []}\n'), "line 1 is near to a chat"),
    "half a header": (_half_a_header, "line 1 is cut off"),
    "newer": (
        lambda path: path.write_text('{"type":"header","format":"clinseek.journal/2"}\n'),
        "clinseek.journal/2.*upgrade",
    ),
    "missing": (lambda path: None, "No such file"),
    "a folder without recordings": (lambda path: path.mkdir(), r"holds no file that may be a recording"),
    "a pipe": (os.mkfifo, "not a regular file"),
}


@pytest.mark.parametrize(("make", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_recording_gives_one_clear_line(tmp_path, make, message):
    path = tmp_path / "x.jsonl"
    make(path)
    with pytest.raises(InputError, match=message) as caught:
        open_recordings([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file/below"])
def test_names_that_can_not_be(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be read"):
        open_recordings([tmp_path / name])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "x.jsonl"
    path.touch(mode=0)
    with pytest.raises(InputError, match="Permission denied"):
        open_recordings([path])


def test_no_permission_as_the_kernel_tells_it(tmp_path, monkeypatch):
    """For root too, who may read everything."""
    path = tmp_path / "x.jsonl"
    path.write_text("{}\n")

    def denied(self, *args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    with pytest.raises(InputError, match=r"x\.jsonl: can't be read \(Permission denied\)"):
        open_recordings([path])


def test_a_folder_of_nothing_usable_names_the_first(tmp_path):
    (tmp_path / "a.jsonl").write_text("")
    (tmp_path / "b.jsonl").write_text("oops\n")
    with pytest.raises(InputError, match=r"holds no recording; a\.jsonl: is empty.* \(and 1 more\)"):
        open_recordings([tmp_path])


def test_a_killed_journal_shows_what_was_finished(start):
    with start() as journal:
        journal.append(Turn, step=1, text="kept")
        journal.append(Turn, step=2, text="lost")
    data = journal.path.read_bytes()
    journal.path.write_bytes(data[:-7])
    recordings = open_recordings([journal.path])
    run = recordings.run(0)
    assert [step.text for step in run.steps] == ["kept"]
    assert not run.ended
    assert run.damage[0].line == 3
    assert "cut off" in run.damage[0].reason
    assert recordings.entries[0].label == "q1"


def test_a_line_that_its_writer_has_not_finished_is_not_lost(start):
    with start() as journal:
        with journal.path.open("ab") as file:
            file.write(b'{"type":"tu')
        run = open_recordings([journal.path]).run(0)
    assert "still being written" in run.damage[0].reason


def test_a_journal_without_its_header_still_opens(start):
    with start() as journal:
        journal.append(Turn, step=1, text="kept")
    lines = journal.path.read_bytes().split(b"\n", 1)
    journal.path.write_bytes(lines[0][:50] + b"\n" + lines[1])
    run = open_recordings([journal.path]).run(0)
    assert run.steps[0].text == "kept"
    assert (run.qid, run.policy, run.damage[0].line) == ("", None, 1)


def test_a_format_can_be_named(write_runs, tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text('{"messages": [{"role": "assistant", "content": "hm"}]}\n')
    recordings = open_recordings([path], format="results-jsonl")
    assert recordings.run(0).steps[0].text == "hm"
    assert "--format says so" in recordings.read_as[0]
    with pytest.raises(InputError, match="there are journal, parquet"):
        open_recordings([path], format="nonsense")


def test_gold_is_joined_by_qid(write_runs):
    path = write_runs(
        RUN | {"qid": "a"}, RUN | {"qid": "b", "label": ["own"]}, RUN | {"qid": "c", "label": ["own"]}
    )
    recordings = open_recordings([path], gold={"a": ("given",), "b": ("given",), "z": ("unused",)})
    assert [recordings.run(n).gold for n in range(3)] == [("given",), ("given",), ("own",)]


def test_a_file_that_changed_since_is_told(write_runs):
    path = write_runs(RUN)
    recordings = open_recordings([path])
    path.write_text("x" * 500)
    with pytest.raises(InputError, match=r":1: not JSON .* may have changed"):
        recordings.run(0)
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        recordings.run(0)


def _open_all(path) -> None:
    """Whatever lies there: runs that can be shown, or one InputError."""
    for name in (None, *(reader.name for reader in READERS)):
        try:
            recordings = open_recordings([path], format=name)
        except InputError:
            continue
        for index in range(len(recordings.entries)):
            run = recordings.run(index)
            assert isinstance(run, Trajectory)
            overview(run)
            for line in overview_lines(run):
                line.encode()
            for step in run.steps:
                for line in step_lines(run, step):
                    line.encode()


ANY_TEXT = st.text(st.characters(codec=None), max_size=12)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _shaped(*names: str) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, ANY_JSON))


CALL = st.fixed_dictionaries(
    {},
    optional={
        "id": ANY_JSON,
        "function": st.fixed_dictionaries(
            {},
            optional={
                "name": st.just("finish") | ANY_JSON,
                "arguments": ANY_JSON | st.sampled_from(["{", "[1]", "{}"]),
            },
        )
        | ANY_JSON,
    },
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["system", "user", "assistant", "tool"]) | ANY_JSON,
        "content": st.lists(_shaped("type", "text", "source", "image_url"), max_size=2) | ANY_JSON,
        "tool_calls": st.lists(CALL | ANY_JSON, max_size=3) | ANY_JSON,
        "tool_call_id": ANY_JSON,
        "reasoning_content": ANY_JSON,
        "bedrock_content_blocks": st.lists(_shaped("type", "thinking"), max_size=2) | ANY_JSON,
    },
)
RECORD = st.fixed_dictionaries(
    {"qid": ANY_JSON, "messages": st.lists(MESSAGE | ANY_JSON, max_size=5) | ANY_JSON},
    optional=dict.fromkeys(
        (
            "run_index",
            "session_id",
            "status",
            "stop_reason",
            "error",
            "task",
            "question",
            "label",
            "ground_truth",
            "candidates",
            "subject_id",
            "prediction_time",
            "multimodal_summary",
        ),
        ANY_JSON,
    ),
)
EVENT = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["header", "turn", "observation", "end", "later"]),
        "seq": st.integers() | ANY_JSON,
    },
    optional={
        "at": st.just("2150-01-01T00:00:00Z"),
        "step": st.integers(),
        "format": ANY_TEXT,
        "text": ANY_TEXT,
    },
)
LINES = st.lists(RECORD | EVENT | ANY_JSON, max_size=4)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_recordings_or_an_input_error(tmp_path, data):
    path = tmp_path / "any.jsonl"
    path.write_bytes(data)
    _open_all(path)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES)
def test_any_json_lines_are_recordings_or_an_input_error(tmp_path, lines):
    path = tmp_path / "any.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _open_all(path)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 5000), bits=st.integers(1, 255), cut=st.booleans())
def test_a_journal_hit_anywhere_still_opens_or_says_why(tmp_path, golden, at, bits, cut):
    data = bytearray(golden.read_bytes())
    data[at] ^= bits
    path = tmp_path / "hit.jsonl"
    path.write_bytes(data[:at] if cut else data)
    _open_all(path)


def test_reading_changes_nothing(golden):
    files = [place for place in golden.parent.rglob("*") if place.is_file()]
    before = [(place, place.read_bytes(), place.stat().st_mode, place.stat().st_mtime_ns) for place in files]
    _open_all(golden)
    assert before == [
        (place, place.read_bytes(), place.stat().st_mode, place.stat().st_mtime_ns)
        for place in golden.parent.rglob("*")
        if place.is_file()
    ]
