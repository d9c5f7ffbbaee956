"""Texts as typed cells: what a column's type takes, and NULL for what it does not."""

from __future__ import annotations

from clinseek_core.mimic import ColumnType

__all__ = ["FINITE", "cell_of_text"]

# A cast alone would round 1.5 to 2.
_NUMBER = "TRY_CAST({0} AS DOUBLE)"
_WHOLE = f"CASE WHEN {_NUMBER} = trunc({_NUMBER}) THEN TRY_CAST({_NUMBER} AS %s) END"
FINITE = "CASE WHEN isfinite({0}) THEN {0} END"
"""A time that is one: a cell with `infinity` would be always or never known."""

_CELLS: dict[ColumnType, str] = {
    "SMALLINT": _WHOLE % "SMALLINT",
    "INTEGER": _WHOLE % "INTEGER",
    "DOUBLE": f"nullif({_NUMBER}, 'nan'::DOUBLE)",
    "DATE": FINITE.format("TRY_CAST({0} AS DATE)"),
    "TIMESTAMP": FINITE.format("TRY_CAST({0} AS TIMESTAMP)"),
    "VARCHAR": "{0}",
}


def cell_of_text(text: str, kind: ColumnType) -> str:
    """The SQL of a cell of type `kind`, out of the SQL of a text."""
    return _CELLS[kind].format(text)
