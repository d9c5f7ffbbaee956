"""The command `triage` from end to end: what it prints, its exit codes, labels and agreement."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_replay.triage import findings_path
from clinseek_tui.cli import main

FAILED = "SQL Execution Error: Execution failed on sql 'select hb from labevents': no such column: hb"


@pytest.fixture
def results(make: Any, tmp_path: Path) -> Path:
    """A file of two runs: a failed one of q1, a good one of q2."""
    bad = make.run(
        make.turn("", make.sql("select hb from labevents", FAILED, "error")),
        make.turn("Hm."),
        answer=("Heparin",),
    )
    good = make.run()
    lines = []
    for qid, made in (("q1", bad), ("q2", good)):
        (tmp_path / "one").mkdir(exist_ok=True)
        record = json.loads(made.write("results", tmp_path / "one").read_text())
        lines.append(json.dumps(record | {"qid": qid, "session_id": f"{qid}__q_0__run_1"}))
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = main(["triage", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_it_names_cause_codes_places_and_what_is_not_verified(run: Run, results: Path) -> None:
    code, out, _ = run(results)
    assert code == 0
    assert "primary cause: A2 bad_sql at s3.c1" in out
    assert "primary cause: nothing lost" in out
    assert "not verified: " in out
    assert "all runs: 2 runs" in out
    assert "tool ehr.run_sql_query: 1 calls" in out


def test_json_has_a_line_a_run_and_one_with_the_counts(run: Run, results: Path) -> None:
    code, out, _ = run(results, "--json")
    *runs, last = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [each["cause"]["kind"] for each in runs] == ["found", "nothing_lost"]
    everything = last["triage"]["tallies"][0]
    assert everything["codes"]["A2"]["count"] == 1
    assert everything["codes"]["A2"]["of"] == 2
    assert last["agreement"] is None


@pytest.mark.parametrize(
    ("words", "code"),
    [(["A2"], 1), (["A"], 1), (["A3,R"], 0), (["U1"], 1)],
    ids=["code", "group", "others", "another"],
)
def test_it_fails_only_on_codes_that_were_asked_for(
    words: list[str], code: int, run: Run, results: Path
) -> None:
    assert run(results, "--fail-on", *words)[0] == code


@pytest.mark.parametrize("codes", ["A2,NO", "Z", "A99"])
def test_an_unknown_code_is_a_usage_error(
    codes: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["triage", str(results), "--fail-on", codes])
    assert stop.value.code == 2
    assert "no code" in capsys.readouterr().err


def test_one_run_of_a_file(run: Run, results: Path) -> None:
    _, out, _ = run(results, "--run", "q2")
    assert "primary cause: nothing lost" in out
    assert "A2" not in out


def test_gold_of_a_file_and_its_questions_without_a_run(run: Run, results: Path, tmp_path: Path) -> None:
    gold = tmp_path / "cases.json"
    case = {
        "subject_id": 90000001,
        "prediction_time": "2150-03-03 06:00:00",
        "question": "?",
        "gold": ["Heparin"],
    }
    gold.write_text(json.dumps([case | {"qid": qid} for qid in ("q1", "q9")]))
    _, out, _ = run(results, "--gold", gold)
    assert out.count("primary cause: nothing lost") == 2
    assert "1 questions of the gold file have no run: q9" in out


def test_a_label_is_kept_counted_and_compared(run: Run, results: Path) -> None:
    before = results.read_bytes()
    code, out, _ = run(
        results, "--run", "q1", "--reject", "s3.c1=A2", "--author", "Ann", "--text", "a typo, no more"
    )
    assert code == 0
    assert str(findings_path(results)) in out
    assert results.read_bytes() == before
    _, out, _ = run(results, "--agreement")
    assert "primary cause: U1" in out
    assert "agreement of rules with people" in out
    assert "A2            0.00  of 1: both yes 0, rule alone 1, person alone 0, both no 0" in out
    run(results, "--run", "q1", "--label", "s3.c1=A2", "--reviewed", "--author", "Bob")
    _, out, _ = run(results, "--json", "--agreement")
    agreed = json.loads(out.splitlines()[-1])["agreement"]
    assert agreed["reviewed"] == 1
    assert agreed["codes"]["A2"]["both_yes"] == 1
    assert agreed["people"]["Ann, Bob"]["only_second"] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--label", "s3.c1=A2"], "--author"),
        (["--label", "s99=A2", "--author", "Ann"], "no such step"),
        (["--label", "s3.c9=A2", "--author", "Ann"], "no such call"),
        (["--label", "s3.c1=Q7", "--author", "Ann"], "no code"),
        (["--label", "there=A2", "--author", "Ann"], "no such step"),
        (["--override", "s3.c1=A2", "--author", "Ann"], "no code"),
    ],
    ids=["author", "step", "call", "code", "place", "override"],
)
def test_a_label_that_fits_nothing_is_refused(words: list[str], told: str, run: Run, results: Path) -> None:
    code, _, err = run(results, "--run", "q1", *words)
    assert code == 2
    assert told in err
    assert not findings_path(results).exists()


def test_a_label_needs_one_run(run: Run, results: Path) -> None:
    code, _, err = run(results, "--label", "s3.c1=A2", "--author", "Ann")
    assert code == 2
    assert "--run" in err


def test_damaged_labels_are_told_and_labels_are_no_recording(run: Run, results: Path, tmp_path: Path) -> None:
    run(results, "--run", "q1", "--label", "s3.c1=A2", "--author", "Ann")
    with findings_path(results).open("a") as file:
        file.write("not a label\n")
    code, _, err = run(tmp_path)
    assert code == 0
    assert "findings.jsonl:3: not used" in err
    assert "not used: line" not in err


def test_the_reference_s_scores_are_checked(run: Run, results: Path, tmp_path: Path) -> None:
    scores = tmp_path / "per_question.jsonl"
    scores.write_text('{"qid": "q2", "runs": [{"f1": 0.5}]}\n')
    _, out, _ = run(results, "--scores", scores)
    assert "S3   scorer_disagrees" in out
    scores.write_text('{"qid": "q2"}\n')
    code, _, err = run(results, "--scores", scores)
    assert code == 2
    assert "per_question.jsonl:1" in err


def test_a_page_is_written_and_never_over_another(run: Run, results: Path, tmp_path: Path) -> None:
    page = tmp_path / "triage.html"
    assert run(results, "--html", page)[0] == 0
    assert "A2" in page.read_text()
    assert "select hb" not in page.read_text()
    assert run(results, "--html", page)[0] == 2
    assert run(results, "--html", page, "--force")[0] == 0


def test_the_patient_s_data_decide_what_the_record_alone_can_t(run: Run, tmp_path: Path) -> None:
    journal = tmp_path / "traj.jsonl"
    assert main(["run", "--headless", "--out", str(journal)]) == 0
    _, out, _ = run(journal, "--ehr", "bundled")
    assert "primary cause" in out
    assert "it takes the patient's data" not in out


def test_an_unreadable_recording_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("nothing\n")
    code, _, err = run(path)
    assert code == 2
    assert "Traceback" not in err
