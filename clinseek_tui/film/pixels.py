"""Films in real pixels, by the extra `pixels`: what the terminal can is asked before the app has it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from clinseek_tui.film.cells import Dots, Drawing
from clinseek_tui.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from textual.widget import Widget

__all__ = ["Pixels", "look_for_pixels", "picture_of", "pixels_of"]

_CELL = (10, 20)
"""Pixels of a character where the terminal does not tell."""
_MOST_CELL = (16, 32)
"""More are not sent: a film of a whole screen is a megabyte then."""
_LINE = 3
"""Pixels of an outline's width."""


class Pixels(NamedTuple):
    """How a terminal is sent pixels; or why it is not."""

    widget: type[Widget] | None = None
    """A widget of textual-image, whose `image` is a picture."""
    cell: tuple[int, int] = _CELL
    """Width and height of a character in pixels."""
    says: str = ""
    """By what protocol, or what is missing."""

    @property
    def drawing(self) -> Drawing:
        """The same as a way of drawing."""
        return Drawing("pixels", f"pixels, by {self.says}", halves=self.cell[1], across=self.cell[0])


def look_for_pixels() -> Pixels:
    """What this program's terminal can; called before Textual takes the terminal over."""
    return pixels_of(terminal_of(sys.stdout, os.environ), os.environ)


def pixels_of(terminal: Terminal, environ: Mapping[str, str]) -> Pixels:
    """What a terminal can. Asks it, and reads the answer from standard input."""
    if not terminal.is_terminal or not terminal.colours or environ.get("TEXTUAL_DRIVER"):
        return Pixels(says="pixels need a terminal with colours")
    try:
        # It asks the terminal while it is imported: that must not be while the app reads keys.
        from textual_image import renderable, widget  # noqa: PLC0415 -- only where pixels are wanted
    except ImportError:
        return Pixels(says="pixels need the extra: pip install 'clinseek-tui[pixels]'")
    except Exception as error:  # noqa: BLE001 -- odd terminals make it fail in many ways; cells always work
        return Pixels(says=f"pixels can't be had here ({type(error).__name__})")
    kinds: dict[Any, tuple[type[Widget], str]] = {
        renderable.SixelImage: (widget.SixelImage, "Sixel"),
        renderable.TGPImage: (widget.TGPImage, "Kitty's protocol"),
    }
    found = kinds.get(renderable.Image)
    if found is None:
        return Pixels(says="this terminal has neither Kitty's images nor Sixel")
    width, height = terminal.cell or _CELL
    return Pixels(found[0], (min(width, _MOST_CELL[0]), min(height, _MOST_CELL[1])), found[1])


def picture_of(
    dots: Dots,
    colours: Sequence[tuple[int, int, int]],
    signs: Sequence[tuple[int, int, str]],
    size: int,
) -> Image:
    """A film's dots as a picture, with outlines of their colours, and signs of a height in pixels."""
    import PIL.Image  # noqa: PLC0415 -- heavy: loaded with the first film
    from PIL import ImageDraw, ImageFilter, ImageFont  # noqa: PLC0415

    shape = (dots.width, dots.height)
    picture = PIL.Image.frombytes("L", shape, dots.greys)
    if not dots.marks:
        return picture
    marks = PIL.Image.frombytes("L", shape, dots.marks)
    drawn = picture.convert("RGB")
    for number, colour in enumerate(colours, 1):
        only = marks.point([255 * (value == number) for value in range(256)])
        drawn.paste(colour, mask=only.filter(ImageFilter.MaxFilter(_LINE)))
    writing = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(size)
    for x, y, text in signs:
        writing.text((x, y), text, fill="white", font=font, stroke_width=2, stroke_fill="black")
    return drawn
