"""Which panes a row of the timeline has, which one opens by itself, and what each shows."""

from __future__ import annotations

from typing import Literal, NamedTuple

from clinseek_core.journal.events import Table
from clinseek_replay.trajectory import Call, Trajectory
from clinseek_tui.view.blocks import Block, Document
from clinseek_tui.view.documents import about_case, about_end, asked, given_back, in_source, raw, turn
from clinseek_tui.view.film_page import FilmPage
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.page import is_page, page
from clinseek_tui.view.rows import Row, place
from clinseek_tui.view.words import Words, label, title, turn_title

__all__ = ["PANES", "Content", "Pane", "content", "opening", "panes_of"]

Pane = Literal["result", "sql", "image", "page", "reasoning", "context", "raw"]

PANES: tuple[tuple[Pane, str, str], ...] = (
    ("result", "1", "result"),
    ("sql", "2", "SQL"),
    ("image", "3", "image"),
    ("page", "4", "page"),
    ("reasoning", "5", "reasoning"),
    ("context", "6", "context"),
    ("raw", "7", "raw"),
)
"""Pane, its key and its word, in the order in which the frame names them."""


class Content(NamedTuple):
    """What the middle of the screen shows."""

    title: Words
    body: Document | Table | LensPage | FilmPage
    asked: Document = ()
    """What stands above the body: the SQL or arguments of the call."""
    row: int = 0
    """The row of a table to begin at."""


def panes_of(trajectory: Trajectory, row: Row) -> tuple[Pane, ...]:
    """The panes that a row has something for; the case and the end are one page each, and may have films."""
    step, call = place(trajectory, row)
    films: tuple[Pane, ...] = ("image",) if _has_films(trajectory, call) else ()
    if step is None:
        return films
    if call is None:
        return (*films, "reasoning", "context", "raw")
    there: dict[Pane, bool] = {"sql": call.sql is not None, "image": bool(films), "page": is_page(call)}
    return tuple(pane for pane, _, _ in PANES if there.get(pane, True))


def _has_films(trajectory: Trajectory, call: Call | None) -> bool:
    shows = call is not None and call.result is not None and bool(call.result.images)
    return bool(trajectory.films) or shows or (call is not None and call.name.startswith("image."))


def opening(trajectory: Trajectory, row: Row, wished: Pane | None) -> Pane | None:
    """The pane that a row opens with: that wished for where it has it, else page or film, else its first."""
    panes = panes_of(trajectory, row)
    if wished in panes:
        return wished
    step, call = place(trajectory, row)
    if step is None:
        return None
    if "page" in panes:
        return "page"
    looked = call is not None and call.name.startswith("image.") and call.status == "ok"
    if looked and "image" in panes:
        return "image"
    return next((pane for pane in panes if pane != "image"), None)


def content(trajectory: Trajectory, row: Row, pane: Pane | None) -> Content:
    """What a row's pane shows."""
    step, call = place(trajectory, row)
    if pane == "image":
        return _films(trajectory, call)
    if step is None:
        return _about(trajectory, row)
    if pane == "reasoning" or (call is None and pane != "raw"):
        return Content(turn_title(step), turn(step))
    if pane == "raw" or call is None:
        lies = (*raw(step, call), *in_source(trajectory, step))
        return Content(title(call) if call else turn_title(step), lies)
    if pane in ("page", "sql"):
        return Content(title(call), page(call) if pane == "page" else asked(call))
    table = call.result.table if call.result and call.result.status in ("ok", "empty") else None
    return Content(title(call), table if table is not None else given_back(call), asked(call))


def _about(trajectory: Trajectory, row: Row) -> Content:
    ends = row.kind == "end"
    about = about_end(trajectory) if ends else about_case(trajectory)
    return Content(((f"{label(trajectory)} · {'end' if ends else 'case'}", "strong"),), about)


def _films(trajectory: Trajectory, call: Call | None) -> Content:
    """The film that a call looked at, or those of the case."""
    from clinseek_tui.view.film import film_page  # noqa: PLC0415 -- loads with the first film

    page = film_page(trajectory, call)
    about = title(call) if call is not None else (("films of the case", "strong"),)
    return Content(about, page if page is not None else (Block("∅ no film is named here", "dim"),))
