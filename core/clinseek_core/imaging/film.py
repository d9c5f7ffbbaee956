"""A film as it is shown: grey values for a screen, and the few facts of its header that may be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["MAX_PIXELS", "Exposure", "Film", "FilmFacts", "Window", "WindowKind"]

MAX_PIXELS = 50_000_000
"""A detector of 43 cm at 0.1 mm has 18 million."""

WindowKind = Literal["asked", "voi_lut", "linear", "linear_exact", "sigmoid", "percentile", "as_stored"]


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How stored values became grey: by what rule, and its centre and width where it has them."""

    kind: WindowKind
    center: float | None = None
    width: float | None = None


class FilmFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told of a film. No name, id, date, institution, comment or free text is ever among it."""

    format: Literal["DICOM", "PNG", "JPEG"]
    rows: int
    columns: int
    window: Window
    modality: str = ""
    sop_class: str = ""
    transfer_syntax: str = ""
    view_position: str = ""
    patient_orientation: str = ""
    photometric_interpretation: str = ""
    bits_stored: int | None = None
    spacing_mm: tuple[float, float] | None = None
    """Between rows, between columns; None where the file does not say."""
    spacing_source: str = ""
    """The DICOM attribute that says so. ImagerPixelSpacing is at the detector: the body is magnified."""
    burned_in_annotation: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Film:
    """8-bit grey values, rows x columns, 0 black and 255 white, and the film's facts."""

    pixels: npt.NDArray[np.uint8]
    facts: FilmFacts


@dataclass(frozen=True)
class Exposure:
    """A film before its window."""

    film: Callable[[tuple[float, float] | None], Film]
    """Its grey values by a window (centre and width), or by its own where that is None; raises FilmError."""
    span: tuple[float, float]
    """Its least and its highest value, in those that a window is given in."""
