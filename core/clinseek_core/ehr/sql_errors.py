"""Why a model's statement did not run: in a line that names what was meant, without the engine's noise."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

__all__ = ["MAX_CHARACTERS", "explained"]

Columns = Mapping[str, Mapping[str, str]]
"""Per table its columns with their types."""

MAX_CHARACTERS = 500
_MAX_QUOTED = 40
"""Of a cell's text; an error is no way around a query's rows."""
_TYPES = {"INT32": "INTEGER", "INT64": "BIGINT", "INT16": "SMALLINT", "INT128": "HUGEINT", "BOOL": "BOOLEAN"}


def explained(message: str, sql: str, columns: Columns) -> str:
    """One line on an error of DuckDB's for the statement `sql`, at most MAX_CHARACTERS long."""
    # Kept: the error itself. Left out: its kind, the place in the statement, what else there is.
    bare = re.sub(r"^[A-Z]\w+( [A-Za-z]+)* Error: ", "", message).split("\n\nLINE ")[0].strip()
    named = [name for name in columns if re.search(rf"\b{re.escape(name)}\b", sql, re.IGNORECASE)]
    for pattern, words in _EXPLAINED:
        if found := re.search(pattern, bare, re.DOTALL):
            return _bounded(words(found, named, columns))
    line = re.split(
        r"\n|\s+Input: |\. You might need|\. In order to|\. Use \"?SET|\. Please transition", bare
    )[0]
    return _bounded(re.sub(r" when casting from source column .*", "", line))


def _bounded(text: str) -> str:
    """Quoted text and the whole line cut to their lengths, on one line."""
    text = re.sub(r"(?<!\w)(['\"])(.*?)\1(?!\w)", _shortened, text, flags=re.DOTALL)
    text = " ".join(text.split())
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def _shortened(quoted: re.Match[str]) -> str:
    mark, text = quoted.groups()
    return f"{mark}{text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + '…'}{mark}"


def _no_column(found: re.Match[str], named: Sequence[str], columns: Columns) -> str:
    name, where = found["column"], ", ".join(named)
    text = f"there is no column {name}" + (f" in {where}" if where else "")
    elsewhere = [table for table, names in columns.items() if name.lower() in map(str.lower, names)]
    if others := [table for table in elsewhere if table not in named]:
        return f"{text}; {', '.join(others[:5])} {'have' if len(others) > 1 else 'has'} it"
    if elsewhere:
        return f"{text} under that alias; {', '.join(elsewhere)} {'have' if elsewhere[1:] else 'has'} it"
    return text + _hint(
        name, [column for table in named for column in columns[table]], "ehr.get_column_names"
    )


def _no_alias(found: re.Match[str], named: Sequence[str], _: Columns) -> str:
    return f"there is no table or alias {found['name']} in the statement" + _hint(
        found["name"], named, "its FROM"
    )


def _no_type(found: re.Match[str], *_: object) -> str:
    return f"there is no type {found['name']}; use VARCHAR, DOUBLE, BIGINT, DATE or TIMESTAMP"


def _no_value(found: re.Match[str], _: Sequence[str], columns: Columns) -> str:
    kind, column = (
        _TYPES.get(found["type"].upper(), found["type"].upper()),
        (found["column"] or "").strip('"'),
    )
    if any(column in names for names in columns.values()):
        return (
            f"column {column} holds '{found['text']}', which is no {kind}; use TRY_CAST({column} AS {kind})"
        )
    return f"'{found['text']}' is no {kind}"


def _no_time(found: re.Match[str], *_: object) -> str:
    form = {"date": "YYYY-MM-DD", "time": "HH:MM:SS"}.get(found["type"], "YYYY-MM-DD HH:MM:SS")
    return f"'{found['text']}' is no {found['type']}; write it as {form}"


def _no_match(found: re.Match[str], *_: object) -> str:
    kinds = re.sub(
        r"(INTEGER|STRING)_LITERAL", lambda kind: {"I": "INTEGER", "S": "VARCHAR"}[kind[0][0]], found["kinds"]
    )
    name = found["name"] if re.search(r"\W$", found["name"]) else f"{found['name']}()"
    return f"{name} does not take ({kinds}); check its arguments, or CAST them first"


def _cannot_mix(found: re.Match[str], *_: object) -> str:
    kinds = [
        kind.replace("_LITERAL", "").replace("STRING", "VARCHAR") for kind in found.group("one", "other")
    ]
    return f"{kinds[0]} does not go with {kinds[1]}; CAST one of them"


def _ungrouped(found: re.Match[str], *_: object) -> str:
    name = found["column"]
    return f"column {name} is neither in GROUP BY nor in an aggregate; add it there, or use first({name})"


def _syntax(found: re.Match[str], *_: object) -> str:
    return f"syntax error at or near '{found['text']}'"


def _hint(name: str, names: Sequence[str], elsewhere: str) -> str:
    near = difflib.get_close_matches(name.lower(), list(dict.fromkeys(names)), n=3, cutoff=0.6)
    return f"; did you mean {', '.join(near)}?" if near else f"; see {elsewhere}"


_EXPLAINED: tuple[tuple[str, Callable[[re.Match[str], Sequence[str], Columns], str]], ...] = (
    (r'[Cc]olumn "?(?P<column>[^"\n]+?)"? (was |in EXCLUDE list |in REPLACE list )?not found', _no_column),
    (r'does not have a column named "(?P<column>.+?)"', _no_column),
    (r'Referenced table "(?P<name>.+?)" not found', _no_alias),
    (r"Type with name (?P<name>\S+) does not exist", _no_type),
    (
        r"Could not convert string '(?P<text>.*?)' to (?P<type>\w+)"
        r"(?: when casting from source column (?P<column>\S+))?$",
        _no_value,
    ),
    (r'invalid (?P<type>\w+) field format: "(?P<text>.*?)", expected', _no_time),
    (r'(?P<type>date|timestamp|time) field value out of range: "(?P<text>.*?)"', _no_time),
    (r"given name and argument types '(?P<name>.+?)\((?P<kinds>.*?)\)'", _no_match),
    (r'for the function call "(?P<name>.+?)\((?P<kinds>.*?)\)"', _no_match),
    (r"Cannot (?:mix|compare) values of type (?P<one>\S+) and (?:type )?(?P<other>\S+)", _cannot_mix),
    (r'column "(?P<column>.+?)" must appear in the GROUP BY', _ungrouped),
    (r'syntax error at or near "(?P<text>.*)"', _syntax),
    (
        r"WHERE clause cannot contain window",
        lambda *_: "WHERE can't hold a window function; filter with QUALIFY, or in an outer SELECT",
    ),
    (r"(nesting|expression) depth", lambda *_: "the statement is nested too deeply; write it flatter"),
    (r"lambda arrow", lambda *_: "write a lambda as `lambda x: …`, not with an arrow"),
)
