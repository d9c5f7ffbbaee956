"""Values as JSON that every parser takes: no lone surrogates, no numbers that are not finite, not deep."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any

import msgspec

__all__ = ["json_text", "plain"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 100
_TOO_DEEP = "⟨nested too deeply to export⟩"


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value of ours as JSON text."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent)


def plain(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911 -- one for each of JSON's types
    """The same in JSON's own types; a lone surrogate becomes U+FFFD, what is not finite None."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if depth == _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, dict):
        return {plain(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.to_builtins(value), depth)
    return plain(str(value))
