"""What an image tool said of a film: scores, boxes, structures, a report; read from the result's JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from clinseek_core.imaging.boxes import BadBoxError, Box, box_from
from clinseek_core.journal import ImageRef
from clinseek_replay.trajectory import Call

__all__ = ["FilmAnswer", "Structure", "answer_of"]

_MOST_CHARACTERS = 1_000_000
_MOST = 100
"""Scores, boxes and structures that are taken of a result."""
_CORNERS = 4


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """A structure that a segmentation found, in shares of the film."""

    name: str
    box: Box
    x: float
    y: float
    """Its middle."""
    area_pixels: int
    area_cm2: float | None = None


class FilmAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A result of an image tool. All texts are untrusted."""

    film: str = ""
    """The film's name, as the result says it."""
    scores: tuple[tuple[str, float], ...] = ()
    """Label and score from 0 to 1, the highest first."""
    boxes: tuple[Box, ...] = ()
    structures: tuple[Structure, ...] = ()
    overlay: ImageRef | None = None
    """The film with what was found drawn on it, kept beside the recording."""
    ratio: float | None = None
    """Cardiothoracic."""
    findings: str = ""
    impression: str = ""
    window: tuple[float, float] | None = None
    """That was asked for."""
    model: str = ""
    note: str = ""
    error: str = ""


def answer_of(call: Call) -> FilmAnswer | None:
    """What an image tool gave; None for other calls, and for a result that is no JSON of such a tool."""
    result = call.result
    if result is None or not call.name.startswith("image.") or len(result.text) > _MOST_CHARACTERS:
        return None
    try:
        told = json.loads(result.text)
    except (ValueError, RecursionError):
        return None
    if isinstance(told, list) and len(told) == 2:
        told = {"output": told[0], "metadata": told[1]}
    if not isinstance(told, dict) or not isinstance(told.get("output"), dict):
        return None
    output = told["output"]
    metadata = told["metadata"] if isinstance(told.get("metadata"), dict) else {}
    size = _size(metadata.get("original_size"))
    structures = tuple(_structures(output.get("metrics"), size))
    drawn = result.images if call.name == "image.chest_xray_segmentation" else ()
    return FilmAnswer(
        film=_text(metadata.get("image_path")) or _text(metadata.get("original_path")),
        scores=_scores(output) if call.name == "image.chest_xray_classifier" else (),
        boxes=tuple(_boxes(output.get("predictions"), size)),
        structures=structures,
        overlay=drawn[0] if drawn else None,
        ratio=_number(metadata.get("cardiothoracic_ratio")),
        findings=_text(output.get("findings")) or _text(output.get("report")),
        impression=_text(output.get("impression")),
        window=_window(call.arguments or {}),
        model=_text(metadata.get("model")),
        note=_text(metadata.get("note")),
        error=_text(output.get("error")),
    )


def _scores(output: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    told = ((str(label), _number(score)) for label, score in list(output.items())[:_MOST])
    scores = [(label, score) for label, score in told if score is not None and 0 <= score <= 1]
    return tuple(sorted(scores, key=lambda pair: (-pair[1], pair[0])))


def _boxes(predictions: Any, size: tuple[float, float] | None) -> Iterator[Box]:
    """The boxes of the phrases, in shares; from pixels where a prediction has no shares."""
    for prediction in predictions[:_MOST] if isinstance(predictions, list) else ():
        if not isinstance(prediction, dict) or not isinstance(prediction.get("bounding_boxes"), dict):
            continue
        label, told = _text(prediction.get("phrase")), prediction["bounding_boxes"]
        shares, pixels = told.get("model_coordinates"), told.get("image_coordinates")
        if isinstance(shares, list) and shares:
            yield from _each(shares, label, (1.0, 1.0))
        elif isinstance(pixels, list) and size is not None:
            yield from _each(pixels, label, size)


def _each(corners: list[Any], label: str, size: tuple[float, float]) -> Iterator[Box]:
    # One box may stand there without a list around it.
    listed = [corners] if len(corners) == _CORNERS and not isinstance(corners[0], list) else corners
    for one in listed[:_MOST]:
        box = _box(one, label, size)
        if box is not None:
            yield box


def _box(corners: Any, label: str, size: tuple[float, float]) -> Box | None:
    """A box of x1, y1, x2, y2; None where it is none on the film."""
    numbers = [_number(value) for value in corners] if isinstance(corners, list) else []
    if len(numbers) != _CORNERS or None in numbers:
        return None
    shares = (number / scale for number, scale in zip(numbers, size * 2, strict=True) if number is not None)
    try:
        return box_from(dict(zip(("x1", "y1", "x2", "y2"), shares, strict=True)), label)
    except BadBoxError:
        return None


def _structures(metrics: Any, size: tuple[float, float] | None) -> Iterator[Structure]:
    """Those that were found, by their measures in pixels of the film."""
    if not isinstance(metrics, dict) or size is None:
        return
    for name, measures in list(metrics.items())[:_MOST]:
        if not isinstance(measures, dict) or not isinstance(measures.get("bbox"), list):
            continue
        top, left, bottom, right = (measures["bbox"] + [None] * _CORNERS)[:_CORNERS]
        box = _box([left, top, right, bottom], str(name), size)
        area = _number(measures.get("area_pixels"))
        if box is None or area is None:
            continue
        middle = measures.get("centroid")
        y, x = (
            (_number(value) for value in middle)
            if isinstance(middle, list) and len(middle) == 2
            else (None,) * 2
        )
        yield Structure(
            name=str(name),
            box=box,
            x=(box.x1 + box.x2) / 2 if x is None else min(max(x / size[0], 0.0), 1.0),
            y=(box.y1 + box.y2) / 2 if y is None else min(max(y / size[1], 0.0), 1.0),
            area_pixels=int(area),
            area_cm2=_number(measures.get("area_cm2")),
        )


def _window(arguments: dict[str, Any]) -> tuple[float, float] | None:
    center, width = (_number(arguments.get(key)) for key in ("window_center", "window_width"))
    return (center, width) if center is not None and width is not None and width >= 1 else None


def _size(value: Any) -> tuple[float, float] | None:
    """Columns and rows of the film that was looked at."""
    sides = [_number(side) for side in value] if isinstance(value, list) else []
    if len(sides) != 2 or sides[0] is None or sides[1] is None or min(sides[0], sides[1]) < 1:
        return None
    return sides[0], sides[1]


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
