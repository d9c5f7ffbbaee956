"""Tool results as a model gets them and a journal keeps them: capped, and large ones beside the line."""

from __future__ import annotations

from typing import Any

from clinseek_core.journal import JournalWriter
from clinseek_core.tools import ToolResult

__all__ = ["capped", "stored"]

INLINE_BYTES = 32 * 1024
"""A longer text lies beside the journal."""


def capped(text: str, limit: int) -> str:
    """`text` within `limit` characters; where it is cut, its end says so and how to get the rest."""
    if len(text) <= limit:
        return text
    notice = _notice(limit, len(text))
    head = max(limit - len(notice), 0)
    return (text[:head] + _notice(head, len(text)))[:limit]


def stored(result: ToolResult, limit: int, journal: JournalWriter) -> dict[str, Any]:
    """The fields of an Observation that hold `result`, of which the model gets at most `limit` characters."""
    shown = capped(result.text, limit)
    was_cut = len(shown) < len(result.text)
    large = len(shown.encode(errors="replace")) > INLINE_BYTES
    return {
        "status": result.status,
        "text": "" if large else shown,
        "body": journal.store_text(shown) if large else None,
        "full": journal.store_text(result.text) if was_cut else None,
        # The rows say no more than the text, and which of them its head shows is not known.
        "table": None if was_cut else result.table,
        "images": tuple(
            journal.store_image(picture.data, picture.media_type, picture.label)
            for picture in result.pictures
        ),
    }


def _notice(shown: int, whole: int) -> str:
    return (
        f"\n\n[Cut here: {shown:,} of {whole:,} characters are shown. To see the rest, ask for less at a "
        "time: fewer columns, a narrower filter or time range, or LIMIT with OFFSET.]"
    )
