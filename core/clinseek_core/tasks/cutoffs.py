"""Where the prediction time of a case lies, and which moments are refused for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

from clinseek_core.tasks.pool import Moment
from clinseek_core.tasks.task import Cutoff, Task

__all__ = ["REFUSALS", "WINDOW", "cutoff_of", "refused"]

WINDOW = timedelta(hours=24)
"""How far back a curated input looks, and so how old the last thing known may be."""
_MAX_GOLD = 40
_BEFORE: dict[Cutoff, timedelta] = {
    "one_minute": timedelta(minutes=-1),
    "two_minutes": timedelta(minutes=-2),
    "film": timedelta(seconds=1),
}

REFUSALS = {
    "no_history": "nothing was known of the patient in the 24 hours before",
    "answer_known": "the prediction time would lie after the outcome, or the answer in the record",
    "not_next": "another event of the kind comes first",
    "several": "several answers, where one is asked for",
    "too_many": f"more than {_MAX_GOLD} right items",
    "no_films": "its films are not there",
}
"""Why a moment makes no case."""


def cutoff_of(task: Task, moment: Moment, known: Sequence[datetime]) -> datetime | None:
    """The prediction time; None where nothing was known in the 24 hours before. `known` is sorted."""
    if task.cutoff == "last_known":
        at = bisect_left(known, moment.at)
        if at == 0 or known[at - 1] < moment.at - WINDOW:
            return None
        return known[at - 1].replace(microsecond=0) + timedelta(seconds=1)
    cutoff = moment.at + _BEFORE[task.cutoff]
    at = bisect_left(known, cutoff)
    return cutoff if at and known[at - 1] >= cutoff - WINDOW else None


def refused(task: Task, moment: Moment, cutoff: datetime) -> str | None:
    """The key in REFUSALS of why a moment makes no case at this prediction time; None where it makes one."""
    if moment.settled_at is not None and cutoff > moment.settled_at:
        return "answer_known"
    if task.next and moment.before is not None and moment.before >= cutoff:
        return "not_next"
    if task.one and len(moment.gold) > 1:
        return "several"
    if len(moment.gold) > _MAX_GOLD:
        return "too_many"
    return None
