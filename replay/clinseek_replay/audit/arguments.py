"""T1: the time that a call opens the record at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_replay.audit.inspection import Sight
from clinseek_replay.audit.leak import Leak
from clinseek_replay.finding import Severity
from clinseek_replay.tables import stamp_of, stamps_in

__all__ = ["cutoff_argument", "opens_record"]

_NOW = frozenset(
    ("timestamp", "current_time", "prediction_time", "as_of", "at", "now", "cutoff", "cutoff_time")
)
"""Arguments that a tool takes for the present."""
_OPENS = re.compile(r"(?:^|\.)(?:load|open|set|init)\w*$")


def opens_record(tool: str) -> bool:
    """Whether a tool opens the record, or sets its time."""
    return _OPENS.search(tool) is not None


def cutoff_argument(sight: Sight) -> Iterator[Leak]:
    """A time the record is opened at that is not the run's own."""
    call, result = sight.call, sight.call.result
    if result is None:
        return
    done = result.status == "ok"
    for name, value in (call.arguments or {}).items():
        if name.lower() not in _NOW or not isinstance(value, str) or not value.strip():
            continue
        stamp = stamp_of(value.strip()) or next(stamps_in(value), None)
        if stamp is None:
            if done:
                sight.run.unverified[
                    "T1", f"the time {name} of {call.anchor} is in a form that is not read"
                ] += 1
            continue
        if stamp.at == sight.run.cutoff:
            continue
        later = stamp.at > sight.run.cutoff
        severity: Severity = "critical" if done and later else "info"
        if not done:
            why = "was asked for and refused"
        elif later:
            why = "is after the cutoff: all that follows was seen as of then"
        else:
            why = "is before the cutoff: nothing leaks, and less is seen"
        yield Leak(sight, "none", value, why, stamp.at, column=name, in_arguments=True, severity=severity)
