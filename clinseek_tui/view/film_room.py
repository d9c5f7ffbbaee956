"""Where films, and the text beside them, are drawn in a pane of any size."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["Room", "room_for"]

_LEAST_SIDE, _MOST_SIDE = 26, 60
"""Cells of what stands beside a film."""
_LEAST_FILM = 30
_LEAST_OF_TWO = 44
"""A film gets so many cells, and each of two, before anything stands beside it."""


class Room(NamedTuple):
    """Where things are drawn: the cells of each film, and of the text beside them."""

    films: tuple[tuple[int, int], ...]
    """First column and columns of each."""
    lines: int
    """Of a film; a line with its caption follows."""
    side: int
    """First column of the text."""
    side_width: int
    """0 where there is no room for it."""


def room_for(width: int, height: int, count: int, ratio: float, zoomed: bool) -> Room:
    """The room of `count` films side by side; `ratio` is the height of the film by its width.

    A whole film takes no more columns than it fills, and the text gets the others.
    """
    lines = max(height - 1, 1)
    needed = max(math.ceil(2 * lines / ratio), 4)
    beside_it = width - count * (needed + 1)
    film = _LEAST_FILM if count == 1 else _LEAST_OF_TWO
    least = _LEAST_SIDE if width >= count * (film + 1) + _LEAST_SIDE else 0
    side = min(max(beside_it, least), _MOST_SIDE) if least else 0
    each = max((width - side) // count - (1 if side or count > 1 else 0), 1)
    columns = each if zoomed else min(each, needed)
    films = tuple((place * (columns + 1), columns) for place in range(count))
    begin = count * (columns + 1)
    return Room(films, lines, begin, max(width - begin, 0) if side else 0)
