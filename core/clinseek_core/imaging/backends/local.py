"""Models on this machine, in a worker process; the lung fields without any where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clinseek_core.errors import InputError, WorkerError
from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends.arguments import organs_of
from clinseek_core.imaging.backends.port import Answer, BackendError, BackendName
from clinseek_core.imaging.film import FilmFacts
from clinseek_core.imaging.model import ModelWorker, missing_packages
from clinseek_core.imaging.of_case import AskedFilm
from clinseek_core.imaging.structures import area_cm2
from clinseek_core.imaging.weights import KNOWN_MODELS, Weights, weights_for, weights_path

__all__ = ["LOCAL_TOOLS", "LocalBackend"]

_CLASSIFIER, _SEGMENTATION = "image.chest_xray_classifier", "image.chest_xray_segmentation"
LOCAL_TOOLS = (_CLASSIFIER, _SEGMENTATION)
_SECONDS = {"classify": 60.0, "segment": 120.0, "lungs": 30.0}
_OPERATING_POINT = "0.5 is each label's operating point; a score is no probability"
_CLASSICAL = "lung fields by threshold, no model"
_DETECTOR = "ImagerPixelSpacing"


class LocalBackend:
    """Answers the classifier and the segmentation with weights that were imported into `folder`."""

    name: BackendName = "local"

    def __init__(self, films: FilmsAtHand, folder: Path, worker: ModelWorker) -> None:
        self._films = films
        self._folder = folder
        self._worker = worker

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        """Answer one call (see Backend)."""
        if tool == _CLASSIFIER:
            return self._classify(film)
        if tool == _SEGMENTATION:
            return self._segment(film, organs_of(arguments))
        raise BackendError("backend_unavailable", f"no model on this machine answers {tool}")

    def _classify(self, film: AskedFilm) -> Answer:
        weights, lacking = self._weights(_CLASSIFIER)
        if weights is None:
            raise BackendError("backend_unavailable", f"the classifier needs {lacking}")
        answer = self._call("classify", self._films.show(film).png, *self._place(weights))
        return Answer(
            output=answer["scores"],
            model=weights.model,
            digest=weights.sha256,
            notes=(_OPERATING_POINT, *_notes(weights)),
        )

    def _segment(self, film: AskedFilm, organs: tuple[str, ...]) -> Answer:
        weights, lacking = self._weights(_SEGMENTATION)
        shown = self._films.show(film)
        if weights is not None:
            answer = self._call("segment", shown.png, organs, *self._place(weights))
            return _segmented(
                answer, shown.facts, organs, model=weights.model, digest=weights.sha256, notes=_notes(weights)
            )
        lungs = tuple(name for name in organs if name.endswith("Lung"))
        if not lungs:
            raise BackendError("backend_unavailable", f"{', '.join(organs)}: finding these needs {lacking}")
        answer = self._call("lungs", shown.png, lungs)
        if answer is None:
            raise BackendError(
                "backend_unavailable", f"no lung fields are found by threshold; a model needs {lacking}"
            )
        note = f"the lung fields were found by threshold, as there is no model here: it needs {lacking}"
        return _segmented(answer, shown.facts, organs, model=_CLASSICAL, digest="", notes=(note,))

    def _weights(self, tool: str) -> tuple[Weights | None, str]:
        """The weights that a tool uses; where it can't, what is lacking and how to get it."""
        missing = missing_packages()
        if missing:
            return None, f"{', '.join(missing)}: pip install 'clinseek-tui[cxr]' (docs/imaging.md)"
        try:
            weights = weights_for(self._folder, tool)
        except InputError as error:
            raise BackendError("backend_unavailable", str(error)) from error
        return weights, "weights: clinseek-tui weights import FILE (docs/imaging.md)"

    def _place(self, weights: Weights) -> tuple[str, str, str]:
        return weights.model, str(weights_path(self._folder, weights.model)), weights.sha256

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return self._worker.call(method, *arguments, deadline_s=_SECONDS[method])
        except (InputError, WorkerError) as error:
            raise BackendError("backend_unavailable", str(error)) from error


def _segmented(
    answer: dict[str, Any],
    film: FilmFacts,
    organs: tuple[str, ...],
    *,
    model: str,
    digest: str,
    notes: tuple[str, ...],
) -> Answer:
    """The worker's measures with areas in cm² where the film says how far apart its pixels are."""
    metrics: dict[str, dict[str, Any]] = answer["metrics"]
    facts: dict[str, Any] = {
        "original_size": [film.columns, film.rows],
        "requested_organs": list(organs),
        "processed_organs": [name for name, measures in metrics.items() if measures["area_pixels"]],
    }
    if film.spacing_mm is not None:
        facts |= {"pixel_spacing_mm": list(film.spacing_mm), "pixel_spacing_source": film.spacing_source}
        for measures in metrics.values():
            measures["area_cm2"] = area_cm2(measures["area_pixels"], film.spacing_mm)
    else:
        notes = (*notes, "no areas in cm²: the film does not say how far apart its pixels are")
    if film.spacing_source == _DETECTOR:
        notes = (*notes, "cm² are at the detector: the body is smaller by the magnification")
    if answer["ratio"] is not None:
        facts["cardiothoracic_ratio"] = answer["ratio"]
        facts["cardiothoracic_ratio_from"] = "the lungs' borders" if model == _CLASSICAL else "masks"
    if model != _CLASSICAL and film.rows != film.columns:
        notes = (*notes, "only the square in the middle of the film was looked at")
    output = {"segmentation_image_path": None, "metrics": metrics}
    return Answer(
        output=output, model=model, digest=digest, facts=facts, notes=notes, picture=answer["picture"]
    )


def _notes(weights: Weights) -> tuple[str, ...]:
    note = next((model.note for model in KNOWN_MODELS if model.name == weights.model), "")
    return tuple(filter(None, (note, "" if weights.verified else "weights whose names were not checked")))
