"""What an expression gives - text, a number, a time - and how to make it another kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

__all__ = [
    "NUMBERED",
    "TIMES",
    "WHOLE",
    "Columns",
    "as_number",
    "as_text",
    "call",
    "cast",
    "is_number",
    "is_text",
    "kind_of",
    "kind_of_type",
    "resolve",
    "sources",
]

Columns = Mapping[str, Mapping[str, str]]
"""Per table its columns with their DuckDB types."""

TIMES = frozenset(("time", "date", "clock", "span"))
NUMBERED = frozenset(("time", "date", "clock", "number"))
"""Kinds of which '' is no value."""

_OF_TYPES = {
    "text": "VARCHAR TEXT CHAR NVARCHAR NCHAR",
    "number": "DOUBLE FLOAT REAL DECIMAL INT INTEGER BIGINT SMALLINT TINYINT HUGEINT INT128 UBIGINT UINT",
    "time": "TIMESTAMP DATETIME TIMESTAMPNTZ TIMESTAMPTZ",
    "date": "DATE",
    "clock": "TIME",
    "flag": "BOOLEAN",
    "span": "INTERVAL",
}
_TYPES = {name: kind for kind, names in _OF_TYPES.items() for name in names.split()}
WHOLE = frozenset(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT"))

_GIVEN_BY_NAME = {
    "now": "time",
    "date_trunc": "time",
    "epoch_ms": "time",
    "epoch": "number",
    "regexp_extract": "text",
    "ltrim": "text",
    "printf": "text",
    "strftime": "text",
    "to_days": "span",
    "to_microseconds": "span",
}


def _agreed(parts: Callable[[Any], Iterable[Any]]) -> Callable[[Any], str]:
    """The kind of some parts of an expression, where they agree."""

    def kind(node: Any) -> str:
        kinds = {kind_of(part) for part in parts(node)} - {"null"}
        return kinds.pop() if len(kinds) == 1 else ""

    return kind


def _always(kind: str) -> Callable[[Any], str]:
    return lambda _: kind


# From classes of expressions to what tells the kind of one.
_KINDS: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[Any], str]], ...] = (
    ((exp.Literal,), lambda node: "text" if node.is_string else "number"),
    ((exp.Cast,), lambda node: kind_of_type(node.to.this.name)),
    ((exp.Anonymous,), lambda node: _GIVEN_BY_NAME.get(node.name.lower(), "")),
    ((exp.Null,), _always("null")),
    ((exp.Boolean, exp.Predicate, exp.Connector, exp.Not), _always("flag")),
    ((exp.CurrentTimestamp,), _always("time")),
    ((exp.CurrentDate,), _always("date")),
    ((exp.CurrentTime,), _always("clock")),
    ((exp.Interval,), _always("span")),
    (
        (
            *(exp.Upper, exp.Lower, exp.Substring, exp.Concat, exp.DPipe, exp.Trim, exp.TimeToStr),
            *(exp.GroupConcat, exp.Replace, exp.Hex, exp.Chr, exp.Typeof, exp.Left, exp.Right),
        ),
        _always("text"),
    ),
    (
        (
            *(exp.Sum, exp.Avg, exp.Count, exp.Round, exp.Abs, exp.Length, exp.StrPosition, exp.Unicode),
            *(exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile),
            *(exp.Ceil, exp.Floor, exp.Sqrt, exp.Pow, exp.Stddev, exp.Variance, exp.Extract, exp.Median),
        ),
        _always("number"),
    ),
    (
        (
            *(exp.Paren, exp.Alias, exp.Neg, exp.Filter, exp.Window, exp.Collate, exp.Nullif),
            *(exp.Min, exp.Max, exp.First, exp.Last, exp.AnyValue, exp.ArgMax, exp.ArgMin),
            *(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue),
        ),
        _agreed(lambda node: [node.this]),
    ),
    ((exp.Coalesce, exp.Least, exp.Greatest), _agreed(lambda node: [node.this, *node.expressions])),
    ((exp.If,), _agreed(lambda node: [node.args["true"], node.args.get("false")])),
    (
        (exp.Case,),
        _agreed(lambda node: [*(a.args["true"] for a in node.args["ifs"]), node.args.get("default")]),
    ),
    ((exp.Add, exp.Sub), _agreed(lambda node: [node.this, node.expression])),
    ((exp.Distinct,), _agreed(lambda node: node.expressions)),
    ((exp.Subquery,), _agreed(lambda node: node.this.selects[:1])),
)


def kind_of(node: Any) -> str:
    """What an expression gives: text, number, time, date, clock, flag, span, null, or "" if not known."""
    if node is None:
        return "null"
    if "kind" in node.meta:
        return str(node.meta["kind"])
    for classes, kind in _KINDS:
        if isinstance(node, classes):
            return kind(node)
    return ""


def kind_of_type(name: str) -> str:
    """The kind of a type's values, by its name in DuckDB or sqlglot."""
    return _TYPES.get(name.partition("(")[0].upper(), "")


def cast(node: exp.Expr, to: str, *, checked: bool = False) -> exp.Expr:
    """`CAST(node AS to)`; `checked` gives NULL where that can't be."""
    made = exp.TryCast if checked else exp.Cast
    return made(this=node.copy(), to=exp.DataType.build(to))


def call(name: str, *arguments: Any) -> exp.Expr:
    """A function of DuckDB's by its name; text and numbers become literals."""
    return exp.Anonymous(this=name, expressions=[_argument(argument) for argument in arguments])


def as_text(node: exp.Expr) -> exp.Expr:
    """The node as text; what is text, or of no known kind, stays."""
    return node if kind_of(node) in {"text", "null", ""} else cast(node, "TEXT")


def as_number(node: exp.Expr, says: set[str]) -> exp.Expr:
    """The node as a number: a condition is 1 or 0, text that is no number is NULL."""
    kind = kind_of(node)
    if kind == "flag":
        return cast(node, "INT")
    if kind != "text":
        return node
    if isinstance(node, exp.Literal):
        return exp.Literal.number(node.name.strip()) if is_number(node.name) else node
    says.add("numbers")
    return cast(node, "DOUBLE", checked=True)


def is_text(node: Any) -> bool:
    """Whether it is a text literal."""
    return isinstance(node, exp.Literal) and bool(node.is_string)


def is_number(text: str) -> bool:
    """Whether a text says a number and nothing else."""
    return re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text) is not None


def resolve(tree: exp.Expr, columns: Columns, says: set[str]) -> None:
    """Note with each column of the tree what it gives, and with each SELECT the columns it can name.

    A double-quoted name that is no column becomes text, as SQLite reads it.
    """
    for scope in traverse_scope(tree):
        found = {alias.lower(): _columns_of(source, columns) for alias, source in scope.sources.items()}
        scope.expression.meta["sources"] = found
    for node in list(tree.find_all(exp.Column)):
        kind = _column_kind(node)
        if kind is not None:
            node.meta["kind"] = kind
        elif not node.table and node.this.args.get("quoted"):
            node.replace(exp.Literal.string(node.name))
            says.add("quotes")


def sources(select: exp.Expr) -> dict[str, dict[str, str]]:
    """What stands after a resolved SELECT's FROM: per alias its columns' kinds, none if not known."""
    found: dict[str, dict[str, str]] = select.meta.get("sources", {})
    return found


def _columns_of(source: exp.Expr | Scope, columns: Columns) -> dict[str, str]:
    if isinstance(source, exp.Table):
        return {
            name.lower(): kind_of_type(kind) for name, kind in columns.get(source.name.lower(), {}).items()
        }
    query = source.expression if isinstance(source, Scope) else None
    if not isinstance(query, exp.Query):
        return {}
    found: dict[str, str] = {}
    for item in query.selects:
        if item.is_star:
            for kinds in sources(query).values():
                found |= kinds
        else:
            found[item.alias_or_name.lower()] = _kind_once_resolved(item)
    return found


def _column_kind(column: exp.Column) -> str | None:
    """What a column gives, "" where that is not known; None where nothing here has it."""
    name, table, unknown = column.name.lower(), column.table.lower(), False
    select = column.find_ancestor(exp.Select)
    while select is not None:
        for alias, kinds in sources(select).items():
            if table in {"", alias} and name in kinds:
                return kinds[name]
            unknown |= not kinds
        for item in select.selects:
            if not table and isinstance(item, exp.Alias) and item.alias.lower() == name:
                return "" if column.find_ancestor(exp.Alias) is item else _kind_once_resolved(item)
        select = select.find_ancestor(exp.Select)
    return "" if unknown else None


def _kind_once_resolved(item: exp.Expr) -> str:
    for column in item.find_all(exp.Column):
        if "kind" not in column.meta:
            column.meta["kind"] = ""  # An alias that names itself ends here.
            column.meta["kind"] = _column_kind(column) or ""
    return kind_of(item)


def _argument(value: Any) -> exp.Expr:
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, int | float):
        return exp.Literal.number(value)
    copied: exp.Expr = value.copy()
    return copied
