"""Weights of models: imported from files of others without running them, kept as safetensors."""

from clinseek_core.imaging.weights.importing import import_weights
from clinseek_core.imaging.weights.known import KNOWN_MODELS, KnownModel
from clinseek_core.imaging.weights.store import Weights, imported, user_weights, weights_for, weights_path

__all__ = [
    "KNOWN_MODELS",
    "KnownModel",
    "Weights",
    "import_weights",
    "imported",
    "user_weights",
    "weights_for",
    "weights_path",
]
