"""From which step on a missed gold item could no longer be had, as far as the record tells, and why.

Three kinds are decided offline. That a run could still have turned at a step is only shown by running it
again from there.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from clinseek_replay.triage.use import out_of_context
from clinseek_replay.triage.view import RunView

__all__ = ["NoReturn", "points_of_no_return"]

_CHEAPEST_PATH = 2
"""Rounds: one call that shows the item, and the finish."""


class NoReturn(msgspec.Struct, frozen=True, kw_only=True):
    """The earliest step after which some items were out of reach."""

    kind: Literal["commit", "budget", "context"]
    """`commit`: the answer was given; `budget`: too few rounds were left for one call and the finish;
    `context`: the last result that shows the item left the context and was not fetched again."""
    step: int
    items: tuple[str, ...]


def points_of_no_return(view: RunView) -> tuple[NoReturn, ...]:
    """By kind and step, for each gold item the answer lacks; the earliest where several hold."""
    earliest: dict[str, tuple[int, Literal["commit", "budget", "context"]]] = {}
    budget, commit = _budget_step(view), _commit_step(view)
    for name in view.missed:
        points: list[tuple[int, Literal["commit", "budget", "context"]]] = []
        context = out_of_context(view, name)
        if context is not None:
            points.append((context, "context"))
        if budget is not None:
            points.append((budget, "budget"))
        if commit is not None:
            points.append((commit, "commit"))
        if points:
            earliest[name] = min(points)
    grouped: dict[tuple[int, Literal["commit", "budget", "context"]], list[str]] = {}
    for name, point in earliest.items():
        grouped.setdefault(point, []).append(name)
    return tuple(
        NoReturn(kind=kind, step=step, items=tuple(names)) for (step, kind), names in sorted(grouped.items())
    )


def _commit_step(view: RunView) -> int | None:
    if view.trajectory.answer is None:
        return None
    return view.finish.step.number if view.finish is not None else view.last_step


def _budget_step(view: RunView) -> int | None:
    steps, limit = view.trajectory.steps, view.trajectory.max_rounds
    if limit is None:
        return None
    round_ = max(limit - _CHEAPEST_PATH + 1, 1)
    return steps[round_ - 1].number if len(steps) >= round_ else None
