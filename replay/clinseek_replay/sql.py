"""SQL as a person lays it out."""

from __future__ import annotations

__all__ = ["laid_out"]

_ROW = 72
"""Characters up to which columns share a line."""
MAX_CHARACTERS = 5_000
"""Longer statements are shown as they are: laying one out takes time that grows faster than its length."""


def laid_out(sql: str) -> str:
    """`sql` with a line for each clause and nothing but blanks changed, or as it is where that fails."""
    if len(sql) > MAX_CHARACTERS:
        return sql
    import sqlparse  # noqa: PLC0415 -- takes 30 ms, and most commands need no SQL

    try:
        text = str(sqlparse.format(sql, reindent=True, wrap_after=_ROW)).strip()
    except (sqlparse.exceptions.SQLParseError, RecursionError):
        return sql
    return text if "".join(text.split()) == "".join(sql.split()) else sql
