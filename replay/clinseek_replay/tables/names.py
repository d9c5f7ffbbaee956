"""Which tables of the record a call reads: by its argument, or named in its SQL."""

from __future__ import annotations

import re
from functools import lru_cache

from clinseek_replay.trajectory import Call

__all__ = ["table_names", "tables_of_sql"]

_NO_CODE = re.compile(r"'(?:[^']|'')*+'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r'[`"\[]?(?:\w{1,64}[`"\]]?\.[`"\[]?)?(\w{1,64})[`"\]]?'
_SOURCE = re.compile(rf"\b(?:from|join)\s++(?:lateral\s++)?{_NAME}(?!\s*+\()", re.IGNORECASE)
_NEXT_SOURCE = re.compile(
    rf"(?:\s++(?:as\s++)?(?!where\b|group\b|order\b|limit\b)\w++)?\s*+,\s*+{_NAME}", re.I
)
_WITH = re.compile(
    r'(?:\bwith\s++(?:recursive\s++)?|,\s*+)["`]?(\w++)["`]?\s*+(?:\([^()]*\)\s*+)?as\s*+(?:not\s++)?'
    r"(?:materialized\s*+)?\(",
    re.IGNORECASE,
)

_LONGEST = 20_000
"""Characters of a query that are looked at."""


def table_names(call: Call) -> tuple[str, ...]:
    """Tables in lower case: `table_name` of the arguments, else those that the SQL reads."""
    named = (call.arguments or {}).get("table_name")
    if isinstance(named, str) and named.strip():
        return (named.strip().lower(),)
    return tables_of_sql(call.sql) if call.sql else ()


@lru_cache(maxsize=1024)
def tables_of_sql(sql: str) -> tuple[str, ...]:
    """The tables named after FROM and JOIN, each once, in order; without those a WITH clause makes."""
    code = _NO_CODE.sub(" ' ", sql[:_LONGEST])
    made = {name.lower() for name in _WITH.findall(code)}
    found: dict[str, None] = {}
    source = _SOURCE.search(code)
    while source:
        found[source[1].lower()] = None
        source = _NEXT_SOURCE.match(code, source.end()) or _SOURCE.search(code, source.end())
    return tuple(name for name in found if name not in made and name != "select")
