"""Searching a whole run: its question, tools, arguments, texts, reasoning, results, answer and messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal

import msgspec

from clinseek_core.journal.events import Table
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = ["Field", "Hit", "argument_texts", "occurrences", "search"]

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


def search(trajectory: Trajectory, needle: str, limit: int = 1_000) -> tuple[Hit, ...]:
    """The first `limit` hits of `needle` in the order of the run, whatever their case.

    Each occurrence in a text is a hit; a row of a table, the case, a step's notes and the end are one each.
    """
    return tuple(islice(_hits(trajectory, needle), limit)) if needle else ()


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
    return tuple((name, _text(value)) for name, value in call.arguments.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _hits(trajectory: Trajectory, needle: str) -> Iterator[Hit]:
    about = (trajectory.question, *trajectory.candidates, *(text for _, text in trajectory.prompt))
    if _holds(about, needle):
        yield Hit(field="case")
    for index, step in enumerate(trajectory.steps):
        yield from _in_turn(index, step, needle)
        for number, call in enumerate(step.calls):
            yield from _in_call(index, number, call, needle)
    if _holds((*(trajectory.answer or ()), trajectory.message), needle):
        yield Hit(field="end")


def _holds(texts: Iterable[str], needle: str) -> bool:
    return any(True for text in texts for _ in occurrences(text, needle))


def _in_turn(index: int, step: Step, needle: str) -> Iterator[Hit]:
    texts: tuple[tuple[Field, str], ...] = (("reasoning", step.reasoning), ("text", step.text))
    for field, text in texts:
        yield from (Hit(field=field, step=index, offset=offset) for offset in occurrences(text, needle))
    if _holds((note.text for note in step.notes), needle):
        yield Hit(field="note", step=index)


def _in_call(index: int, number: int, call: Call, needle: str) -> Iterator[Hit]:
    named: tuple[tuple[Field, str], ...] = (
        ("tool", call.name),
        *(("argument", text) for _, text in argument_texts(call)),
    )
    for field, text in named:
        for offset in occurrences(text, needle):
            yield Hit(field=field, step=index, call=number, offset=offset)
    if call.result is None:
        return
    rows = list(_rows_with(call.result.table, needle)) if call.result.table else []
    field, offsets = ("row", rows) if rows else ("result", occurrences(call.result.text, needle))
    for offset in offsets:
        yield Hit(field=field, step=index, call=number, offset=offset)


def _rows_with(table: Table, needle: str) -> Iterator[int]:
    for index, row in enumerate(table.rows):
        if _holds((str(cell) for cell in row if cell is not None), needle):
            yield index
