"""What was found on a film, drawn on it: coloured structures, or boxes with their labels."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clinseek_core.imaging.boxes import Box
from clinseek_core.imaging.structures import COLOURS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image as Picture

__all__ = ["TINT", "draw_boxes", "draw_masks"]

_EDGE = 1024
"""Pixels of the longer side, at most."""
TINT = 0.35
"""Share of its colour in a structure's pixels."""
_BOX = (255, 176, 0)
_LABEL = 40


def draw_masks(pixels: npt.NDArray[np.uint8], masks: Mapping[str, npt.NDArray[np.bool_]]) -> bytes:
    """A PNG of the film with each structure tinted in its colour."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured
    from PIL import Image  # noqa: PLC0415 - as above

    picture = Image.fromarray(pixels)
    picture.thumbnail((_EDGE, _EDGE), Image.Resampling.BOX)
    shown = np.repeat(np.asarray(picture, dtype=np.float32)[..., None], 3, axis=2)
    for name, mask in masks.items():
        small = np.asarray(Image.fromarray(mask).resize(picture.size, Image.Resampling.NEAREST))
        shown[small] = shown[small] * (1 - TINT) + np.array(COLOURS[name], np.float32) * TINT
    return _png(Image.fromarray(shown.astype(np.uint8)))


def draw_boxes(film: bytes, boxes: Sequence[Box]) -> bytes:
    """A PNG of the film, given as one, with each box and its label."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - heavy: loaded where boxes are drawn

    picture = Image.open(io.BytesIO(film), formats=("PNG",)).convert("RGB")
    picture.thumbnail((_EDGE, _EDGE), Image.Resampling.BOX)
    drawing = ImageDraw.Draw(picture)
    for box in boxes:
        corners = box.on(picture.height, picture.width)
        drawing.rectangle(corners, outline=_BOX, width=2)
        label = box.label[:_LABEL].encode("latin-1", "replace").decode("latin-1")
        drawing.text((corners[0] + 4, corners[1] + 4), label, fill=_BOX)
    return _png(picture)


def _png(picture: Picture) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()
