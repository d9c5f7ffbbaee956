"""The words of SQL told apart: keywords, literals, comments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Mark", "marks"]

_LONGEST = 20_000
"""Characters up to which SQL is marked; longer statements stay plain."""

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
def marks(sql: str) -> tuple[Mark, ...]:
    """Where `sql` has keywords, strings, numbers and comments, in their order."""
    return tuple(_marks(sql)) if len(sql) <= _LONGEST else ()


def _marks(sql: str) -> Iterator[Mark]:
    from sqlparse import lexer  # noqa: PLC0415 -- 33 ms: only where there is SQL to show

    position = 0
    for kind, value in lexer.tokenize(sql):  # type: ignore[no-untyped-call]
        style = _style(str(kind)) or ("accent" if _is_word_operator(str(kind), value) else "")
        if style:
            yield Mark(position, position + len(value), style)
        position += len(value)


def _is_word_operator(kind: str, value: str) -> bool:
    """Whether it is an operator that is written as words, as `NOT ILIKE` is."""
    return kind == "Token.Operator.Comparison" and value[0].isalpha()


@lru_cache(maxsize=256)
def _style(kind: str) -> str:
    while kind not in _STYLES and "." in kind:
        kind = kind.rpartition(".")[0]
    return _STYLES.get(kind, "")
