"""Reading what a tool answered: the rows, numbers and times in its text, whatever that text is."""

from __future__ import annotations

import csv
import io
import math
from datetime import datetime

import msgspec

__all__ = ["Row", "failed", "moment", "number", "rows", "shown", "whole"]

Row = dict[str, str]

_HEAD_LINES = 6
"""A result's CSV starts after at most as many lines of words."""


class _Parsed(msgspec.Struct, frozen=True):
    columns: list[str]
    cells: list[list[str]]


def failed(text: str) -> bool:
    """Whether the call gave an error instead of a result."""
    return text.startswith("Error")


def rows(text: str, *needed: str) -> tuple[Row, ...]:
    """The rows of the CSV in `text` that has the columns `needed`; none where there is no such CSV.

    Rows that are cut or of another width are left out.
    """
    lines = text.split("\n")
    for start in range(min(len(lines), _HEAD_LINES)):
        if all(column in lines[start] for column in needed):
            parsed = _csv("\n".join(lines[start:]))
            if parsed is not None and set(needed) <= set(parsed.columns):
                width = len(parsed.columns)
                return tuple(
                    dict(zip(parsed.columns, cells, strict=True))
                    for cells in parsed.cells
                    if len(cells) == width
                )
    return ()


def _csv(text: str) -> _Parsed | None:
    try:
        columns, *cells = csv.reader(io.StringIO(text, newline=""))
    except (csv.Error, ValueError):
        return None
    return _Parsed(columns, cells)


def number(cell: str | None) -> float | None:
    """The cell as a finite number."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(cell: str | None) -> int:
    """The cell as a count; 0 where it is none."""
    value = number(cell)
    return int(value) if value is not None and 0 <= value < 1e12 else 0


def moment(cell: str | None) -> datetime | None:
    """The cell as a time without a zone."""
    try:
        return datetime.fromisoformat((cell or "").strip()).replace(tzinfo=None)
    except ValueError:
        return None


def shown(at: datetime) -> str:
    """A time as the record writes it."""
    return at.isoformat(" ", "seconds")
