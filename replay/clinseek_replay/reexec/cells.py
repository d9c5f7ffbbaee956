"""When two cells say the same, whatever system told them.

Typed cells of our own results are compared as they are, but for numbers, of which `118` and `118.0` are one.
Text tables of other systems print missing cells in many words, ids with a `.0` behind, and numbers and times
as text: such cells are compared for what they mean.
"""

from __future__ import annotations

import re
from typing import Any

from clinseek_core.tools.arguments import MISSING

__all__ = ["as_typed", "by_meaning"]

_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.0{1,9})?", re.ASCII)
_MIDNIGHT = "00:00:00"
_DAYS_END = "23:59:00"
"""What the reference implementation makes of a date without a clock."""
_EXACT = 2**53
"""Whole numbers above it are not all floats."""


def as_typed(value: Any, _column: str = "") -> str | None:
    """A typed cell as text that is the same for the same value; None for a missing one."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return value if isinstance(value, str) else str(value)


def by_meaning(value: Any, column: str = "") -> str | None:
    """A cell of any system's table as text that is the same for the same meaning; None for a missing one."""
    if not isinstance(value, str):
        value = as_typed(value)
        if value is None:
            return None
    text = " ".join(value.replace("\\n", " ").replace("\\r", " ").replace("\\t", " ").split())
    if text.lower() in MISSING:
        return None
    if _NUMBER.fullmatch(text):
        return _number(float(text)) if _is_float(text) else _number(int(text))
    moment = _TIME.fullmatch(text)
    if moment is None:
        return text
    date_only = moment[2] == _MIDNIGHT or (moment[2] == _DAYS_END and column.endswith("date"))
    return moment[1] if date_only else f"{moment[1]} {moment[2]}"


def _is_float(text: str) -> bool:
    return any(sign in text for sign in ".eE")


def _number(value: int | float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    return str(value)
