"""Rows as lines: for a person, for a spreadsheet, for a script; as a table of layouts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from clinseek_core.journal.events import Table
from clinseek_core.text import one_line, visible

__all__ = ["LAYOUTS", "Layout"]

_NAME = 40


class Layout(NamedTuple):
    """One way of writing rows."""

    name: str
    says: str
    lines: Callable[[Table, int], Iterator[str]]
    """Takes the rows and the columns of the terminal; all it gives is safe to show."""


def _auto(table: Table, width: int) -> Iterator[str]:
    from clinseek_tui.view.grid import laid_out  # noqa: PLC0415 -- brings rich

    columns = laid_out(table, width)
    fits = not columns or columns[-1].start + columns[-1].width <= width
    return _grid(table, width) if fits else _records(table, width)


def _grid(table: Table, width: int) -> Iterator[str]:
    from clinseek_tui.view.grid import GAP, cell, fitted, laid_out  # noqa: PLC0415 -- brings rich

    columns = laid_out(table, width)
    gap = " " * GAP
    yield gap.join(fitted(column.name, column.width) for column in columns).rstrip()
    yield gap.join("-" * column.width for column in columns)
    for row in table.rows:
        cells = zip(row, columns, strict=False)
        yield gap.join(cell(value, column) for value, column in cells).rstrip()


def _records(table: Table, _: int) -> Iterator[str]:
    names = [one_line(name, _NAME) for name in table.columns]
    width = max(map(len, names), default=0)
    for number, row in enumerate(table.rows, 1):
        yield f"row {number}"
        for name, value in zip(names, row, strict=False):
            first, *more = visible(_text(value, "null")).split("\n")
            yield f"  {name:<{width}}  {first}".rstrip()
            yield from (f"  {'':<{width}}  {line}".rstrip() for line in more)


def _csv(table: Table, _: int) -> Iterator[str]:
    yield _csv_line(table.columns)
    for row in table.rows:
        yield _csv_line(row)


def _json(table: Table, _: int) -> Iterator[str]:
    more = table.total > len(table.rows)
    yield json.dumps({"columns": table.columns, "rows": table.rows, "more": more}, default=str)


def _csv_line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([visible(_text(cell, "")) for cell in cells])
    return line.getvalue()


def _text(value: Any, null: str) -> str:
    return null if value is None else value if isinstance(value, str) else str(value)


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("auto", "a grid where it fits the terminal, else records", _auto),
        Layout("grid", "columns side by side; long cells end in an ellipsis", _grid),
        Layout("records", "each cell on its own line, in full", _records),
        Layout("csv", "comma-separated, an empty cell where nothing is known", _csv),
        Layout("json", "one line of JSON: columns, rows, and whether there are more", _json),
    )
}
