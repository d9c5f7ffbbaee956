"""The tables of a call's result, whatever system wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_replay.tables.delimited import delimited_table
from clinseek_replay.tables.json_rows import json_tables
from clinseek_replay.tables.markdown import markdown_tables
from clinseek_replay.tables.names import table_names
from clinseek_replay.tables.padded import padded_table
from clinseek_replay.tables.rows_as_text import OPENINGS, rows_table, typed_table
from clinseek_replay.tables.table import TextTable
from clinseek_replay.trajectory import Call

__all__ = ["tables_in", "tables_of_text"]

_BLOCK = re.compile(r"^--- [^\n]* ---$", re.MULTILINE)
_HEADING = re.compile(r"(?:--- [^\n]*|Found \d+ [^\n]*|[^\n,|]*:)\n+")


def tables_in(call: Call) -> tuple[TextTable, ...]:
    """The tables in a call's result, in order; none where it has no result or no table."""
    result = call.result
    if result is None or not result.text:
        return ()
    names = table_names(call)
    if result.table is not None:
        table = typed_table(result.text, result.table, names)
        return (table,) if len(table) else ()
    return tables_of_text(result.text, names)


def tables_of_text(text: str, names: tuple[str, ...] = ()) -> tuple[TextTable, ...]:
    """The tables in a text, in order: `names` are the tables of the record its rows may come from."""
    found = list(_tables(text, names))
    rows = 0
    for table in found:
        table.first_row = rows
        rows += len(table)
    return tuple(found)


def _tables(text: str, names: tuple[str, ...]) -> Iterator[TextTable]:
    if text.lstrip()[:1] in {"{", "["}:
        yield from json_tables(text, names)
        return
    blocks = [found.start() for found in _BLOCK.finditer(text)] if "--- " in text else []
    if blocks:
        for start, end in zip(blocks, [*blocks[1:], len(text)], strict=True):
            yield from _one(text, start, end, names)
        return
    markdown = list(markdown_tables(text, names)) if "|" in text else []
    yield from markdown or _one(text, 0, len(text), names)


def _one(text: str, start: int, end: int, names: tuple[str, ...]) -> Iterator[TextTable]:
    """The one table between two places, below the lines that announce it."""
    whole = start == 0 and end == len(text)
    while end > start and text[end - 1] in "\r\n":
        end -= 1
    at = start
    while True:
        table = _in_commas(text, at, end, names, whole) or padded_table(text, at, end, names)
        if table is not None:
            yield table
            return
        heading = _HEADING.match(text, at, end)
        if heading is None:
            return
        at = heading.end()


def _in_commas(text: str, at: int, end: int, names: tuple[str, ...], whole: bool) -> TextTable | None:
    """Our own rows, or CSV; only where the first line says so or holds commas or tabs."""
    stop = text.find("\n", at, end)
    head = text[at : stop if stop >= 0 else end]
    if "," not in head and "\t" not in head and not head.startswith(OPENINGS):
        return None
    ours = rows_table(text, at, names) if whole and text.startswith(":\n", at - 2) else None
    return ours or delimited_table(text, at, end, names)
