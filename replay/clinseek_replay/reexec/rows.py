"""The rows of an observation in one shape, from a recording's table or text, or from a result of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from clinseek_core.journal import Table
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools.rowtext import read_block
from clinseek_replay.reexec.cells import as_typed, by_meaning
from clinseek_replay.tables import tables_in
from clinseek_replay.trajectory import Call, Result

__all__ = ["OURS_ALONE", "ROW_COUNTERS", "Rows", "as_lines", "by_meaning_of", "of_table", "recorded_rows"]

ROW_COUNTERS = frozenset(name for rule in CONTRACT.values() for name in rule.counters)
"""Columns that number the rows of a snapshot: another policy numbers the same rows anew."""

OURS_ALONE = frozenset(("known_at",))
"""Columns that we add to the record; which tables show them, and with what, depends on the policy."""

_NOTICE = "\n\n[Cut here"
"""How the line begins that `clinseek_core.agent.results` puts behind what it cut."""

Key = tuple[tuple[str, tuple[str | None, ...]], ...]


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of an observation, each cell as text that is the same for the same value."""

    columns: tuple[str, ...]
    cells: tuple[tuple[str | None, ...], ...]
    keys: tuple[Key, ...] = ()
    """For each row the rows of the record behind it; empty where they are not known."""
    total: int = 0
    """Rows there are; more than `len(cells)` on one page of several."""
    table: str = ""
    """The table that they come from, where there is one."""
    typed: bool = True
    """Whether the cells were told with their types, not read from a text."""

    @property
    def whole(self) -> bool:
        """Whether these are all the rows there are."""
        return self.total <= len(self.cells)


def of_table(table: Table) -> Rows:
    """The rows of a typed table."""
    return Rows(
        columns=table.columns,
        cells=_cells(table.columns, table.rows, as_typed),
        keys=_keys(table),
        total=table.total,
        table=table.source or ", ".join(dict.fromkeys(origin.table for origin in table.origins)),
    )


def recorded_rows(call: Call) -> Rows | None:
    """The rows that a recorded result holds, typed or in its text; None where none can be read."""
    result = call.result
    if result is None:
        return None
    if result.table is not None:
        return of_table(result.table)
    if result.status == "empty":
        return Rows(columns=(), cells=(), typed=False)
    return (_in_cut_text(result) if len(result.text) < result.full_characters else None) or _in_text(call)


def by_meaning_of(rows: Rows) -> Rows:
    """The same rows, their cells for what they mean, to be compared with another system's."""
    return msgspec.structs.replace(rows, cells=_cells(rows.columns, rows.cells, by_meaning), typed=False)


def as_lines(then: Rows, now: Rows) -> tuple[Rows, Rows]:
    """Both tables with one cell a row, of what the first has columns for: the words of it in order.

    For a text that may be divided into cells in more than one way.
    """
    header = f" {_words(' '.join(then.columns))} "
    places = [(header.find(f" {_words(name)} "), at) for at, name in enumerate(now.columns)]
    kept = sorted(place for place in places if place[0] >= 0)
    return _one_cell(then, range(len(then.columns))), _one_cell(now, [at for _, at in kept])


def _words(text: str) -> str:
    return " ".join(text.lower().split())


def _one_cell(rows: Rows, places: Sequence[int]) -> Rows:
    lines = (" ".join(told for at in places if (told := row[at]) is not None) for row in rows.cells)
    return msgspec.structs.replace(rows, columns=("row",), cells=tuple((line,) for line in lines), keys=())


def _in_cut_text(result: Result) -> Rows | None:
    """The rows of our own form in what was kept of a text, but for the last, which may have lost its end."""
    kept = result.text.rpartition(_NOTICE)[0] or result.text
    try:
        block = read_block(kept.partition(":\n")[2], cut=True)
    except ValueError:
        return None
    rows = [[row.get(name) for name in block.columns] for row in block.rows[:-1]]
    if not rows:
        return None
    cells = _cells(block.columns, rows, by_meaning)
    return Rows(columns=block.columns, cells=cells, total=len(cells), typed=False)


def _in_text(call: Call) -> Rows | None:
    tables = tables_in(call)
    if not tables:
        return None
    columns = tuple(tables[0].columns)
    same = [table for table in tables if tuple(table.columns) == columns]
    rows = [[cell.text for cell in row] for table in same for row in table.rows]
    return Rows(
        columns=_distinct(columns),
        cells=_cells(columns, rows, by_meaning),
        total=len(rows),
        table=tables[0].name,
        typed=False,
    )


def _cells(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], told: Callable[[Any, str], str | None]
) -> tuple[tuple[str | None, ...], ...]:
    return tuple(tuple(told(cell, name) for name, cell in zip(columns, row, strict=False)) for row in rows)


def _distinct(columns: Sequence[str]) -> tuple[str, ...]:
    """The names, each but the first of the same with its number behind, as our own queries tell them."""
    seen: dict[str, int] = {}
    names = []
    for name in columns:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(names)


def _keys(table: Table) -> tuple[Key, ...]:
    if not table.origins or any(len(origin.rows) != len(table.rows) for origin in table.origins):
        return ()
    return tuple(_key(table, at) for at in range(len(table.rows)))


def _key(table: Table, at: int) -> Key:
    parts = []
    for origin in table.origins:
        row = origin.rows[at]
        values = () if row is None else zip(origin.key, row.key, strict=False)
        parts.append((origin.table, tuple(as_typed(v) for name, v in values if name not in ROW_COUNTERS)))
    return tuple(parts)
