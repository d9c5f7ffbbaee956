"""Names as models write them: what they mean, and the nearest right ones where they mean nothing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from clinseek_core.text import one_line

__all__ = ["meant", "nearest", "shown"]

_QUOTES = "\"'`[] \t\n\r"
_FILE = re.compile(r"\.csv(\.gz)?\Z")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_SHOWN = 60
_NEAR = 0.55


def meant(written: str, known: Iterable[str]) -> str | None:
    """The known name that `written` is, but for case, quotes, a schema in front and signs between words."""
    names = list(known)
    name = _FILE.sub("", written.strip(_QUOTES).lower())
    for reading in (name, re.split(r"[./\\]", name)[-1].strip(_QUOTES)):
        for read in (str.lower, _plain):
            found = [each for each in names if read(each) == read(reading)]
            if len(found) == 1 and _plain(reading):
                return found[0]
    return None


def nearest(written: str, known: Iterable[str], otherwise: str) -> str:
    """`; did you mean ..?` with the nearest names by spelling or by a word in common, or `otherwise`."""
    names = list(known)
    name = written.strip(_QUOTES).lower()[:_SHOWN]
    lowered = {each.lower(): each for each in reversed(names)}
    near = difflib.get_close_matches(name, lowered, n=3, cutoff=_NEAR)
    words = [word for word in _NOT_PLAIN.split(name) if len(word) > 2]
    near += [each for each in lowered if words and (name in each or set(words) & set(_words(each)))]
    # `diagnoses_ccs_candidates` is about diagnoses, however near `transfers_candidates` is by its letters.
    same = [each for each in near if words and words[0] in _words(each)]
    found = list(dict.fromkeys(lowered[each] for each in same or near))[:3]
    return f"; did you mean {', '.join(found)}?" if found else f"; {otherwise}"


def shown(written: str) -> str:
    """A name that someone wrote, short enough to be told back."""
    return one_line(written, _SHOWN)


def _words(name: str) -> list[str]:
    return _NOT_PLAIN.split(name)


def _plain(name: str) -> str:
    return _NOT_PLAIN.sub("", name.lower())
