"""A film that was seen with what was found on it: dots with their marks, and a sign for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clinseek_core.imaging.viewing import SeenFilm
from clinseek_tui.film.cells import Dots, outlined, sign, spot
from clinseek_tui.view.film import Mark

__all__ = ["DrawnFilm", "drawn_film"]


class DrawnFilm(NamedTuple):
    """What is drawn, in whatever way."""

    dots: Dots
    colours: tuple[tuple[int, int, int], ...]
    signs: tuple[tuple[int, int, str], ...]
    """Column and row of a dot, and what stands there."""


def drawn_film(seen: SeenFilm, marks: Sequence[Mark]) -> DrawnFilm:
    """The film's dots with each mark outlined: by the recorded picture where that has it, else by its box."""
    dots = Dots(seen.width, seen.height, seen.greys, _numbered(seen, marks))
    tinted = bool(seen.outlines)
    boxes = [(n, mark.box) for n, mark in enumerate(marks, 1) if not (mark.tinted and tinted)]
    if boxes:
        dots = outlined(dots, boxes, seen.box)
    places = ((spot(mark.x, mark.y, dots, seen.box), sign(n)) for n, mark in enumerate(marks, 1))
    signs = tuple((*place, text) for place, text in places if place is not None)
    return DrawnFilm(dots, tuple(mark.colour for mark in marks), signs)


def _numbered(seen: SeenFilm, marks: Sequence[Mark]) -> bytes:
    """The outlines that came with the recorded picture, by the numbers of the marks."""
    if not seen.outlines or not marks:
        return b""
    first = sum(not mark.tinted for mark in marks)
    return bytes(value and value + first for value in seen.outlines)
