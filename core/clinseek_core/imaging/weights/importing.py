"""A file of weights made into safetensors, in a worker process that can be killed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError, WorkerError
from clinseek_core.imaging.weights.known import KNOWN_MODELS, recognised
from clinseek_core.imaging.weights.store import Weights, weights_path
from clinseek_core.worker import DeadlineError, Worker

__all__ = ["Converted", "import_weights"]

_MODULE = "clinseek_core.imaging.weights.worker"
_MEMORY_BYTES = 3 * 1024**3
_SECONDS = 300.0

Check = Callable[[str, dict[str, tuple[int, ...]]], list[str] | None]
"""Of a model's name, and names and shapes of tensors: what does not fit, or None where nobody can tell."""


class Converted(msgspec.Struct, frozen=True):
    """What the worker made of a file."""

    sha256: str
    source_sha256: str
    shapes: dict[str, tuple[int, ...]]
    model: str
    """The model that the file says it is of, or nothing."""


def import_weights(file: Path, folder: Path, check: Check, model: str | None = None) -> Weights:
    """Convert `file` and put it into `folder` as the weights of `model`, by default of the one it fits.

    Raises InputError for a file that is none, or of another model. What was there before is replaced.
    """
    if model is not None and model not in {known.name for known in KNOWN_MODELS}:
        raise InputError(f"{model}: is no model known here; there are {_names()}")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f".import-{os.getpid()}.safetensors"
    try:
        converted = _converted(file.absolute(), made)
        name = _model_of(file, converted, model)
        wrong = check(name, converted.shapes)
        if wrong:
            raise InputError(f"{file}: does not fit {name}: {'; '.join(wrong)}")
        weights = Weights(
            model=name,
            sha256=converted.sha256,
            source=file.name,
            source_sha256=converted.source_sha256,
            tensors=len(converted.shapes),
            verified=wrong is not None,
        )
        _put(made, weights, folder)
    finally:
        made.unlink(missing_ok=True)
    return weights


def _converted(file: Path, made: Path) -> Converted:
    made.unlink(missing_ok=True)
    worker = Worker(_MODULE, memory_bytes=_MEMORY_BYTES)
    try:
        answer = worker.call("convert", str(file), str(made), deadline_s=_SECONDS)
    except DeadlineError as error:
        raise InputError(f"{file}: reading it took more than {_SECONDS:g} s; do not trust it") from error
    except WorkerError as error:
        raise InputError(f"{file}: reading it ended its process ({error}); do not trust it") from error
    finally:
        worker.close()
    return msgspec.convert(answer, Converted)


def _model_of(file: Path, converted: Converted, asked: str | None) -> str:
    by_name = {known.name: known for known in KNOWN_MODELS}
    told = by_name.get(asked or converted.model) or recognised(converted.shapes)
    if told is None or recognised(converted.shapes) is None:
        raise InputError(f"{file}: its tensors are of no model known here; there are {_names()}")
    missing = [name for name, shape in told.marks.items() if converted.shapes.get(name) != shape]
    if missing:
        raise InputError(
            f"{file}: does not fit {told.name}: {', '.join(missing)} is missing or of another shape"
        )
    return told.name


def _put(made: Path, weights: Weights, folder: Path) -> None:
    """Both files in their places; the record last, so that it never tells of weights that are not there."""
    target = weights_path(folder, weights.model)
    told = made.with_suffix(".json")
    told.write_bytes(msgspec.json.format(msgspec.json.encode(weights)))
    target.with_suffix(".json").unlink(missing_ok=True)
    made.replace(target)
    told.replace(target.with_suffix(".json"))


def _names() -> str:
    return ", ".join(known.name for known in KNOWN_MODELS)
