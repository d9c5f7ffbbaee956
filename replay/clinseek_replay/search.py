"""Searching a whole run: its question, tools, arguments, texts, reasoning, results, answer and messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Literal

import msgspec

from clinseek_core.journal.events import Table
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = [
    "Field",
    "Hit",
    "Sought",
    "argument_texts",
    "as_text",
    "hits_about",
    "hits_at_end",
    "hits_in_step",
    "occurrences",
    "search",
    "sought",
]

Sought = Callable[[str], Iterable[int]]
"""What is searched, as the offsets where it starts in a text."""

Field = Literal["case", "reasoning", "text", "note", "tool", "argument", "row", "result", "end"]
"""Where a hit lies: `row` is a row of a result's table, `result` the text of a result without such a row."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a run holds what was searched."""

    field: Field
    step: int = 0
    """Index into the run's steps; 0 for `case` and `end`."""
    call: int | None = None
    """Index into the step's calls; None where the hit lies in the turn itself."""
    offset: int = 0
    """Characters before the hit in its text; for `row`, the index of the table's row."""
    part: int = 0
    """Which of the call's arguments, by its index, where the hit lies in one."""


def search(trajectory: Trajectory, needle: str, limit: int = 1_000) -> tuple[Hit, ...]:
    """The first `limit` hits of `needle` in the order of the run, whatever their case.

    Each occurrence in a text is a hit; a row of a table, the case, a step's notes and the end are one each.
    """
    return tuple(islice(_hits(trajectory, sought(needle)), limit)) if needle else ()


def sought(needle: str) -> Sought:
    """A text searched as it stands, whatever its case."""
    return lambda text: occurrences(text, needle)


def occurrences(text: str, needle: str) -> Iterator[int]:
    """Offsets of `needle` in `text`, whatever their case; one after the other, never overlapping."""
    if not needle:
        return
    if not (text.isascii() and needle.isascii()):
        # Lowering may change the length of other texts, and so every offset after that place.
        yield from (found.start() for found in re.finditer(re.escape(needle), text, re.IGNORECASE))
        return
    lowered, wanted = text.lower(), needle.lower()
    position = lowered.find(wanted)
    while position >= 0:
        yield position
        position = lowered.find(wanted, position + len(wanted))


def argument_texts(call: Call) -> tuple[tuple[str, str], ...]:
    """The arguments of a call as (name, text): texts as they are, other values as JSON."""
    if call.arguments is None:
        return (("", call.raw_arguments),) if call.raw_arguments else ()
    return tuple((name, as_text(value)) for name, value in call.arguments.items())


def as_text(value: Any) -> str:
    """A JSON value as text: texts as they are, others as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "(nested too deeply to be told)"


def hits_about(trajectory: Trajectory, wanted: Sought) -> Iterator[Hit]:
    """The hit in what a run was asked, if there is one."""
    about = (trajectory.question, *trajectory.candidates, *(text for _, text in trajectory.prompt))
    if _holds(about, wanted):
        yield Hit(field="case")


def hits_in_step(index: int, step: Step, wanted: Sought) -> Iterator[Hit]:
    """The hits in the step at `index`, in their order."""
    yield from _in_turn(index, step, wanted)
    for number, call in enumerate(step.calls):
        yield from _in_call(index, number, call, wanted)


def hits_at_end(trajectory: Trajectory, wanted: Sought) -> Iterator[Hit]:
    """The hit in a run's answer or last message, if there is one."""
    if _holds((*(trajectory.answer or ()), trajectory.message), wanted):
        yield Hit(field="end")


def _hits(trajectory: Trajectory, wanted: Sought) -> Iterator[Hit]:
    yield from hits_about(trajectory, wanted)
    for index, step in enumerate(trajectory.steps):
        yield from hits_in_step(index, step, wanted)
    yield from hits_at_end(trajectory, wanted)


def _holds(texts: Iterable[str], wanted: Sought) -> bool:
    return any(True for text in texts for _ in wanted(text))


def _in_turn(index: int, step: Step, wanted: Sought) -> Iterator[Hit]:
    texts: tuple[tuple[Field, str], ...] = (("reasoning", step.reasoning), ("text", step.text))
    for field, text in texts:
        yield from (Hit(field=field, step=index, offset=offset) for offset in wanted(text))
    if _holds((note.text for note in step.notes), wanted):
        yield Hit(field="note", step=index)


def _in_call(index: int, number: int, call: Call, wanted: Sought) -> Iterator[Hit]:
    for offset in wanted(call.name):
        yield Hit(field="tool", step=index, call=number, offset=offset)
    for part, (_, text) in enumerate(argument_texts(call)):
        for offset in wanted(text):
            yield Hit(field="argument", step=index, call=number, offset=offset, part=part)
    if call.result is None:
        return
    in_text = True
    for row in _rows_with(call.result.table, wanted) if call.result.table else ():
        in_text = False
        yield Hit(field="row", step=index, call=number, offset=row)
    for offset in wanted(call.result.text) if in_text else ():
        yield Hit(field="result", step=index, call=number, offset=offset)


def _rows_with(table: Table, wanted: Sought) -> Iterator[int]:
    for index, row in enumerate(table.rows):
        if _holds((str(cell) for cell in row if cell is not None), wanted):
            yield index
