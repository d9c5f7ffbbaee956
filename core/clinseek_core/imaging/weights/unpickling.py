"""Pickles of models read without running them: each class is a stand-in that keeps its state.

A pickle is a program: it names functions of any module and calls them. Here a name is looked up in a table
and nowhere else, so that no module is imported and no function of one is called.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import msgspec

from clinseek_core.errors import InputError

__all__ = ["Loaded", "Storage", "StoredTensor", "load", "tensors_in"]

_MAX_TENSORS = 20_000
_MAX_DEPTH = 64
_NESTED = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights")
_PARALLEL = "module."

_DTYPES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}
"""torch's typed storages, and what safetensors calls their elements."""


class Storage(msgspec.Struct, frozen=True):
    """A run of elements that tensors are views of."""

    key: str
    dtype: str
    shift: int = 0
    """Elements before it, where it is itself a view of the storage under its key."""


class StoredTensor(msgspec.Struct, frozen=True):
    """A tensor of a pickle: where its elements lie."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _StandIn:
    """An object of any class that is let in. What it is made from is left, but for its state."""

    def __new__(cls, *_: Any, **__: Any) -> _StandIn:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        self.state: Mapping[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


class Loaded(NamedTuple):
    """An object made of stand-ins, containers, numbers and StoredTensors, and the type of each storage."""

    value: Any
    storages: dict[str, str]


def load(file: BinaryIO) -> Loaded:
    """The next object of a file of pickles.

    Raises InputError for a name that is none of a model's, and what `pickle` raises for bytes that are none.
    """
    unpickler = _Unpickler(file, encoding="latin-1")
    return Loaded(unpickler.load(), unpickler.storages)


def tensors_in(loaded: Any) -> dict[str, StoredTensor]:
    """The named tensors of a module, a state dict, or a checkpoint that holds one; else none."""
    found: dict[str, StoredTensor] = {}
    for name, tensor in _of_module(loaded) if isinstance(loaded, _StandIn) else _of_dict(loaded):
        found[name] = tensor
        if len(found) > _MAX_TENSORS:
            raise InputError(f"holds more than {_MAX_TENSORS:,} tensors, which no model here has")
    if found and all(name.startswith(_PARALLEL) for name in found):
        return {name.removeprefix(_PARALLEL): tensor for name, tensor in found.items()}
    return found


def _of_dict(loaded: Any) -> Iterator[tuple[str, StoredTensor]]:
    if not isinstance(loaded, dict):
        return
    named = [(str(name), value) for name, value in loaded.items() if isinstance(value, StoredTensor)]
    if named:
        yield from named
        return
    inner = next((loaded[name] for name in _NESTED if name in loaded), None)
    if isinstance(inner, _StandIn):
        yield from _of_module(inner)
    elif isinstance(inner, dict):
        yield from ((str(name), value) for name, value in inner.items() if isinstance(value, StoredTensor))


def _of_module(module: _StandIn) -> Iterator[tuple[str, StoredTensor]]:
    """The names that a module's `state_dict` gives its parameters and buffers."""
    waiting: list[tuple[str, Any, int]] = [("", module, 0)]
    while waiting:
        prefix, part, depth = waiting.pop()
        if not isinstance(part, _StandIn) or depth > _MAX_DEPTH:
            continue
        passing = part.state.get("_non_persistent_buffers_set")
        passing = passing if isinstance(passing, set) else set()
        for kind in ("_parameters", "_buffers"):
            for name, value in _items(part.state.get(kind)):
                if isinstance(value, StoredTensor) and name not in passing:
                    yield f"{prefix}{name}", value
        waiting += [
            (f"{prefix}{name}.", child, depth + 1) for name, child in _items(part.state.get("_modules"))
        ]
        if len(waiting) > _MAX_TENSORS:
            raise InputError(f"holds more than {_MAX_TENSORS:,} modules, which no model here has")


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(name), item) for name, item in value.items()] if isinstance(value, dict) else []


class _Unpickler(pickle.Unpickler):
    """Finds only what the tables below name."""

    def __init__(self, file: BinaryIO, *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self.storages: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a global; InputError where it is none of a model's."""
        if module in {"torch", "torch.storage"} and name in _DTYPES:
            return type(name, (_StandIn,), {"dtype": _DTYPES[name]})
        known = _FUNCTIONS.get((module, name))
        if known is not None:
            return known
        if module.startswith(_MODULES) or (module, name) in _INERT:
            return type(name, (_StandIn,), {})
        raise InputError(
            f"names {module}.{name}, which is no part of a model, and may be meant to run when it is loaded; "
            "nothing of it was run; do not trust this file"
        )

    def persistent_load(self, pid: Any) -> Any:
        """A storage, or the class of a module beside its source text, which is left."""
        if isinstance(pid, tuple) and pid[:1] == ("module",) and len(pid) > 1:
            return pid[1]
        if not (isinstance(pid, tuple) and pid[:1] == ("storage",) and len(pid) >= 5):
            raise InputError("refers to something that is no tensor's storage; save it anew with torch.save")
        dtype, view = getattr(pid[1], "dtype", None), pid[5] if len(pid) > 5 else None
        if not isinstance(dtype, str):
            raise InputError("holds a storage without a type that is known here")
        storage = Storage(str(pid[2]), dtype, _count(view[1]) if view else 0)
        self.storages[storage.key] = dtype
        return storage


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**48:
        raise InputError("holds a tensor of impossible size; copy or download it again")
    return value


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    """What `torch._utils._rebuild_tensor_v2` makes."""
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise InputError("holds a tensor in a form that is not known here; save it anew with torch.save")
    if len(shape) != len(strides):
        raise InputError("holds a tensor with strides that do not fit its shape; save it anew")
    return StoredTensor(storage, _count(offset), tuple(map(_count, shape)), tuple(map(_count, strides)))


def _first(value: Any, *_: Any) -> Any:
    """What `torch._utils._rebuild_parameter` makes: the tensor alone."""
    return value


_FUNCTIONS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("torch", "Size"): tuple,
}
"""What may be called: functions of this module, and containers."""

_MODULES = ("torch.nn.modules.", "torchxrayvision.", "torchvision.models.", "torchvision.transforms.")
"""Packages whose every name becomes a stand-in: they are the parts that models are made of."""

_INERT = {
    ("torch", "device"),
    ("torch", "dtype"),
    ("torch", "float32"),
    ("torch.nn.functional", "relu"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),
}
"""Single names that training leaves in checkpoints beside the tensors."""
