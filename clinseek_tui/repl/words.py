"""Numbers and values in the words of `repl`: what was typed, and what is told."""

from __future__ import annotations

import json
from typing import Any

from clinseek_core.errors import InputError

__all__ = ["as_text", "count", "whole_number"]

_DIGITS = 9


def whole_number(text: str, form: str) -> int:
    """A number from 1 on that was typed; raises InputError that tells the form."""
    if not text.isdecimal() or len(text) > _DIGITS or int(text) < 1:
        raise InputError(f"{text!r} is no number from 1 on; write {form}")
    return int(text)


def count(number: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_text(value: Any) -> str:
    """A value of JSON as a person reads it; untrusted."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
