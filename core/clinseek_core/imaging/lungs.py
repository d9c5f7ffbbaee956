"""The lung fields of a frontal film without any model: what is darker than what is around it.

The film's slow changes are taken off first, so that one threshold fits bases and apices. Thresholds are tried
from dark to bright; on either side of the middle the largest and most convex region wins that does not touch
the film's border. Where disease makes a lung opaque, that part is not found: areas are then too small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from clinseek_core.imaging.regions import columns_of, hull, opened, parts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Grey = npt.NDArray[np.float64]

__all__ = ["LungFields", "cardiothoracic_ratio", "lung_fields"]

_SIDE = 256
"""Pixels of the square that a film is looked at in, whatever its shape; lengths below are of it."""
_FINE, _WIDE = 2.2, 40.0
"""Widths of the two blurs: noise is taken off, and most of what changes as slowly as the chest is thick."""
_OF_WIDE = 0.7
_FRAME = 30
"""Left out when the range of values is taken: collimator, markers, the air beside the patient."""
_THRESHOLDS = (0.15, 0.75, 25)
_BRIGHTER_IN_HULL = 0.12
"""Ribs and vessels within a lung's hull may be so much brighter than the threshold."""
_BORDER, _LEAST_AREA, _MOST_WIDTH = 4, 1_500, 120
_LEAST_SOLIDITY, _LEAST_HEIGHT_BY_WIDTH = 0.62, 0.9
_OPENING = 2
_MEDIASTINUM, _HEART = 0.4, 0.45
"""Shares of the lungs' height: above the first the gap is the mediastinum, below the second the heart."""


class LungFields(msgspec.Struct, frozen=True):
    """Masks of the film's size; left and right are the patient's, on a film seen from the front."""

    left: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]


def lung_fields(pixels: npt.NDArray[np.uint8]) -> LungFields | None:
    """The lung fields of a film's grey values, lungs dark; None where no two regions look like lungs."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    local = _local(pixels)
    best: dict[bool, tuple[float, Mask]] = {}
    for threshold in np.linspace(*_THRESHOLDS):
        for part in parts(opened(local < threshold, _OPENING), _LEAST_AREA):
            score, on_the_right = _likeness(part), _middle(part) > _SIDE / 2
            if score > best.get(on_the_right, (0.0,))[0]:
                best[on_the_right] = score, part | (hull(part) & (local < threshold + _BRIGHTER_IN_HULL))
    if len(best) < 2:
        return None
    return LungFields(left=_large(best[True][1], pixels), right=_large(best[False][1], pixels))


def cardiothoracic_ratio(fields: LungFields) -> float | None:
    """The width of the heart by that of the chest, from the lungs' borders; None where they do not show it.

    The heart reaches from the middle of the mediastinum as far as the lungs' inner borders recede above the
    domes of the diaphragm. An estimate: a reader measures the heart's own outline.
    """
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    both = fields.left.any(axis=1) & fields.right.any(axis=1)
    rows = np.flatnonzero(both)
    if len(rows) < 2:
        return None
    right_inner = fields.right.shape[1] - 1 - fields.right[:, ::-1].argmax(axis=1)
    left_inner = fields.left.argmax(axis=1)
    top, height = rows[0], rows[-1] - rows[0]
    upper = rows[rows <= top + _MEDIASTINUM * height]
    middle = float(np.median((right_inner[upper] + left_inner[upper]) / 2))
    lower = rows[rows >= top + _HEART * height]
    to_right = (middle - right_inner)[lower[lower <= _dome(fields.right)]]
    # The heart covers the inner part of the left base: its dome is the outer part's.
    to_left = (left_inner - middle)[lower[lower <= _dome(fields.left[:, ::-1])]]
    left_outer = fields.left.shape[1] - 1 - fields.left[:, ::-1].argmax(axis=1)
    chest = float((left_outer - fields.right.argmax(axis=1))[rows].max())
    if not (len(to_right) and len(to_left)) or chest <= 0:
        return None
    ratio = (float(to_right.max()) + float(to_left.max())) / chest
    return ratio if 0 < ratio < 1 else None


def _dome(lung: Mask) -> int:
    """The row of the highest point of a lung's base, of a lung whose outer side is on the left."""
    columns = columns_of(lung)
    outer = columns[len(columns) // 6 : max(len(columns) // 2, len(columns) // 6 + 1)]
    return int((lung.shape[0] - 1 - lung[::-1, outer].argmax(axis=0)).min())


def _likeness(part: Mask) -> float:
    """How large and convex a region is; 0 where it can be no lung."""
    edges = part[:_BORDER], part[-_BORDER:], part[:, :_BORDER], part[:, -_BORDER:]
    height, width = (int(part.any(axis=axis).sum()) for axis in (1, 0))
    if any(edge.any() for edge in edges) or width > _MOST_WIDTH or height < _LEAST_HEIGHT_BY_WIDTH * width:
        return 0.0
    area = int(part.sum())
    solidity = area / int(hull(part).sum())
    return area * solidity**3 if solidity > _LEAST_SOLIDITY else 0.0


def _middle(part: Mask) -> float:
    return float(columns_of(part).mean())


def _local(pixels: npt.NDArray[np.uint8]) -> Grey:
    """The film as a square of values from 0 to 1, each told against its surroundings."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured
    from PIL import Image  # noqa: PLC0415 - as above

    picture = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    grey = _stretched(np.asarray(picture, dtype=np.float64), 0)
    return _stretched(_blurred(grey, _FINE) - _OF_WIDE * _blurred(grey, _WIDE), _FRAME)


def _stretched(values: Grey, frame: int) -> Grey:
    """Values from 0 to 1, by the percentiles of what a frame leaves."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    low, high = np.percentile(values[frame : _SIDE - frame, frame : _SIDE - frame], (1, 99))
    return np.asarray(np.clip((values - low) / max(float(high - low), 1e-6), 0.0, 1.0))


def _blurred(grey: Grey, width: float) -> Grey:
    """A Gaussian blur, as two products with the matrix that blurs one line."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    places = np.arange(_SIDE)
    weights = np.exp(-((places[:, None] - places) ** 2) / (2 * width**2))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights @ grey @ weights.T)


def _large(mask: Mask, film: npt.NDArray[np.uint8]) -> Mask:
    """A mask of the square at the film's size."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured
    from PIL import Image  # noqa: PLC0415 - as above

    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    grown = picture.resize((film.shape[1], film.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(grown) > 127
