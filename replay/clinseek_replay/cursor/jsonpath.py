"""Paths into a JSON value: the part of JSONPath (RFC 9535) that needs no filter.

`$` the value itself, `.name` and `['name']` a member, `[0]` and `[-1]` an element, `[*]` and `.*` all members
or elements, `..name`, `..[0]` and `..*` the same at any depth. Left out: slices, unions, filters, functions.
What `..` reaches in several ways counts once, so the work is bounded by the size of the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from clinseek_core.errors import InputError

__all__ = ["JsonPath", "read_path"]

_MAX_SEGMENTS = 30
_LEAD = re.compile(r"\.\.(?=\[)|\.\.?|(?=\[)")
_BARE = re.compile(r"(?P<name>[^\W\d][\w-]*)|(?P<all>\*)")
_BRACKETED = re.compile(
    r"\[(?:(?P<index>-?\d{1,9})|(?P<all>\*)|(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))\]", re.DOTALL
)


class _Segment(msgspec.Struct, frozen=True):
    """One step of a path: the member of that name, the element of that index, or with None all of them."""

    key: str | int | None
    deep: bool
    """Whether at any depth."""


class JsonPath(msgspec.Struct, frozen=True):
    """A path, read."""

    source: str
    segments: tuple[_Segment, ...]

    def values(self, document: Any) -> Iterator[Any]:
        """What lies at the path in a JSON value."""
        found: Iterable[Any] = (document,)
        for segment in self.segments:
            if segment.deep:
                found = _containers(found)
            found = _chosen(found, segment.key)
        yield from found


def read_path(text: str) -> tuple[JsonPath, str]:
    """The path that `text` begins with, and what follows it.

    Raises InputError saying what is no path.
    """
    if not text.startswith("$"):
        raise InputError(f"{text}: a path begins with `$`, as `$.arguments.table_name`")
    at = 1
    segments: list[_Segment] = []
    while lead := _LEAD.match(text, at):
        bare = lead[0] and not text.startswith("[", lead.end())
        step = (_BARE if bare else _BRACKETED).match(text, lead.end())
        if step is None or len(segments) == _MAX_SEGMENTS or (lead[0] == "." and not bare):
            raise InputError(
                f"{text}: what stands at character {at + 1} is none of .name, ['name'], [0], [*] and ..name; "
                f"slices, unions and filters are not known, nor more than {_MAX_SEGMENTS} of these"
            )
        segments.append(_Segment(_key(step.groupdict()), lead[0] == ".."))
        at = step.end()
    return JsonPath(text[:at], tuple(segments)), text[at:]


def _key(step: dict[str, str | None]) -> str | int | None:
    if index := step.get("index"):
        return int(index)
    if quoted := step.get("quoted"):
        return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)
    return step.get("name")


def _containers(values: Iterable[Any]) -> Iterator[Any]:
    """Objects and lists, those of `values` and all within them, each once."""
    seen: set[int] = set()
    for start in values:
        waiting = [start]
        while waiting:
            value = waiting.pop()
            if not isinstance(value, dict | list) or id(value) in seen:
                continue
            seen.add(id(value))
            yield value
            waiting.extend(reversed(list(value.values()) if isinstance(value, dict) else value))


def _chosen(values: Iterable[Any], key: str | int | None) -> Iterator[Any]:
    for value in values:
        if isinstance(value, dict):
            if key is None:
                yield from value.values()
            elif isinstance(key, str) and key in value:
                yield value[key]
        elif isinstance(value, list):
            if key is None:
                yield from value
            elif isinstance(key, int) and -len(value) <= key < len(value):
                yield value[key]
