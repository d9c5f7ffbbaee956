"""Who answered a call about a film: the badge that screens and lines show with it."""

from __future__ import annotations

import json

from clinseek_core.text import one_line
from clinseek_replay.trajectory import Call

__all__ = ["badge"]

_MAX_CHARACTERS = 1_000_000
_WIDTH = 20


def badge(call: Call) -> str:
    """The backend that the result of an image tool names, such as `local`, or that a foreign server answered.

    Empty where there is nothing to tell.
    """
    if call.name.startswith("mcp."):
        return "a foreign server"
    text = call.result.text if call.result is not None else ""
    if not call.name.startswith("image.") or '"backend"' not in text or len(text) > _MAX_CHARACTERS:
        return ""
    try:
        metadata = json.loads(text)["metadata"]
        backend = metadata["backend"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return one_line(backend, _WIDTH) if isinstance(backend, str) else ""
