"""AgentEHR-Bench's five tasks: the same happenings, with no candidates given but the data's own lists."""

from __future__ import annotations

from clinseek_core.tasks.happenings import rows_of
from clinseek_core.tasks.task import AGENTEHR as PREFIX
from clinseek_core.tasks.task import Cutoff, Need, Task

__all__ = ["AGENTEHR"]

_CHOOSE = (
    "Name them as the candidate table `{table}` spells them: search it for the names of what you mean. "
    "Seek the evidence in the record up to now."
)


def _task(
    name: str,
    role: str,
    what: str,
    table: str,
    *,
    rows: str = "",
    cutoff: Cutoff = "one_minute",
    ccs: bool = False,
) -> Task:
    return Task(
        name=PREFIX + name,
        kind="agentehr",
        group=name,
        question=f"You work as {role}. Decide {what}. " + _CHOOSE.format(table=table),
        rows=rows or rows_of(name),
        open=True,
        needs=frozenset[Need]({"ccs"}) if ccs else frozenset[Need](),
        cutoff=cutoff,
        next=False,
    )


# What was done on the day is no answer yet: its code is, and comes at discharge.
_END_OF_DAY = (
    'SELECT * REPLACE ("at" + INTERVAL 1 DAY AS "at")'
    f" FROM ({rows_of('procedures_ccs', settled='e.known_at')})"
)

AGENTEHR: tuple[Task, ...] = (
    _task(
        "diagnoses_ccs",
        "a diagnostician",
        "all conditions that will be coded for this admission",
        "diagnoses_ccs_candidates",
        cutoff="two_minutes",
        ccs=True,
    ),
    _task(
        "labevents",
        "a specialist of laboratory medicine",
        "all laboratory tests that are needed next",
        "labevents_candidates",
    ),
    _task(
        "microbiologyevents",
        "a clinical microbiologist",
        "all microbiology tests that are needed next",
        "microbiologyevents_candidates",
    ),
    _task(
        "procedures_ccs",
        "a planner of surgery",
        "all procedures of today that will be coded for this admission",
        "procedures_ccs_candidates",
        rows=_END_OF_DAY,
        cutoff="two_minutes",
        ccs=True,
    ),
    _task(
        "transfers",
        "a care coordinator",
        "the care unit that suits the patient next",
        "transfers_candidates",
    ),
)
"""Prediction times as the source has them: two minutes before discharge or the end of a procedure's day, one
minute before other events."""
