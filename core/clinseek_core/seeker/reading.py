"""Reading what a tool answered: the rows, numbers and times in its text, whatever that text is."""

from __future__ import annotations

import math
from datetime import datetime

from clinseek_core.tools.rowtext import read_block

__all__ = ["Row", "failed", "moment", "number", "rows", "shown", "whole"]

Row = dict[str, str]

_HEAD_LINES = 12
"""A result's rows start after at most as many lines of words."""


def failed(text: str) -> bool:
    """Whether the call gave an error instead of a result."""
    return text.startswith("Error")


def rows(text: str, *needed: str) -> tuple[Row, ...]:
    """The rows in `text` that have the columns `needed`; none where there are no such rows.

    What stands after a row that is cut off is left out.
    """
    lines = text.split("\n")[:_HEAD_LINES]
    starts = [number for number, line in enumerate(lines, 1) if line.endswith(":")]
    for start in dict.fromkeys([*starts, *range(len(lines))]):
        try:
            block = read_block(text.split("\n", start)[-1], cut=True)
        except ValueError:
            continue
        if set(needed) <= set(block.columns):
            return tuple({name: cell or "" for name, cell in row.items()} for row in block.rows)
    return ()


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
