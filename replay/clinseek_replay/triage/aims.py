"""What a call filters by: the words that a result must hold for it to have got what it was after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from clinseek_core.scoring import folded

__all__ = ["terms_of"]

_TERM_ARGUMENTS = ("keyword", "keywords", "value", "query", "pattern", "phrase")
_LITERAL = re.compile(r"'([^']{1,200})'")
_MAX_SQL = 20_000
_MIN_TERM = 3


def terms_of(arguments: dict[str, Any] | None, sql: str | None) -> frozenset[str]:
    """The words and codes that a call filters by, folded; times and single letters are none."""
    written = _LITERAL.findall(sql[:_MAX_SQL]) if sql is not None else _written(arguments or {})
    found = (folded(part) for text in written for part in text.replace("%", " ").split("|"))
    return frozenset(term for term in found if len(term) >= _MIN_TERM and not _is_time(term))


def _written(arguments: dict[str, Any]) -> Iterator[str]:
    for name in _TERM_ARGUMENTS:
        value = arguments.get(name)
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str | float) or (isinstance(text, int) and abs(text) < 10**18):
                yield str(text)[:200]


def _is_time(term: str) -> bool:
    words = term.split()
    return len(words) >= 3 and all(word.isdecimal() for word in words)
