"""A film as cells of a screen: two dots a cell in colours, or a character. Dots in, runs of text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from clinseek_core.imaging.boxes import Box

__all__ = [
    "DRAWINGS",
    "GREYS_256",
    "HALF_BLOCK",
    "RAMP",
    "Dots",
    "Drawing",
    "Ink",
    "Run",
    "outlined",
    "rows_of",
    "sign",
    "spot",
]

HALF_BLOCK = "▀"
RAMP = " .:-=+*#%@"
GREYS_256 = tuple(
    sorted(
        [(8 + 10 * step, 232 + step) for step in range(24)]
        + [(level, 16 + 43 * step) for step, level in enumerate((0, 95, 135, 175, 215, 255))]
    )
)
"""Grey value and number of the greys among xterm's 256 colours."""

_SIGNS = "123456789abcdefghijklmnopqrstuvwxyz"
Ink = tuple[int, int, int] | int | None
"""A colour: red, green and blue, or its number among 256; None for that of the text."""
_BLACK: Ink = (0, 0, 0)


class Drawing(NamedTuple):
    """How a film is drawn."""

    name: str
    says: str
    halves: int
    """Dots of a cell, one above the other."""
    levels: tuple[int, ...] = ()
    """The greys there are; all where none are named."""
    across: int = 1
    """Dots of a cell, side by side."""

    @property
    def tall(self) -> float:
        """Height of a dot in widths of one; a cell is twice as high as it is wide."""
        return 2 * self.across / self.halves

    def grey(self, value: int) -> Ink:
        """The colour of a dot: of a grey value, or of the index of a level."""
        return GREYS_256[value][1] if self.levels else (value, value, value)


DRAWINGS = {
    drawing.name: drawing
    for drawing in (
        Drawing("blocks", "half-blocks in 24-bit colour", 2),
        Drawing("256", "half-blocks in 30 greys, dithered", 2, tuple(grey for grey, _ in GREYS_256)),
        Drawing(
            "characters",
            "characters, light ones for light greys",
            1,
            tuple(round(255 * step / (len(RAMP) - 1)) for step in range(len(RAMP))),
        ),
    )
}


class Dots(NamedTuple):
    """A part of a film, dot by dot, row by row."""

    width: int
    height: int
    greys: bytes
    """Values, or indexes of the drawing's levels."""
    marks: bytes = b""
    """What is drawn over a dot: 0 for nothing, else 1 and an index in the colours; empty for none."""


class Run(NamedTuple):
    """Cells of the same colours."""

    text: str
    upper: Ink = None
    lower: Ink = None


def sign(mark: int) -> str:
    """The character that stands for a mark, beside its colour or in place of it."""
    return _SIGNS[(mark - 1) % len(_SIGNS)]


def rows_of(dots: Dots, drawing: Drawing, colours: Sequence[tuple[int, int, int]]) -> list[list[Run]]:
    """The lines of cells, each exactly `dots.width` cells wide."""
    if drawing.halves == 1:
        return [[Run("".join(_character(dots, y, x) for x in range(dots.width)))] for y in range(dots.height)]
    inks = [drawing.grey(value) for value in range(len(drawing.levels) or 256)]
    return [list(_cells(dots, y, inks, colours)) for y in range(0, dots.height, 2)]


def _character(dots: Dots, y: int, x: int) -> str:
    place = y * dots.width + x
    mark = dots.marks[place] if dots.marks else 0
    return sign(mark) if mark else RAMP[dots.greys[place]]


def _cells(dots: Dots, y: int, inks: Sequence[Ink], colours: Sequence[tuple[int, int, int]]) -> Iterator[Run]:
    rows = [list(_row(dots, row, inks, colours)) for row in (y, y + 1)]
    for (upper, lower), same in groupby(zip(*rows, strict=True)):
        yield Run(HALF_BLOCK * len(list(same)), upper, lower)


def _row(dots: Dots, y: int, inks: Sequence[Ink], colours: Sequence[tuple[int, int, int]]) -> Iterator[Ink]:
    if y >= dots.height:
        yield from [_BLACK] * dots.width
        return
    start, end = y * dots.width, (y + 1) * dots.width
    if not dots.marks:
        yield from (inks[value] for value in dots.greys[start:end])
        return
    for value, mark in zip(dots.greys[start:end], dots.marks[start:end], strict=True):
        yield colours[(mark - 1) % len(colours)] if mark else inks[value]


def outlined(dots: Dots, boxes: Iterable[tuple[int, Box]], part: tuple[float, float, float, float]) -> Dots:
    """The dots with the borders of boxes, each with its mark, where they lie in this part of the film."""
    marks = bytearray(dots.marks or bytes(dots.width * dots.height))
    for mark, box in boxes:
        left, top = _dot(box.x1, box.y1, dots, part)
        right, bottom = _dot(box.x2, box.y2, dots, part)
        for x in range(max(left, 0), min(right, dots.width - 1) + 1):
            for y in (top, bottom):
                if 0 <= y < dots.height:
                    marks[y * dots.width + x] = mark
        for y in range(max(top, 0), min(bottom, dots.height - 1) + 1):
            for x in (left, right):
                if 0 <= x < dots.width:
                    marks[y * dots.width + x] = mark
    return dots._replace(marks=bytes(marks))


def spot(x: float, y: float, dots: Dots, part: tuple[float, float, float, float]) -> tuple[int, int] | None:
    """The dot of a place given in shares of the film: column and row; None where it is out of sight."""
    column, row = _dot(x, y, dots, part)
    return (column, row) if 0 <= column < dots.width and 0 <= row < dots.height else None


def _dot(x: float, y: float, dots: Dots, part: tuple[float, float, float, float]) -> tuple[int, int]:
    left, top, right, bottom = part
    across = (x - left) / max(right - left, 1e-9) * (dots.width - 1)
    down = (y - top) / max(bottom - top, 1e-9) * (dots.height - 1)
    # Far outside is far enough: a share is finite, but a part may be very small.
    return round(min(max(across, -1e6), 1e6)), round(min(max(down, -1e6), 1e6))
