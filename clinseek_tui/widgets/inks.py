"""The colours of a film's cells as Rich draws them."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.style import Style

from clinseek_tui.film.cells import Ink
from clinseek_tui.widgets.painted import Piece

__all__ = ["GROUND", "ink_style", "with_sign"]

GROUND = (0, 0, 0)
_INK = (208, 208, 208)
_SIGN = (255, 255, 255)


def with_sign(line: list[Piece], column: int, text: str) -> list[Piece]:
    """A line with a sign written over one cell."""
    out: list[Piece] = []
    at = 0
    for piece, style in line:
        if at <= column < at + len(piece):
            out += [
                (piece[: column - at], style),
                (text, ink_style(_SIGN, GROUND) + Style(bold=True)),
                (piece[column - at + 1 :], style),
            ]
        else:
            out.append((piece, style))
        at += len(piece)
    return [piece for piece in out if piece[0]]


@lru_cache(maxsize=8192)
def ink_style(upper: Ink, lower: Ink) -> Style:
    """The colours of a cell; light on dark where they are those of text."""
    return Style(
        color=_colour(_INK if upper is None else upper), bgcolor=_colour(GROUND if lower is None else lower)
    )


@lru_cache(maxsize=1024)
def _colour(ink: Ink) -> Color:
    if isinstance(ink, int):
        return Color.from_ansi(ink)
    return Color.from_rgb(*(ink or GROUND))
