"""Boxes on a film, in the forms that models write them, and as a result tells them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = ["MAX_BOXES", "BadBoxError", "Box", "box_from", "predictions"]

MAX_BOXES = 20
_MAX_LABEL = 120
_SLACK = 0.05
"""A share may lie so far outside of 0 to 1, by rounding, and is then clamped."""
_CORNERS = ("x1", "y1", "x2", "y2")
_PER_MILLE = 1000.0


class BadBoxError(ValueError):
    """A value that is no box; its message says why."""


class Box(msgspec.Struct, frozen=True):
    """A box in shares of the film: x to the right, y downwards, from its upper left corner."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float

    def on(self, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Its corners in pixels of a film: x1, y1, x2, y2."""
        return self.x1 * columns, self.y1 * rows, self.x2 * columns, self.y2 * rows


def box_from(value: Any, label: str) -> Box:
    """The box that an object tells, as {label, x1, y1, x2, y2} in shares, or by `box_2d`.

    `box_2d` is [ymin, xmin, ymax, xmax] in thousandths of the film, as Gemini and Gemma write it. `label` is
    for a box that has none. Raises BadBoxError.
    """
    if not isinstance(value, dict):
        raise BadBoxError("a box is an object")
    told = value.get("label")
    name = " ".join(told.split())[:_MAX_LABEL] if isinstance(told, str) else ""
    if "box_2d" in value:
        numbers = _numbers(value["box_2d"])
        y1, x1, y2, x2 = (number / _PER_MILLE for number in numbers)
    else:
        x1, y1, x2, y2 = _numbers([value.get(corner) for corner in _CORNERS])
    return _clamped(name or label, (x1, y1, x2, y2))


def predictions(boxes: Sequence[Box], rows: int, columns: int) -> list[dict[str, Any]]:
    """The boxes as the reference implementation's result has them: per phrase, as shares and in pixels."""
    told: dict[str, list[Box]] = {}
    for box in boxes:
        told.setdefault(box.label, []).append(box)
    return [
        {
            "phrase": label,
            "bounding_boxes": {
                "model_coordinates": [[round(v, 4) for v in (b.x1, b.y1, b.x2, b.y2)] for b in same],
                "image_coordinates": [[round(v, 1) for v in b.on(rows, columns)] for b in same],
            },
        }
        for label, same in told.items()
    ]


def _numbers(value: Any) -> tuple[float, float, float, float]:
    if not isinstance(value, list | tuple) or len(value) != len(_CORNERS):
        raise BadBoxError("a box has four coordinates")
    if not all(isinstance(part, int | float) and not isinstance(part, bool) for part in value):
        raise BadBoxError("a box's coordinates are numbers")
    try:
        a, b, c, d = (float(part) for part in value)
    except OverflowError:
        raise BadBoxError("a box's coordinates are numbers of a film") from None
    if not all(map(math.isfinite, (a, b, c, d))):
        raise BadBoxError("a box's coordinates are finite")
    return a, b, c, d


def _clamped(label: str, corners: tuple[float, float, float, float]) -> Box:
    if any(not -_SLACK <= share <= 1 + _SLACK for share in corners):
        raise BadBoxError("coordinates are shares of the film, from 0 to 1")
    x1, y1, x2, y2 = (min(max(share, 0.0), 1.0) for share in corners)
    if x1 >= x2 or y1 >= y2:
        raise BadBoxError("a box has x1 < x2 and y1 < y2")
    return Box(label, x1, y1, x2, y2)
