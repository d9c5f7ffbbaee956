"""`score` and `report` with a judge on loopback, and what must not leave this machine without leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.case_files import load_bench_cases
from clinseek_fixtures import bench_cases_path, world_store_path
from clinseek_tui.cli import main

SINGLE = ("cxr_change_comparison", "in_hospital_mortality")


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with a single answer and one with a list, by the seeker."""
    folder = tmp_path_factory.mktemp("runs")
    first = {bench.case.task: bench.case.qid for bench in reversed(load_bench_cases(bench_cases_path()))}
    for task in (*SINGLE, "transfers"):
        out = folder / f"{task}.jsonl"
        case = [str(bench_cases_path()), "--qid", first[task], "--ehr", str(world_store_path())]
        assert main(["run", *case, "--headless", "--web", "off", "--out", str(out)]) in {0, 3}
    return folder


@pytest.fixture
def judge(server: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return ["--judge-model", "judge", "--judge-url", server.url]


def says(match: bool) -> str:
    return json.dumps({"match": match, "reason": "so it is"})


def told(capsys: Any, *words: str) -> Any:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_without_a_judge_a_rule_compares_and_the_output_says_which(
    journals: Path, server: Any, capsys: Any
) -> None:
    for command in ("score", "report"):
        rows = told(capsys, command, str(journals))["single"]
        assert sorted(row["by"] for row in rows) == ["label", "yes_no"]
        assert not any(row["asked"] for row in rows)
        assert main([command, str(journals)]) == 0
        assert "by rule of yes and no 1, rule of labels 1" in capsys.readouterr().out
    assert server.requests == []


@pytest.mark.parametrize("match", [True, False])
def test_the_judges_verdict_is_the_score_of_single_answers_alone(
    journals: Path, server: Any, say: Any, judge: list[str], capsys: Any, match: bool
) -> None:
    before = {group["name"]: group["f1"] for group in told(capsys, "score", str(journals))["tasks"]}
    server.script = [say.whole(says(match))] * 4
    found = told(capsys, "score", str(journals), *judge)
    after = {group["name"]: group["f1"] for group in found["tasks"]}
    assert [after[task]["mean"] for task in SINGLE] == [float(match)] * 2
    assert after["transfers"] == before["transfers"]
    assert {row["by"] for row in found["single"]} == {"judge"}
    rows = told(capsys, "report", str(journals), *judge)["tables"][-1]["rows"]
    of_task = {row["name"]: row["cells"][0]["f1"]["mean"] for row in rows}
    assert [of_task[task] for task in SINGLE] == [float(match)] * 2
    assert len(server.requests) == 4


def test_verdicts_that_could_not_be_had_are_counted(
    journals: Path, server: Any, say: Any, judge: list[str], capsys: Any
) -> None:
    server.script = [say.whole("it matches")] * 4
    capsys.readouterr()
    assert main(["report", str(journals), *judge]) == 0
    assert "No verdict of the judge could be had for 2, left to a rule" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["score", "report"])
def test_patients_text_goes_to_no_other_machine_without_leave(
    command: str, journals: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert main([command, str(journals), "--judge-model", "m", "--judge-url", "https://example.org/v1"]) == 2
    assert "--allow-remote-model" in capsys.readouterr().err
    assert main([command, str(journals), "--judge-model", "m"]) == 2, "the default address is remote too"
    assert main([command, str(journals), "--judge-url", "http://localhost:1/v1"]) == 2
    assert "--judge-model" in capsys.readouterr().err
