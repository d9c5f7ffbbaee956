"""How a film is drawn in cells: one table of painters, the best that a terminal can do first.

term-image sends pixels and paints half-blocks in 24-bit colour. With 256 colours a terminal has thirty greys,
on which a film is dithered here; without colours it is drawn in characters.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from clinseek_core.imaging.dithering import dithered
from clinseek_tui.film.cells import GREYS_256, HALF_BLOCK, RAMP
from clinseek_tui.terminal import TRUE_COLOUR, Terminal

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PAINTERS", "Box", "Painter", "box_of", "painter_for"]

_LEAST, _MOST = 4, 400
"""Cells that a film takes at least and at most, each way."""


class Box(NamedTuple):
    """The cells that a film is drawn in."""

    columns: int
    lines: int


class Painter(NamedTuple):
    """One way of drawing."""

    name: str
    says: str
    can: Callable[[Terminal], bool]
    pixels: Callable[[Box, Terminal], tuple[int, int]]
    """Width and height of the picture that fills the box."""
    lines: Callable[[Image, Box], Iterator[str]]
    """Draws a grey picture of exactly that size."""


def painter_for(terminal: Terminal) -> Painter:
    """The best painter that the terminal can show."""
    return next(painter for painter in PAINTERS.values() if painter.can(terminal))


def box_of(rows: int, columns: int, terminal: Terminal, width: int | None, below: int) -> Box:
    """The cells for a film of so many pixels: `width` columns where that is given, else what fits.

    `below` lines of the terminal are left for text.
    """
    cell = terminal.cell or (1, 2)
    ratio = rows / columns * cell[0] / cell[1]
    wide = width or terminal.columns
    if width is None and terminal.is_terminal:
        wide = min(wide, round(max(terminal.lines - below, _LEAST) / ratio))
    wide = min(max(wide, _LEAST), _MOST)
    return Box(wide, min(max(round(wide * ratio), 1), _MOST))


def _cells(box: Box, terminal: Terminal) -> tuple[int, int]:
    cell = terminal.cell or (1, 2)
    return box.columns * cell[0], box.lines * cell[1]


def _half_cells(box: Box, _: Terminal) -> tuple[int, int]:
    return box.columns, 2 * box.lines


def _characters_cells(box: Box, _: Terminal) -> tuple[int, int]:
    return box


def _by_kitty(picture: Image, box: Box) -> Iterator[str]:
    return _by_term_image("KittyImage", picture, box)


def _by_iterm2(picture: Image, box: Box) -> Iterator[str]:
    return _by_term_image("ITerm2Image", picture, box)


def _by_blocks(picture: Image, box: Box) -> Iterator[str]:
    return _by_term_image("BlockImage", picture, box)


def _by_term_image(style: str, picture: Image, box: Box) -> Iterator[str]:
    """Drawn by term-image, which asks the terminal nothing once its queries are off."""
    with warnings.catch_warnings():
        # It warns where there is no terminal, and opens the one there is.
        warnings.simplefilter("ignore")
        import term_image  # type: ignore[import-untyped]  # noqa: PLC0415 -- 250 ms, with the first film
        import term_image.image  # type: ignore[import-untyped]  # noqa: PLC0415
    term_image.disable_queries()
    term_image.set_cell_ratio(0.5)
    made: Any = getattr(term_image.image, style)
    # Whether the terminal can is known already; what would find it out is off.
    made.forced_support = True
    drawn = made(picture)
    drawn.set_size(width=box.columns, height=box.lines)
    yield from str(drawn).split("\n")


def _by_256_greys(picture: Image, box: Box) -> Iterator[str]:
    indexes = dithered(picture, [grey for grey, _ in GREYS_256])
    for line in range(box.lines):
        top, bottom = (indexes[(2 * line + half) * box.columns :][: box.columns] for half in (0, 1))
        text, before = "", (-1, -1)
        for pair in zip(top, bottom, strict=True):
            if pair != before:
                upper, lower = (GREYS_256[index][1] for index in pair)
                text += f"\x1b[38;5;{upper};48;5;{lower}m"
                before = pair
            text += HALF_BLOCK
        yield text + "\x1b[0m"


def _by_characters(picture: Image, box: Box) -> Iterator[str]:
    count = len(RAMP)
    indexes = dithered(picture, [round(255 * step / (count - 1)) for step in range(count)])
    for line in range(box.lines):
        row = indexes[line * box.columns : (line + 1) * box.columns]
        yield "".join(RAMP[index] for index in row).rstrip()


PAINTERS: dict[str, Painter] = {
    painter.name: painter
    for painter in (
        Painter(
            "kitty",
            "pixels, by Kitty's protocol",
            lambda terminal: terminal.images == "kitty",
            _cells,
            _by_kitty,
        ),
        Painter(
            "iterm2",
            "pixels, by iTerm2's protocol",
            lambda terminal: terminal.images == "iterm2",
            _cells,
            _by_iterm2,
        ),
        Painter(
            "blocks",
            "half-blocks in 24-bit colour",
            lambda terminal: terminal.utf8 and terminal.colours >= TRUE_COLOUR,
            _half_cells,
            _by_blocks,
        ),
        Painter(
            "256",
            "half-blocks in the 30 greys of 256 colours, dithered",
            lambda terminal: terminal.utf8 and terminal.colours >= 256,
            _half_cells,
            _by_256_greys,
        ),
        Painter("characters", "characters", lambda _: True, _characters_cells, _by_characters),
    )
}
