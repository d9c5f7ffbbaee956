"""The signs of a run by the anchor they stand at, and how they are told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from clinseek_replay.glyphs import SIGNS, SignKind
from clinseek_tui.view.blocks import Block, Document, heading
from clinseek_tui.view.words import Words

if TYPE_CHECKING:
    # It brings the audit and the search for gold: they load after the first paint.
    from clinseek_replay.signs import Sign

__all__ = ["NO_SIGNS", "Signs", "kinds_at", "marked", "sign_words", "signs_page"]

Signs = Mapping[str, "tuple[Sign, ...]"]
"""What is marked at each anchor."""

NO_SIGNS: Signs = MappingProxyType({})

_SHORT: dict[SignKind, str] = {"leak": "leak", "gold": "gold first seen", "repeat": "repeat"}
_STYLES: dict[SignKind, str] = {"leak": "error", "gold": "accent", "repeat": "dim"}


def marked(signs: Signs, more: Iterable[Sign]) -> Signs:
    """The signs with more of them; those of other anchors stay the same objects."""
    now = dict(signs)
    for sign in more:
        now[sign.anchor] = (*now.get(sign.anchor, ()), sign)
    return now


def kinds_at(signs: Signs, anchor: str) -> tuple[SignKind, ...]:
    """The kinds of signs at an anchor, each once, the weightiest first."""
    there = {sign.kind for sign in signs.get(anchor, ())}
    return tuple(kind for kind in SIGNS if kind in there)


def sign_words(signs: Signs, anchor: str) -> Words:
    """A title's words on what is marked: ` ⚑ leak`."""
    return tuple(
        (f" {SIGNS[kind].unicode} {_SHORT[kind]}", _STYLES[kind]) for kind in kinds_at(signs, anchor)
    )


def signs_page(signs: Signs, anchor: str, under_way: bool) -> Document:
    """Why a call is marked, sign by sign; or that it is not."""
    found = signs.get(anchor, ())
    blocks = [
        Block(sign.why, label=f"{SIGNS[kind].unicode} {_SHORT[kind]}", label_style=_STYLES[kind])
        for kind in SIGNS
        for sign in found
        if sign.kind == kind
    ]
    if under_way:
        blocks.append(Block("the run is still being read for more", "dim"))
    elif not blocks:
        blocks.append(Block("nothing is marked here", "dim"))
    return (heading(f"what is marked at {anchor}"), *blocks)
