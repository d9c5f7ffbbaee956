"""SQLite's time functions: a time value, then modifiers, over the record's typed times."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from clinseek_core.ehr.dialect.kinds import as_number, call, cast, is_text, kind_of

__all__ = ["TIME_FUNCTIONS", "as_moment"]

_UNIX_EPOCH = 2440587.5
"""As a Julian day."""
_DAY = 86_400
_MICROSECONDS = {"second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": _DAY * 10**6}
_NO_CHANGE = frozenset(("localtime", "utc", "auto", "unixepoch", "subsec", "subsecond"))

# SQLite's directives of strftime in DuckDB's.
_DIRECTIVES = {
    "f": "%S.%g",
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "e": "%-d",
    "k": "%-H",
    "l": "%-I",
    "P": "%p",
    **{letter: f"%{letter}" for letter in "dHIjmMpSuUwWYGVy%"},
}


def as_moment(node: exp.Expr, says: set[str]) -> exp.Expr:
    """A SQLite time value as a TIMESTAMP: a time, text, a Julian day number, or 'now'."""
    if is_text(node) and node.name.strip().lower() == "now":
        says.add("cutoff")
        return call("now")
    kind = kind_of(node)
    if kind == "number":
        milliseconds = exp.paren(exp.paren(node.copy()) - _UNIX_EPOCH) * (_DAY * 1000)
        return call("epoch_ms", cast(exp.func("ROUND", milliseconds), "BIGINT"))
    # A literal that is no time is a mistake to hear of; a cell that is none is NULL.
    return node if kind == "time" else cast(node, "TIMESTAMP", checked=kind != "date" and not is_text(node))


def _modified(arguments: list[exp.Expr], says: set[str]) -> exp.Expr:
    """What a time function's arguments say; no value is 'now'."""
    value, *modifiers = arguments or [exp.Literal.string("now")]
    if modifiers and is_text(modifiers[0]) and modifiers[0].name.strip().lower() == "unixepoch":
        seconds = as_number(value, says).copy()
        moment = call("epoch_ms", cast(exp.paren(seconds) * 1000, "BIGINT"))
    else:
        moment = as_moment(value, says)
    for modifier in modifiers:
        moment = _modify(moment, modifier)
    return moment


def _modify(moment: exp.Expr, modifier: exp.Expr) -> exp.Expr:
    """Raises ValueError for what is no modifier."""
    if not is_text(modifier):
        unsigned = call("ltrim", cast(modifier, "TEXT"), "+")
        return exp.Add(this=moment, expression=cast(unsigned, "INTERVAL", checked=True))
    text = " ".join(modifier.name.lower().split())
    if text in _NO_CHANGE:
        return moment
    if found := re.fullmatch(r"start of (day|month|year)", text):
        return call("date_trunc", found[1], moment)
    if found := re.fullmatch(r"weekday ([0-6])", text):
        ahead = exp.paren(exp.Literal.number(int(found[1]) + 7) - call("dayofweek", moment)) % 7
        return exp.Add(this=moment, expression=call("to_days", cast(ahead, "INT")))
    if found := re.fullmatch(r"([-+]?)\s*(\d+)(\.\d+)? (second|minute|hour|day|month|year)s?", text):
        return exp.Add(this=moment, expression=_span(*found.groups()))
    raise ValueError(f"no modifier of a time: {text}")


def _span(sign: str, whole: str, fraction: str | None, unit: str) -> exp.Expr:
    if fraction and unit in _MICROSECONDS:
        return call("to_microseconds", round(float(f"{sign}{whole}{fraction}") * _MICROSECONDS[unit]))
    return exp.Interval(this=exp.Literal.string(f"{sign}{whole}"), unit=exp.Var(this=unit.upper()))


def _time_function(finish: Callable[[exp.Expr], exp.Expr]) -> Callable[[Any, set[str]], exp.Expr]:
    return lambda node, says: finish(_modified(node.expressions, says))


def _seconds(moment: exp.Expr) -> exp.Expr:
    return call("date_trunc", "second", moment)


def _unix_seconds(moment: exp.Expr) -> exp.Expr:
    return cast(call("epoch", moment), "BIGINT")


def _julian_day(moment: exp.Expr) -> exp.Expr:
    return cast(call("epoch", moment) / float(_DAY) + _UNIX_EPOCH, "DOUBLE")


def _strftime(node: exp.Expr, says: set[str]) -> exp.Expr | None:
    form, *value = node.expressions
    if value and is_text(value[0]) and "%" in value[0].name and not is_text(form):
        form, value = value[0], [form, *value[1:]]
    if not is_text(form):
        return None
    moment = _modified(value, says)
    if form.name in _WHOLE_FORMS:
        return cast(_WHOLE_FORMS[form.name](moment), "TEXT")
    written = re.sub(r"%(.?)", lambda found: _DIRECTIVES[found[1]], form.name)
    return call("strftime", moment, written)


_WHOLE_FORMS = {"%s": _unix_seconds, "%J": _julian_day}

TIME_FUNCTIONS: dict[str, Callable[[Any, set[str]], exp.Expr | None]] = {
    "datetime": _time_function(lambda moment: cast(_seconds(moment), "TIMESTAMP")),
    "date": _time_function(lambda moment: cast(moment, "DATE")),
    "time": _time_function(lambda moment: cast(_seconds(moment), "TIME")),
    "julianday": _time_function(_julian_day),
    "unixepoch": _time_function(_unix_seconds),
    "strftime": _strftime,
}
"""By name, from a call to what takes its place."""
