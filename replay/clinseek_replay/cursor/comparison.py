"""A path, and what its values are compared with: `$.arguments.table_name=labevents`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.cursor.jsonpath import JsonPath, read_path
from clinseek_replay.pattern import Pattern
from clinseek_replay.search import as_text

__all__ = ["Comparison", "read_comparison"]

_SIGNS = ("!=", "=", ">", "<", "~")
_ORDER: dict[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt}


class Comparison(msgspec.Struct, frozen=True):
    """A path and a test of its values."""

    path: JsonPath
    holds: Callable[[Any], bool]

    def first(self, document: Any) -> tuple[Any] | None:
        """The first value at the path that passes the test, alone in a tuple since it may itself be null."""
        return next(((value,) for value in self.path.values(document) if self.holds(value)), None)


def read_comparison(text: str) -> Comparison:
    """A path and its test, as written: the path alone, or `=`, `!=`, `>`, `<` and a value, or `~/REGEX/`.

    Raises InputError where it is neither.
    """
    path, rest = read_path(text.strip())
    rest = rest.strip()
    if not rest:
        return Comparison(path, lambda _: True)
    sign = next((sign for sign in _SIGNS if rest.startswith(sign)), None)
    if sign is None:
        raise InputError(
            f"{text}: {rest!r} follows the path; compare with {' '.join(_SIGNS)} or leave it away"
        )
    return Comparison(path, _test(text, sign, rest[len(sign) :].strip()))


def _test(text: str, sign: str, value: str) -> Callable[[Any], bool]:
    if sign == "~":
        if len(value) < 3 or not value.startswith("/") or not value.endswith("/"):
            raise InputError(f"{text}: after ~ an expression stands between slashes, as ~/creatinine/")
        pattern = Pattern(value[1:-1])
        return lambda found: pattern.first(as_text(found)) is not None
    if sign in _ORDER:
        number, compare = _number(value), _ORDER[sign]
        if number is None:
            raise InputError(f"{text}: {value!r} is no number, and {sign} compares numbers")
        return lambda found: (found_number := _number(found)) is not None and compare(found_number, number)
    wanted = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    if sign == "!=":
        return lambda found: as_text(found) != wanted
    return lambda found: as_text(found) == wanted


def _number(value: Any) -> float | None:
    """A number, or a text that is one; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
