"""Greys of a picture as the nearest of a few, so that the eye sees the others between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["dithered"]


def dithered(picture: Image, greys: Sequence[int]) -> bytes:
    """For each pixel which grey to draw, what it is off spread over those after it (Floyd-Steinberg)."""
    import PIL.Image  # noqa: PLC0415 - heavy: loaded with the first film

    palette = PIL.Image.new("P", (1, 1))
    padded = [*greys, *[greys[-1]] * (256 - len(greys))]
    palette.putpalette([value for grey in padded for value in (grey, grey, grey)])
    made = picture.convert("RGB").quantize(palette=palette, dither=PIL.Image.Dither.FLOYDSTEINBERG)
    return bytes(min(index, len(greys) - 1) for index in made.tobytes())
