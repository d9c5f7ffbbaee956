"""The rows of the timeline that a filter shows."""

from __future__ import annotations

from clinseek_replay.filtering import Filter
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.marking import Signs, kinds_at
from clinseek_tui.view.rows import Row, place, rows_of

__all__ = ["is_shown", "shown_rows"]


def shown_rows(trajectory: Trajectory, wanted: Filter, signs: Signs) -> list[Row]:
    """The rows of a run that a filter shows; every step is read for it."""
    return [row for row in rows_of(trajectory) if is_shown(trajectory, row, wanted, signs)]


def is_shown(trajectory: Trajectory, row: Row, wanted: Filter, signs: Signs) -> bool:
    """Whether a filter shows a row; the case and the end always stay."""
    step, call = place(trajectory, row)
    if step is None:
        return True
    return wanted.keeps(step, call, kinds_at(signs, call.anchor if call else step.anchor))
