"""The lists in what a model writes: bullets, numbered lines, JSON, and names after a word like `answer:`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_replay.evidence.matching import Matcher

__all__ = ["in_list", "listed", "undecorated"]

_BULLET = re.compile(r"^[ \t]{0,8}(?:[-*•‣·]|\d{1,3}[.)])[ \t]+(\S[^\n]{0,300})$", re.MULTILINE)
_JSON = re.compile(r"\[[ \t\n]*(\"[^\"\[\]]{1,300}\"(?:[ \t\n]*,[ \t\n]*\"[^\"\[\]]{1,300}\")*)[ \t\n]*\]")
_QUOTED = re.compile(r"\"([^\"]+)\"")
_AFTER_CUE = re.compile(
    r"\b(?:answers?|list|items|candidates|finish(?: with)?|submit|conclusion)\b[^:\n]{0,30}:"
    r"[ \t]*(\S[^\n]{0,600})",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[,;]|\band\b")
_DECORATION = re.compile(r"\s+[-–—]+\s|[(\[:]|\s+\d|,\s")
_MAX_NAME = 500
_CODE_FIRST = re.compile(r"^[A-Za-z]{0,2}\d[\w.]{0,11}[\s:–-]+(?=\S)")
_MARKS = "*_` \t\"'."


def listed(text: str) -> tuple[str, ...]:
    """The entries of the lists in a text, in order; a text without one gives none."""
    found = [match[1] for match in _BULLET.finditer(text)]
    for match in _JSON.finditer(text):
        found += _QUOTED.findall(match[1])
    for match in _AFTER_CUE.finditer(text):
        # A name may hold a comma or a semicolon itself, so the whole is an entry too.
        found += [match[1], *_PARTS.split(match[1])]
    return tuple(dict.fromkeys(entry.strip(_MARKS) for entry in found if entry.strip(_MARKS)))


def undecorated(name: str) -> Iterator[str]:
    """A name without a code before it, and without a code, a dose or words in brackets after it.

    `Heparin (I.V.)` gives `Heparin`; a name may hold brackets and commas itself, so each is tried as the end.
    """
    for whole in dict.fromkeys((name[:_MAX_NAME], _CODE_FIRST.sub("", name[:_MAX_NAME]))):
        yield whole.strip(_MARKS)
        yield from (whole[: cut.start()].strip(_MARKS) for cut in _DECORATION.finditer(whole) if cut.start())


def in_list(matcher: Matcher, item: str, entries: tuple[str, ...]) -> bool:
    """Whether one of a list's entries is the item, with or without what decorates it."""
    return any(matcher.same(item, name) for entry in entries for name in undecorated(entry) if name)
