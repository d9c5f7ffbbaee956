"""The plan page: the operators by which the engine answered a statement, as rows of a table."""

from __future__ import annotations

from typing import NamedTuple

from clinseek_core.ehr.query_plan import QueryPlan
from clinseek_core.journal.events import Table
from clinseek_replay.amounts import duration
from clinseek_replay.sql import laid_out
from clinseek_tui.view.blocks import Block, Document
from clinseek_tui.view.sql import marks

__all__ = ["PlanPage", "plan_head", "plan_table", "plan_words"]

_BAR = 8
_INDENT = "  "
_DEEPEST = 20
"""Levels that are set in; what is deeper stands below these."""
_COLUMNS = ("operator", "ms", "share", "rows", "expected", "on what")


class PlanPage(NamedTuple):
    """A statement and how it was answered."""

    anchor: str
    """The call that it began from."""
    sql: str
    plan: QueryPlan


def plan_table(plan: QueryPlan) -> Table:
    """A row for each operator, what it works on below it and set in."""
    whole = sum(step.ms for step in plan.steps)
    rows = tuple(
        (
            _INDENT * min(step.depth, _DEEPEST) + step.name.lower().replace("_", " "),
            round(step.ms, 3),
            _share(step.ms / whole if whole else 0),
            step.rows,
            step.estimated,
            step.details,
        )
        for step in plan.steps
    )
    return Table(columns=_COLUMNS, rows=rows, total=len(rows))


def plan_words(plan: QueryPlan) -> str:
    """How long it took, and how much of that went by before it ran."""
    return f"{duration(plan.ms)} in the engine, {duration(plan.planning_ms)} of it planning"


def plan_head(page: PlanPage) -> Document:
    """The statement, laid out, and how it was read where that is not as it is written."""
    neat = laid_out(page.sql)
    return (Block(neat, marks=marks(neat)), *(Block(note, "accent") for note in page.plan.notes))


def _share(part: float) -> str:
    return f"{100 * part:.0f}%".ljust(5) + "█" * round(_BAR * part)
