"""The answer in a turn that called nothing: read as the reference implementation reads such endings.

A JSON object with `response` counts, also where it breaks off; else every line is an item, its bullet taken
off. So prose becomes a list of its lines: an answer read so is marked, and is to be looked at.
"""

from __future__ import annotations

import re

from clinseek_core.agent.finish import read_answer
from clinseek_core.lenient_json import LENIENT

__all__ = ["text_answer"]

_BULLET = re.compile(r"^[ \t]*(?:[-*•‣–]|\d{1,3}[.)])[ \t]+")
_FENCE = re.compile(r"^[ \t]*```[a-z]*[ \t]*$")
_CLOSERS = ("", "}", "]}", "]]}", '"]}', '"}')
_TRIED = 20
"""Opening braces that are tried: each may cost a reading of the rest."""
_MAX_TAIL = 20_000
_MAX_ITEMS = 200


def text_answer(text: str, reasoning: str = "") -> tuple[str, ...] | None:
    """The items; None where nothing was said at all."""
    said = "\n".join(part for part in (text, reasoning) if part.strip())
    if not said.strip():
        return None
    found = _object_in(said)
    return _lines(text if text.strip() else reasoning) if found is None else found


def _object_in(said: str) -> tuple[str, ...] | None:
    """The response of the first JSON object that has one."""
    at = -1
    for _ in range(_TRIED):
        at = said.find("{", at + 1)
        if at < 0:
            return None
        tail = said[at : at + _MAX_TAIL]
        for closer in _CLOSERS:
            try:
                value, _end = LENIENT.raw_decode(tail.rstrip() + closer)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and "response" in value:
                try:
                    return read_answer(value)
                except ValueError:
                    break
            break
    return None


def _lines(text: str) -> tuple[str, ...]:
    items = (_BULLET.sub("", line).strip() for line in text.splitlines() if not _FENCE.match(line))
    return tuple(item for item in items if item)[:_MAX_ITEMS]
