"""A film from the bytes of a file, whatever its format."""

from __future__ import annotations

import math

from clinseek_core.imaging.dicom import is_dicom, open_dicom
from clinseek_core.imaging.film import Exposure, Film
from clinseek_core.imaging.picture import is_picture, open_picture
from clinseek_core.imaging.refusal import FilmError

__all__ = ["exposure_of", "film_of"]


def film_of(data: bytes, center: float | None = None, width: float | None = None) -> Film:
    """The film in a DICOM, PNG or JPEG file's bytes, its format told by how they begin.

    A window holds where both of `center` and `width` are given. Raises FilmError, and ValueError for a window
    that is none.
    """
    asked = None
    if center is not None or width is not None:
        if center is None or width is None or not math.isfinite(center) or not 1 <= width < math.inf:
            raise ValueError("a window needs a finite center and a width of 1 or more")
        asked = (center, width)
    return exposure_of(data).film(asked)


def exposure_of(data: bytes) -> Exposure:
    """The film in a file's bytes before its window, decoded once. Raises FilmError."""
    if is_picture(data):
        return open_picture(data)
    if is_dicom(data):
        return open_dicom(data)
    raise FilmError("not_a_film", "it begins as no DICOM, PNG or JPEG file does")
