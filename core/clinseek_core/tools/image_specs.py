"""The image tools as a model sees them: the paper's six, with the reference implementation's arguments."""

from __future__ import annotations

from typing import Any

from clinseek_core.tools.spec import ToolSpec

__all__ = ["IMAGE_TOOLS"]

_PATH = {"type": "string", "description": "A film of this case, as the case or an earlier result names it."}
_TEXT = {"type": "string"}


def _tool(
    name: str, description: str, required: dict[str, Any], optional: dict[str, Any] | None = None
) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": required | (optional or {}),
            "required": list(required),
            "additionalProperties": False,
        },
    )


IMAGE_TOOLS: tuple[ToolSpec, ...] = (
    _tool(
        "image.dicom_processor",
        "Make a picture of a DICOM film, with its own window or the one given, and tell its view, size and "
        "pixel spacing. Call it first for a .dcm file.",
        {"dicom_path": _PATH},
        {
            "window_center": {"type": "number", "description": "Of the window, in stored (rescaled) values."},
            "window_width": {"type": "number", "description": "Of the window; give both or neither."},
        },
    ),
    _tool(
        "image.image_visualizer",
        "Show a film to the person who follows this run, and tell its size.",
        {"image_path": _PATH},
        {
            "title": _TEXT,
            "description": _TEXT,
            "figsize": {"type": "array", "items": {"type": "number"}, "description": "Ignored."},
            "cmap": {"type": "string", "description": "Ignored: films are shown in grey."},
        },
    ),
    _tool(
        "image.chest_xray_classifier",
        "Score a frontal chest film for 18 findings, each from 0 to 1. 0.5 is each finding's operating point:"
        " scores near it say little, and a score is no probability.",
        {"image_path": _PATH},
    ),
    _tool(
        "image.chest_xray_report_generator",
        "Write findings and impression of a chest film.",
        {"image_path": _PATH},
    ),
    _tool(
        "image.xray_phrase_grounding",
        "Find where on a chest film a phrase is to be seen: boxes in pixels and as shares of the film.",
        {
            "image_path": _PATH,
            "phrase": {"type": "string", "description": "For example: left pleural effusion."},
        },
        {"max_new_tokens": {"type": "integer", "description": "Ignored by most backends."}},
    ),
    _tool(
        "image.chest_xray_segmentation",
        "Outline structures of a chest film and measure them. Areas in cm² are given only where its pixel "
        "spacing is known.",
        {"image_path": _PATH},
        {
            "organs": {
                "type": "array",
                "items": _TEXT,
                "description": "For example Left Lung, Heart; all by default.",
            }
        },
    ),
)
