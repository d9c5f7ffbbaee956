"""The table of rewrites: per kind of expression, what is done to it once its parts are done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlglot import exp

from clinseek_core.ehr.dialect.groups import loosen_groups
from clinseek_core.ehr.dialect.kinds import (
    NUMBERED,
    TIMES,
    WHOLE,
    as_number,
    as_text,
    call,
    cast,
    is_number,
    is_text,
    kind_of,
    kind_of_type,
)
from clinseek_core.ehr.dialect.times import TIME_FUNCTIONS, as_moment

__all__ = ["FUNCTIONS", "REWRITES", "SAYS", "Rewrite"]

Rewrite = Callable[[Any, set[str]], exp.Expr | None]
"""From a node to what takes its place, None to keep it; adds keys of SAYS."""

SAYS = {
    "cutoff": "the clock says the cutoff",
    "dictionary": "columns of a dictionary are joined to the table that it explains",
    "numbers": "text counts as the number it says, else as NULL",
    "prefix": "CAST takes the number that a text starts with, else NULL",
    "missing": "'' and 'nan' mean NULL",
    "text times": "times compare as text",
    "quotes": 'names in "double quotes" that are no column are text',
    "groups": "a column outside GROUP BY is that of the row of the one MIN or MAX, else of the first row",
}
"""What a reader must know of a rewrite, by its key."""

_MISSING = frozenset(("", "nan", "nat", "none", "null", "<na>"))
"""How the reference's tables of text write a missing cell, and what else is no number and no time."""
_MISSING_TEXT = frozenset(("nan", "nat", "<na>"))
"""Of these, what no cell of text says: 'NONE' is a result."""
_LEADING_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"


# --- functions that want one kind --------------------------------------------------------------------------


def _takes_text(*names: str) -> Rewrite:
    def rewrite(node: exp.Expr, _: set[str]) -> None:
        for name in names:
            if node.args.get(name) is not None:
                node.set(name, as_text(node.args[name]))

    return rewrite


def _takes_numbers(*names: str) -> Rewrite:
    def rewrite(node: exp.Expr, says: set[str]) -> None:
        parts = [node.args.get(name) for name in names]
        if any(kind_of(part) in TIMES for part in parts):
            return
        for name, part in zip(names, parts, strict=True):
            if isinstance(part, exp.Distinct):
                part.set("expressions", [as_number(item, says) for item in part.expressions])
            elif part is not None:
                node.set(name, as_number(part, says))

    return rewrite


# --- comparisons -------------------------------------------------------------------------------------------


def _compare(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    for literal, other in ((node.expression, node.this), (node.this, node.expression)):
        if _is_missing(literal) and not is_text(other):
            found = _against_missing(node, literal, other, says)
            if found is not None:
                return found
    _align(node, ("this", "expression"), says)
    return None


def _against_missing(node: exp.Expr, literal: exp.Expr, other: exp.Expr, says: set[str]) -> exp.Expr | None:
    """A comparison with '' or 'nan' asks whether there is a value."""
    same = isinstance(node, exp.EQ | exp.NullSafeEQ)
    text_for_none = kind_of(other) == "text" and same and literal.name.strip().lower() in _MISSING_TEXT
    if isinstance(node, exp.LT | exp.LTE) or not (kind_of(other) in NUMBERED or text_for_none):
        return None
    says.add("missing")
    return _is_null(other) if same else exp.Not(this=_is_null(other))


def _between(node: exp.Expr, says: set[str]) -> None:
    _align(node, ("this", "low", "high"), says)


def _among(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    kind, query = kind_of(node.this), node.args.get("query")
    if query is not None:
        inside = kind_of(query)
        if {kind, inside} == {"text", "number"}:
            node.set("this", as_number(node.this, says) if kind == "text" else as_text(node.this))
        return None
    if kind not in NUMBERED:
        return None
    kept = [item for item in node.expressions if not _is_missing(item)]
    if kind == "number":
        kept = [as_number(item, says) for item in kept]
    elif any(_is_part_of_a_time(item) for item in kept):
        says.add("text times")
        node.set("this", as_text(node.this))
    has_missing = len(kept) < len(node.expressions)
    node.set("expressions", kept)
    if not has_missing:
        return None
    says.add("missing")
    is_null = _is_null(node.this)
    return exp.paren(exp.or_(node.copy(), is_null)) if kept else is_null


def _align(node: exp.Expr, names: tuple[str, ...], says: set[str]) -> None:
    """Bring what is compared to one kind: numbers where there is a number, text where a time meets text."""
    kinds = {kind_of(node.args[name]) for name in names}
    for name in names:
        if _is_now(node.args[name]) and kinds & TIMES:
            node.set(name, as_moment(node.args[name], says))
    kinds = {kind_of(node.args[name]) for name in names}
    if {"text", "number"} <= kinds:
        for name in names:
            node.set(name, as_number(node.args[name], says))
    elif "text" in kinds and kinds & {"time", "date", "clock"}:
        texts = [node.args[name] for name in names if kind_of(node.args[name]) == "text"]
        if any(not is_text(text) or _is_part_of_a_time(text) for text in texts):
            says.add("text times")
            for name in names:
                node.set(name, as_text(node.args[name]))


def _is_null(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=node.copy(), expression=exp.Null())


def _is_missing(node: Any) -> bool:
    return is_text(node) and node.name.strip().lower() in _MISSING


def _is_now(node: Any) -> bool:
    return is_text(node) and node.name.strip().lower() == "now"


def _is_part_of_a_time(node: Any) -> bool:
    """Text like a time that DuckDB can't read as one: '2150-03', '2150-02-30', '2150-03-01 9'."""
    if not is_text(node) or not re.match(r"\s*\d{4}", node.name):
        return False
    try:
        datetime.fromisoformat(node.name.strip())
    except ValueError:
        return True
    return re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?", node.name.strip()) is None


# --- one answer of several kinds ---------------------------------------------------------------------------


def _choose(node: exp.Expr, _: set[str]) -> None:
    """One kind for all that a COALESCE, IIF or CASE may give: text, where one of them is."""
    if isinstance(node, exp.Coalesce):
        parts = [node.this, *node.expressions]
        node.set("this", _as_the_others(node.this, parts))
        node.set("expressions", [_as_the_others(part, parts) for part in parts[1:]])
    elif isinstance(node, exp.Case):
        places = [*((branch, "true") for branch in node.args["ifs"]), (node, "default")]
        _choose_among(places)
    elif not isinstance(node.parent, exp.Case):
        _choose_among([(node, "true"), (node, "false")])


def _choose_among(places: list[tuple[Any, str]]) -> None:
    parts = [holder.args[name] for holder, name in places if holder.args.get(name) is not None]
    for holder, name in places:
        if holder.args.get(name) is not None:
            holder.set(name, _as_the_others(holder.args[name], parts))


def _as_the_others(part: exp.Expr, among: list[exp.Expr]) -> exp.Expr:
    texts = [item for item in among if kind_of(item) == "text"]
    typed = {kind_of(item) for item in among} - {"text", "null", ""}
    if not texts or not typed:
        return part
    if typed == {"number"} and all(is_text(item) and is_number(item.name) for item in texts):
        return as_number(part, set())
    return as_text(part)


def _null_if(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    if _is_missing(node.expression) and kind_of(node.this) in NUMBERED:
        says.add("missing")
        kept: exp.Expr = node.this.copy()
        return kept
    _align(node, ("this", "expression"), says)
    return None


# --- casts and functions -----------------------------------------------------------------------------------


def _cast(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    to = node.args["to"].this.name
    kind, given = kind_of_type(to), kind_of(node.this)
    if kind in {"time", "date", "clock"} and given in {"text", ""}:
        if is_text(node.this) and not _is_now(node.this):
            return None
        return cast(as_moment(node.this, says), {"date": "DATE", "clock": "TIME"}.get(kind, "TIMESTAMP"))
    if kind != "number" or given in {"flag", "null", "span"}:
        return None
    number = node.this
    if given != "number":
        says.add("prefix")
        leading = call("regexp_extract", cast(node.this, "TEXT"), _LEADING_NUMBER)
        number = cast(leading, "DOUBLE", checked=True)
    if to in WHOLE:
        return cast(exp.func("TRUNC", number.copy()), "BIGINT", checked=True)
    return cast(number, "DOUBLE")


def _total(node: exp.Expr, says: set[str]) -> exp.Expr:
    total = exp.Sum(this=as_number(node.expressions[0], says).copy())
    return exp.Coalesce(this=total, expressions=[exp.Literal.number("0.0")])


def _printf(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    """Each argument as its directive wants it; DuckDB converts none."""
    if not node.expressions or not is_text(node.expressions[0]):
        return None
    form, *values = node.expressions
    letters = re.findall(r"%[-+ 0#,]*\d*(?:\.\d+)?([a-zA-Z])", form.name.replace("%%", ""))
    made = []
    for letter, value in zip(letters, values, strict=False):
        if letter in "dixXfeEgG":
            number = cast(as_number(value, says), "DOUBLE")
            made.append(cast(exp.func("TRUNC", number), "BIGINT") if letter in "dixX" else number)
        else:
            made.append(cast(value, "TEXT"))
    return call("printf", form, *made)


def _shift(operator: type[exp.Expr]) -> Rewrite:
    """MySQL's DATE_ADD and DATE_SUB of a time and an interval."""

    def rewrite(node: exp.Expr, says: set[str]) -> exp.Expr | None:
        if len(node.expressions) != 2 or kind_of(node.expressions[1]) != "span":
            return None
        moment, span = node.expressions
        return operator(this=as_moment(moment, says).copy(), expression=span.copy())

    return rewrite


def _days_between(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    if len(node.expressions) != 2:
        return None
    later, earlier = (cast(as_moment(item, says), "DATE") for item in node.expressions)
    return call("date_diff", "day", earlier, later)


def _whole_units_between(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    if len(node.expressions) != 3 or not isinstance(node.expressions[0], exp.Column):
        return None
    unit, earlier, later = node.expressions
    return call("date_sub", unit.name.lower(), as_moment(earlier, says), as_moment(later, says))


def _clock(_: Any, says: set[str]) -> exp.Expr:
    return as_moment(exp.Literal.string("now"), says)


FUNCTIONS: dict[str, Rewrite] = {
    **TIME_FUNCTIONS,
    "total": _total,
    "printf": _printf,
    "date_sub": _shift(exp.Sub),
    "date_add": _shift(exp.Add),
    "datediff": _days_between,
    "timestampdiff": _whole_units_between,
    "curdate": lambda node, says: cast(_clock(node, says), "DATE"),
    **dict.fromkeys(("sysdate", "getdate", "statement_timestamp", "clock_timestamp"), _clock),
}
"""By name; the readers leave these functions as they are written."""


def _function(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    rewrite = FUNCTIONS.get(node.name.lower())
    return rewrite(node, says) if rewrite else None


def _type_of(node: exp.Expr, _: set[str]) -> exp.Expr:
    """SQLite's names of types; it knows no time."""
    kind = kind_of(node.this)
    name = {"number": "real", "flag": "integer"}.get(kind, "text")
    null = exp.If(this=_is_null(node.this), true=exp.Literal.string("null"))
    return exp.Case(ifs=[null], default=exp.Literal.string(name))


def _characters(node: exp.Expr, _: set[str]) -> exp.Expr | None:
    if len(node.expressions) < 2:
        return None
    return exp.func("CONCAT", *(exp.Chr(expressions=[code.copy()]) for code in node.expressions))


def _divide(node: exp.Expr, says: set[str]) -> None:
    node.set("typed", False)
    node.set("safe", False)
    _BOTH(node, says)


_TEXT, _NUMBER, _BOTH = _takes_text("this"), _takes_numbers("this"), _takes_numbers("this", "expression")

REWRITES: dict[type[exp.Expr], Rewrite] = {
    **dict.fromkeys((exp.Upper, exp.Lower, exp.Length, exp.Substring, exp.Trim, exp.Replace), _TEXT),
    **dict.fromkeys((exp.Hex, exp.Unicode, exp.Left, exp.Right), _TEXT),
    exp.StrPosition: _takes_text("this", "substr"),
    **dict.fromkeys((exp.Like, exp.ILike, exp.Glob, exp.RegexpLike), _takes_text("this", "expression")),
    **dict.fromkeys((exp.Round, exp.Abs, exp.Sum, exp.Avg, exp.Neg, exp.Ceil, exp.Floor), _NUMBER),
    **dict.fromkeys((exp.Sqrt, exp.Stddev, exp.Variance, exp.Median), _NUMBER),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Pow, exp.IntDiv), _BOTH),
    exp.Div: _divide,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _compare),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ), _compare),
    exp.In: _among,
    exp.Between: _between,
    **dict.fromkeys((exp.Coalesce, exp.If, exp.Case), _choose),
    exp.Nullif: _null_if,
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.Anonymous: _function,
    exp.Typeof: _type_of,
    exp.Chr: _characters,
    exp.Select: loosen_groups,
}
