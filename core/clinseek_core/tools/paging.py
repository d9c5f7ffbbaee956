"""Answers that are rows: which of them are shown, what is told of the others, and how to get those."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from clinseek_core.journal.events import Table
from clinseek_core.text import one_line
from clinseek_core.tools.arguments import CallError, count
from clinseek_core.tools.rowtext import as_text, cell_text
from clinseek_core.tools.spec import ToolResult

__all__ = ["Call", "Page", "fitting", "next_call", "page_of", "rows_result"]

_PAGE_CHARACTERS = 60_000
"""A page ends before it holds more; a single row is never cut."""
_NUMBER = 48
"""Characters that no number exceeds: a decimal of DuckDB has 38 digits."""
_MAX_ROW_CHARACTERS = 16_000_000
"""A journal keeps all of a result; a row larger than that is no reading."""
_ECHOED = 400
"""Longer arguments are not told back."""


class Call(msgspec.Struct, frozen=True):
    """A call as it was made."""

    name: str
    arguments: dict[str, Any]


class Page(msgspec.Struct, frozen=True):
    """Which rows of an answer are asked for."""

    limit: int
    offset: int


def page_of(call: Call, limit: int) -> Page:
    """The page that a call asks for, of `limit` rows where it doesn't say."""
    return Page(count(call.arguments, "limit", limit), count(call.arguments, "offset", 0))


def fitting(rows: Sequence[Sequence[Any]]) -> int:
    """How many of the rows a page holds: all, or as many as its characters allow, and at least one.

    Raises CallError for a first row that is too large to be told.
    """
    if sum(_at_most(cell) for row in rows for cell in row) <= _PAGE_CHARACTERS:
        return len(rows)
    room, long = _PAGE_CHARACTERS, set()
    for number, row in enumerate(rows):
        for text in map(cell_text, row):
            room -= 1 if text is None or text in long else len(text) + 1
            if text is not None and len(text) > len("repeated"):
                long.add(text)
        if number == 0 and room < -_MAX_ROW_CHARACTERS:
            raise CallError(
                f"a row has {_PAGE_CHARACTERS - room:,} characters; ask for less of it", "limited"
            )
        if room < 0:
            return max(number, 1)
    return len(rows)


def _at_most(cell: Any) -> int:
    """No fewer characters than a cell takes with a sign beside it; found without writing it."""
    if cell is None or isinstance(cell, int | float):
        return _NUMBER
    return len(cell) + 1 if isinstance(cell, str) else _PAGE_CHARACTERS


def next_call(call: Call, offset: int) -> str:
    """How to ask for what comes after `offset` rows."""
    arguments = json.dumps({**call.arguments, "offset": offset}, ensure_ascii=False, default=str)
    if len(arguments) > _ECHOED:
        return f'next: the same call with "offset": {offset}'
    return f"next: {call.name} {arguments}"


def rows_result(words: str, table: Table, notes: Sequence[str] = (), *, plain: bool = False) -> ToolResult:
    """Rows under a line of `words` that ends with a colon; `notes` stand above it."""
    lines = [_note(note) for note in notes]
    if not table.rows:
        return ToolResult(status="empty", text="\n".join([*lines, words]), table=table)
    rows = as_text(table.columns, table.rows, plain=plain)
    return ToolResult(status="ok", text="\n".join([*lines, f"{words}:", rows]), table=table)


def _note(note: str) -> str:
    # A colon at the end of a line begins the rows.
    return one_line(note, 2000).rstrip(":")
