"""A text pane's content: blocks of text, each in one style, some with a label at their left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from clinseek_tui.view.sql import Mark

__all__ = ["GAP", "Block", "Document", "heading", "label_width", "labelled"]

GAP = 2
_WIDEST_LABEL = 24


class Block(NamedTuple):
    """A text of any length. All of it is untrusted: it is made visible where it is painted."""

    text: str
    style: str = "plain"
    label: str = ""
    """Drawn at the left of the first row; the text then stands beside it, on all its rows."""
    label_style: str = "dim"
    marks: tuple[Mark, ...] = ()
    field: str = ""
    """The search field this text is, so that a hit in it can be found again."""


Document = tuple[Block, ...]


def heading(text: str) -> Block:
    """A line above what belongs together."""
    return Block(text, "heading")


def labelled(pairs: Iterable[tuple[str, str]], style: str = "plain", field: str = "") -> Document:
    """A block for each (label, text) that has a text."""
    return tuple(Block(text, style, label=label, field=field) for label, text in pairs if text)


def label_width(document: Document) -> int:
    """Cells of the column that holds the labels; 0 where there are none."""
    return min(max((len(block.label) for block in document), default=0), _WIDEST_LABEL)
