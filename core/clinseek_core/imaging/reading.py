"""A film from the bytes of a file, whatever its format."""

from __future__ import annotations

import math

from clinseek_core.imaging.dicom import is_dicom, read_dicom
from clinseek_core.imaging.film import Film
from clinseek_core.imaging.picture import is_picture, read_picture
from clinseek_core.imaging.refusal import FilmError

__all__ = ["film_of"]


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
    if is_picture(data):
        return read_picture(data, asked)
    if is_dicom(data):
        return read_dicom(data, asked)
    raise FilmError("not_a_film", "it begins as no DICOM, PNG or JPEG file does")
