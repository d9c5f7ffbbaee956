"""The models whose weights can be imported, and how a file of theirs is known."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = ["KNOWN_MODELS", "KnownModel", "models_of", "recognised"]

Shapes = Mapping[str, tuple[int, ...]]

_DENSENET: dict[str, tuple[int, ...]] = {
    "features.conv0.weight": (64, 1, 7, 7),
    "classifier.weight": (18, 1024),
}
_PSPNET: dict[str, tuple[int, ...]] = {
    "convbnrelu1_1.cbr_unit.0.weight": (64, 3, 3, 3),
    "classification.weight": (14, 512, 1, 1),
}


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a tool can run here."""

    name: str
    tool: str
    says: str
    """What it is, for a person."""
    marks: dict[str, tuple[int, ...]]
    """Names and shapes of tensors that only its weights have."""
    note: str = ""
    """Told with every result."""


KNOWN_MODELS = (
    KnownModel(
        name="densenet121-res224-all",
        tool="image.chest_xray_classifier",
        says="TorchXRayVision's DenseNet-121 of all its training sets, 18 findings",
        marks=_DENSENET,
    ),
    KnownModel(
        name="densenet121-demonstration",
        tool="image.chest_xray_classifier",
        says="the same network fitted to drawn films: for demonstration, no clinical model",
        marks=_DENSENET,
        note="a demonstration fitted to drawn films: its scores mean nothing on films of people",
    ),
    KnownModel(
        name="pspnet-chestx-det",
        tool="image.chest_xray_segmentation",
        says="TorchXRayVision's PSPNet of ChestX-Det, 14 structures",
        marks=_PSPNET,
    ),
)
"""In the order in which a tool prefers them. A new row needs a builder in the worker."""


def models_of(tool: str) -> tuple[KnownModel, ...]:
    """The models that can answer a tool, the preferred one first."""
    return tuple(model for model in KNOWN_MODELS if model.tool == tool)


def recognised(shapes: Shapes) -> KnownModel | None:
    """The first model whose marks are among the names and shapes of some tensors."""
    return next((model for model in KNOWN_MODELS if _has_marks(model, shapes)), None)


def _has_marks(model: KnownModel, shapes: Shapes) -> bool:
    return all(shapes.get(name) == shape for name, shape in model.marks.items())
