"""JSON as models and recordings write it: what a strict reader refuses is read where it means anything."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

__all__ = ["LENIENT", "STRICT", "lenient_json"]

_MAX_DIGITS = 4_000
"""Python converts no longer number, in either direction."""


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _bounded(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _nothing(_: str) -> None:
    return None


STRICT = json.JSONDecoder(parse_constant=_nothing, parse_float=_finite, parse_int=_bounded)
"""`NaN`, infinities and numbers too large to compute with become None."""
LENIENT = json.JSONDecoder(parse_constant=_nothing, parse_float=_finite, parse_int=_bounded, strict=False)
"""The same, and strings may hold line feeds as they are."""


def lenient_json(text: str | bytes) -> Any:
    """The value of a JSON text, as STRICT reads it.

    Bytes that are not UTF-8 become U+FFFD. Raises ValueError or RecursionError where it is no JSON.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return STRICT.decode(text)
