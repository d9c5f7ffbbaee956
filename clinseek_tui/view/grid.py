"""How a table lies on the screen: the width and side of each column, and a cell's text in it."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, NamedTuple

from rich.cells import cell_len, set_cell_size

from clinseek_core.journal.events import Table
from clinseek_core.text import one_line
from clinseek_tui.view.wrap import parted

__all__ = ["GAP", "Column", "cell", "fitted", "laid_out"]

GAP = 2
"""Blank cells between columns."""
NULL = "null"
_SAMPLE = 20_000
"""Cells whose width decides; those of later rows that are wider are cut with an ellipsis."""
_WIDEST = 60
_NARROWEST = 20
"""To fit the pane, columns are narrowed to this and no further."""


class Column(NamedTuple):
    """One column: where it starts, its cells, and whether its values are numbers."""

    name: str
    start: int
    width: int
    numeric: bool


def laid_out(table: Table, available: int) -> tuple[Column, ...]:
    """The columns of `table`: as wide as their values where that fits `available` cells, else narrowed."""
    sample = table.rows[: max(_SAMPLE // max(len(table.columns), 1), 20)]
    values = [[row[index] for row in sample if index < len(row)] for index in range(len(table.columns))]
    names = [_line(name, _WIDEST) for name in table.columns]
    natural = [max(1, *map(_measure, [name, *column])) for name, column in zip(names, values, strict=True)]
    cap = _cap(natural, available - GAP * max(len(names) - 1, 0))
    widths = [min(width, cap) for width in natural]
    starts = accumulate((width + GAP for width in widths), initial=0)
    numeric = map(_numeric, values)
    return tuple(
        Column(*each) for each in zip(names, list(starts)[: len(names)], widths, numeric, strict=True)
    )


def cell(value: Any, column: Column) -> str:
    """A value on one line of exactly the column's cells: cut with an ellipsis, numbers to the right."""
    text = fitted(NULL if value is None else value, column.width)
    bare = text.rstrip()
    return " " * (len(text) - len(bare)) + bare if column.numeric else text


def fitted(value: Any, width: int) -> str:
    """A value as text that is safe to show, on one line of exactly `width` cells, cut with an ellipsis."""
    text = _line(value, width + 1)
    cells = cell_len(text)
    return text + " " * (width - cells) if cells <= width else set_cell_size(text, width - 1) + "…"


def _cap(natural: list[int], room: int) -> int:
    """The largest width to which columns may go for all of them to fit into `room`."""
    fitting = (cap for cap in range(_WIDEST, _NARROWEST, -1) if sum(min(w, cap) for w in natural) <= room)
    return next(fitting, _NARROWEST)


def _measure(value: Any) -> int:
    return 4 if value is None else min(cell_len(_line(value, _WIDEST + 1)), _WIDEST)


def _line(value: Any, width: int) -> str:
    if isinstance(value, str) and len(value) < width and value.isascii() and value.isprintable():
        return value
    return parted(one_line(str(value), width))


def _numeric(values: list[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
