"""What is seen of a film: a part of it at the size of a screen, with the outlines that a tool drew on it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from clinseek_core.imaging.dithering import dithered
from clinseek_core.imaging.film import MAX_PIXELS, FilmFacts
from clinseek_core.imaging.overlay import TINT
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.imaging.structures import COLOURS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Labels = npt.NDArray[np.uint8]

__all__ = ["MOST_ZOOM", "FilmView", "Part", "SeenFilm", "greys_of", "labels_of", "outlines_of", "part_of"]

MOST_ZOOM = 64.0
_TINTED = 10
"""By how much the colours of a pixel differ at least where a structure was tinted on a grey film."""
_SAME_SHAPE = 0.02


class FilmView(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked to be seen: the room there is, and which part of the film is to fill it."""

    width: int
    height: int
    """Dots of the screen."""
    tall: float = 1.0
    """Height of a dot in widths of one: 1 for half-blocks, 2 for characters."""
    zoom: float = 1.0
    """1 shows the whole film."""
    x: float = 0.5
    y: float = 0.5
    """The middle of what is shown, in shares of the film."""
    window: tuple[float, float] | None = None
    """Centre and width; the film's own where it is None."""
    levels: tuple[int, ...] = ()
    """The greys that can be drawn; all 256 where none are named."""
    names: tuple[str, ...] = ()
    """The structures that were tinted on a picture of the film, for their outlines."""


class SeenFilm(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a film, dot by dot."""

    facts: FilmFacts
    span: tuple[float, float]
    """Least and highest value, in those that a window is given in."""
    box: tuple[float, float, float, float]
    """Left, top, right and bottom of the part, in shares of the film."""
    width: int
    height: int
    greys: bytes
    """Row by row, from 0 to 255; indexes into the levels where those were named."""
    outlines: bytes = b""
    """Row by row, 0 or 1 and the index in `names`; empty where there are none."""


class Part(NamedTuple):
    """A part of a film in its pixels, and the dots that it takes."""

    left: float
    top: float
    right: float
    bottom: float
    width: int
    height: int

    def shares(self, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Its borders in shares of the film."""
        return self.left / columns, self.top / rows, self.right / columns, self.bottom / rows


def part_of(rows: int, columns: int, view: FilmView) -> Part:
    """The part of a film of so many pixels that a view shows: never beyond the film's edge."""
    zoom = min(max(view.zoom, 1.0), MOST_ZOOM)
    scale = zoom * min(view.width / columns, view.height * view.tall / rows)
    wide, high = min(columns, view.width / scale), min(rows, view.height * view.tall / scale)
    left = min(max(view.x * columns - wide / 2, 0.0), columns - wide)
    top = min(max(view.y * rows - high / 2, 0.0), rows - high)
    dots = round(wide * scale), round(high * scale / view.tall)
    width, height = (
        min(max(dot, 1), most) for dot, most in zip(dots, (view.width, view.height), strict=True)
    )
    return Part(left, top, min(left + wide, columns), min(top + high, rows), width, height)


def greys_of(pixels: npt.NDArray[np.uint8], part: Part, levels: Sequence[int]) -> bytes:
    """The part's dots: means of the pixels under each, or between pixels where there are fewer of these."""
    from PIL import Image  # noqa: PLC0415 - heavy: loaded with the first film

    finer = part.right - part.left >= part.width
    drawn = Image.fromarray(pixels).resize(
        (part.width, part.height),
        Image.Resampling.BOX if finer else Image.Resampling.BILINEAR,
        box=part[:4],
    )
    return dithered(drawn, levels) if levels else drawn.tobytes()


def labels_of(picture: bytes, names: Sequence[str], rows: int, columns: int) -> Labels:
    """Which structure each pixel of a tinted picture belongs to: 0 for none, else 1 and its index in `names`.

    Empty where the picture is of another shape than the film. Raises FilmError for what is no picture.
    """
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film
    from PIL import Image  # noqa: PLC0415 - as above

    known = [(1 + index, COLOURS[name]) for index, name in enumerate(names) if name in COLOURS]
    try:
        opened = Image.open(io.BytesIO(picture), formats=("PNG",))
        fits = opened.width * opened.height <= MAX_PIXELS
        alike = fits and abs(opened.width * rows / (opened.height * columns) - 1) < _SAME_SHAPE
        if not (alike and known):
            return np.zeros((0, 0), np.uint8)
        shown = np.asarray(opened.convert("RGB"), dtype=np.float32)
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError, Image.DecompressionBombError) as error:
        raise FilmError("bad_pixels", f"its outlines can't be decoded ({type(error).__name__})") from error
    # What was tinted on grey differs from grey by a share of the tint, whatever the grey is.
    tints = shown - shown.mean(axis=2, keepdims=True)
    colours = np.array([colour for _, colour in known], dtype=np.float32)
    expected = TINT * (colours - colours.mean(axis=1, keepdims=True))
    tinted = tints.max(axis=2) - tints.min(axis=2) > _TINTED
    # The nearest by the squares of the differences, without the part that is the same for all.
    nearest = ((expected**2).sum(axis=1) - 2 * tints[tinted] @ expected.T).argmin(axis=1)
    labels = np.zeros(tinted.shape, np.uint8)
    labels[tinted] = np.array([label for label, _ in known], np.uint8)[nearest]
    return labels


def outlines_of(labels: Labels, rows: int, columns: int, part: Part) -> bytes:
    """Per dot of the part the structure whose border runs there, 0 elsewhere."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film
    from PIL import Image  # noqa: PLC0415 - as above

    if not labels.size:
        return b""
    high, wide = labels.shape
    down, across = high / rows, wide / columns
    right, bottom = min(part.right * across, wide), min(part.bottom * down, high)
    box = part.left * across, part.top * down, right, bottom
    size = (part.width, part.height)
    seen = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST, box=box))
    edge = np.zeros(seen.shape, bool)
    edge[1:] |= seen[1:] != seen[:-1]
    edge[:-1] |= seen[1:] != seen[:-1]
    edge[:, 1:] |= seen[:, 1:] != seen[:, :-1]
    edge[:, :-1] |= seen[:, 1:] != seen[:, :-1]
    return np.where(edge, seen, 0).astype(np.uint8).tobytes()
