"""What the middle of the screen shows of where one looks: the row's pane, or a page over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clinseek_core.journal.events import Table
from clinseek_tui.view.again import made_content
from clinseek_tui.view.answer import answer_head, answer_table
from clinseek_tui.view.blocks import Block
from clinseek_tui.view.documents import about_end, broken, record
from clinseek_tui.view.help import help_page
from clinseek_tui.view.marking import sign_words, signs_page
from clinseek_tui.view.panes import Content, content, opening

if TYPE_CHECKING:
    from clinseek_tui.view.looking import Looking, Page

__all__ = ["shown"]


def shown(looking: Looking) -> Content:
    """The page that is open, where it has anything to show; else the pane of the row.

    What can't be made ready, whatever it meets in a recording, is told in its place.
    """
    try:
        page = _PAGES[looking.page](looking) if looking.page else None
        return page or _row(looking)
    except Exception as error:  # noqa: BLE001 -- a person goes on with the run, whatever one result holds
        return Content(((looking.anchor or str(looking.page or ""), "strong"),), broken(error))


def _row(looking: Looking) -> Content:
    """The row's pane, with what is marked there and why one stopped there."""
    below = _pane(looking)
    stop = (Block(f"● {looking.stop}", "accent"),) if looking.stop else ()
    title = (*below.title, *sign_words(looking.signs, looking.anchor))
    return below._replace(title=title, asked=(*stop, *below.asked))


def _pane(looking: Looking) -> Content:
    pane = looking.pane or opening(looking.trajectory, looking.row, looking.wished)
    return _context(looking) if pane == "context" else content(looking.trajectory, looking.row, pane)


def _context(looking: Looking) -> Content:
    title = ((f"{looking.anchor} · what the model had before it", "strong"),)
    if looking.messages is None:
        return Content(title, (Block("the conversation is being gathered", "dim"),))
    from clinseek_replay.context import context_at  # noqa: PLC0415 -- loads with the pane
    from clinseek_tui.view.seen import context_head, context_table  # noqa: PLC0415

    context = context_at(looking.trajectory, looking.messages, looking.row.step)
    table = context_table(context)
    head = context_head(looking.trajectory, context, looking.row.step)
    return Content(title, table, head, max(len(table.rows) - 1, 0))


def _answer(looking: Looking) -> Content:
    title = (("answer against gold", "strong"),)
    table = answer_table(looking.trajectory, looking.evidence)
    if table is None:
        return Content(title, about_end(looking.trajectory))
    return Content(
        title, table, answer_head(looking.trajectory, looking.evidence, looking.evidence_under_way)
    )


def _again(looking: Looking) -> Content | None:
    if looking.again is None:
        return None
    return made_content(looking.again.made, looking.again.recorded, looking.made_at + 1, len(looking.made))


def _plan(looking: Looking) -> Content | None:
    if looking.plan is None:
        return None
    from clinseek_tui.view.query_plan import plan_head, plan_table, plan_words  # noqa: PLC0415 -- loads with the page

    plan = looking.plan
    title = ((f"{plan.anchor} plan · {plan_words(plan.plan)}".strip(), "strong"),)
    return Content(title, plan_table(plan.plan), plan_head(plan))


def _lens(looking: Looking) -> Content:
    if looking.lens is None:
        return Content((("time lens", "strong"),), (Block("the run's times are being gathered", "dim"),))
    title = ((f"time lens · {looking.lens.words}", "strong"),)
    return Content(title, looking.lens)


def _told(looking: Looking) -> Content:
    return Content(((looking.told.title, "strong"),), looking.told.document)


def _help(looking: Looking) -> Content:
    return Content((("keys", "strong"),), help_page(looking.commands))


def _signs(looking: Looking) -> Content | None:
    if not looking.anchor:
        return None
    page = signs_page(looking.signs, looking.anchor, looking.signs_under_way)
    return Content(((f"{looking.anchor} · why it is marked", "strong"),), page)


def _record(looking: Looking) -> Content | None:
    under = _PAGES[looking.below](looking) if looking.below else None
    table = (under or _pane(looking)).body
    if not isinstance(table, Table) or looking.record >= len(table.rows):
        return None
    of = f"{looking.below}, row {looking.record + 1}" if looking.below else f".r{looking.record + 1}"
    title = ((f"{looking.anchor}{' ' if looking.below else ''}{of} in full".strip(), "strong"),)
    return Content(title, record(table, looking.record))


_PAGES: dict[Page, Callable[[Looking], Content | None]] = {
    "again": _again,
    "answer": _answer,
    "help": _help,
    "lens": _lens,
    "plan": _plan,
    "record": _record,
    "signs": _signs,
    "told": _told,
}
