"""Files that `torch.save` wrote, in its two formats, and safetensors: their tensors without torch.

The formats are those of torch.serialization: since 1.6 a zip archive with `data.pkl` and one stored member a
storage, before that pickles one after another with the storages' bytes behind them.
"""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.imaging.weights.unpickling import Loaded, Storage, StoredTensor, load, tensors_in

__all__ = ["ITEM_BYTES", "MAX_BYTES", "Checkpoint", "open_checkpoint"]

MAX_BYTES = 2 * 1024**3
"""Of a file and of all its tensors: the largest model here has 0.3 GB."""
_MAX_PICKLE = 64 * 1024 * 1024
_MAX_HEADER = 16 * 1024 * 1024
_MAX_MEMBERS = 50_000
_LEGACY_MAGIC, _LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_UNREADABLE = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What reading a damaged file raises; RuntimeError is a zip archive's word for an encrypted member."""
_LENGTH = struct.Struct("<q")

ITEM_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
"""The element types that are read, as safetensors calls them, and their bytes."""


class Checkpoint(msgspec.Struct, frozen=True):
    """Named tensors and how to get at a storage's bytes."""

    tensors: dict[str, StoredTensor]
    storage: Callable[[Storage], bytes]
    model: str = ""
    """The model that the file itself says it is of; only our own files do."""
    source: str = ""
    """The file, as errors name it."""


@contextmanager
def open_checkpoint(path: Path) -> Iterator[Checkpoint]:
    """The checkpoint in a file, open for as long as its bytes are wanted.

    Raises InputError, naming the file, for what is none, is cut off, or would run code; its `storage` too.
    """
    with ExitStack() as opened:
        with _told(path):
            checkpoint = _read(opened.enter_context(_regular(path)))

        def storage(wanted: Storage) -> bytes:
            with _told(path):
                return checkpoint.storage(wanted)

        yield msgspec.structs.replace(checkpoint, storage=storage, source=str(path))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Inside, whatever reading raises becomes an InputError that names the file and says what to do."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{path}: needs more memory than any model here; do not trust this file") from error
    except _UNREADABLE as error:
        raise InputError(f"{path}: can't be read to its end ({error}); copy or download it again") from error


@contextmanager
def _regular(path: Path) -> Iterator[BinaryIO]:
    """The file, opened without waiting on a pipe that nobody writes to."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is no regular file; name a file of weights")
        if status.st_size > MAX_BYTES:
            raise InputError(f"has {status.st_size:,} bytes, more than any model here")
        yield file


def _read(file: BinaryIO) -> Checkpoint:
    head = file.read(512)
    file.seek(0)
    for fits, why in (
        (not head, "is empty; download the weights again"),
        (head.lstrip()[:1] == b"<", "is a web page, no weights: the download went wrong"),
        (head.startswith(b"version https://git-lfs"), "is a pointer of Git LFS, not the weights; fetch them"),
        (
            head[257:262] == b"ustar",
            "is a tar archive, as torch wrote before 0.1.10; save it anew with torch",
        ),
    ):
        if fits:
            raise InputError(why)
    if head.startswith(b"PK"):
        return _zipped(file)
    if len(head) > 8 and head[8:9] == b"{":
        return _safetensors(file)
    if head[:1] == b"\x80":
        return _legacy(file)
    raise InputError("is no file that torch.save or safetensors wrote")


def _zipped(file: BinaryIO) -> Checkpoint:
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > MAX_BYTES:
        raise InputError("unpacks to more than any model here holds; do not trust this file")
    pickled = next((member for member in members if member.filename.endswith("/data.pkl")), None)
    if pickled is None or pickled.file_size > _MAX_PICKLE:
        raise InputError("is a zip archive, but none that torch.save wrote (no data.pkl)")
    prefix = pickled.filename.removesuffix("data.pkl")
    names = {member.filename for member in members}
    if f"{prefix}byteorder" in names and archive.read(f"{prefix}byteorder").strip() == b"big":
        raise InputError("was written on a big-endian machine; save it anew on a little-endian one")
    loaded = _load(io.BytesIO(archive.read(pickled)))

    def storage(wanted: Storage) -> bytes:
        member = f"{prefix}data/{wanted.key}"
        if member not in names:
            raise InputError(f"holds no storage {wanted.key}; copy or download it again")
        return archive.read(member)

    return Checkpoint(_known(tensors_in(loaded.value)), storage)


def _legacy(file: BinaryIO) -> Checkpoint:
    if _load(file).value != _LEGACY_MAGIC or _load(file).value != _LEGACY_PROTOCOL:
        raise InputError("is a pickle, but none that torch.save wrote")
    system = _load(file).value
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise InputError("was written on a big-endian machine; save it anew on a little-endian one")
    loaded = _load(file)
    places = _legacy_places(file, _load(file).value, loaded.storages)

    def storage(wanted: Storage) -> bytes:
        if wanted.key not in places:
            raise InputError(f"holds no storage {wanted.key}; copy or download it again")
        at, size = places[wanted.key]
        file.seek(at)
        return _exactly(file, size)

    return Checkpoint(_known(tensors_in(loaded.value)), storage)


def _legacy_places(file: BinaryIO, keys: Any, types: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Where each storage's bytes begin, and how many they are."""
    if not isinstance(keys, list) or len(keys) > _MAX_MEMBERS:
        raise InputError("holds no list of its storages; copy or download it again")
    places: dict[str, tuple[int, int]] = {}
    for key in map(str, keys):
        (count,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
        if key not in types:
            raise InputError("lists a storage that it does not use; copy or download it again")
        size = count * ITEM_BYTES[types[key]]
        if not 0 <= size <= MAX_BYTES:
            raise InputError("holds a storage of impossible size; copy or download it again")
        places[key] = (file.tell(), size)
        file.seek(size, os.SEEK_CUR)
    if file.tell() > os.fstat(file.fileno()).st_size:
        raise EOFError("the storages break off")
    return places


def _safetensors(file: BinaryIO) -> Checkpoint:
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    if not 0 < length <= _MAX_HEADER:
        raise InputError("is no file that torch.save or safetensors wrote")
    begin = _LENGTH.size + length
    try:
        header = json.loads(_exactly(file, length))
        about = header.pop("__metadata__", {})
        spans = {str(name): tuple(map(int, entry["data_offsets"])) for name, entry in header.items()}
        tensors = {
            str(name): _whole(str(name), entry["dtype"], entry["shape"]) for name, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("has a header of safetensors that can't be read; download it again") from error

    def storage(wanted: Storage) -> bytes:
        start, end = spans[wanted.key]
        if not 0 <= start <= end <= MAX_BYTES:
            raise InputError("holds a tensor of impossible size; copy or download it again")
        file.seek(begin + start)
        return _exactly(file, end - start)

    return Checkpoint(_known(tensors), storage, str(about.get("model", "")) if about else "")


def _whole(name: str, dtype: str, shape: list[int]) -> StoredTensor:
    """A tensor that is all of its own storage, row after row."""
    strides, size = [], 1
    for length in reversed(shape):
        strides.append(size)
        size *= int(length)
    return StoredTensor(Storage(name, dtype), 0, tuple(map(int, shape)), tuple(reversed(strides)))


def _load(file: BinaryIO) -> Loaded:
    try:
        return load(file)
    except (InputError, MemoryError, EOFError):
        raise
    except Exception as error:  # bytes of others: `pickle` raises whatever they lead it to
        raise InputError(f"can't be unpickled ({type(error).__name__}); copy or download it again") from error


def _known(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    if not tensors:
        raise InputError("holds no named tensors: name a saved module or its state dict")
    odd = {tensor.storage.dtype for tensor in tensors.values()} - ITEM_BYTES.keys()
    if odd:
        raise InputError(f"holds tensors of {', '.join(sorted(odd))}, which no model here has")
    return tensors


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise EOFError("it breaks off")
    return data
