"""What lay words, abbreviations and trade names mean in the words that dictionaries use.

`lexicon.tsv` holds general clinical knowledge, one line per group of words: `kind`; `words`, `|` between
words that mean the same; `means`, `|` between the names to look for instead, the likeliest first.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from clinseek_core.candidates.wording import words

__all__ = ["longest", "meanings"]


@cache
def meanings() -> dict[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """For the words of each entry, the words of what it means."""
    text = (files("clinseek_core.candidates") / "lexicon.tsv").read_text(encoding="utf-8")
    found: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    for line in text.splitlines()[1:]:
        _, entries, means = line.split("\t")
        names = dict.fromkeys(tuple(words(name)) for name in means.split("|"))
        for entry in entries.split("|"):
            found.setdefault(tuple(words(entry)), {}).update(names)
    return {entry: tuple(names) for entry, names in found.items()}


@cache
def longest() -> int:
    """How many words the longest entry has."""
    return max(map(len, meanings()))
