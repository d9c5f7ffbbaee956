"""`fork`: a run taken up at any step is the same run, but for what was changed, and says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_core.journal import Forked, Header, Observation, Prompt, Turn, read_journal
from clinseek_core.journal.forking import ForkPlace
from clinseek_fixtures import bundled_cases
from clinseek_replay.audit import audit
from clinseek_replay.source import FollowSource
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.cli import main

CASE = bundled_cases()[0]


def made(folder: Path, *arguments: str) -> Path:
    out = folder / "parent.jsonl"
    main(["run", CASE.qid, "--headless", "--web", "off", "--out", str(out), *arguments])
    return out


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("parent"))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("leaky"), "--basis", "upstream")


def run_of(journal: Path) -> Trajectory:
    return FollowSource(journal).select(0)


def did(run: Trajectory) -> list[Any]:
    return [
        (
            step.text,
            [(call.name, call.arguments, call.result.text if call.result else None) for call in step.calls],
        )
        for step in run.steps
    ]


def fork(parent: Path, out: Path, *arguments: str) -> int:
    return main(["fork", str(parent), "--out", str(out), "--headless", *arguments])


def steps_of(parent: Path) -> int:
    return len(run_of(parent).steps)


def test_a_fork_without_changes_goes_on_to_the_same_end_from_any_step(parent: Path, tmp_path: Path) -> None:
    original = run_of(parent)
    last = steps_of(parent)
    places = ["s0", "s1", f"s{last // 2}", f"s{last // 2}.c1", f"s{last - 1}"]
    for place in places:
        out = tmp_path / f"{place}.jsonl"
        assert fork(parent, out, "--at", place) == 0
        again = run_of(out)
        assert did(again) == did(original), place
        assert (again.answer, again.status) == (original.answer, "answered")
        header = read_journal(out).records[0]
        assert isinstance(header, Header)
        assert header.parent == f"{original.run_id}#{place}"
        assert header.run_id != original.run_id


def test_what_was_kept_is_kept_with_its_bodies(parent: Path, tmp_path: Path) -> None:
    out = tmp_path / "moved" / "fork.jsonl"
    last = steps_of(parent)
    assert fork(parent, out, "--at", f"s{last - 1}", "--only") == 0
    # The parent and what lies beside it may go.
    copy = tmp_path / "alone"
    shutil.copytree(out.parent, copy)
    kept = run_of(copy / "fork.jsonl")
    assert did(kept) == did(run_of(parent))[: last - 1]
    assert kept.status == ""


def test_an_edited_result_is_what_the_model_goes_on_from(
    server: Any, say: Any, tmp_path: Path, capsys: Any
) -> None:
    load = {"subject_id": str(CASE.subject_id), "timestamp": str(CASE.prediction_time)}
    model = ("--model", "m", "--base-url", server.url)
    server.script = [
        say.stream("", ("ehr.load_ehr", load)),
        say.stream("", ("ehr.finish", {"response": ["a"]})),
    ]
    journal = made(tmp_path, *model)
    server.script = [say.stream("", ("ehr.finish", {"response": ["b"]}))]
    out = tmp_path / "fork.jsonl"
    assert fork(journal, out, "--at", "s1", "--edit-result", "Lactate 6.1", *model) == 0
    assert server.requests[-1]["messages"][-1]["content"] == "Lactate 6.1"
    (forked,) = (record for record in read_journal(out).records if isinstance(record, Forked))
    assert [(edit.what, edit.place, len(edit.before)) for edit in forked.edits] == [("result", "s1.c1", 64)]
    assert run_of(out).answer == ("b",)
    capsys.readouterr()
    main(["replay", str(out), "--plain"])
    shown = capsys.readouterr().out
    assert "s1.c1: a person changed this result" in shown
    assert f"#{'s1'}" in shown
    assert main(["diff", str(journal), str(out)]) == 1


def test_another_question_and_another_model_are_told(
    server: Any, say: Any, parent: Path, tmp_path: Path
) -> None:
    question = tmp_path / "question.txt"
    question.write_text("Only one: what is the age?")
    server.script = [say.stream("", ("ehr.finish", {"response": ["70"]}))]
    out = tmp_path / "fork.jsonl"
    model = ("--model", "other", "--base-url", server.url)
    assert fork(parent, out, "--at", "s0", "--prompt", f"@{question}", *model) == 0
    assert server.requests[-1]["messages"][1]["content"] == question.read_text()
    header, prompt = read_journal(out).records[:2]
    assert isinstance(header, Header)
    assert isinstance(prompt, Prompt)
    assert header.model.name == "other"
    notes = [note.text for note in run_of(out).notes]
    assert any("another model goes on" in note and "seeker" in note for note in notes)
    assert any("question's message" in note for note in notes)


def test_without_the_leak_the_calls_are_made_again_on_what_was_known(leaky: Path, tmp_path: Path) -> None:
    before = audit(run_of(leaky))
    assert before.leaks
    out = tmp_path / "fork.jsonl"
    last = steps_of(leaky)
    assert fork(leaky, out, "--at", f"s{last - 1}", "--remove-leak") == 0
    clean = run_of(out)
    assert clean.policy is not None
    assert clean.policy.basis == "available"
    assert not audit(clean).leaks
    (forked,) = (record for record in read_journal(out).records if isinstance(record, Forked))
    assert {edit.what for edit in forked.edits} == {"leak"}
    leaked = {place.anchor.split(".r")[0] for leak in before.leaks for place in leak.places if place.call}
    assert {edit.place for edit in forked.edits} <= leaked


def test_before_the_first_leak_only_what_comes_is_by_what_was_known(
    leaky: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "fork.jsonl"
    assert main(["fork", str(leaky), "--at", "s1", "--remove-leak", "--only", "--out", str(out)]) == 0
    assert "no leak up to here, goes on by what was known" in capsys.readouterr().out
    policy = run_of(out).policy
    assert policy is not None
    assert policy.basis == "available"


def test_a_run_without_a_leak_has_none_to_remove(parent: Path, tmp_path: Path, capsys: Any) -> None:
    assert fork(parent, tmp_path / "x.jsonl", "--at", "s2", "--remove-leak") == 2
    assert "finds no leak" in capsys.readouterr().err
    assert not (tmp_path / "x.jsonl").exists()


@pytest.mark.parametrize(
    ("at", "told"),
    [("s999", "the run has steps up to s"), ("s2.c99", "has no such call"), ("two", "write it like s12")],
)
def test_a_place_that_is_not_there_is_told(
    parent: Path, tmp_path: Path, capsys: Any, at: str, told: str
) -> None:
    assert fork(parent, tmp_path / "x.jsonl", "--at", at) == 2
    assert told in capsys.readouterr().err


def test_what_is_no_journal_of_ours_or_is_there_already_is_refused(
    parent: Path, tmp_path: Path, capsys: Any
) -> None:
    foreign = tmp_path / "results.jsonl"
    foreign.write_text(json.dumps({"qid": "q", "messages": []}) + "\n")
    assert fork(foreign, tmp_path / "x.jsonl", "--at", "s1") == 2
    assert "is no journal" in capsys.readouterr().err
    (tmp_path / "there.jsonl").write_text("x")
    assert fork(parent, tmp_path / "there.jsonl", "--at", "s1") == 2
    assert "never overwritten" in capsys.readouterr().err


def test_a_place_is_read_as_it_is_written() -> None:
    assert [str(ForkPlace.read(text)) for text in ("s0", " s12.c3 ")] == ["s0", "s12.c3"]
    with pytest.raises(InputError):
        ForkPlace.read("s1.c1.r2")


def test_the_kept_part_has_every_event_once(parent: Path, tmp_path: Path) -> None:
    out = tmp_path / "fork.jsonl"
    assert fork(parent, out, "--at", "s2", "--only") == 0
    records = read_journal(out).records
    assert [record.seq for record in records if not isinstance(record, Header)] == list(
        range(1, len(records))
    )
    assert sum(isinstance(record, Turn) for record in records) == 2
    calls = sum(len(record.calls) for record in records if isinstance(record, Turn))
    assert sum(isinstance(record, Observation) for record in records) == calls
