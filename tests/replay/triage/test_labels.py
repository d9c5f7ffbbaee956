"""Labels by people: appended to a side-file, read back whatever happened to it, and set beside the rules."""

from __future__ import annotations

import contextlib
import multiprocessing
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_replay.triage import (
    Label,
    agreement,
    append_labels,
    findings_path,
    kappa,
    read_labels,
    triage,
    with_labels,
)
from clinseek_replay.triage.labels import _decoded


def label(code: str = "A2", verdict: Any = "accept", **more: Any) -> Label:
    common = {"at": datetime(2026, 3, 4, 5, 6, tzinfo=UTC), "author": "Ann", "run": "r1", "rule_version": "1"}
    place = {} if verdict == "reviewed" else {"anchor": "s3.c1", "code": code}
    return Label(**(common | place | more), verdict=verdict)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "traj.jsonl"
    path.write_text("{}\n")
    return path


def test_labels_come_back_in_order_and_the_recording_is_untouched(recording: Path) -> None:
    append_labels(recording, [label(text="a typo in the column")])
    append_labels(recording, [label("A5", "reject"), label("A1", "override", instead="A3")])
    read = read_labels(recording)
    assert [each.code for each in read.labels] == ["A2", "A5", "A1"]
    assert read.labels[0] == label(text="a typo in the column")
    assert read.damage == ()
    assert recording.read_text() == "{}\n"


def test_a_side_file_is_its_owner_s_alone_and_says_its_version_first(recording: Path) -> None:
    path = append_labels(recording, [label()])
    assert path == findings_path(recording) == recording.with_name("traj.jsonl.findings.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert '"format":"clinseek.findings/1"' in path.read_text().splitlines()[0]


def test_what_was_written_is_never_changed(recording: Path) -> None:
    path = append_labels(recording, [label()])
    before = path.read_bytes()
    append_labels(recording, [label(verdict="reject")])
    assert path.read_bytes().startswith(before)


def test_damaged_lines_are_told_kept_and_cost_no_other(recording: Path) -> None:
    path = append_labels(recording, [label()])
    with path.open("ab") as file:
        file.write(
            b'\xff not json\n{"type":"label","author":1}\n{"type":"a-later-kind"}\n{"type":"label","cut'
        )
    append_labels(recording, [label("A5")])
    read = read_labels(recording)
    assert [each.code for each in read.labels] == ["A2", "A5"]
    assert [damage.line for damage in read.damage] == [3, 4, 6]
    assert read.other == 1
    assert b'{"type":"label","cut\n' in path.read_bytes()


def test_a_newer_version_is_refused_and_not_written_to(recording: Path) -> None:
    path = findings_path(recording)
    path.write_text(
        '{"type":"header","format":"clinseek.findings/2","at":"2026-01-01T00:00:00Z","recording":"x"}\n'
    )
    before = path.read_bytes()
    for use in (lambda: read_labels(recording), lambda: append_labels(recording, [label()])):
        with pytest.raises(InputError, match="upgrade"):
            use()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (label(author=" "), "--author"),
        (label(anchor="step 3"), "no place"),
        (label(code="bad"), "no code"),
        (label(verdict="override"), "no code"),
    ],
    ids=["author", "anchor", "code", "instead"],
)
def test_a_label_that_says_too_little_is_refused(bad: Label, words: str, recording: Path) -> None:
    with pytest.raises(InputError, match=words):
        append_labels(recording, [bad])
    assert not findings_path(recording).exists()


def test_no_side_file_means_no_labels(recording: Path) -> None:
    assert read_labels(recording).labels == ()


def write_many(path: Path, author: str) -> None:
    for _ in range(20):
        append_labels(path, [label(author=author)])


def test_two_writers_lose_nothing(recording: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(recording, name)) for name in ("Ann", "Bob")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    read = read_labels(recording)
    assert len(read.labels) == 40
    assert read.damage == ()
    assert findings_path(recording).read_text().count('"header"') == 1


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_label_or_told(line: bytes) -> None:
    with contextlib.suppress(ValueError, InputError):
        assert _decoded(line, "x:1") is None or line.startswith(b"{")


# By hand: 20 both yes, 5 rule alone, 10 person alone, 15 neither. Observed 35/50 = 0.7;
# by chance 25/50 * 30/50 + 25/50 * 20/50 = 0.5; kappa (0.7 - 0.5) / (1 - 0.5) = 0.4.
HAND = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15


def test_kappa_is_what_the_hand_computes() -> None:
    found = kappa(HAND)
    assert (found.both_yes, found.only_first, found.only_second, found.both_no) == (20, 5, 10, 15)
    assert found.units == 50
    assert found.kappa == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        ([(True, True), (False, False)], 1.0),
        ([(True, False), (False, True)], -1.0),
        ([(True, True), (True, False)], 0.0),
    ],
    ids=["alike", "opposed", "one-is-constant"],
)
def test_kappa_at_its_ends(pairs: list[tuple[bool, bool]], value: float) -> None:
    assert kappa(pairs).kappa == pytest.approx(value)


@pytest.mark.parametrize(
    "pairs", [[], [(True, True)], [(False, False)] * 4], ids=["none", "all-yes", "all-no"]
)
def test_an_undefined_kappa_says_why(pairs: list[tuple[bool, bool]]) -> None:
    found = kappa(pairs)
    assert found.kappa is None
    assert found.undefined


def test_rules_are_compared_with_what_people_named() -> None:
    said = [
        label("A2", run="r1"),
        label("A2", "reject", run="r2"),
        label("A5", "override", run="r2", instead="A4"),
        label("A2", run="r3"),
    ]
    found = agreement({"r1": {"A2"}, "r2": {"A2", "A5"}, "r3": set()}, said, ["A2", "A4", "A5"])
    assert found.codes["A2"] == kappa([(True, True), (True, False), (False, True)])
    assert found.codes["A5"] == kappa([(True, False)])
    assert found.codes["A4"] == kappa([(False, True)])
    assert found.overall.units == 5
    assert found.people == {}


def test_in_a_reviewed_run_what_is_not_accepted_is_not_there() -> None:
    said = [label("A2"), label(verdict="reviewed")]
    found = agreement({"r1": {"A2", "A5"}}, said, ["A2", "A4", "A5"])
    assert found.overall == kappa([(True, True), (False, False), (True, False)])
    assert found.reviewed == 1


def test_the_last_word_of_an_author_counts_and_people_are_compared_too() -> None:
    said = [
        label("A2"),
        label("A2", "reject"),
        label("A5"),
        label("A2", "reject", author="Bob"),
        label("A5", "reject", author="Bob"),
    ]
    found = agreement({"r1": {"A2"}}, said, ["A2", "A5"])
    assert found.people["Ann, Bob"] == kappa([(False, False), (True, False)])
    assert found.codes["A2"] == kappa([(True, False), (True, False)])


def test_a_run_is_counted_as_people_left_it(make: Any, read_back: Any) -> None:
    failed = "SQL Execution Error: Execution failed on sql 'x': no such column: hb"
    run = read_back(
        make.run(
            make.turn("", make.sql("select hb from labevents", failed, "error")),
            make.turn("Hm."),
            answer=("Furosemide",),
        ),
        "results",
    )
    made = triage(run, leaks=((), ()))
    assert made.cause.code == "A2"
    key = run.run_id
    rejected = with_labels(made, [label("A2", "reject", run=key)])
    assert "A2" not in {finding.code for finding in rejected.findings}
    assert rejected.cause.code == "U1"
    other = with_labels(made, [label("A2", "override", run=key, instead="A1", text="wrong tool")])
    (added,) = [finding for finding in other.findings if finding.code == "A1"]
    assert (added.tier, added.message, added.places[0].anchor) == ("H", "wrong tool", "s3.c1")
    assert other.cause.code == "A1"
    accepted = with_labels(made, [label("A2", run=key)])
    assert {finding.tier for finding in accepted.findings if finding.code == "A2"} == {"H"}
    assert with_labels(made, [label("A2", "reject", run="another")]) == made
