import json
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_replay.recordings import open_recordings
from clinseek_replay.runs import (
    column_named,
    facts_of,
    filtered,
    rows_of,
    runs_lines,
    sorted_rows,
    with_deltas,
    with_outcome,
)
from clinseek_replay.watching import run_keys, stamp


def _finished(qid: str, *answer: str, run: int = 1, **more: Any) -> dict[str, Any]:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "ehr.finish", "arguments": json.dumps({"response": list(answer)})},
    }
    return {
        "qid": qid,
        "run_index": run,
        "task": "Pharmacy",
        "model": "qwen",
        "subject_id": 90000001,
        "prediction_time": "2150-03-03 06:00:00",
        "messages": [
            {"role": "user", "content": "Which drugs?"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
        ],
        "status": "success",
        "stop_reason": "finish_tool_call",
        "label": ["Heparin", "Furosemide"],
        **more,
    }


def _looked_into(path: Path) -> list[Any]:
    recordings = open_recordings([path])
    rows = rows_of(recordings)
    for at in range(len(recordings.entries)):
        rows[at] = with_outcome(rows[at], facts_of(recordings.run(at)))
    return with_deltas(rows)


@pytest.fixture
def rows(write_runs: Any) -> list[Any]:
    return _looked_into(
        write_runs(
            _finished("q1", "Heparin", "Furosemide"),
            _finished("q1", "Heparin", run=2, model="llama"),
            _finished("q2", "Aspirin"),
            _finished("q3", "Heparin", label=None),
        )
    )


def test_a_row_has_the_figures_of_its_run(rows: list[Any]) -> None:
    facts = rows[0].facts
    assert (facts.f1, facts.calls, facts.rounds, facts.task, facts.model) == (1.0, 1, 1, "Pharmacy", "qwen")
    assert facts.stop_reason == "finish_tool_call"
    assert facts.cause == "nothing lost"
    assert rows[3].facts.f1 is None
    assert rows[3].facts.cause == "not verified: no gold"


def test_the_delta_is_to_the_first_run_of_the_same_case(rows: list[Any]) -> None:
    assert [row.delta for row in rows] == [None, pytest.approx(2 / 3 - 1, abs=1e-5), None, None]


def test_what_an_audit_could_not_verify_is_no_clean_zero(rows: list[Any]) -> None:
    facts = rows[0].facts
    assert facts.leaks_verified is False, "the reference's files don't say the policy"
    assert column_named("leaks").text(rows[0]) == "0?"


@pytest.mark.parametrize("reverse", [False, True], ids=["up", "down"])
def test_sorting_leaves_what_is_unknown_last(rows: list[Any], reverse: bool) -> None:
    ordered = [row.number for row in sorted_rows(rows, column_named("f1"), reverse=reverse)]
    assert ordered == ([1, 2, 3, 4] if reverse else [3, 2, 1, 4])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("q1", [1, 2]),
        ("QWEN", [1, 3, 4]),
        ("model:llama", [2]),
        ("f1<0.9", [2, 3]),
        ("f1>=0.5 !model:llama", [1]),
        ("leaks=0", [1, 2, 3, 4]),
        ("!q1 !q2", [4]),
        ("delta<0", [2]),
    ],
)
def test_a_filter_s_words_all_have_to_fit(rows: list[Any], text: str, numbers: list[int]) -> None:
    assert [row.number for row in filtered(rows, text)] == numbers


@pytest.mark.parametrize("text", ["colour:red", "f1<half", "model<5"])
def test_a_filter_that_means_nothing_is_told(rows: list[Any], text: str) -> None:
    with pytest.raises(InputError):
        filtered(rows, text)


def test_what_can_t_be_read_is_a_row_with_its_error(tmp_path: Path, write_runs: Any) -> None:
    path = write_runs(_finished("q1", "Heparin"))
    with path.open("a") as file:
        file.write("{broken\n")
    (tmp_path / "other.jsonl").write_text('{"nonsense": 1}\n')
    recordings = open_recordings([tmp_path])
    rows = rows_of(recordings)
    assert [row.number for row in rows] == [1, 0, 0]
    assert all(row.error for row in rows[1:])
    lost = with_outcome(rows[0], InputError("it has gone"))
    assert "✗ it has gone" in "\n".join(runs_lines([lost]))


def test_what_a_run_says_stays_on_its_line(write_runs: Any) -> None:
    rows = _looked_into(write_runs(_finished("q1", "Heparin", model="evil\x1b[31m\nmodel")))
    lines = list(runs_lines(rows))
    assert len(lines) == 2
    assert "\x1b" not in lines[1]


def test_a_file_that_is_written_changes_the_stamp_and_only_its_own_runs_keys(
    tmp_path: Path, write_runs: Any, golden: Path
) -> None:
    (tmp_path / "journal.jsonl").write_bytes(golden.read_bytes())
    path = write_runs(_finished("q1", "Heparin"))
    before, keys = stamp([tmp_path]), run_keys(open_recordings([tmp_path]), range(2))
    assert stamp([tmp_path]) == before
    with path.open("a") as file:
        file.write(json.dumps(_finished("q2", "Aspirin")) + "\n")
    assert stamp([tmp_path]) != before
    grown = run_keys(open_recordings([tmp_path]), range(3))
    assert set(keys) < set(grown)
