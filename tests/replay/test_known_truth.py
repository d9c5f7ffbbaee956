"""Evidence, audit and triage say of the recorded runs what these were made to be, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clinseek_fixtures import bundled_cases, world_store_path
from clinseek_fixtures.recorded import Truth, known_truth, recorded_path
from clinseek_fixtures.recorded.make import make, planned
from clinseek_replay.audit import audit
from clinseek_replay.audit.known import EhrTimes
from clinseek_replay.evidence.report import examined
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import RULES, triage

TRUTH = known_truth()
FIRST = {truth.agent: truth for truth in reversed(TRUTH)}
OTHERS = [truth for truth in TRUTH if truth not in FIRST.values()]
NOT_BY_OUR_LOOP = {
    "H4": "our loop gives every call its result",
    "H6": "our record stays open",
    "U3": "our loop takes nothing out of a context",
    "B2": "a limit of the reference's driver",
    "S3": "the reference's own score",
    "S4": "several runs of one question",
    "R6": "our prompt shows the case's films",
    "R7": "these runs have no pages",
    "U5": "one stay a case",
}
"""Failures that no run of our loop on these cases can have, and why."""


@pytest.fixture(scope="module")
def times() -> EhrTimes:
    return EhrTimes(world_store_path())


def opened(truth: Truth) -> Trajectory:
    return open_recordings([recorded_path() / truth.journal]).run(0)


@pytest.mark.parametrize(
    "truth",
    [
        # By default every other agent, on one patient.
        *(pytest.param(t, marks=pytest.mark.slow if n % 2 else ()) for n, t in enumerate(FIRST.values())),
        *(pytest.param(truth, marks=pytest.mark.slow) for truth in OTHERS),
    ],
    ids=lambda truth: truth.journal.removesuffix(".jsonl"),
)
def test_what_is_found_is_what_was_done(truth: Truth, times: EhrTimes) -> None:
    run = opened(truth)
    assert run.subject_id is not None
    leaks = audit(run, times=times.patient(run.subject_id))
    looked_at = examined(run, world_store_path())
    found = triage(run, leaks=(leaks.findings, leaks.not_verified), known=looked_at.known)
    codes = {finding.code for finding in found.findings if finding.tier != "S"}
    places = {
        (place.anchor.partition(".r")[0], place.column) for leak in leaks.leaks for place in leak.places
    }
    assert places == {(leak.call, leak.column) for leak in truth.leaks}
    if truth.gold is None:
        assert not [code for code in codes if code[0] in "HAB"]
        return
    assert codes == set(truth.codes)
    assert found.cause.code == truth.primary
    assert {item.item: item.state for item in looked_at.gold} == truth.gold
    assert {item.item: item.state for item in looked_at.extra} == truth.extra


def test_every_failure_that_a_run_of_ours_can_have_is_among_them() -> None:
    planted = {code for truth in TRUTH for code in truth.codes}
    facts = {rule.code for rule in RULES if rule.tier != "S"}
    assert facts - planted == set(NOT_BY_OUR_LOOP)
    assert len(TRUTH) >= 40


def test_each_agent_made_anew_does_the_same_and_knows_the_same(tmp_path: Path) -> None:
    """The times of a journal are its own; all else is the same."""
    again = [
        each
        for each in planned()
        if each.name in {"careful_90000104.jsonl", "reads_the_place_90000136.jsonl"}
    ]
    assert len(again) == 2
    for truth in make(tmp_path, again):
        assert truth in TRUTH
        assert timeless(tmp_path / truth.journal) == timeless(recorded_path() / truth.journal)


def timeless(journal: Path) -> list[object]:
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    varying = {"at", "ms", "run_id", "engine_version"}
    return [{name: value for name, value in line.items() if name not in varying} for line in lines]


def test_the_shipped_runs_are_those_that_are_planned_on_the_record_of_today() -> None:
    assert [truth.journal for truth in TRUTH] == [each.name for each in planned()]
    assert {path.name for path in recorded_path().glob("*.jsonl")} == {t.journal for t in TRUTH} | {
        "truth.jsonl"
    }
    assert sum(truth.gold is None for truth in TRUTH) == len(bundled_cases())
