"""`clinseek-tui run` as its user meets it: a process, its exit code, its two streams and its journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.journal import Header, Observation, read_journal
from clinseek_fixtures import bundled_cases, world_store_path
from clinseek_tui.cli import main

COMMAND = (sys.executable, "-m", "clinseek_tui", "run", "--headless")
NO_ENDPOINT = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}


def start(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=NO_ENDPOINT | environ,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def seen(journal: Path) -> list[tuple[object, ...]]:
    """Everything that tools gave back, texts beside the journal by their digest."""
    records = (r for r in read_journal(journal).records if isinstance(r, Observation))
    return [(r.step, r.call, r.name, r.status, r.text, r.body, r.full, r.table) for r in records]


def observations(journal: Path) -> list[tuple[str, str]]:
    return [(r.name, r.status) for r in read_journal(journal).records if isinstance(r, Observation)]


def wait_for_lines(journal: Path, count: int) -> None:
    until = time.monotonic() + 30
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= count):
        assert time.monotonic() < until, "the run wrote nothing"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of the first bundled case, run to its end."""
    journal = tmp_path_factory.mktemp("whole") / "traj.jsonl"
    code, out, err = finish(start("--out", str(journal)))
    assert code == 0, err
    assert f"journal: {journal}" in out
    assert "s1.c1" in err
    return journal


def test_the_main_job_ends_with_an_answer_and_a_score(tmp_path: Path) -> None:
    journal = tmp_path / "traj.jsonl"
    code, out, _ = finish(start("--out", str(journal), "--json"))
    result = json.loads(out)
    assert (code, result["status"], result["stop_reason"]) == (0, "answered", "finish")
    assert result["answer"]
    assert 0 <= result["f1"] <= 1
    assert journal.stat().st_mode & 0o077 == 0


def test_the_journal_says_what_decided_the_run(whole: Path) -> None:
    header = read_journal(whole).records[0]
    assert isinstance(header, Header)
    assert header.case.qid == bundled_cases()[0].qid
    assert (header.policy.basis, header.policy.boundary) == ("available", "exclusive")
    assert (header.model.kind, header.model.name) == ("builtin", "seeker")
    assert header.data.source == "bundled"
    assert len(header.data.digest) == len(header.tools.digest) == 64


def test_the_journal_replays(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(whole), "--plain"]) == 0
    shown = capsys.readouterr().out
    assert bundled_cases()[0].qid in shown
    assert "seeker (rules, no language model)" in shown
    assert all(name.removeprefix("ehr.") in shown for name, _ in observations(whole))


@pytest.mark.parametrize(
    "lines", [1, 3, 9, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 50, 2))]
)
def test_a_run_killed_at_any_moment_goes_on_and_ends_the_same(
    whole: Path, tmp_path: Path, lines: int
) -> None:
    journal = tmp_path / "traj.jsonl"
    process = start("--out", str(journal))
    wait_for_lines(journal, lines)
    process.kill()
    process.communicate()
    assert main(["replay", str(journal), "--plain"]) == 0
    code, _, err = finish(start("--resume", str(journal)))
    if "this run was answered" in err:
        pytest.skip("the run had ended before it was killed")
    assert code == 0, err
    assert seen(journal) == seen(whole)


def test_an_interrupt_leaves_a_journal_that_goes_on(tmp_path: Path) -> None:
    journal = tmp_path / "traj.jsonl"
    process = start("--out", str(journal))
    wait_for_lines(journal, 2)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    if code == 0:
        pytest.skip("the run had ended before it was interrupted")
    assert code == 130, err
    assert "--resume" in out
    assert "Traceback" not in err
    assert finish(start("--resume", str(journal)))[0] == 0


def test_a_run_without_an_answer_says_so(tmp_path: Path) -> None:
    code, out, _ = finish(start("--out", str(tmp_path / "t.jsonl"), "--max-rounds", "1", "--json"))
    assert (code, json.loads(out)["stop_reason"]) == (3, "max_rounds")


WORLD = str(world_store_path())
OWN = ("--subject", "90000001", "--at", "2150-03-02 17:20:00", "--question", "Why is the patient here?")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no_such_case",), "bundled are bundled_pyxis_90000001"),
        (("--subject", "1"), "--at, --question is missing"),
        (OWN, "--ehr PATH"),
        ((*OWN, "--ehr", "/nowhere"), "/nowhere: does not exist"),
        ((*OWN, "--ehr", os.devnull), "is a file"),
        (("--subject", "7", *OWN[2:], "--ehr", WORLD), "no patient 7"),
        ((*OWN[:2], "--at", "noon", *OWN[4:], "--ehr", WORLD), "is no time"),
        (("--max-rounds", "0"), "no whole number above 0"),
        (("--base-url", "http://127.0.0.1:9/v1"), "--model NAME"),
        (("--resume", "/nowhere.jsonl"), "/nowhere.jsonl"),
        (("--model", "m", "--base-url", "ftp://x"), "is no http(s) address"),
        (
            (*OWN, "--ehr", WORLD, "--model", "m", "--base-url", "https://far.example/v1"),
            "add --allow-remote-model",
        ),
    ],
)
def test_what_can_not_be_run_is_said_in_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    process = start(*arguments, "--out", str(tmp_path / "t.jsonl"), OPENAI_API_KEY="k")
    code, out, err = finish(process)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "t.jsonl").exists()


def test_a_journal_is_never_overwritten(whole: Path) -> None:
    before = whole.read_bytes()
    code, _, err = finish(start("--out", str(whole)))
    assert (code, "never overwritten" in err, whole.read_bytes() == before) == (2, True, True)


def test_a_question_of_ones_own_needs_no_gold(tmp_path: Path) -> None:
    journal = tmp_path / "t.jsonl"
    code, out, err = finish(start(*OWN, "--ehr", WORLD, "--out", str(journal), "--json"))
    assert code == 0, err
    assert json.loads(out)["f1"] is None


def test_a_cases_file_of_the_benchmarks_shape_runs(tmp_path: Path) -> None:
    case = bundled_cases()[2]
    row = {
        "qid": "mine",
        "subject_id": str(case.subject_id),
        "prediction_time": str(case.prediction_time),
        "question": case.question,
        "candidates": list(case.candidates),
        "label": "no",
    }
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([row | {"qid": "other"}, row]))
    process = start(str(cases), "--qid", "mine", "--ehr", WORLD, "--out", str(tmp_path / "t.jsonl"), "--json")
    code, out, err = finish(process)
    assert code == 0, err
    assert (json.loads(out)["qid"], json.loads(out)["gold"]) == ("mine", ["no"])


def test_data_that_has_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    journal = tmp_path / "t.jsonl"
    finish(start("--out", str(journal), "--max-rounds", "1"))
    tree = tmp_path / "tree"
    (tree / "hosp").mkdir(parents=True)
    (tree / "hosp" / "patients.csv").write_text(
        "subject_id,gender,anchor_age,anchor_year\n90000001,M,40,2140\n"
    )
    code, _, err = finish(start("--resume", str(journal), "--ehr", str(tree)))
    assert (code, "was made on other data" in err) == (2, True)


def test_a_model_on_loopback_runs_the_case(server: Any, say: Any, tmp_path: Path) -> None:
    case = bundled_cases()[0]
    server.script = [
        say.stream(
            "", ("ehr_load_ehr", {"subject_id": case.subject_id, "timestamp": str(case.prediction_time)})
        ),
        say.stream("", ("run_sql_query", {"sql_query": "SELECT count(*) AS n FROM pyxis"}), ("ehr.nope", {})),
        say.stream("", ("ehr.finish", {"response": ["Piperacillin-Tazobactam"]})),
    ]
    journal = tmp_path / "t.jsonl"
    process = start("--model", "m", "--base-url", server.url, "--out", str(journal), "--json")
    code, out, err = finish(process)
    assert (code, json.loads(out)["f1"]) == (0, 1.0), err
    assert observations(journal) == [
        ("ehr.load_ehr", "ok"),
        ("ehr.run_sql_query", "ok"),
        ("ehr.nope", "error"),
        ("ehr.finish", "ok"),
    ]
    prompt = json.dumps(server.requests[0]["messages"])
    assert "gold" not in prompt
    assert case.qid not in prompt


def test_a_journal_can_not_send_a_record_elsewhere(whole: Path, tmp_path: Path) -> None:
    """A journal from somebody else may name an endpoint; the key in the environment does not go there."""
    lines = whole.read_text().splitlines()
    header = json.loads(lines[0])
    header["model"] = {"name": "m", "kind": "chat", "base_url": "https://far.example/v1"}
    journal = tmp_path / "t.jsonl"
    journal.write_text("\n".join([json.dumps(header), *lines[1:3]]) + "\n")
    code, _, err = finish(start("--resume", str(journal), OPENAI_API_KEY="k"))
    assert (code, "say --base-url https://far.example/v1" in err) == (2, True)


def test_a_defect_in_the_loop_is_raised_and_never_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr("clinseek_tui.running.work.run", broken)
    with pytest.raises(RuntimeError, match="a defect of ours"):
        main(["run", "--headless", "--out", str(tmp_path / "t.jsonl")])
