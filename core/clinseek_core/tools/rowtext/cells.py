"""One cell: its value as text, and that text as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "EMPTY",
    "IN_ALL",
    "NULL",
    "REPEATED",
    "ROWS",
    "SECTION",
    "TOLD_BY",
    "UNLESS",
    "cell_text",
    "date_of",
    "read_cell",
    "read_name",
    "written",
    "written_name",
]

IN_ALL = "in all rows: "
EMPTY = "empty in all rows: "
UNLESS = "unless a row says otherwise: "
REPEATED = "repeated: "
TOLD_BY = "told by "
ROWS = "rows:"
SECTION = "# "
NULL = "NULL"

_EXACT_WHOLE = 1e15
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)(:\d\d)?", re.ASCII)
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)
_REFERENCE = re.compile(r"\[\d+\]", re.ASCII)
_TO_QUOTE = re.compile(r'[",\n\r={}]|\A(\s|# )|\s\Z|\A\Z')
_MAY_CHANGE = re.compile(r'[",\n\r={}:\[]|\A(\s|# )|\s\Z|\A\Z|\ANULL\Z')
"""What every text has that is not written as it stands: one look instead of four, for most cells."""
_SHORT_MOMENT = len("2150-03-03 06:00")
_WHOLE_MOMENT = len("2150-03-03 06:00:00")


def cell_text(value: Any) -> str | None:
    """A value as a cell's text; None where it is missing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_WHOLE:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | dict) else str(value)


def date_of(text: str | None) -> str:
    """The date of a cell that is a time with a date; empty for any other."""
    if text is None or len(text) != _WHOLE_MOMENT:
        return ""
    found = _MOMENT.fullmatch(text)
    return found[1] if found else ""


def written(text: str | None, day: str = "", repeated: Mapping[str, str] = {}) -> str:
    """A cell as it is written on a line whose times without a date are on `day`.

    `repeated` gives what stands for a text that is told elsewhere.
    """
    if text is None:
        return ""
    if text in repeated:
        return repeated[text]
    if not _MAY_CHANGE.search(text):
        return text
    moment = _MOMENT.fullmatch(text)
    if moment and moment[3]:
        clock = moment[2] + moment[3].removesuffix(":00")
        return clock if moment[1] == day else f"{moment[1]} {clock}"
    looks_otherwise = moment or _CLOCK.fullmatch(text) or _REFERENCE.fullmatch(text) or text == NULL
    return _quoted(text) if looks_otherwise or _TO_QUOTE.search(text) else text


def read_cell(raw: str, day: str = "", repeated: Mapping[str, str] = {}) -> str | None:
    """The inverse of `written`, with `repeated` the other way round; ValueError for what is no cell."""
    if raw in {"", NULL}:
        return None
    if raw[0] == '"':
        return _unquoted(raw)
    if _REFERENCE.fullmatch(raw):
        if raw not in repeated:
            raise ValueError(f"no text is told for {raw}")
        return repeated[raw]
    if _CLOCK.fullmatch(raw):
        if not day:
            raise ValueError(f"a time without a date: {raw}")
        raw = f"{day} {raw}"
    if _MOMENT.fullmatch(raw):
        return raw if len(raw) > _SHORT_MOMENT else f"{raw}:00"
    return raw


def written_name(name: str) -> str:
    """A column's name as it is written."""
    return _quoted(name) if ":" in name or _TO_QUOTE.search(name) else name


def read_name(raw: str) -> str:
    """The inverse of `written_name`."""
    return _unquoted(raw) if raw.startswith('"') else raw


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _unquoted(raw: str) -> str:
    if len(raw) < 2 or raw[-1] != '"':
        raise ValueError(f"no quote at the end of {raw[:40]}")
    return raw[1:-1].replace('""', '"')
