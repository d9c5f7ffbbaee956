"""What a JSON object of a megabyte says of itself at its ends, without reading what lies between.

A run is one large member, its messages, among small ones. Those before it stand in the line's first
kilobytes, those after it in the last. Quotes in a JSON string are escaped, so `,"name":` can only be a
member; that it is one of the outermost object is proven by decoding what is before it, or after it, as an
object that ends where the line ends. Whatever this can't tell for certain is left to a full reading. The
part between is not checked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from clinseek_replay.trajectory import Span

__all__ = ["peek"]

_SPANS = (4 * 1024, 64 * 1024)
"""Bytes looked at from each end, then once more."""
_TRIES = 4
"""Places looked at that may be a member's: others lie in objects within."""


def peek(descriptor: int, line: Span, large: str, wanted: Sequence[Sequence[str]]) -> dict[str, Any] | None:
    """The members near the ends of the object on a line, the large one as an empty list.

    `wanted` are groups of names; of each group one at least has to be found. None where that is not so, and
    where the large member's name is not near the beginning: the line has to be read whole then.
    """
    names = tuple(name for group in wanted for name in group)
    for size in _SPANS:
        if line.length <= size:
            return None
        before = _before(os.pread(descriptor, size, line.offset), large)
        if before is None:
            continue
        after = _after(os.pread(descriptor, size, line.offset + line.length - size), names)
        found = {**before, large: [], **after}
        if all(any(name in found for name in group) for group in wanted):
            return found
    return None


def _before(head: bytes, large: str) -> dict[str, Any] | None:
    """The members before the large one; None where that is not there."""
    pattern = re.compile(rb'([{,])[ \t]*"' + large.encode() + rb'"[ \t]*:')
    for found, _ in zip(pattern.finditer(head), range(_TRIES), strict=False):
        before = head[: found.start()]
        members = _object(before + b"}") if found[1] == b"," else {} if not before.strip() else None
        if members is not None:
            return members
    return None


def _after(tail: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    """The members from the first of `names` on that is a member of the outermost object."""
    places = sorted({tail.rfind(b'"' + name.encode() + b'"') for name in names} - {-1})
    for place in places:
        if tail[max(place - 8, 0) : place].rstrip(b" \t")[-1:] != b",":
            continue
        members = _object(b"{" + tail[place:])
        if members is not None:
            return members
    return {}


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
