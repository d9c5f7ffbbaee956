"""Untrusted text broken into rows of cells, lazily, so that a text of any size opens at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size

from clinseek_core.text import visible

__all__ = ["Span", "parted", "shown", "wrapped"]

_TAB = 4
_WORD = 3
"""A row is broken at a space only beyond its first third: a long word is cut rather than moved down."""
_JOINERS = {0x200D: None, 0xFE0F: None}
_CROWD = 4
"""Characters a cell may hold on average: text that takes no room (combining marks) still ends its row."""


class Span(NamedTuple):
    """Characters `start` to `end` of a text on one row, and what joins the next row to it."""

    start: int
    end: int
    joint: str
    r"""`\n` at the end of a line, a space or nothing where a line goes on in the next row."""


def wrapped(text: str, width: int) -> Iterator[Span]:
    """Yield the rows of `text` in `width` cells: broken at spaces where possible, cut where not."""
    position, size = 0, len(text)
    while position <= size:
        found = text.find("\n", position)
        stop = size if found < 0 else found
        end = stop - 1 if found > position and text[stop - 1] == "\r" else stop
        yield from _line(text, position, end, max(width, 2))
        position = stop + 1


def parted(text: str) -> str:
    """`text` without the two characters by which a terminal may draw several cells as fewer or more.

    Emoji joined by a joiner, or widened by a selector, take other widths in other terminals, and a row that
    is wider than one thinks moves the frame. Their parts have one width everywhere.
    """
    return text.translate(_JOINERS)


def shown(text: str) -> str:
    """A row's characters as they are drawn: visible, and with tabs as spaces up to the next stop."""
    if text.isascii() and text.isprintable():
        return text
    if "\t" not in text:
        return parted(visible(text))
    out, column = [], 0
    for character in text:
        drawn, cells = _drawn(character, column)
        out.append(drawn)
        column += cells
    return "".join(out)


def _line(text: str, start: int, end: int, width: int) -> Iterator[Span]:
    while True:
        cut = _fitting(text, start, end, width)
        if cut >= end:
            yield Span(start, end, "\n")
            return
        space = text.rfind(" ", start + width // _WORD, cut + 1)
        if space + 1 == end:
            yield Span(start, space, "\n")
            return
        yield Span(start, space, " ") if space >= 0 else Span(start, cut, "")
        start = space + 1 if space >= 0 else cut


def _fitting(text: str, start: int, end: int, width: int) -> int:
    """Where the characters end that fit into `width` cells: at least one further than `start`."""
    window = text[start : min(end, start + width)]
    if window.isascii() and window.isprintable():
        return start + len(window)
    column, crowd = 0, start + width * _CROWD
    for index in range(start, min(end, crowd)):
        column += _drawn(text[index], column)[1]
        if column > width:
            return max(index, start + 1)
    return min(end, crowd)


def _drawn(character: str, column: int) -> tuple[str, int]:
    """A character as drawn at `column`, and its cells."""
    if character == "\t":
        blanks = _TAB - column % _TAB
        return " " * blanks, blanks
    return _picture(character)


@lru_cache(maxsize=8192)
def _picture(character: str) -> tuple[str, int]:
    drawn = parted(visible(character))
    return drawn, sum(map(get_character_cell_size, drawn))
