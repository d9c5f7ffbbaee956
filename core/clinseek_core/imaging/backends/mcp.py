"""An MCP server that offers the image tools, such as the reference implementation's own.

It is told the path of a film, as these servers are: it must run where it can read the file.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends.arguments import organs_of, phrase_of
from clinseek_core.imaging.backends.checked import bad_output, report_of, scores_of
from clinseek_core.imaging.backends.port import Answer, BackendError, BackendName
from clinseek_core.imaging.boxes import MAX_BOXES, BadBoxError, Box, box_from, predictions
from clinseek_core.imaging.film import FilmFacts
from clinseek_core.imaging.of_case import AskedFilm
from clinseek_core.mcp_client import McpError, McpReply, call_tool
from clinseek_core.text import one_line

__all__ = ["MCP_TOOLS", "McpBackend"]

_CLASSIFIER, _REPORT = "image.chest_xray_classifier", "image.chest_xray_report_generator"
_GROUNDING, _SEGMENTATION = "image.xray_phrase_grounding", "image.chest_xray_segmentation"
MCP_TOOLS = (_CLASSIFIER, _REPORT, _GROUNDING, _SEGMENTATION)
_SECONDS = 180.0
_MAX_PICTURE = 16 * 1024 * 1024
_SPACING_TOLERANCE = 0.01
_NO_AREAS = "areas in cm² were left out: the server did not take the film's own pixel spacing"


class McpBackend:
    """Asks the tools of one server, under the names without `image.`."""

    name: BackendName = "mcp"

    def __init__(self, films: FilmsAtHand, url: str, deadline_s: float = _SECONDS) -> None:
        self._films = films
        self._url = url
        self._deadline_s = deadline_s

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        """Answer one call (see Backend)."""
        asked: dict[str, Any] = {"image_path": str(film.path.resolve())}
        if tool == _GROUNDING:
            asked["phrase"] = phrase_of(arguments)
        if tool == _SEGMENTATION and arguments.get("organs"):
            asked["organs"] = list(organs_of(arguments))
        # Read first: what is no film is told as such, whatever the server would say of it.
        facts = self._films.show(film, 1).facts
        output, told, reply = self._called(tool, asked)
        model = one_line(str(told.get("model") or self._url), 120)
        notes = ("a view of the film was asked for; the server reads its file",) if film.window else ()
        checked, more = _checked(tool, output, told, facts, asked.get("phrase", ""))
        return Answer(output=checked, model=model, notes=(*notes, *more), picture=_picture(reply))

    def _called(self, tool: str, asked: dict[str, Any]) -> tuple[Any, dict[str, Any], McpReply]:
        """The output and the metadata that the server tells; BackendError where it tells of a failure."""
        name = tool.removeprefix("image.")
        try:
            reply = call_tool(self._url, name, asked, deadline_s=self._deadline_s)
        except McpError as error:
            raise BackendError("backend_unavailable", str(error)) from error
        texts = [str(part.get("text", "")) for part in reply.content if part.get("type") == "text"]
        if reply.failed:
            raise BackendError("backend_unavailable", f"the server says: {one_line(' '.join(texts), 300)}")
        value = reply.structured if isinstance(reply.structured, dict) else _json(texts)
        if isinstance(value.get("result"), dict):
            value = value["result"]
        output, told = value.get("output", value), value.get("metadata")
        if isinstance(output, dict) and "error" in output:
            said = one_line(str(output["error"]), 300)
            raise BackendError("backend_unavailable", f"the server says: {said}")
        return output, told if isinstance(told, dict) else {}, reply


def _checked(
    tool: str, output: Any, told: dict[str, Any], film: FilmFacts, phrase: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The output in our form, and what is to be said of it."""
    if tool == _CLASSIFIER:
        return dict(scores_of(output)), ()
    if tool == _REPORT:
        return report_of(output), ()
    if tool == _GROUNDING:
        boxes = _boxes(output, film, phrase)
        shown = {"predictions": predictions(boxes, film.rows, film.columns), "visualization_path": None}
        return shown, () if boxes else ("nothing was found for the phrase",)
    return _metrics(output, told, film)


def _boxes(output: Any, film: FilmFacts, phrase: str) -> tuple[Box, ...]:
    """The boxes of `predictions`: in shares where none is above 1, else in pixels of the film."""
    listed = output.get("predictions") if isinstance(output, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_BOXES:
        raise bad_output(f"grounding needs a list of at most {MAX_BOXES} predictions")
    found: list[Box] = []
    for item in listed:
        inner = item.get("bounding_boxes") if isinstance(item, dict) else None
        corners = inner.get("image_coordinates") if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or not isinstance(corners, list) or len(corners) > MAX_BOXES:
            raise bad_output("a prediction needs bounding_boxes with image_coordinates")
        single = len(corners) == 4 and not any(isinstance(part, list) for part in corners)
        label = item.get("phrase")
        label = label if isinstance(label, str) and label.strip() else phrase
        found += [_box(box, label, film) for box in ([corners] if single else corners)]
    return tuple(found)


def _box(corners: Any, label: str, film: FilmFacts) -> Box:
    try:
        x1, y1, x2, y2 = (float(part) for part in corners)
        if max(x1, y1, x2, y2) > 1:
            x1, y1, x2, y2 = x1 / film.columns, y1 / film.rows, x2 / film.columns, y2 / film.rows
        return box_from({"label": label, "x1": x1, "y1": y1, "x2": x2, "y2": y2}, label)
    except (TypeError, ValueError, OverflowError) as error:
        why = str(error) if isinstance(error, BadBoxError) else "a box has four numbers"
        raise bad_output(why) from error


def _metrics(output: Any, told: dict[str, Any], film: FilmFacts) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The measures of each structure; its area in cm² only where the server took the film's own spacing."""
    metrics = output.get("metrics") if isinstance(output, dict) else None
    if not isinstance(metrics, dict) or not all(isinstance(value, dict) for value in metrics.values()):
        raise bad_output("segmentation needs `metrics`, an object for each structure")
    real = _same_spacing(told.get("pixel_spacing_mm"), film)
    kept = {
        one_line(str(name), 80): {key: value for key, value in measures.items() if real or key != "area_cm2"}
        for name, measures in metrics.items()
    }
    return {"segmentation_image_path": None, "metrics": kept}, () if real else (_NO_AREAS,)


def _same_spacing(told: Any, film: FilmFacts) -> bool:
    values = told if isinstance(told, list) else [told, told]
    if film.spacing_mm is None or len(values) != 2 or not all(isinstance(v, int | float) for v in values):
        return False
    return all(
        math.isclose(theirs, ours, rel_tol=_SPACING_TOLERANCE)
        for theirs, ours in zip(values, film.spacing_mm, strict=True)
    )


def _json(texts: list[str]) -> dict[str, Any]:
    try:
        value = json.loads(texts[0] if texts else "")
    except (ValueError, RecursionError) as error:
        said = one_line(" ".join(texts), 120)
        raise bad_output(f"an answer that is no JSON: {said}") from error
    if not isinstance(value, dict):
        raise bad_output("an answer that is no JSON object")
    return value


def _picture(reply: McpReply) -> bytes | None:
    """The first PNG among the reply's contents."""
    for part in reply.content:
        data = part.get("data")
        if part.get("type") == "image" and part.get("mimeType") == "image/png" and isinstance(data, str):
            try:
                png = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                continue
            if png.startswith(b"\x89PNG\r\n\x1a\n") and len(png) <= _MAX_PICTURE:
                return png
    return None
