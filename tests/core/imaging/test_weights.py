"""Files of weights: their tensors come out, and nothing in them is ever run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.imaging.weights import import_weights, imported, weights_path
from clinseek_core.imaging.weights.checkpoint import open_checkpoint
from clinseek_core.imaging.weights.tensors import write_safetensors

Tensors = dict[str, np.ndarray[Any, Any]]
STORAGES = {
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "bool": "BoolStorage",
}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
DENSENET = {"features.conv0.weight": (64, 1, 7, 7), "classifier.weight": (18, 1024)}


class Stored:
    """A storage as torch pickles it: by a persistent id."""

    def __init__(self, key: str, values: np.ndarray[Any, Any]) -> None:
        self.key, self.values = key, values


class Tensor:
    """A tensor as torch pickles it: a call that rebuilds it from its storage."""

    def __init__(
        self, storage: Stored, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0
    ) -> None:
        self.made_of = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> Any:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.made_of


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Stored):
            return None
        kind = getattr(sys.modules["torch"], STORAGES[str(obj.values.dtype)])
        return ("storage", kind, obj.key, "cpu", obj.values.size)


@pytest.fixture(autouse=True)
def like_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules by torch's names, for `pickle` to name their members; torch itself need not be here."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def rebuild(*_: Any) -> None: ...

    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def whole(key: str, values: np.ndarray[Any, Any]) -> Tensor:
    strides = tuple(step // values.itemsize for step in values.strides)
    return Tensor(Stored(key, values.ravel()), values.shape, strides)


def pickled(value: Any) -> bytes:
    out = io.BytesIO()
    Pickler(out, protocol=2).dump(value)
    return out.getvalue()


def as_zip(value: Any, storages: dict[str, np.ndarray[Any, Any]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/data.pkl", pickled(value))
        for key, values in storages.items():
            archive.writestr(f"model/data/{key}", values.tobytes())
    return out.getvalue()


def as_legacy(value: Any, storages: dict[str, np.ndarray[Any, Any]]) -> bytes:
    out = io.BytesIO()
    for part in (MAGIC, PROTOCOL, {"little_endian": True}):
        out.write(pickle.dumps(part, 2))
    out.write(pickled(value))
    out.write(pickle.dumps(list(storages), 2))
    for values in storages.values():
        out.write(struct.pack("<q", values.size) + values.tobytes())
    return out.getvalue()


FORMATS = {"zip": as_zip, "legacy": as_legacy}


def saved(tensors: Tensors, how: Callable[[Any, Any], bytes]) -> bytes:
    keys = {name: str(number) for number, name in enumerate(tensors)}
    state = OrderedDict((name, whole(keys[name], values)) for name, values in tensors.items())
    return how(state, {keys[name]: values for name, values in tensors.items()})


def read(path: Path) -> Tensors:
    """The tensors of a safetensors file, by numpy alone."""
    import json

    data = path.read_bytes()
    (length,) = struct.unpack("<q", data[:8])
    kinds = {"F32": "float32", "F16": "float16", "I64": "int64", "BOOL": "bool"}
    found = {}
    for name, told in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + at for at in told["data_offsets"])
        found[name] = np.frombuffer(data[begin:end], kinds[told["dtype"]]).reshape(told["shape"])
    return found


def converted(data: bytes, folder: Path) -> Tensors:
    source, made = folder / "source.pt", folder / "made.safetensors"
    source.write_bytes(data)
    made.unlink(missing_ok=True)
    with open_checkpoint(source) as checkpoint:
        write_safetensors(checkpoint, made)
    return read(made)


@pytest.mark.parametrize("how", FORMATS.values(), ids=FORMATS)
def test_every_tensor_comes_out_as_it_went_in(how: Callable[[Any, Any], bytes], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tensors: Tensors = {
        "a.weight": rng.standard_normal((4, 3, 2)).astype("float32"),
        "a.bias": rng.standard_normal(4).astype("float16"),
        "count": np.array(7, "int64"),
        "mask": np.array([True, False]),
        "none": np.zeros((0, 3), "float32"),
    }
    back = converted(saved(tensors, how), tmp_path)
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[name], tensors[name]) for name in tensors)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    order=st.randoms(),
    offset=st.integers(0, 5),
)
def test_a_view_of_a_storage_is_read_in_its_own_order(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], order: Any, offset: int
) -> None:
    """A transposed tensor that begins in the middle of its storage: numpy says what its values are."""
    axes = list(range(len(shape)))
    order.shuffle(axes)
    store = np.arange(int(np.prod(shape)) + offset, dtype="float32")
    view = store[offset:].reshape(shape).transpose(axes)
    strides = tuple(step // 4 for step in view.strides)
    value = {"w": Tensor(Stored("0", store), view.shape, strides, offset)}
    back = converted(as_zip(value, {"0": store}), tmp_path_factory.mktemp("view"))
    assert np.array_equal(back["w"], view)


class Runs:
    """What a hostile pickle calls when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


def hostile(marker: Path) -> Iterator[Any]:
    yield Runs(marker)
    yield {"state_dict": {"w": whole("0", np.zeros(2, "float32"))}, "optimizer": Runs(marker)}
    yield OrderedDict(w=whole("0", np.zeros(2, "float32")), x=Runs(marker))


@pytest.mark.parametrize("place", range(3), ids=["alone", "beside the state", "in the state"])
@pytest.mark.parametrize("how", FORMATS.values(), ids=FORMATS)
def test_a_pickle_that_would_run_code_runs_nothing(
    how: Callable[[Any, Any], bytes], place: int, tmp_path: Path
) -> None:
    marker = tmp_path / "it-ran"
    value = list(hostile(marker))[place]
    data = how(value, {"0": np.zeros(2, "float32")})
    with pytest.raises(InputError, match=r"names (posix|nt|os)\.system.*nothing of it was run"):
        converted(data, tmp_path)
    with pytest.raises(InputError, match="nothing of it was run"):
        import_weights(tmp_path / "source.pt", tmp_path / "kept", lambda *_: None)
    assert not marker.exists()
    assert not list((tmp_path / "kept").glob("*"))
    # The marker would have been made: the file is what it seems.
    pickle.loads(pickle.dumps(Runs(marker)))
    assert marker.exists()


@pytest.mark.parametrize("module", ["builtins", "subprocess", "torch", "torch.utils.data", "numpy"])
@pytest.mark.parametrize("name", ["eval", "exec", "getattr", "Popen", "load"])
def test_no_name_outside_the_table_is_let_in(module: str, name: str, tmp_path: Path) -> None:
    data = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"(X\x01\x00\x00\x00xtR."
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("m/data.pkl", data)
    with pytest.raises(InputError, match="do not trust this file"):
        converted(out.getvalue(), tmp_path)


@pytest.mark.parametrize("how", FORMATS.values(), ids=FORMATS)
@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 0.999), change=st.binary(max_size=3))
def test_a_damaged_file_is_one_clear_error_or_weights(
    tmp_path_factory: pytest.TempPathFactory, how: Callable[[Any, Any], bytes], share: float, change: bytes
) -> None:
    data = saved({"w": np.arange(24, dtype="float32").reshape(4, 6)}, how)
    at = int(share * len(data))
    damaged = data[:at] + change + data[at + len(change) :] if change else data[:at]
    told = "source.pt"
    try:
        converted(damaged, tmp_path_factory.mktemp("damaged"))
    except InputError as error:
        told = str(error)
    assert "source.pt" in told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"<html>404</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"PK\x03\x04 no archive", "can't be read to its end"),
        (b"\x80\x02}q\x00.", "is a pickle, but none that torch.save wrote"),
        (b"some words", "is no file that torch.save or safetensors wrote"),
        (struct.pack("<q", 3) + b'{"a', "header of safetensors"),
        (struct.pack("<q", 2**40) + b"{}", "is no file that torch.save or safetensors wrote"),
    ],
    ids=["empty", "page", "pointer", "zip", "pickle", "words", "header", "length"],
)
def test_what_is_no_weights_is_told_with_what_to_do(data: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        converted(data, tmp_path)


def test_tensors_beyond_their_storage_are_refused(tmp_path: Path) -> None:
    value = {"w": Tensor(Stored("0", np.zeros(4, "float32")), (3, 2), (2, 1))}
    with pytest.raises(InputError, match="beyond its storage"):
        converted(as_zip(value, {"0": np.zeros(4, "float32")}), tmp_path)


def test_weights_of_a_known_model_are_kept_with_their_digest(tmp_path: Path) -> None:
    file = tmp_path / "densenet.pt"
    file.write_bytes(saved({name: np.ones(shape, "float32") for name, shape in DENSENET.items()}, as_zip))
    asked: list[Any] = []

    def check(model: str, shapes: Any) -> None:
        asked.append((model, dict(shapes)))

    weights = import_weights(file, tmp_path / "kept", check)
    assert weights.model == "densenet121-res224-all"
    assert not weights.verified
    assert asked == [(weights.model, DENSENET)]
    assert imported(tmp_path / "kept") == (weights,)
    assert set(read(weights_path(tmp_path / "kept", weights.model))) == set(DENSENET)


def test_weights_that_do_not_fit_leave_what_was_there(tmp_path: Path) -> None:
    file, kept = tmp_path / "w.pt", tmp_path / "kept"
    file.write_bytes(saved({name: np.ones(shape, "float32") for name, shape in DENSENET.items()}, as_zip))
    before = import_weights(file, kept, lambda *_: [])
    assert before.verified
    with pytest.raises(InputError, match=r"does not fit densenet121-res224-all: norm5 is missing"):
        import_weights(file, kept, lambda *_: ["norm5 is missing"])
    with pytest.raises(InputError, match="is no model known here"):
        import_weights(file, kept, lambda *_: [], "resnet")
    other = tmp_path / "other.pt"
    other.write_bytes(saved({"w": np.ones(3, "float32")}, as_zip))
    with pytest.raises(InputError, match="of no model known here"):
        import_weights(other, kept, lambda *_: [])
    assert imported(kept) == (before,)
