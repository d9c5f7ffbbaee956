"""Where the members of a JSON object and the items of a list lie in its text, at the speed of skimming it.

It reads strict JSON only, and gives None for all else: `readers.json_spans` is slower and takes more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from clinseek_replay.trajectory import Span

__all__ = ["item_spans", "member_spans", "spans_in"]

_BEFORE_ITEM = re.compile(rb"[ \t\r\n,]*")
_BEFORE_MEMBER = re.compile(rb'[ \t\r\n,]*"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)


def member_spans(text: bytes) -> dict[str, Span] | None:
    """The values of an object's members; None where it is no object, or names a member twice."""
    try:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    spans = _walk(text, text.index(b"{") + 1, members.values(), _BEFORE_MEMBER, b"}")
    return None if spans is None else dict(zip(members, spans, strict=True))


def item_spans(text: bytes, list_: Span) -> list[Span] | None:
    """The items of the list that stands there in `text`; None where there is no list."""
    end = list_.offset + list_.length
    try:
        items = msgspec.json.decode(memoryview(text)[list_.offset : end], type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _walk(text, list_.offset + 1, items, _BEFORE_ITEM, b"]")


def spans_in(text: bytes, name: str | int, base: int) -> list[Span] | None:
    """The items of an object's list of that name, counted from `base`; None where there is no such list."""
    members = member_spans(text)
    list_ = members.get(name) if members and isinstance(name, str) else None
    items = item_spans(text, list_) if list_ else None
    return None if items is None else [Span(base + span.offset, span.length) for span in items]


def _walk(
    text: bytes, at: int, values: Iterable[msgspec.Raw], before: re.Pattern[bytes], close: bytes
) -> list[Span] | None:
    """The places of values that follow one another, their lengths being known; None where they don't fit."""
    spans = []
    for value in values:
        gap = before.match(text, at)
        if gap is None:
            return None
        length = memoryview(value).nbytes
        spans.append(Span(gap.end(), length))
        at = gap.end() + length
    end = _BEFORE_ITEM.match(text, at)
    return spans if end is not None and text.startswith(close, end.end()) else None
