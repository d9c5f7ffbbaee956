"""The page of keys, made from the commands."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from clinseek_replay.glyphs import CUT, SIGNS, STATUS, TOOLS
from clinseek_tui.keys import Command
from clinseek_tui.view.blocks import Block, Document, heading

__all__ = ["help_page"]

_MOUSE = (
    Block("choose a row of the timeline, a row of the table", label="click"),
    Block("select text in a pane; ctrl+c copies it", label="drag"),
    Block("select as the terminal does, over all panes", label="shift+drag"),
)
_SIGNS = tuple(
    Block(glyph.meaning, label=glyph.unicode)
    for glyph in (*(glyph for _, glyph in TOOLS), *STATUS.values(), CUT, *SIGNS.values())
)


def help_page(commands: Iterable[Command]) -> Document:
    """Each command with its keys and what it does, by groups."""
    blocks: list[Block] = []
    for group, members in groupby(commands, attrgetter("group")):
        blocks += (Block(""), heading(group))
        blocks += (Block(command.help, label=command.shown, label_style="accent") for command in members)
    return (*blocks[1:], Block(""), heading("Mouse"), *_MOUSE, Block(""), heading("Signs"), *_SIGNS)
