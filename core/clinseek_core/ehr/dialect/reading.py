"""From a statement that DuckDB refused to one that it may run."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB, SQLite
from sqlglot.errors import ErrorLevel, SqlglotError

from clinseek_core.ehr.dialect.kinds import Columns, call, resolve
from clinseek_core.ehr.dialect.lookups import join_dictionaries
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
    try:
        statements = [s for s in sqlglot.parse(sql, read=_DUCKDB if parsed else _SQLITE) if s]
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            return None
        if parsed:
            _keep_full_matches(statements[0])
        return _rewritten(statements[0], columns)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError):
        # A parser of many dialects meets what it does not know in more ways than its own errors.
        return None


def _rewritten(tree: Any, columns: Columns) -> Reading:
    says: set[str] = set()
    headings = [_heading(item) for item in tree.selects]
    join_dictionaries(tree, columns, says)
    resolve(tree, columns, says)
    for node in reversed(list(tree.walk())):
        rewrite = REWRITES.get(type(node))
        new = rewrite(node, says) if rewrite else None
        if new is not None:
            node.replace(new)
    for heading, item in zip(headings, tree.selects, strict=False):
        if not isinstance(item, exp.Alias | exp.Column | exp.Star) and not item.find(exp.Columns):
            item.replace(exp.alias_(item.copy(), heading[:_MAX_HEADING], quoted=True))
    written = tree.sql(_DUCKDB, comments=False, unsupported_level=ErrorLevel.RAISE)
    shown = written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}…"
    known = "".join(f"; {text}" for key, text in SAYS.items() if key in says)
    return Reading(written, f"read as SQLite{known}; what ran: {shown}")


def _heading(item: exp.Expr) -> str:
    """What SQLite calls a column of the answer: as it is written."""
    return item.sql("sqlite", comments=False, normalize_functions=False, unsupported_level=ErrorLevel.IGNORE)


def _keep_full_matches(tree: exp.Expr) -> None:
    """`~` matches a whole text in DuckDB; sqlglot knows one kind of match only."""
    for match in list(tree.find_all(exp.RegexpLike)):
        match.replace(call("regexp_full_match", match.this, match.expression))


# Names of one dialect for functions that the rewrites know.
_OTHER_NAMES = frozenset(("strpos", "instr", "ltrim", "rtrim", "like", "glob"))
_KNOWN = (*REWRITES, exp.AggFunc, exp.Concat, exp.Least, exp.Greatest, exp.RowNumber)


def _reader(base: Any) -> Any:
    """A dialect that takes apart only the functions that the rewrites know; others stay as written."""

    def known(name: str) -> bool:
        kind = exp.FUNCTION_BY_NAME.get(name, exp.Func)
        return name.lower() not in FUNCTIONS and (issubclass(kind, _KNOWN) or name.lower() in _OTHER_NAMES)

    functions = {name: made for name, made in base.Parser.FUNCTIONS.items() if known(name)}
    extremes = {"MIN": partial(_extreme, exp.Min), "MAX": partial(_extreme, exp.Max)}
    special = {name: made for name, made in base.Parser.FUNCTION_PARSERS.items() if name not in extremes}
    tables = {"FUNCTIONS": functions | extremes, "FUNCTION_PARSERS": special}
    parser = type("Parser", (base.Parser,), tables)
    # DuckDB 2 takes MySQL's quotes, too.
    quotes = {"IDENTIFIERS": [*base.Tokenizer.IDENTIFIERS, "`"]}
    tokenizer = type("Tokenizer", (base.Tokenizer,), quotes)
    return type(f"Model{base.__name__}", (base,), {"Parser": parser, "Tokenizer": tokenizer})


def _extreme(kind: type[exp.Func], arguments: list[exp.Expr]) -> exp.Expr:
    """MIN or MAX: of a column; DuckDB's list of a column's n extremes; else SQLite's of its arguments."""
    one_column = len(arguments) == 1 or (len(arguments) == 2 and arguments[1].is_int)
    if one_column:
        return kind.from_arg_list(arguments)
    made: exp.Expr = SQLite.Parser.FUNCTIONS[kind.sql_name()](arguments)
    return made


_DUCKDB, _SQLITE = _reader(DuckDB), _reader(SQLite)
