"""The structures that segmentation knows, and what is measured of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinseek_core.imaging.regions import columns_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

__all__ = ["COLOURS", "STRUCTURES", "area_cm2", "heart_by_chest", "measured"]

STRUCTURES = (
    "Left Clavicle",
    "Right Clavicle",
    "Left Scapula",
    "Right Scapula",
    "Left Lung",
    "Right Lung",
    "Left Hilus Pulmonis",
    "Right Hilus Pulmonis",
    "Heart",
    "Aorta",
    "Facies Diaphragmatica",
    "Mediastinum",
    "Weasand",
    "Spine",
)
"""In the order of the channels of TorchXRayVision's PSPNet."""

COLOURS: dict[str, tuple[int, int, int]] = dict(
    zip(
        STRUCTURES,
        (
            (240, 228, 66), (200, 190, 40), (150, 200, 120), (110, 170, 80), (86, 180, 233),
            (0, 114, 178), (204, 121, 167), (160, 80, 130), (213, 94, 0), (230, 159, 0),
            (0, 158, 115), (180, 180, 255), (255, 180, 180), (220, 220, 220),
        ),
        strict=True,
    )
)  # fmt: skip
"""For overlays; the main ones by Okabe and Ito, which colour-blind readers tell apart."""


def measured(mask: Mask, pixels: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """What the reference implementation tells of a mask, in pixels of the film; of an empty one the area.

    Places are row and column; intensities are grey values from 0 to 255.
    """
    import numpy as np  # noqa: PLC0415 - heavy: loaded where films are measured

    rows, columns = np.nonzero(mask)
    if not len(rows):
        return {"area_pixels": 0}
    top, left, bottom, right = (
        int(rows.min()),
        int(columns.min()),
        int(rows.max()) + 1,
        int(columns.max()) + 1,
    )
    center = float(rows.mean()), float(columns.mean())
    height, width = mask.shape
    inside = pixels[mask]
    return {
        "area_pixels": len(rows),
        "centroid": [round(value, 1) for value in center],
        "bbox": [top, left, bottom, right],
        "width": right - left,
        "height": bottom - top,
        "aspect_ratio": round((right - left) / (bottom - top), 3),
        "relative_position": {
            "top": round(top / height, 3),
            "left": round(left / width, 3),
            "center_dist": round(float(np.hypot(center[0] / height - 0.5, center[1] / width - 0.5)), 3),
        },
        "mean_intensity": round(float(inside.mean()), 1),
        "std_intensity": round(float(inside.std()), 1),
    }


def area_cm2(area_pixels: int, spacing_mm: tuple[float, float]) -> float:
    """An area on the film, in cm², of pixels so many mm apart."""
    return round(area_pixels * spacing_mm[0] * spacing_mm[1] / 100, 2)


def heart_by_chest(heart: Mask, lungs: Mask) -> float | None:
    """The cardiothoracic ratio: the heart's width by that of both lungs; None where one is empty."""
    heart_columns, lung_columns = columns_of(heart), columns_of(lungs)
    if not (len(heart_columns) and len(lung_columns)):
        return None
    spans = (int(columns[-1] - columns[0]) + 1 for columns in (heart_columns, lung_columns))
    ratio = next(spans) / next(spans)
    return round(ratio, 3)
