"""SQL for reading: laid out by clause, its words told apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Mark", "laid_out", "marks"]

_LAID_OUT = 4_000
_MARKED = 20_000
"""Characters up to which SQL is laid out and marked: beyond, it is shown as it was written."""
_ROW = 72

_STYLES = {
    "Token.Keyword": "accent",
    "Token.Operator.Logical": "accent",
    "Token.Literal.String": "soft",
    "Token.Literal.Number": "soft",
    "Token.Name.Builtin": "accent",
    "Token.Comment": "dim",
}


class Mark(NamedTuple):
    """Characters `start` to `end` of a text, drawn in `style`."""

    start: int
    end: int
    style: str


@lru_cache(maxsize=64)
def laid_out(sql: str) -> str:
    """`sql` with a line for each clause; only its blanks change."""
    if len(sql) > _LAID_OUT:
        return sql
    import sqlparse  # noqa: PLC0415 (33 ms: only where there is SQL to show)
    from sqlparse.exceptions import SQLParseError  # noqa: PLC0415

    try:
        neat: str = sqlparse.format(sql, reindent=True, wrap_after=_ROW).strip()
    except SQLParseError:
        return sql
    return neat if "".join(neat.split()) == "".join(sql.split()) else sql


@lru_cache(maxsize=64)
def marks(sql: str) -> tuple[Mark, ...]:
    """Where `sql` has keywords, strings, numbers and comments, in their order."""
    return tuple(_marks(sql)) if len(sql) <= _MARKED else ()


def _marks(sql: str) -> Iterator[Mark]:
    from sqlparse import lexer  # noqa: PLC0415

    position = 0
    for kind, value in lexer.tokenize(sql):
        style = "accent" if value[:1].isalpha() and "Comparison" in kind else _style(str(kind))
        if style:
            yield Mark(position, position + len(value), style)
        position += len(value)


@lru_cache(maxsize=256)
def _style(kind: str) -> str:
    while kind not in _STYLES and "." in kind:
        kind = kind.rpartition(".")[0]
    return _STYLES.get(kind, "")
