"""When two names are the same: the normal form of a name, and of a text that names are looked for in."""

from __future__ import annotations

import unicodedata

__all__ = ["folded", "folded_in_place", "is_mark"]

_KEPT = "<>+"
"""Signs that tell names apart: `> 0.5` is not `< 0.5`, and `K+` not `K`."""


def _ascii_table() -> str:
    kept = (chr(code) if chr(code).isalnum() or chr(code) in _KEPT else " " for code in range(128))
    return "".join(kept).lower()


_ASCII = _ascii_table()


def folded(name: str) -> str:
    """A name in its normal form: NFKC, case folded, its words and nothing else, one blank between them.

    Punctuation parts words: `Piperacillin/Tazobactam` is `piperacillin tazobactam`. A name of punctuation
    alone has no other form than itself.
    """
    plain = folded_in_place(name) if name.isascii() else _folded_any(name)
    for sign in _KEPT:
        plain = plain.replace(sign, f" {sign} ") if sign in plain else plain
    return " ".join(plain.split()) or " ".join(_composed(name).split())


def folded_in_place(text: str) -> str:
    """An ASCII text with small letters, and a blank for each character that is no part of a word.

    Every character stays where it was.
    """
    return text.translate(_ASCII)


def _folded_any(text: str) -> str:
    return "".join(character if is_mark(character) else " " for character in _composed(text))


def _composed(text: str) -> str:
    # Folding may undo composition and the other way round: twice is enough for both to hold.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)


def is_mark(character: str) -> bool:
    """Whether a character is part of a word or one of the signs that tell names apart."""
    return character.isalnum() or character in _KEPT or unicodedata.category(character)[0] == "M"
