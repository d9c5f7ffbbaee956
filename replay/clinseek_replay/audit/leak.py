"""One thing that a run saw and should not have: what rules give, and what findings are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from clinseek_replay.finding import Severity, Tier

if TYPE_CHECKING:
    from clinseek_replay.audit.inspection import Sight
    from clinseek_replay.tables import Cell, TextTable

__all__ = ["Leak", "Scope", "cell_leak"]

Scope = Literal["cell", "row", "call", "none"]
"""How much of the result leaked with it: the cell, the whole row, all of the result, or nothing of it."""


class Leak(NamedTuple):
    """A cell, row, page or argument that fails a rule."""

    sight: Sight
    scope: Scope
    value: str
    """What is there; untrusted."""
    why: str
    """The end of a sentence that begins with the place and the value."""
    at: str = ""
    """When it was or became known, where that is known."""
    table: TextTable | None = None
    name: str = ""
    """The table of the record, where it is known."""
    row: int | None = None
    """0-based row of `table`."""
    column: str = ""
    start: int | None = None
    end: int | None = None
    in_arguments: bool = False
    severity: Severity | None = None
    """Other than the rule's own."""
    tier: Tier | None = None


def cell_leak(
    sight: Sight,
    table: TextTable,
    row: int,
    column: int,
    *,
    why: str,
    scope: Scope = "cell",
    at: str = "",
    name: str = "",
    severity: Severity | None = None,
    tier: Tier | None = None,
    cell: Cell | None = None,
) -> Leak:
    """The leak of one cell of a table, or of its row; `cell` is the cell where it was read before."""
    cell = cell or table.cell(row, column)
    return Leak(
        sight=sight,
        scope=scope,
        value=cell.text,
        why=why,
        at=at,
        table=table,
        name=name or table.name,
        row=row,
        column=table.columns[column],
        start=cell.start,
        end=cell.end,
        severity=severity,
        tier=tier or (None if cell.sure else "S"),
    )
