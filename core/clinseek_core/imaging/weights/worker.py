"""The worker process that converts a file of weights: it parses bytes that nobody has checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clinseek_core.imaging.weights.checkpoint import open_checkpoint
from clinseek_core.imaging.weights.tensors import write_safetensors
from clinseek_core.worker import serve


def _convert(_: Callable[[str], None], file: str, made: str) -> dict[str, Any]:
    """Write the tensors of `file` to `made`; what `Converted` holds."""
    path = Path(file)
    with open_checkpoint(path) as checkpoint:
        digest = write_safetensors(checkpoint, Path(made))
        shapes = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    with path.open("rb") as source:
        source_digest = hashlib.file_digest(source, "sha256").hexdigest()
    return {"sha256": digest, "source_sha256": source_digest, "shapes": shapes, "model": checkpoint.model}


if __name__ == "__main__":
    serve({"convert": _convert})
