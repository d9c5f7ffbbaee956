"""The weights that were imported: safetensors in the user's data folder, and a line on each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.imaging.weights.known import KNOWN_MODELS, models_of

__all__ = ["Weights", "imported", "user_weights", "weights_for", "weights_path"]


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Weights that were imported, as told by the file beside them."""

    model: str
    sha256: str
    """Of the safetensors file."""
    source: str
    """The name of the file that it was made from."""
    source_sha256: str
    tensors: int
    verified: bool
    """Whether names and shapes were compared with the model itself; else with its marks alone."""


def user_weights(environ: Mapping[str, str]) -> Path:
    """The folder of weights in the user's data."""
    home = Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".local/share")
    return Path(environ.get("XDG_DATA_HOME") or home) / "clinseek-tui" / "weights"


def weights_path(folder: Path, model: str) -> Path:
    """Where a model's weights lie; what is told of them has the same name and ends in `.json`."""
    return folder / f"{model}.safetensors"


def imported(folder: Path) -> tuple[Weights, ...]:
    """What has been imported, in the known models' order; InputError for a record that can't be read."""
    return tuple(filter(None, (_weights(folder, model.name) for model in KNOWN_MODELS)))


def weights_for(folder: Path, tool: str) -> Weights | None:
    """The weights that a tool uses: of the model that it prefers among those imported."""
    return next(filter(None, (_weights(folder, model.name) for model in models_of(tool))), None)


def _weights(folder: Path, model: str) -> Weights | None:
    told = weights_path(folder, model).with_suffix(".json")
    try:
        return msgspec.json.decode(told.read_bytes(), type=Weights)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{told}: can't be read ({error}); import the weights again") from error
