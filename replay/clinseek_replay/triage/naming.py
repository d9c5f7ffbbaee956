"""Gold names that an answer holds by another name: a spelling, a synonym, or with something around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from clinseek_core.scoring import folded
from clinseek_replay.triage.items import Items

__all__ = ["Misnamed", "misnamed"]

_DECORATION = re.compile(
    r"\(|\[|\b\d+(\.\d+)?\s?(mg|mcg|g|ml|units?|iu|meq|%)(/\w+)?(?!\w)|\b[A-Z]\d{2}(\.\w{1,4})?\b|\b\d{5,11}\b"
    r"|\b(code|icd|atc|ndc|itemid)\b",
    re.IGNORECASE,
)
_MAX_NAME = 500


class Misnamed(msgspec.Struct, frozen=True, kw_only=True):
    """A name of the answer that means a gold name."""

    answer: str
    how: Literal["spelling", "synonym", "decoration"]
    around: str = ""
    """What tells that the name was decorated."""


def misnamed(items: Items, means: Callable[[str, str], bool]) -> dict[str, Misnamed]:
    """By gold name; `means(gold, name)` says whether a name is a synonym."""
    free = [name for name in items.extra if len(name) <= _MAX_NAME]
    forms = {name: folded(name) for name in free}
    found: dict[str, Misnamed] = {}
    for gold in items.missed if free else ():
        other = _other_name(gold, free, forms, means)
        if other is not None:
            found[gold] = other
            free.remove(other.answer)
    return found


def _other_name(
    gold: str, free: list[str], forms: dict[str, str], means: Callable[[str, str], bool]
) -> Misnamed | None:
    words = folded(gold)
    for name in free:
        if forms[name] == words:
            return Misnamed(answer=name, how="spelling")
    for name in free:
        if means(gold, name):
            return Misnamed(answer=name, how="synonym")
    for name in free:
        if words and f" {words} " in f" {forms[name]} ":
            around = _DECORATION.search(_without(name, gold))
            if around is not None:
                return Misnamed(answer=name, how="decoration", around=around[0])
    return None


def _without(name: str, gold: str) -> str:
    """A name without the gold name in it."""
    at = name.lower().find(gold.lower())
    return name if at < 0 else f"{name[:at]}\n{name[at + len(gold) :]}"
