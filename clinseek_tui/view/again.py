"""A call that was made again, or a statement of one's own: what it gave, beside what the run was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinseek_replay.amounts import duration
from clinseek_replay.glyphs import STATUS
from clinseek_replay.sql import laid_out
from clinseek_replay.trajectory import Call, Result
from clinseek_tui.view.blocks import Block, Document, labelled
from clinseek_tui.view.panes import Content
from clinseek_tui.view.sql import marks
from clinseek_tui.view.words import Words

if TYPE_CHECKING:
    # It brings the snapshot's worker: it loads when a call is first made.
    from clinseek_tui.running.desk import Made

__all__ = ["made_content"]

_OTHER_DATA = "the record there is not the one that the run read"
_FAILED = {"error", "refused", "limited"}


def made_content(made: Made, recorded: Call | None, number: int, total: int) -> Content:
    """What a call gave; `recorded` is the run's own call that it began from, `number` its place among all."""
    result = made.result
    body = result.table if result.table is not None and result.status in ("ok", "empty") else _text(made)
    return Content(_title(made, number, total), body, (*_asked(made), *_beside(made, recorded)))


def _title(made: Made, number: int, total: int) -> Words:
    parts = [duration(made.ms)]
    if made.result.table is not None:
        parts.append(f"{made.result.table.total:,} row{'' if made.result.table.total == 1 else 's'}")
    if total > 1:
        parts.append(f"{number} of {total} made")
    status = made.result.status
    style = "error" if status in _FAILED else "dim"
    state: Words = () if status == "ok" else ((f" {STATUS[status].unicode} {status}", style),)
    return ((f"{made.anchor} again: {made.name}", "strong"), *state, (f" · {' · '.join(parts)}", "strong"))


def _asked(made: Made) -> Document:
    if made.sql is None:
        return labelled((name, str(value)) for name, value in made.arguments.items())
    neat = laid_out(made.sql)
    return (Block(neat, marks=marks(neat)),)


def _beside(made: Made, recorded: Call | None) -> Document:
    told = [] if made.same_data is not False else [Block(_OTHER_DATA, "error")]
    if recorded is not None and recorded.result is not None:
        told.append(Block(_compared(made, recorded, recorded.result), "accent"))
    return tuple(told)


def _compared(made: Made, recorded: Call, result: Result) -> str:
    if recorded.arguments != made.arguments:
        return "another call than the run made"
    whole, got = made.result.text, result.text
    same = whole.startswith(got) if result.full_characters > len(got) else whole == got
    return "✓ the same as the run was given" if same else "± not what the run was given"


def _text(made: Made) -> Document:
    if not made.result.text:
        return (Block("∅ the result is an empty text", "dim"),)
    return (Block(made.result.text, "error" if made.result.status in _FAILED else "plain"),)
