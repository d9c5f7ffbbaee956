"""Tensors written as safetensors: a header of JSON, then each tensor's bytes. Nothing in it can be run.

The format is that of github.com/huggingface/safetensors: 8 bytes of the header's length, header, data.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

from clinseek_core.errors import InputError
from clinseek_core.imaging.weights.checkpoint import ITEM_BYTES, MAX_BYTES, Checkpoint
from clinseek_core.imaging.weights.unpickling import StoredTensor

__all__ = ["write_safetensors"]

_ALIGNMENT = 8


def write_safetensors(checkpoint: Checkpoint, path: Path) -> str:
    """Write all tensors of a checkpoint to a new file; its SHA-256.

    Raises InputError for a tensor that reaches beyond its storage.
    """
    header, end = {}, 0
    for name, tensor in sorted(checkpoint.tensors.items()):
        begin, end = end, end + _size(tensor)
        header[name] = {
            "dtype": tensor.storage.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        if end > MAX_BYTES:
            raise InputError(
                f"{checkpoint.source}: its tensors exceed any model of ours; do not trust this file"
            )
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % _ALIGNMENT)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for part in (len(told).to_bytes(8, "little"), told):
            digest.update(part)
            file.write(part)
        for _, tensor in sorted(checkpoint.tensors.items()):
            stored = checkpoint.storage(tensor.storage)
            if _beyond(tensor, stored):
                raise InputError(
                    f"{checkpoint.source}: {name} reaches beyond its storage; copy or download it again"
                )
            data = _contiguous(tensor, stored)
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def _size(tensor: StoredTensor) -> int:
    return math.prod(tensor.shape) * ITEM_BYTES[tensor.storage.dtype]


def _span(tensor: StoredTensor) -> tuple[int, int]:
    """The first and the last of its elements, counted in its storage."""
    first = tensor.storage.shift + tensor.offset
    return first, first + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))


def _beyond(tensor: StoredTensor, stored: bytes) -> bool:
    end = (_span(tensor)[1] + 1) * ITEM_BYTES[tensor.storage.dtype]
    return math.prod(tensor.shape) > 0 and end > len(stored)


def _contiguous(tensor: StoredTensor, stored: bytes) -> bytes:
    """A tensor's elements, row after row, whatever the order they are stored in."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first file of weights

    width = ITEM_BYTES[tensor.storage.dtype]
    if not math.prod(tensor.shape):
        return b""
    first, last = _span(tensor)
    elements = np.frombuffer(stored, np.dtype(f"V{width}"))[first : last + 1]
    view = np.lib.stride_tricks.as_strided(
        elements, tensor.shape, [step * width for step in tensor.strides], writeable=False
    )
    return np.ascontiguousarray(view).tobytes()
