"""What comes from a model elsewhere, checked: a report, scores, boxes; BackendError for anything else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from clinseek_core.imaging.backends.port import BackendError
from clinseek_core.imaging.boxes import MAX_BOXES, BadBoxError, Box, box_from
from clinseek_core.text import one_line

__all__ = ["bad_output", "boxes_in", "json_in", "report_of", "scores_of"]

_MAX_SECTION = 4_000
_MAX_LABELS = 100
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)
_REPORT = "CHEST X-RAY REPORT\n\nFINDINGS:\n{findings}\n\nIMPRESSION:\n{impression}"


def bad_output(why: str) -> BackendError:
    """The error for an answer that can't be used."""
    return BackendError("bad_backend_output", why)


def json_in(text: str) -> Any:
    """The JSON value of an answer: all of it, of its first fenced block, or from its first brace."""
    fenced = _FENCE.search(text)
    for candidate in (text.strip(), fenced[1].strip() if fenced else "", text[_first_bracket(text) :]):
        try:
            return json.JSONDecoder().raw_decode(candidate)[0]
        except (ValueError, RecursionError):
            continue
    raise bad_output(f"an answer that is no JSON: {one_line(text, 120)}")


def _first_bracket(text: str) -> int:
    found = [at for bracket in "{[" if (at := text.find(bracket)) >= 0]
    return min(found, default=len(text))


def report_of(value: Any) -> dict[str, Any]:
    """{report, findings, impression}, of findings and impression that are texts, the first not empty."""
    sections = {key: value.get(key) for key in ("findings", "impression")} if isinstance(value, dict) else {}
    findings, impression = sections.get("findings"), sections.get("impression")
    if not isinstance(findings, str) or not findings.strip() or not isinstance(impression, str):
        raise bad_output("a report needs `findings` and `impression`, both texts")
    told = {"findings": findings.strip()[:_MAX_SECTION], "impression": impression.strip()[:_MAX_SECTION]}
    return {"report": _REPORT.format(**told), **told}


def boxes_in(value: Any, label: str) -> tuple[Box, ...]:
    """The boxes of {boxes: [...]}, or of a bare list; none of an empty one. `label` is for boxes without."""
    listed = value.get("boxes") if isinstance(value, dict) else value
    if isinstance(value, dict) and listed is None and "box_2d" in value:
        listed = [value]
    if not isinstance(listed, list):
        raise bad_output("an answer without a list of `boxes`")
    if len(listed) > MAX_BOXES:
        raise bad_output(f"{len(listed)} boxes, more than {MAX_BOXES}")
    return _boxes(listed, label)


def _boxes(listed: Sequence[Any], label: str) -> tuple[Box, ...]:
    try:
        return tuple(box_from(item, label) for item in listed)
    except BadBoxError as error:
        raise bad_output(str(error)) from error


def scores_of(value: Any) -> dict[str, float]:
    """Each label's score, from 0 to 1."""
    if not isinstance(value, dict) or not 0 < len(value) <= _MAX_LABELS:
        raise bad_output("scores need an object of labels and numbers")
    for label, score in value.items():
        if not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score):
            raise bad_output(f"the score of {one_line(str(label), 60)} is no number")
        if not 0 <= score <= 1:
            raise bad_output(f"the score of {one_line(str(label), 60)} is not from 0 to 1")
    return {" ".join(str(label).split())[:80]: float(score) for label, score in value.items()}
