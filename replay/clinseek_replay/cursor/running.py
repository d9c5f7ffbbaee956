"""Running through a run to the next breakpoint, forward or backward, or to all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from clinseek_replay.cursor.breakpoints import Breakpoint, Sighting, Watch, kind_of
from clinseek_replay.cursor.place import Cursor
from clinseek_replay.finding import NotVerified, Place
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["BreakHit", "Reason", "hits", "run_backward", "run_forward", "undecided"]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run stops at a place."""

    breakpoint: str
    """As it was written."""
    why: str
    """The value that decides it; untrusted where it quotes the run."""
    place: Place


class BreakHit(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a run stops, and each reason to."""

    cursor: Cursor
    anchor: str
    """Of the turn or the call."""
    reasons: tuple[Reason, ...]


def hits(
    trajectory: Trajectory, breakpoints: Iterable[Breakpoint], run: int = 0, start: int = 0
) -> Iterator[BreakHit]:
    """Every place where the run stops, in order, each step read once as the iteration comes to it.

    `start` is the index of the step to begin with; breakpoints that the past decides see the steps before it.
    A screen that goes back and forth takes the whole as a tuple once, and finds its way in that.
    """
    watching = _Watching(trajectory, breakpoints)
    first = 0 if watching.look_back else start
    steps = trajectory.steps
    for index in range(first, len(steps)):
        found = watching.at(steps[index], run, index)
        if index >= start:
            yield from found


def run_forward(trajectory: Trajectory, cursor: Cursor, breakpoints: Iterable[Breakpoint]) -> BreakHit | None:
    """The next stop after the cursor; None where there is none."""
    found = hits(trajectory, breakpoints, cursor.run, cursor.step)
    return next((hit for hit in found if hit.cursor.order > cursor.order), None)


def run_backward(
    trajectory: Trajectory, cursor: Cursor, breakpoints: Sequence[Breakpoint]
) -> BreakHit | None:
    """The last stop before the cursor; None where there is none."""
    watching = _Watching(trajectory, breakpoints)
    steps = trajectory.steps
    last = min(cursor.step, len(steps) - 1)
    if not watching.look_back:
        for index in range(last, -1, -1):
            before = [
                hit for hit in watching.at(steps[index], cursor.run, index) if hit.cursor.order < cursor.order
            ]
            if before:
                return before[-1]
        return None
    found: BreakHit | None = None
    for hit in hits(trajectory, breakpoints, cursor.run):
        if hit.cursor.order >= cursor.order:
            break
        found = hit
    return found


def undecided(trajectory: Trajectory, breakpoints: Iterable[Breakpoint]) -> tuple[NotVerified, ...]:
    """The breakpoints that this run can't be stopped by, since it does not hold what they need."""
    return tuple(
        NotVerified(code=breakpoint_.text, name=breakpoint_.kind, reason=reason)
        for breakpoint_ in breakpoints
        if (reason := kind_of(breakpoint_).missing(trajectory))
    )


class _Watched(NamedTuple):
    breakpoint: Breakpoint
    watch: Watch


class _Watching:
    """Some breakpoints on their way through a run."""

    def __init__(self, trajectory: Trajectory, breakpoints: Iterable[Breakpoint]) -> None:
        self._watched = [
            _Watched(breakpoint_, kind_of(breakpoint_).ready(breakpoint_.argument)(trajectory))
            for breakpoint_ in breakpoints
        ]
        self.look_back = any(kind_of(watched.breakpoint).looks_back for watched in self._watched)

    def at(self, step: Step, run: int, index: int) -> list[BreakHit]:
        """The stops in one step, in their order: the turn, then its calls."""
        found: dict[int, list[Reason]] = {}
        for breakpoint_, watch in self._watched:
            for sighting in watch(step):
                found.setdefault(_position(sighting), []).append(
                    Reason(breakpoint=breakpoint_.text, why=sighting.why, place=sighting.place(step))
                )
        return [
            BreakHit(
                cursor=Cursor(run=run, step=index, call=None if position < 0 else position),
                anchor=step.anchor if position < 0 else f"{step.anchor}.c{position + 1}",
                reasons=tuple(found[position]),
            )
            for position in sorted(found)
        ]


def _position(sighting: Sighting) -> int:
    return -1 if sighting.call is None else sighting.call
