"""Calls that teach nothing good: marked by the taxonomy of failures, left out only where that is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from clinseek_replay.trajectory import Call, Step, Trajectory
from clinseek_replay.triage import RunTriage

__all__ = ["MARKS", "marked", "without_marked"]

MARKS = {
    "repeated": "the same call with the same result was made before (A4)",
    "failed": "the call failed or was refused",
    "invalid": "there is no such tool, or its arguments are no JSON object (A1)",
    "unanswered": "the recording holds no result of it",
}
"""Why a call is marked, the first that fits; codes are those of triage."""

_REPEATED, _INVALID = "A4", "A1"
_FAILED = frozenset({"error", "refused", "limited"})


def marked(trajectory: Trajectory, triaged: RunTriage, offered: Sequence[str]) -> dict[str, str]:
    """The key in MARKS of each call that is marked, by its anchor; the finish never is."""
    places: dict[str, set[str]] = {_REPEATED: set(), _INVALID: set()}
    for finding in triaged.findings:
        if finding.code in places:
            places[finding.code].update(place.anchor for place in finding.places)
    found = {}
    for step in trajectory.steps:
        for call in step.calls:
            if call.name != "ehr.finish" and (why := _why(call, places, offered)):
                found[call.anchor] = why
    return found


def _why(call: Call, places: Mapping[str, set[str]], offered: Sequence[str]) -> str | None:
    if call.result is None:
        return "unanswered"
    if call.name not in offered or call.arguments is None or call.anchor in places[_INVALID]:
        return "invalid"
    if call.status in _FAILED:
        return "failed"
    return "repeated" if call.anchor in places[_REPEATED] else None


def without_marked(steps: Sequence[Step], marks: Mapping[str, str]) -> list[Step]:
    """The steps without marked calls; a step all of whose calls are marked goes with its words."""
    kept = []
    for step in steps:
        calls = tuple(call for call in step.calls if call.anchor not in marks)
        if calls or not step.calls:
            kept.append(msgspec.structs.replace(step, calls=calls))
    return kept
