"""How many tokens a text has: by a tokenizer's own file, or counted by a rule that says that it is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError

__all__ = ["TokenCount", "token_count"]

_PIECE = re.compile(r"[A-Za-z]{1,6}|\d{1,3}|[^\sA-Za-z\d]|\s{2,}")
"""Runs of at most six letters or three digits, single signs, and white space of more than one character."""


class TokenCount(msgspec.Struct, frozen=True):
    """A way to count, and what it is called."""

    says: str
    of: Callable[[str], int]


def token_count(tokenizer: Path | None) -> TokenCount:
    """The count by a Hugging Face `tokenizer.json`; without one an estimate.

    Raises InputError for a file that is none, and where the package that reads it is not installed.
    """
    if tokenizer is None:
        says = (
            "estimated: runs of up to six letters or three digits, and single signs (no tokenizer was named)"
        )
        return TokenCount(says, lambda text: sum(1 for _ in _PIECE.finditer(text)))
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError("--tokenizer needs a package: pip install 'clinseek-tui[embedding]'") from error
    try:
        read = Tokenizer.from_str(tokenizer.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises bare exceptions for bad files
        raise InputError(f"{tokenizer}: is no tokenizer.json ({error})") from error
    return TokenCount(
        f"by {tokenizer.name}", lambda text: len(read.encode(text, add_special_tokens=False).ids)
    )
