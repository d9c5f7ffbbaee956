"""What a report needs of one run: a pure function of it, small enough to keep thousands of."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from clinseek_core.scoring import SingleAnswer, score
from clinseek_replay.audit import audit
from clinseek_replay.evidence.scored import single_of
from clinseek_replay.report.outcomes import outcome_of
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import triage

__all__ = ["Mode", "ReportRun", "f1_by_question", "judged_run", "report_run"]

Mode = Literal["agentic", "curated"]
_LOOP = "B4"


class ReportRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    source: str
    qid: str
    task: str
    model: str
    mode: Mode
    """`curated` where the run was offered no tools and called none."""
    status: str
    stop_reason: str
    f1: float | None
    """Set F1, or 1 or 0 of a single answer; None without gold; 0 for a run that has no answer."""
    f1_without_leaks: float | None
    """Of the answer without the items that rest on leaks alone."""
    leaks: int
    rounds: int
    calls: dict[str, int]
    outcomes: dict[str, dict[str, int]]
    """Of each tool how many calls had which outcome."""
    loops: bool
    cause: str
    """The primary cause of what was lost, `A4 repeated_call`; empty where none was found."""
    single: SingleAnswer | None = None
    """The comparison of a single answer of a multimodal task: it stands for set F1."""


def report_run(trajectory: Trajectory) -> ReportRun:
    """Score, audit and triage a run."""
    found = audit(trajectory)
    made = triage(trajectory, leaks=(found.findings, found.not_verified))
    graded = score(trajectory.answer, trajectory.gold)
    calls = [call for step in trajectory.steps for call in step.calls]
    outcomes: dict[str, Counter[str]] = {}
    for call in calls:
        outcomes.setdefault(call.name, Counter())[outcome_of(call)] += 1
    cause = made.cause
    run = ReportRun(
        source=trajectory.source,
        qid=trajectory.qid,
        task=trajectory.task,
        model=trajectory.model,
        mode="agentic" if trajectory.tools or calls else "curated",
        status=trajectory.status,
        stop_reason=trajectory.stop_reason,
        f1=None if graded is None else graded.f1,
        f1_without_leaks=found.f1_without_leaks,
        leaks=len(found.leaks),
        rounds=len(trajectory.steps),
        calls=dict(sorted(Counter(call.name for call in calls).items())),
        outcomes={name: dict(counts) for name, counts in sorted(outcomes.items())},
        loops=any(finding.code == _LOOP for finding in made.findings),
        cause=f"{cause.code} {cause.name}" if cause.kind == "found" else "",
    )
    single = single_of(trajectory)
    return run if single is None else judged_run(run, single)


def judged_run(run: ReportRun, single: SingleAnswer) -> ReportRun:
    """The run scored by a single answer's comparison, by rule or by a judge's verdict."""
    f1 = float(single.right)
    without = run.f1_without_leaks
    if without is not None:
        # A single answer rests on a leak or it does not: where nothing was taken away it stays what it is.
        without = f1 if without == run.f1 else min(f1, without)
    return msgspec.structs.replace(run, single=single, f1=f1, f1_without_leaks=without)


def f1_by_question(runs: Iterable[ReportRun]) -> dict[str, float]:
    """The mean F1 of each question's scored runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.f1 is not None:
            found.setdefault(run.qid, []).append(run.f1)
    return {qid: statistics.fmean(values) for qid, values in found.items()}
