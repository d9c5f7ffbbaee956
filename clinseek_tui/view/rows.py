"""The rows of the timeline: the case, each call, each turn without a call, and the run's end."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import Literal, NamedTuple

from clinseek_core.errors import InputError
from clinseek_replay.index import call_counts
from clinseek_replay.trajectory import Call, Note, Step, Trajectory

__all__ = ["Kind", "Row", "last_number", "opening_row", "place", "row_for", "row_of_step", "rows_of"]

Kind = Literal["case", "call", "think", "end"]


class Row(NamedTuple):
    """One row: indexes into the trajectory's steps and the step's calls, so that it stays small."""

    kind: Kind
    step: int = 0
    call: int = 0
    last: bool = True
    """Whether this is the last row of its step."""

    @property
    def order(self) -> tuple[int, int, int]:
        """What puts rows in their order."""
        return {"case": 0, "end": 2}.get(self.kind, 1), self.step, self.call


def rows_of(trajectory: Trajectory) -> list[Row]:
    """All rows of a run, in their order; the end is there once the run has one."""
    rows = [Row("case")]
    for index, calls in enumerate(call_counts(trajectory.steps)):
        last = calls - 1
        if last < 0:
            rows.append(Row("think", index))
        else:
            rows.extend(Row("call", index, call, call == last) for call in range(last + 1))
    if trajectory.ended:
        rows.append(Row("end", max(len(trajectory.steps) - 1, 0)))
    return rows


def opening_row(rows: list[Row]) -> int:
    """The row a recording opens at: its first step, else its end, else the case."""
    return min(1, len(rows) - 1)


def row_of_step(rows: list[Row], trajectory: Trajectory, number: int) -> int:
    """The first row of the step numbered `number`, or of the next one there is, or the last row."""
    step = bisect_left(trajectory.steps, number, key=attrgetter("number"))
    for index, row in enumerate(rows):
        if row.kind in ("call", "think") and row.step == step:
            return index
    return len(rows) - 1


def row_for(rows: list[Row], kind: Kind, step: int, call: int | None) -> int | None:
    """The row of a kind that belongs to a step and, where the step has calls, to one of them."""
    for index, row in enumerate(rows):
        if kind in ("case", "end"):
            if row.kind == kind:
                return index
        elif row.step == step and row.kind in ("call", "think") and call in (None, row.call):
            return index
    return None


def place(trajectory: Trajectory, row: Row) -> tuple[Step | None, Call | None]:
    """The step and the call a row stands for, where it stands for one."""
    if row.kind not in ("call", "think"):
        return None, None
    step = _step(trajectory, row.step)
    return step, step.calls[row.call] if row.kind == "call" and row.call < len(step.calls) else None


def last_number(trajectory: Trajectory) -> int:
    """The number of the last step; 0 where there is none."""
    return _step(trajectory, len(trajectory.steps) - 1).number if trajectory.steps else 0


def _step(trajectory: Trajectory, index: int) -> Step:
    """A step; one that can't be read any more says so itself, and the others can still be looked at."""
    try:
        return trajectory.steps[index]
    except InputError as error:
        return Step(number=index + 1, notes=(Note("unreadable", str(error)),))
