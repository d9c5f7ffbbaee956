"""What is told of a film, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from clinseek_core.imaging import FilmFacts, Window
from clinseek_core.text import one_line

__all__ = ["facts_lines"]

_WIDTH = 200
_WINDOWS = {
    "asked": "as asked",
    "voi_lut": "by the film's own table",
    "linear": "the film's own",
    "linear_exact": "the film's own",
    "sigmoid": "the film's own, sigmoid",
    "percentile": "the middle 99 % of the pixels",
    "as_stored": "values as stored",
}


def facts_lines(facts: FilmFacts) -> Iterator[str]:
    """A line for each fact that the film's file tells."""
    bits = f", {facts.bits_stored} bits" if facts.bits_stored else ""
    yield f"{facts.format}, {facts.columns} x {facts.rows} pixels{bits}"
    told = {
        "kind": " · ".join(filter(None, (facts.modality, facts.sop_class))),
        "view": " · ".join(filter(None, (facts.view_position, facts.patient_orientation))),
        "spacing": _spacing(facts),
        "stored": " · ".join(filter(None, (facts.photometric_interpretation, facts.transfer_syntax))),
        "window": _window(facts.window),
    }
    for name, text in told.items():
        if text:
            yield f"{name:<8} {one_line(text, _WIDTH)}"
    for warning in facts.warnings:
        yield f"warning  {one_line(warning, _WIDTH)}"


def _window(window: Window) -> str:
    words = _WINDOWS[window.kind]
    if window.center is None or window.width is None:
        return words
    return f"centre {window.center:g}, width {window.width:g} ({words})"


def _spacing(facts: FilmFacts) -> str:
    if facts.spacing_mm is None:
        return ""
    rows, columns = facts.spacing_mm
    return f"{rows:g} x {columns:g} mm ({facts.spacing_source})"
