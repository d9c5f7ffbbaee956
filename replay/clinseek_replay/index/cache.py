"""Numbers about a file that take long to find, kept for the next opening: offsets, lengths, nothing else.

They lie in the user's cache directory, never beside the recording: a folder of recordings is only read. No
text of a recording is kept, so the cache holds no patient data. What is kept is used only for the very file
it was made of, as its size, times, inode and both ends tell; only where it is this user's own and whole;
and only as places to read at. Whatever else lies there is ignored and made anew. `docs/recordings.md` is
for its users.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from clinseek_replay.index.source_file import SourceFile

__all__ = ["Numbers", "cached", "folder"]

Numbers: TypeAlias = "Mapping[str, array[int]]"
"""Unsigned 64-bit numbers by name."""

_VERSION = f"clinseek-index/1 {sys.byteorder}"
_END_BYTES = 64 * 1024
_MAX_BYTES = 256 * 1024 * 1024
_MAX_FILES = 128
_SUFFIX = ".index"


class _Of(msgspec.Struct, frozen=True):
    """The file, as it was when the numbers were found."""

    path: str
    part: str
    size: int
    modified_ns: int
    inode: int
    device: int
    ends: bytes


class _Kept(msgspec.Struct, frozen=True):
    version: str
    of: _Of
    numbers: dict[str, bytes]


def cached(source: SourceFile, part: str, find: Callable[[], Numbers]) -> Numbers:
    """What `find` gives of a file, or what an earlier call for the same file and `part` kept of it.

    Keeping is a convenience: where it is not possible nothing is kept, and nothing is said.
    Raises InputError where the file can't be read, and what `find` raises.
    """
    of = source.using(lambda descriptor: _of(descriptor, source.path, part))
    name = "\0".join((of.path, part)).encode(errors="surrogateescape")
    place = folder() / (hashlib.sha256(name).hexdigest() + _SUFFIX)
    kept = _load(place, of)
    if kept is not None:
        return kept
    numbers = find()
    # A file that changed meanwhile has numbers of neither state.
    if source.using(lambda descriptor: _of(descriptor, source.path, part)) == of:
        with contextlib.suppress(OSError):
            _keep(place, of, numbers)
    return numbers


def folder() -> Path:
    """The folder of what is kept: below XDG_CACHE_HOME, or `~/.cache`."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return base / "clinseek-tui" / "index"


def _of(descriptor: int, path: Path, part: str) -> _Of:
    now = os.fstat(descriptor)
    ends = os.pread(descriptor, _END_BYTES, 0)
    ends += os.pread(descriptor, _END_BYTES, max(now.st_size - _END_BYTES, 0))
    return _Of(
        path=os.path.realpath(path),
        part=part,
        size=now.st_size,
        modified_ns=now.st_mtime_ns,
        inode=now.st_ino,
        device=now.st_dev,
        ends=hashlib.sha256(ends).digest(),
    )


def _load(place: Path, of: _Of) -> Numbers | None:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not _is_ours(os.fstat(descriptor)):
                return None
            data = file.read(_MAX_BYTES)
        check, body = data[:32], data[32:]
        if hashlib.sha256(body).digest() != check:
            return None
        kept = msgspec.msgpack.decode(body, type=_Kept)
        if kept.version != _VERSION or kept.of != of:
            return None
        return {name: array("Q", packed) for name, packed in kept.numbers.items()}
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody but this user can have written it."""
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _keep(place: Path, of: _Of, numbers: Numbers) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = os.lstat(place.parent)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        return
    packed = {name: values.tobytes() for name, values in numbers.items()}
    body = msgspec.msgpack.encode(_Kept(version=_VERSION, of=of, numbers=packed))
    if len(body) + 32 > _MAX_BYTES:
        return
    # A new name that only this user may open, put in place at once: a link planted there is replaced, not
    # followed.
    descriptor, name = tempfile.mkstemp(dir=place.parent, suffix=".new")
    try:
        with open(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(name, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _make_room(place.parent)


def _make_room(where: Path) -> None:
    """Remove what has not been written for longest, where there is more than is kept."""
    kept = sorted(where.glob(f"*{_SUFFIX}"), key=lambda path: path.lstat().st_mtime_ns)
    for path in kept[:-_MAX_FILES]:
        path.unlink()
