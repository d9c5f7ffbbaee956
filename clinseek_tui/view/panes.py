"""Which panes a row of the timeline has, which one opens by itself, and what each shows."""

from __future__ import annotations

from typing import Literal, NamedTuple

from clinseek_core.journal.events import Table
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.blocks import Document
from clinseek_tui.view.documents import about_case, about_end, asked, given_back, in_source, raw, turn
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.page import is_page, page
from clinseek_tui.view.rows import Row, place
from clinseek_tui.view.words import Words, label, title, turn_title

__all__ = ["PANES", "Content", "Pane", "content", "opening", "panes_of"]

Pane = Literal["result", "sql", "page", "reasoning", "context", "raw"]

PANES: tuple[tuple[Pane, str, str], ...] = (
    ("result", "1", "result"),
    ("sql", "2", "SQL"),
    ("page", "4", "page"),
    ("reasoning", "5", "reasoning"),
    ("context", "6", "context"),
    ("raw", "7", "raw"),
)
"""Pane, its key and its word, in the order in which the frame names them."""


class Content(NamedTuple):
    """What the middle of the screen shows."""

    title: Words
    body: Document | Table | LensPage
    asked: Document = ()
    """What stands above the body: the SQL or arguments of the call."""
    row: int = 0
    """The row of a table to begin at."""


def panes_of(trajectory: Trajectory, row: Row) -> tuple[Pane, ...]:
    """The panes that a row has something for; none for the case and the end, which are one page each."""
    step, call = place(trajectory, row)
    if step is None:
        return ()
    if call is None:
        return ("reasoning", "context", "raw")
    there: dict[Pane, bool] = {"sql": call.sql is not None, "page": is_page(call)}
    return tuple(pane for pane, _, _ in PANES if there.get(pane, True))


def opening(trajectory: Trajectory, row: Row, wished: Pane | None) -> Pane | None:
    """The pane that a row opens with: the one wished for where it has it, else its page, else its first."""
    panes = panes_of(trajectory, row)
    if wished in panes:
        return wished
    if "page" in panes:
        return "page"
    return panes[0] if panes else None


def content(trajectory: Trajectory, row: Row, pane: Pane | None) -> Content:
    """What a row's pane shows."""
    step, call = place(trajectory, row)
    if step is None:
        ends = row.kind == "end"
        about = about_end(trajectory) if ends else about_case(trajectory)
        return Content(((f"{label(trajectory)} · {'end' if ends else 'case'}", "strong"),), about)
    if pane == "reasoning" or (call is None and pane != "raw"):
        return Content(turn_title(step), turn(step))
    if pane == "raw" or call is None:
        lies = (*raw(step, call), *in_source(trajectory, step))
        return Content(title(call) if call else turn_title(step), lies)
    if pane == "page":
        return Content(title(call), page(call))
    if pane == "sql":
        return Content(title(call), asked(call))
    table = call.result.table if call.result and call.result.status in ("ok", "empty") else None
    return Content(title(call), table if table is not None else given_back(call), asked(call))
