"""What lay words, abbreviations and trade names mean in the words that dictionaries use.

`lexicon.tsv` holds general clinical knowledge, one line per group of words: `kind`; `words`, `|` between
words that mean the same; `means`, `|` between the names to look for instead, the likeliest first.

Kinds: `lay`; `abbreviation`; `synonym`, one clinical name for another; `procedure`, lay names of procedures;
`lab` and `item`, short names of laboratory tests and bedside items; `place`; `brand`, trade names; `drugs`,
what drugs are for; `word`, one word for another within a longer phrase. In lines of the kind `same`, the
`words` are all read as the one word of `means` when entries are looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import msgspec

from clinseek_core.candidates.wording import stem, telling, words

__all__ = ["Meant", "key", "lexicon_words", "longest", "meanings"]

_LONGEST_SAME = 4
_SUREST = 0.97
_TRUST = {"synonym": 0.9, "word": 0.85}
"""Clinical words are looked for as they are first; a word within a phrase may mean something else there."""


class Meant(msgspec.Struct, frozen=True):
    """What an entry means: the words of each name, the likeliest first."""

    names: tuple[tuple[str, ...], ...]
    trust: float
    """How sure the first name is, in 0 to 1; by the surest of the kinds that have the entry."""


def key(said: Sequence[str]) -> tuple[str, ...]:
    """By what an entry is found: the stems of its words that say something, in any order.

    Words that the kind `same` lists are one word: `taking out` and `removed` are both `removal`.
    """
    return tuple(sorted(stem(word) for word in telling(_alike(tuple(said)))))


@cache
def meanings() -> dict[tuple[str, ...], Meant]:
    """What each entry means, by its key."""
    found: dict[tuple[str, ...], Meant] = {}
    for kind, entries, means in _lines():
        if kind == "same":
            continue
        names = tuple(tuple(telling(words(name))) for name in means.split("|"))
        for entry in entries.split("|"):
            place = key(words(entry))
            before = found.get(place)
            both = (*before.names, *names) if before else names
            trust = max(_TRUST.get(kind, _SUREST), before.trust if before else 0.0)
            found[place] = Meant(names=tuple(dict.fromkeys(both)), trust=trust)
    return found


@cache
def longest() -> int:
    """How many telling words the longest entry has."""
    return max(map(len, meanings()))


@cache
def lexicon_words() -> frozenset[str]:
    """All words of entries and of what they mean."""
    return frozenset(word for _, *cells in _lines() for cell in cells for word in words(cell))


def _alike(said: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(said):
        for size in range(min(_LONGEST_SAME, len(said) - place), 0, -1):
            if said[place : place + size] in _same():
                found.append(_same()[said[place : place + size]])
                place += size
                break
        else:
            found.append(said[place])
            place += 1
    return found


@cache
def _same() -> dict[tuple[str, ...], str]:
    lines = [(entries, means) for kind, entries, means in _lines() if kind == "same"]
    return {tuple(words(entry)): means for entries, means in lines for entry in entries.split("|")}


@cache
def _lines() -> list[list[str]]:
    text = (files("clinseek_core.candidates") / "lexicon.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]
