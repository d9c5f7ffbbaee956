"""What rules need of a run, and what is said where it is not there: never `fine`, always `not verified`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clinseek_replay.triage.rule import Need, Rule
from clinseek_replay.triage.view import RunView

__all__ = ["missing"]


class _Need(NamedTuple):
    is_there: Callable[[RunView], bool]
    otherwise: str


_NEEDS: dict[Need, _Need] = {
    "turns": _Need(
        lambda view: bool(view.trajectory.steps),
        "the recording holds none of the run's turns",
    ),
    "end": _Need(
        lambda view: view.trajectory.ended or view.trajectory.answer is not None,
        "the recording holds no end of the run",
    ),
    "gold": _Need(lambda view: bool(view.gold), "there is no gold; --gold gives it"),
    "answer": _Need(lambda view: view.trajectory.answer is not None, "the run gave no answer"),
    "subject": _Need(
        lambda view: view.trajectory.subject_id is not None,
        "the recording does not say who the patient is",
    ),
    "tools": _Need(
        lambda view: bool(view.trajectory.tools),
        "the recording does not say which tools were offered",
    ),
    "reference": _Need(
        lambda view: not view.missed or bool(view.trajectory.curated) or view.known is not None,
        "whether the record holds it takes the data, or a case that ships its curated context",
    ),
    "candidates": _Need(
        lambda view: bool(view.trajectory.candidates),
        "the case lists no candidates; whether a name is one takes the candidate tables",
    ),
    "prompt": _Need(
        lambda view: bool(view.trajectory.prompt or view.trajectory.question),
        "the recording holds neither the prompt nor the question",
    ),
    "max_rounds": _Need(
        lambda view: view.trajectory.max_rounds is not None,
        "the recording does not say how many rounds the run had",
    ),
    "names": _Need(
        lambda view: bool(view.sightings.searchable),
        "neither gold nor answer holds a name that can be looked for in texts (yes, no and numbers can't)",
    ),
    "data": _Need(
        lambda view: view.known is not None and view.known.by == "ehr", "it takes the patient's data"
    ),
    "score": _Need(lambda view: view.recorded_f1 is not None, "no score of the reference was given"),
    "siblings": _Need(lambda view: view.siblings is not None, "the run was looked at alone"),
}


def missing(rule: Rule, view: RunView) -> str:
    """Why `rule` can't be decided on this run; empty where nothing is missing."""
    return next((_NEEDS[need].otherwise for need in rule.needs if not _NEEDS[need].is_there(view)), "")
