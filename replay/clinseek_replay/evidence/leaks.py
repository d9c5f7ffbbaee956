"""Items whose support leaked: of all that shows them, nothing was known before the cutoff."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clinseek_replay.audit import EhrTimes, audit
from clinseek_replay.evidence.reading import Reading
from clinseek_replay.finding import NotVerified
from clinseek_replay.trajectory import Trajectory

__all__ = ["leaked_support"]


def leaked_support(
    trajectory: Trajectory, reading: Reading, ehr: Path | None = None
) -> tuple[Mapping[str, tuple[str, ...]], tuple[NotVerified, ...]]:
    """By item, in small letters, the rules of the temporal audit that all of its support fails.

    And the rules that could not be decided.
    """
    times = (
        EhrTimes(ehr).patient(trajectory.subject_id) if ehr and trajectory.subject_id is not None else None
    )
    report = audit(trajectory, times=times, matcher=reading.matcher)
    failed: dict[tuple[int, int | None], set[str]] = {}
    for finding in report.leaks:
        for place in finding.places:
            failed.setdefault((place.step, place.call), set()).add(finding.code)
    codes = {
        item.lower(): tuple(
            sorted(
                {code for seen in reading.sightings[item] for code in failed.get((seen.step, seen.call), ())}
            )
        )
        for item in report.leaked_items
    }
    return codes, report.not_verified
