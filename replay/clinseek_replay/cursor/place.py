"""A place in some runs, and how one moves from it: by steps, calls, runs, and to an anchor."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from clinseek_core.errors import InputError
from clinseek_replay.finding import Place
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["MOVES", "Cursor", "Move", "at_anchor", "at_place", "other_run", "read_anchor", "step_of"]

_ANCHOR = re.compile(r"s(\d{1,9})(?:\.c(\d{1,9})(?:\.r(\d{1,9}))?)?(?:\.t:(\d{1,12})-(\d{1,12}))?")


class Cursor(msgspec.Struct, frozen=True, kw_only=True, order=False):
    """A place: a run, a step of it, and a call of that; all indexes from 0."""

    run: int = 0
    step: int = 0
    call: int | None = None
    """None for the model's turn itself, which comes before its calls."""

    @property
    def order(self) -> tuple[int, int, int]:
        """What puts cursors in the order in which they are come upon."""
        return (self.run, self.step, -1 if self.call is None else self.call)


class Move(msgspec.Struct, frozen=True):
    """One way to move within a run; at the end of the run a cursor stays where it is."""

    name: str
    says: str
    to: Callable[[Trajectory, Cursor], Cursor]


def other_run(recordings: Recordings, cursor: Cursor, by: int) -> Cursor:
    """The first step of the run `by` further on, or back; of the last or first run where there is none."""
    last = max(len(recordings.entries) - 1, 0)
    run = min(max(cursor.run + by, 0), last)
    return cursor if run == cursor.run else Cursor(run=run)


def read_anchor(text: str) -> Place:
    """The place that an anchor names: `s12`, `s12.c1`, `s12.c1.r3`, `s12.t:120-164`.

    Raises InputError where it is none.
    """
    parts = _ANCHOR.fullmatch(text.strip())
    if parts is None:
        raise InputError(f"{text!r} is no anchor; one is written s12, s12.c1, s12.c1.r3 or s12.t:120-164")
    step, call, row, start, end = (int(part) if part is not None else None for part in parts.groups())
    if row is not None and start is not None:
        raise InputError(f"{text!r} is no anchor; it names a row or characters, not both")
    field = "result" if call is not None else "text"
    return Place(step=step or 0, call=call, row=row, start=start, end=end, field=field)  # type: ignore[arg-type]


def at_anchor(trajectory: Trajectory, text: str, run: int = 0) -> Cursor:
    """The cursor at an anchor; raises InputError where there is no such place in the run."""
    return at_place(trajectory, read_anchor(text), run)


def at_place(trajectory: Trajectory, place: Place, run: int = 0) -> Cursor:
    """The cursor at a place, row and characters left aside; `s0`, the run as a whole, is its first step.

    Raises InputError where the run holds no such step, call or row.
    """
    if place.step == 0:
        return Cursor(run=run)
    index, step = step_of(trajectory, place.step)
    if place.call is None:
        return Cursor(run=run, step=index)
    if not 1 <= place.call <= len(step.calls):
        held = f"it has calls up to c{len(step.calls)}" if step.calls else "it makes none"
        raise InputError(f"{trajectory.source}: step {step.anchor} has no call {place.call}; {held}")
    call = step.calls[place.call - 1]
    rows = len(call.result.table.rows) if call.result and call.result.table else None
    if place.row is not None and rows is not None and not 1 <= place.row <= rows:
        raise InputError(f"{trajectory.source}: {call.anchor} has no row {place.row}; it has {rows}")
    return Cursor(run=run, step=index, call=place.call - 1)


def step_of(trajectory: Trajectory, number: int) -> tuple[int, Step]:
    """Index of the step of that number, and the step; raises InputError where there is none."""
    steps = trajectory.steps
    if 1 <= number <= len(steps) and steps[number - 1].number == number:
        return number - 1, steps[number - 1]
    for index, step in enumerate(steps):
        if step.number == number:
            return index, step
    held = f"it has steps up to {steps[-1].number}" if steps else "it has no step"
    raise InputError(f"{trajectory.source}: there is no step {number}; {held}")


def _first(_: Trajectory, cursor: Cursor) -> Cursor:
    return Cursor(run=cursor.run)


def _last(trajectory: Trajectory, cursor: Cursor) -> Cursor:
    steps = trajectory.steps
    return _last_of(steps, cursor, len(steps) - 1) if steps else Cursor(run=cursor.run)


def _next_step(trajectory: Trajectory, cursor: Cursor) -> Cursor:
    return _step_by(trajectory, cursor, 1)


def _previous_step(trajectory: Trajectory, cursor: Cursor) -> Cursor:
    return _step_by(trajectory, cursor, -1)


def _step_by(trajectory: Trajectory, cursor: Cursor, by: int) -> Cursor:
    step = cursor.step + by
    return Cursor(run=cursor.run, step=step) if 0 <= step < len(trajectory.steps) else cursor


def _next_call(trajectory: Trajectory, cursor: Cursor) -> Cursor:
    steps = trajectory.steps
    if not steps:
        return cursor
    following = 0 if cursor.call is None else cursor.call + 1
    if following < len(steps[cursor.step].calls):
        return replace(cursor, call=following)
    if cursor.step + 1 == len(steps):
        return cursor
    calls = steps[cursor.step + 1].calls
    return Cursor(run=cursor.run, step=cursor.step + 1, call=0 if calls else None)


def _previous_call(trajectory: Trajectory, cursor: Cursor) -> Cursor:
    if cursor.call:
        return replace(cursor, call=cursor.call - 1)
    if cursor.step == 0:
        return cursor
    return _last_of(trajectory.steps, cursor, cursor.step - 1)


def _last_of(steps: Sequence[Step], cursor: Cursor, step: int) -> Cursor:
    calls = len(steps[step].calls)
    return Cursor(run=cursor.run, step=step, call=calls - 1 if calls else None)


MOVES: tuple[Move, ...] = (
    Move("first", "to the first step", _first),
    Move("last", "to the last call", _last),
    Move("next_step", "to the next step", _next_step),
    Move("previous_step", "to the step before", _previous_step),
    Move("next_call", "to the next call, or step that makes none", _next_call),
    Move("previous_call", "to the call before, or step that makes none", _previous_call),
)
"""The moves within a run; `at_anchor` goes to a place by its name, `other_run` to another run."""
