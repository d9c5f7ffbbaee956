"""From a statement that DuckDB refused to one that it may run."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB, SQLite
from sqlglot.errors import ErrorLevel, SqlglotError

from clinseek_core.ehr.dialect.kinds import Columns, resolve
from clinseek_core.ehr.dialect.rewrites import FUNCTIONS, REWRITES, SAYS

__all__ = ["Reading", "read_again"]

# It warns of each statement that it can't parse whole, which is no concern of whoever sees the log.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_MAX_HEADING = 60
_MAX_SHOWN = 600
"""Of the statement, in the note."""


class Reading(msgspec.Struct, frozen=True):
    """A statement in DuckDB's SQL, and what its reader must know of it."""

    sql: str
    note: str


def read_again(sql: str, columns: Columns, *, parsed: bool) -> Reading | None:
    """Rewrite SQLite's habits in one SELECT; None where it can't be read.

    `parsed` says that DuckDB's parser took it: then only the rewrites apply, nothing else is SQLite's.
    """
    for dialect in _READERS[0 if parsed else 1 :]:
        try:
            statements = [statement for statement in sqlglot.parse(sql, read=dialect) if statement]
            if len(statements) == 1 and isinstance(statements[0], exp.Query):
                return _rewritten(statements[0], columns)
        except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError):
            # A parser of many dialects meets what it does not know in more ways than its own errors.
            continue
    return None


def _rewritten(tree: Any, columns: Columns) -> Reading:
    says: set[str] = set()
    headings = [_heading(item) for item in tree.selects]
    resolve(tree, columns, says)
    for node in reversed(list(tree.walk())):
        rewrite = REWRITES.get(type(node))
        new = rewrite(node, says) if rewrite else None
        if new is not None:
            node.replace(new)
    for heading, item in zip(headings, tree.selects, strict=False):
        if not isinstance(item, exp.Alias | exp.Column | exp.Star) and not item.find(exp.Columns):
            item.replace(exp.alias_(item.copy(), heading[:_MAX_HEADING], quoted=True))
    written = tree.sql(_READERS[0], comments=False, unsupported_level=ErrorLevel.RAISE)
    shown = written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}…"
    known = "".join(f"; {text}" for key, text in SAYS.items() if key in says)
    return Reading(written, f"read as SQLite{known}; what ran: {shown}")


def _heading(item: exp.Expr) -> str:
    """What SQLite calls a column of the answer: as it is written."""
    return item.sql("sqlite", comments=False, normalize_functions=False, unsupported_level=ErrorLevel.IGNORE)


def _reader(base: Any) -> Any:
    """The dialect, with the functions of the table of rewrites left as they are written."""
    functions = {name: made for name, made in base.Parser.FUNCTIONS.items() if name.lower() not in FUNCTIONS}
    parser = type("Parser", (base.Parser,), {"FUNCTIONS": functions})
    return type(f"Model{base.__name__}", (base,), {"Parser": parser})


_READERS = (_reader(DuckDB), _reader(SQLite))
