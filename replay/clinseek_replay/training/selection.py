"""Which runs teach something: finished by the model itself, right enough, on evidence it could have had."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from clinseek_core.scoring import score
from clinseek_replay.audit import AuditReport
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import RunTriage

__all__ = ["REASONS", "Selection", "reason_against"]

_LOOP = "B4"
"""The rule that finds loops."""

REASONS = {
    "unreadable": "the run could not be read",
    "no_case": "the recording does not say the patient, the time or the question",
    "no_calls": "the model called nothing",
    "not_finished": "the run did not end by the model's own finish",
    "no_gold": "there is no gold to score by",
    "low_f1": "its F1 is below what was asked for",
    "leak_used": "its answer rests on what was not known yet",
    "loop": "it repeats itself without anything new",
    "too_long": "it has more tokens than was asked for",
    "over_cap": "there are enough of its task",
    "twice": "the same messages are there already",
}
"""Why a run is left out."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a run."""

    min_f1: float = 0.5
    allow_leaks: bool = False
    allow_loops: bool = False
    cap_per_task: int | None = None
    """At most so many runs of a task, the best first."""
    max_tokens: int = 52_000
    """The paper's."""


class _Looked(NamedTuple):
    """A run with what is known of it."""

    run: Trajectory
    report: AuditReport
    triaged: RunTriage
    asked: Selection

    @property
    def f1(self) -> float | None:
        graded = score(self.run.answer, self.run.gold)
        return None if graded is None else graded.f1


def _has_no_case(at: _Looked) -> bool:
    run = at.run
    return run.subject_id is None or run.prediction_time is None or not (run.question or run.prompt)


def _rests_on_a_leak(at: _Looked) -> bool:
    return bool(at.report.leaked_items) or any(leak.used for leak in at.report.leaks)


_AGAINST: tuple[tuple[str, Callable[[_Looked], bool]], ...] = (
    ("no_case", _has_no_case),
    ("no_calls", lambda at: not any(step.calls for step in at.run.steps)),
    ("not_finished", lambda at: at.run.status != "answered" or at.run.answer_source != "finish"),
    ("no_gold", lambda at: at.asked.min_f1 > 0 and at.f1 is None),
    ("low_f1", lambda at: at.asked.min_f1 > 0 and (at.f1 or 0.0) < at.asked.min_f1),
    ("leak_used", lambda at: not at.asked.allow_leaks and _rests_on_a_leak(at)),
    (
        "loop",
        lambda at: not at.asked.allow_loops and any(found.code == _LOOP for found in at.triaged.findings),
    ),
)
"""In this order: the first that holds is the reason."""


def reason_against(
    trajectory: Trajectory, report: AuditReport, triaged: RunTriage, selection: Selection
) -> str | None:
    """The key in REASONS of why a run is left out; None where it is taken. Length is not looked at here."""
    looked = _Looked(trajectory, report, triaged, selection)
    return next((reason for reason, holds in _AGAINST if holds(looked)), None)
