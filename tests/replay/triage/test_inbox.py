from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinseek_core.errors import InputError
from clinseek_replay.finding import Finding, Place
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import Label, append_labels, read_labels, triage, with_findings
from clinseek_replay.triage.inbox import (
    agreed,
    left_of,
    reviewed,
    said,
    suggestions,
    taken_back,
    written_code,
)
from clinseek_replay.triage.labels import findings_path
from clinseek_replay.triage.run import RunTriage

NOW = datetime(2150, 3, 3, 6, tzinfo=UTC)


def _finding(code: str, step: int, tier: str = "D") -> Finding:
    return Finding(
        code=code,
        name=code.lower(),
        message="it is so",
        places=(Place(step=step, call=1),),
        tier=tier,  # type: ignore[arg-type]
        severity="medium",
        evidence={"marker": "no such column"},
    )


@pytest.fixture
def run() -> RunTriage:
    made = triage(
        Trajectory(
            run_id="r1",
            source="r.jsonl",
            format="",
            qid="q1",
            answer=("x",),
            gold=("y",),
            status="answered",
            stop_reason="finish",
        )
    )
    found = (_finding("A6", 1, "S"), _finding("A5", 4), _finding("A2", 2), _finding("A2", 3))
    return with_findings(made, found)


def test_the_primary_cause_is_suggested_first_then_what_counts(run: RunTriage) -> None:
    assert run.cause.code == "A2"
    found = suggestions(run)
    assert [(each.code, each.anchor, each.also, each.fact) for each in found] == [
        ("A2", "s2.c1", 1, True),
        ("A5", "s4.c1", 0, True),
        ("A6", "s1.c1", 0, False),
    ]
    assert found[0].evidence == (("marker", "no such column"),)


def test_what_was_said_is_not_suggested_again_to_the_same_person(run: RunTriage) -> None:
    blank = reviewed(run, author="A", at=NOW)
    label = said(blank, "accept", suggestions(run)[0])
    assert [each.code for each in left_of(run, [label], "A")] == ["A5", "A6"]
    assert len(left_of(run, [label], "B")) == 3


def test_a_written_code_stands_at_the_suggestion_or_where_it_says() -> None:
    assert written_code(" A2 ", "s4.c1", 9).anchor == "s4.c1"
    assert written_code("A2 s9.c2", "s4.c1", 9).anchor == "s9.c2"
    for typed in ("Q9", "A2 s10", "A2 here", "A2 s" + "9" * 5000):
        with pytest.raises(InputError):
            written_code(typed, "s0", 9)


def test_undo_takes_back_all_of_one_key_and_nothing_of_others(run: RunTriage, tmp_path: Path) -> None:
    recording = tmp_path / "r.jsonl"
    recording.write_text("")
    first, later = suggestions(run)[:2]

    def given(author: str, minute: int, *labels: str) -> list[Label]:
        blank = reviewed(run, author=author, at=NOW + timedelta(minutes=minute))
        return [said(blank, "accept", first if code == "first" else later) for code in labels] + [blank]

    one, two, other = given("A", 1, "first"), given("A", 2, "later"), given("B", 3, "first")
    append_labels(recording, [*one, *two, *other])
    append_labels(recording, [taken_back(two[0], NOW + timedelta(minutes=4))])
    assert read_labels(recording).labels == (*one, *other)
    append_labels(recording, [taken_back(one[0], NOW + timedelta(minutes=5))])
    assert read_labels(recording).labels == tuple(other)
    append_labels(recording, [taken_back(one[0], NOW + timedelta(minutes=6))])
    assert read_labels(recording).labels == tuple(other), "there is nothing left to take back"
    assert len(findings_path(recording).read_bytes().splitlines()) == 10, "the file only grows"


def test_agreement_counts_what_was_gone_through(run: RunTriage) -> None:
    blank = reviewed(run, author="A", at=NOW)
    kappa = agreed([run], [said(blank, "accept", suggestions(run)[0]), blank]).overall
    assert (kappa.both_yes, kappa.only_first) == (1, 1), "A5 was found and not accepted"
    assert kappa.kappa is not None
