"""A run at a glance, as values: what `replay --plain` prints and `replay --json` writes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinseek_core.case import Policy
from clinseek_core.scoring import Score, score
from clinseek_replay.badge import badge
from clinseek_replay.trajectory import Call, CallStatus, Damage, Note, Step, Trajectory

__all__ = ["CallLine", "Overview", "StepLine", "overview", "score_of"]


class CallLine(msgspec.Struct, frozen=True, kw_only=True):
    """One call: which tool, how it ended, how much it gave."""

    anchor: str
    tool: str
    status: CallStatus
    rows: int | None = None
    """None where the recording holds no rows, only text."""
    characters: int | None = None
    """Of the whole result; None while there is none."""
    seen_characters: int | None = None
    """What the model got of it."""
    ms: float | None = None
    sql: str | None = None
    badge: str = ""
    """Who answered, where that was one of several: the backend of an image tool."""


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """One step: its calls, and what it says where it makes none."""

    number: int
    calls: tuple[CallLine, ...]
    text: str = ""
    notes: tuple[Note, ...] = ()


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A run without its texts."""

    run_id: str
    source: str
    format: str
    qid: str
    task: str
    subject_id: int | None
    prediction_time: datetime | None
    policy: Policy | None
    model: str
    question: str
    status: str
    stop_reason: str
    message: str
    answer: tuple[str, ...] | None
    answer_source: str
    gold: tuple[str, ...] | None
    score: Score | None
    steps: tuple[StepLine, ...]
    damage: tuple[Damage, ...]
    notes: tuple[Note, ...]


def score_of(trajectory: Trajectory) -> Score | None:
    """The run's score: None without gold, and while a run that has no end has no answer yet."""
    if trajectory.answer is None and not trajectory.ended:
        return None
    return score(trajectory.answer, trajectory.gold)


def overview(trajectory: Trajectory) -> Overview:
    """The run at a glance."""
    same = (name for name in Overview.__struct_fields__ if name not in ("score", "steps"))
    return Overview(
        **{name: getattr(trajectory, name) for name in same},
        score=score_of(trajectory),
        steps=tuple(step_line(step) for step in trajectory.steps),
    )


def step_line(step: Step) -> StepLine:
    """One step at a glance."""
    return StepLine(
        number=step.number,
        calls=tuple(_call_line(call) for call in step.calls),
        text="" if step.calls else step.text or step.reasoning,
        notes=step.notes,
    )


def _call_line(call: Call) -> CallLine:
    result = call.result
    return CallLine(
        anchor=call.anchor,
        tool=call.name,
        status=call.status,
        rows=result.table.total if result and result.table else None,
        characters=result.full_characters if result else None,
        seen_characters=len(result.text) if result else None,
        ms=result.ms if result else None,
        sql=call.sql,
        badge=badge(call),
    )
