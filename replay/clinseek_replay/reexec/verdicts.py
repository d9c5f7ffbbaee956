"""What running a call again can show, from no difference to an error, and which of it is drift."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["GRADES", "Grade", "Verdict", "drifts", "worst"]

Verdict = Literal[
    "same",
    "formatting",
    "reordered",
    "values",
    "rows+",
    "rows-",
    "rows±",
    "error",
    "limited",
    "unlike",
    "unrecorded",
    "not_ehr",
]


class Grade(NamedTuple):
    """One verdict: whether the data said something else, and what it means."""

    verdict: Verdict
    drift: bool
    says: str


GRADES: tuple[Grade, ...] = (
    Grade("not_ehr", False, "the call reads no record of ours: a page, an image, a thought, the answer"),
    Grade("unrecorded", False, "the recording holds no result of this call"),
    Grade("unlike", False, "the recorded text holds no rows that could be compared with ours"),
    Grade("limited", False, "stopped by a limit of time or memory, then or now"),
    Grade("same", False, "the same bytes"),
    Grade("formatting", False, "the same rows in the same order, told in another form"),
    Grade("reordered", False, "the same rows in another order"),
    Grade("values", True, "the same rows, but some of their cells differ"),
    Grade("rows+", True, "rows that the recording does not show"),
    Grade("rows-", True, "rows of the recording that are not there now"),
    Grade("rows±", True, "rows that came and rows that went"),
    Grade("error", True, "it failed where it had answered, or answered where it had failed"),
)
"""From the least to the worst; a run has the verdict of its worst call."""

_RANK = {grade.verdict: rank for rank, grade in enumerate(GRADES)}
_DRIFT = {grade.verdict for grade in GRADES if grade.drift}


def drifts(verdict: Verdict) -> bool:
    """Whether the data said something else than it had."""
    return verdict in _DRIFT


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The verdict of a run with these calls; `same` for one that compares none."""
    compared = [verdict for verdict in verdicts if _RANK[verdict] >= _RANK["same"]]
    return max(compared, key=_RANK.__getitem__, default="same")
