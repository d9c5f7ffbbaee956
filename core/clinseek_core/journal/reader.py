"""Reading a journal back: bytes of a line to an event, a file to its events, a digest to its body.

What a reader must accept is in `docs/formats/journal.md`: unknown kinds of event are kept, unknown fields
ignored, a newer major version refused, and a bad line is damage, never the end of the reading.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal.events import FORMAT, Body, Event, Header, ImageRef

__all__ = [
    "Damage",
    "Journal",
    "Record",
    "Unknown",
    "bodies_folder",
    "decode_line",
    "read_body",
    "read_journal",
    "writer_alive",
]

_FAMILY, _MAJOR = FORMAT.split("/")
_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Event))
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Damage(msgspec.Struct, frozen=True):
    """A line of a recording that could not be used: 1-based line, and why."""

    line: int
    reason: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a kind that this version does not know, as it stands in the file."""

    type: str
    raw: dict[str, Any]
    seq: int | None = None


Record = Event | Unknown
"""What a line of a journal holds."""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """The whole lines of a journal, or of its part from `start` on, as they lay on disk at one moment."""

    records: tuple[Record, ...]
    places: tuple[tuple[int, int], ...]
    """Of each record its line: offset in the file, and length without its line feed."""
    damage: tuple[Damage, ...]
    end: int
    """Offset of the end of the last whole line."""
    lines: int
    """Whole lines up to `end`."""
    tail: bytes
    """What follows `end`: a line that is still being written, or was cut off."""


class _Peek(msgspec.Struct):
    type: str = ""
    format: str = ""
    seq: Any = None


_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_peeks = msgspec.json.Decoder(_Peek)


def decode_line(line: bytes) -> Record:
    """The event that one line holds.

    Raises ValueError saying why the line is none, and InputError for a header of a newer major version.
    """
    try:
        event = _events.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _not_an_event_of_ours(line, error)
    if isinstance(event, Header):
        _check_version(event.format)
    return event


def _not_an_event_of_ours(line: bytes, error: Exception) -> Unknown:
    try:
        peek = _peeks.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"not an event ({error})") from error
    if peek.type == "header":
        _check_version(peek.format)
    if not peek.type or peek.type in _KINDS:
        raise ValueError(f"not a whole event ({error})") from error
    seq = peek.seq if isinstance(peek.seq, int) else None
    try:
        return Unknown(type=peek.type, raw=msgspec.json.decode(line), seq=seq)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"not an event ({error})") from error


def _check_version(text: str) -> None:
    family, _, major = text.partition("/")
    if family != _FAMILY or not major.isdecimal():
        raise ValueError(f"a header of format {text!r}, not of {FORMAT}")
    if int(major) > int(_MAJOR):
        raise InputError(
            f"the journal is {family}/{major} and this version reads up to {FORMAT}; "
            "upgrade with `pip install -U clinseek-tui`"
        )


def read_journal(path: Path, start: int = 0, lines: int = 0) -> Journal:
    """Read a journal, or what follows its first `lines` lines, which end at offset `start`.

    Raises InputError where the file can't be read or is of a newer major version.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error
    whole = data.rfind(b"\n") + 1
    records: list[Record] = []
    places: list[tuple[int, int]] = []
    damage: list[Damage] = []
    offset = start
    for line in data[:whole].split(b"\n")[:-1]:
        lines += 1
        place, offset = (offset, len(line)), offset + len(line) + 1
        if not line.strip():
            continue
        try:
            records.append(decode_line(line))
            places.append(place)
        except ValueError as error:
            damage.append(Damage(lines, str(error)))
        except InputError as error:
            raise InputError(f"{path}:{lines}: {error}") from error
    return Journal(
        records=tuple(records),
        places=tuple(places),
        damage=tuple(damage),
        end=start + whole,
        lines=lines,
        tail=data[whole:],
    )


def bodies_folder(path: Path) -> Path:
    """The folder beside the journal `path` that holds its large texts and its images by digest."""
    return path.with_name(f"{path.name}.bodies")


def read_body(path: Path, body: Body | ImageRef) -> bytes:
    """The bytes that an event of the journal `path` names by digest.

    Raises InputError where they are missing, unreadable or not what the digest says.
    """
    if not _SHA256.fullmatch(body.sha256):
        raise InputError(f"{path}: {body.sha256[:80]!r} is no SHA-256 digest")
    place = bodies_folder(path) / body.sha256
    try:
        data = place.read_bytes()
    except OSError as error:
        raise InputError(
            f"{place}: can't be read ({error.strerror}); keep {place.parent.name} beside the journal"
        ) from error
    if hashlib.sha256(data).hexdigest() != body.sha256:
        raise InputError(f"{place}: has been changed since the run (its digest differs)")
    return data


def writer_alive(path: Path) -> bool:
    """Whether a process holds the journal's lock, that is, still writes it.

    The kernel drops the lock with its process, however that ended.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EAGAIN)
    else:
        return False
    finally:
        os.close(fd)
