"""A PNG or JPEG file's bytes to a film."""

from __future__ import annotations

import io
import warnings as python_warnings

from clinseek_core.imaging.film import MAX_PIXELS, Exposure, Film, FilmFacts, Window
from clinseek_core.imaging.refusal import FilmError

__all__ = ["is_picture", "open_picture", "read_picture"]

_FORMATS = ("PNG", "JPEG")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_SIXTEEN_BIT = ("I", "F")
_EIGHT_BIT = (0.0, 255.0)


def is_picture(data: bytes) -> bool:
    """Whether bytes begin as a PNG or a JPEG file does."""
    return data.startswith(_MAGIC)


def read_picture(data: bytes, asked: tuple[float, float] | None = None) -> Film:
    """The film in a PNG or JPEG file's bytes; `asked` is the centre and width of a window of its values.

    Colours become their luminance (ITU-R 601-2). Greys of more than 8 bits are spread over their range where
    no window is asked for. Raises FilmError.
    """
    return open_picture(data).film(asked)


def open_picture(data: bytes) -> Exposure:
    """The film in a PNG or JPEG file's bytes before its window, decoded once. Raises FilmError."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film
    import PIL.Image  # noqa: PLC0415 - heavy: loaded with the first film
    from PIL import ImageOps  # noqa: PLC0415 - as above

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(io.BytesIO(data), formats=_FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise FilmError("too_many_pixels", f"it has {picture.height} × {picture.width} pixels")
            kind = picture.format
            upright = ImageOps.exif_transpose(picture) or picture
            deep = upright.mode.startswith(_SIXTEEN_BIT)
            values = np.asarray(upright if deep else upright.convert("L"))
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise FilmError("too_many_pixels", "it says more pixels than a film has") from error
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError) as error:
        raise FilmError("bad_pixels", f"it can't be decoded ({type(error).__name__})") from error
    span = (float(values.min()), float(values.max())) if deep else _EIGHT_BIT

    def film(asked: tuple[float, float] | None) -> Film:
        window, greys = Window(kind="as_stored"), values
        if asked is not None or deep:
            low, high = _ends(*span, asked)
            if asked is not None:
                window = Window(kind="asked", center=asked[0], width=asked[1])
            greys = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1) * 255
        facts = FilmFacts(
            format="JPEG" if kind == "JPEG" else "PNG",
            rows=greys.shape[0],
            columns=greys.shape[1],
            window=window,
        )
        return Film(np.round(greys).astype(np.uint8), facts)

    return Exposure(film, span)


def _ends(least: float, most: float, asked: tuple[float, float] | None) -> tuple[float, float]:
    if asked is not None:
        least, most = asked[0] - asked[1] / 2, asked[0] + asked[1] / 2
    return least, most if most > least else least + 1
