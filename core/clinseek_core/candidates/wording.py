"""How names and queries are read: cleaned, folded to lower case, cut into words, words cut to their stems."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["MAX_QUERY", "clean", "folded", "stem", "telling", "terms", "words"]

MAX_QUERY = 500
"""Characters of a query that are read; the longest name of a dictionary has half as many."""

_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’`]s\b")
_CANNOT = re.compile(r"\bcan(?:['’`]?t| not)\b")
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")

# British spelling, then one spelling for the many of Greek and Latin roots.
_SPELLINGS = (
    (re.compile("aem(?=ia|ic|o)"), "em"),
    (re.compile("^haem"), "hem"),
    (re.compile("oedem"), "edem"),
    (re.compile("oesoph"), "esoph"),
    (re.compile("diarrhoea"), "diarrhea"),
    (re.compile("^(f)oet"), r"\1et"),
    (re.compile("^paed"), "ped"),
    (re.compile("^(orthop)aed"), r"\1ed"),
    (re.compile("^(gyn|an)ae"), r"\1e"),
    (re.compile("^caes"), "ces"),
    (re.compile("leuc(?=o|a)"), "leuk"),
    (re.compile("(?<=[ml])our(?=$|s$)"), "or"),
    (re.compile("sulph"), "sulf"),
    (re.compile("is(?=ation|ed$|ing$|e$)"), "iz"),
)

# Longest first. What is left must be a stem of at least four letters.
_SUFFIXES = (
    ("izations", "iz"),
    ("ization", "iz"),
    ("atives", ""),
    ("ations", ""),
    ("ative", ""),
    ("ation", ""),
    ("ments", ""),
    ("ities", ""),
    ("ances", ""),
    ("ences", ""),
    ("ating", ""),
    ("ious", ""),
    ("ions", ""),
    ("ives", ""),
    ("ings", ""),
    ("ment", ""),
    ("ance", ""),
    ("ence", ""),
    ("ated", ""),
    ("ical", ""),
    ("ally", ""),
    ("oses", "o"),
    ("osis", "o"),
    ("otic", "o"),
    ("isms", ""),
    ("ion", ""),
    ("ive", ""),
    ("ing", ""),
    ("ity", ""),
    ("ous", ""),
    ("ial", ""),
    ("ies", ""),
    ("ias", ""),
    ("ism", ""),
    ("ate", ""),
    ("ers", "er"),
    ("al", ""),
    ("ia", ""),
    ("ic", ""),
    ("ed", ""),
    ("es", ""),
    ("is", ""),
    ("ly", ""),
    ("s", ""),
    ("e", ""),
    ("y", ""),
)


_IDLE = frozenset(
    word
    for line in (
        "a an and are at be been by do does for from got had has have having her his i in is it its me my",
        "of on or our please she he that the their them there these they this to was we were what when",
        "which who with you your really very all over some",
    )
    for word in line.split()
)


_ABSENCE = frozenset(("without", "non", "no"))
_BETWEEN = frozenset(("any", "mention", "of", "evidence", "current"))


def clean(text: str) -> str:
    """`text` as SQLite can hold it: NULs and lone surrogates become U+FFFD."""
    # Nearly all names are plain, and there are hundreds of thousands of them.
    return text if text.isascii() and "\0" not in text else _NOT_STORABLE.sub("\ufffd", text)


def folded(text: str) -> str:
    """`text` in lower case, with one space between words."""
    return " ".join(clean(text).lower().split())


def words(text: str) -> list[str]:
    """The words and numbers of `text` in lower case, without accents and possessive endings."""
    text = _CANNOT.sub("cannot", _POSSESSIVE.sub("", clean(text).lower()))
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(text)


def telling(said: Sequence[str]) -> list[str]:
    """The words without those that tell nothing of what is asked for; all of them where none does."""
    return [word for word in said if word not in _IDLE] or list(said)


def terms(said: Sequence[str]) -> list[str]:
    """The stems of the words; a word told to be absent is another: `without bleeding` is no bleeding."""
    found = []
    absent = False
    for word in said:
        found.append(f"no {stem(word)}" if absent and word not in _BETWEEN else stem(word))
        absent = word in _ABSENCE or (absent and word in _BETWEEN)
    return found


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """What the forms of a word have in common: `fractures` and `fractured` are both `fractur`."""
    if len(word) < 4 or not word.isalpha():
        return word
    for pattern, spelling in _SPELLINGS:
        word = pattern.sub(spelling, word)
    for suffix, ending in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) + len(ending) >= 4 and not word.endswith("ss"):
            return word[: -len(suffix)] + ending
    return word[:-1] if len(word) == 4 and word.endswith("s") and not word.endswith("ss") else word
