"""Where the parts of a JSON text lie in it, so that a part of a large recording can be read alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from clinseek_core.lenient_json import lenient_json
from clinseek_replay.readers.reader import value_of
from clinseek_replay.trajectory import Span

__all__ = ["item_spans", "prefix", "sketch"]

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BETWEEN = re.compile(rb"[ \t\r\n,]*+")
_KEY = re.compile(_STRING + rb"[ \t\r\n]*+:[ \t\r\n]*+", re.DOTALL)
_TOKEN = re.compile(rb"[ \t\r\n]*+(" + _STRING + rb'|[{}\[\],:"]|[^ \t\r\n",:{}\[\]]++)', re.DOTALL)
_NO_JSON_NUMBERS = (b"NaN", b"-Infinity", b"Infinity")

_MAX_DEPTH = 200
_SKETCHED = 2_000
"""Bytes of an object's member that are looked at where only what it is about is asked."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def item_spans(data: bytes, path: Sequence[str | int] = (), base: int = 0) -> list[Span]:
    """The items of the list that `path` leads to in a JSON text, as ranges of bytes counted from `base`.

    Empty where there is no such list, or where the text is so far from JSON that they can't be told.
    """
    try:
        return _item_spans(data, path, base)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass
    # Within strings this changes letters, not lengths, and lengths are all that is asked for.
    for word in _NO_JSON_NUMBERS:
        data = data.replace(word, b"0".ljust(len(word)))
    try:
        return _item_spans(data, path, base)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return []


def _item_spans(data: bytes, path: Sequence[str | int], base: int) -> list[Span]:
    value, start = memoryview(data), _after(_BETWEEN, data, 0)
    for part in path:
        if isinstance(part, str):
            value, start = _member(data, value, start, part)
        else:
            spans = _items(data, value, start)
            if part >= len(spans):
                return []
            start = spans[part].offset
            value = memoryview(data)[start : start + spans[part].length]
    return [Span(base + span.offset, span.length) for span in _items(data, value, start)]


def _items(data: bytes, value: memoryview, start: int) -> list[Span]:
    spans: list[Span] = []
    at = start + 1
    for raw in _LIST.decode(value):
        at, length = _after(_BETWEEN, data, at), len(memoryview(raw))
        spans.append(Span(at, length))
        at += length
    return spans


def _member(data: bytes, value: memoryview, start: int, name: str) -> tuple[memoryview, int]:
    at = start + 1
    for key, raw in _OBJECT.decode(value).items():
        after_name = _KEY.match(data, _after(_BETWEEN, data, at))
        if after_name is None:
            break
        at, found = after_name.end(), memoryview(raw)
        if key == name and data[at : at + len(found)] == found:
            return found, at
        at += len(found)
    # Also where the object names a member twice, so that its members can't be counted off.
    raise ValueError(f"no {name}")


def _after(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    match = pattern.match(data, at)
    return at if match is None else match.end()


def prefix(data: bytes) -> Any:
    """The value that a JSON text begins with, as far as `data` goes: what is open at its end is closed there.

    Raises ValueError where the text is no JSON up to there, or holds more than one value.
    """
    open_: list[bytes] = []
    whole, closers = 0, b""
    name_next = False
    for match in _TOKEN.finditer(data):
        token = match[1]
        if whole and not open_:
            raise ValueError("more than one value")
        if token == b'"':
            if b"\n" in data[match.end() :]:
                raise ValueError("a line feed within a string")
            break
        if token in (b"{", b"["):
            open_.append(b"}" if token == b"{" else b"]")
            if len(open_) > _MAX_DEPTH:
                raise ValueError("nested too deeply")
        elif open_ and token == open_[-1]:
            open_.pop()
        elif token in (b":", b",") or name_next or (match.end() == len(data) and token[-1:] not in b'"}]'):
            name_next = token == b"," and open_[-1:] == [b"}"]
            continue
        name_next = token == b"{"
        whole, closers = match.end(), b"".join(reversed(open_))
    return lenient_json(data[:whole] + closers)


def sketch(data: bytes) -> Any:
    """A JSON value whose long members are cut: what a run is about, told without decoding its messages.

    Raises ValueError saying why it is none.
    """
    try:
        members = _OBJECT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value_of(data)
    return {name: _cut(bytes(memoryview(raw)[: _SKETCHED + 1])) for name, raw in members.items()}


def _cut(data: bytes) -> Any:
    try:
        return prefix(data) if len(data) > _SKETCHED else value_of(data)
    except ValueError:
        return "" if data.startswith(b'"') else None
