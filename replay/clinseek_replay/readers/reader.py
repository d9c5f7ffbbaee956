"""What a reader of recordings is: it recognises a format, lists a file's runs, and reads one of them.

`Reader` is the protocol; a format is a module with one. `docs/formats/recordings.md` lists them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.lenient_json import STRICT
from clinseek_replay.trajectory import Trajectory

__all__ = [
    "HEAD_BYTES",
    "MAX_LINE_BYTES",
    "Entry",
    "Index",
    "Line",
    "Problem",
    "Reader",
    "Sample",
    "bytes_of",
    "head_of",
    "lines_of",
    "object_of",
    "skim",
    "skip_line",
    "value_of",
]

MAX_LINE_BYTES = 512 * 1024 * 1024
"""A run with its films inline takes some megabytes; a longer line than this is no run."""

HEAD_BYTES = 256 * 1024
"""As much of a file, or of one of its lines, as is looked at to tell its format."""


T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True)
class Line:
    """A line of a file and where it lies."""

    number: int
    offset: int
    data: bytes
    """With its line feed, where it has one; empty where the line is over `MAX_LINE_BYTES`."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a file: where it lies, and what is known without reading it."""

    path: Path
    line: int
    """1-based line that the run, or its header, stands on."""
    offset: int
    length: int
    """Bytes of the run from `offset` on; 0 where the run is the whole file."""
    qid: str = ""
    run_index: int | None = None
    status: str = ""
    """As in a Trajectory; empty where the recording does not say."""
    part: str = ""
    """What names the run within a file that is not read by bytes: an archive's member, a table's row."""

    @property
    def place(self) -> str:
        """`path`, `path:line` or `path:part`."""
        if self.part:
            return f"{self.path}:{self.part}"
        return str(self.path) if not self.length else f"{self.path}:{self.line}"

    @property
    def label(self) -> str:
        """qid, run and status in one line."""
        run = f" run {self.run_index}" if self.run_index is not None else ""
        return f"{self.qid or 'no qid'}{run}{f' · {self.status}' if self.status else ''}"


class Problem(msgspec.Struct, frozen=True):
    """Something of a recording that could not be used, and why."""

    place: str
    reason: str


class Index(msgspec.Struct, frozen=True):
    """The runs of a file, none of them read yet, and what in it could not be used."""

    entries: Sequence[Entry]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A piece of a file's beginning, from which its format is told."""

    path: Path
    place: str
    """`line 3`, `the file`, `item 1 of the file's list`: what the sample is, for people."""
    data: bytes
    """Its first bytes, as far as they are looked at."""
    value: Any = None
    """What it is as JSON, without its end where it is longer than is looked at; None where it is no JSON."""

    @property
    def record(self) -> dict[str, Any]:
        """The value where it is an object, else an empty one."""
        return self.value if isinstance(self.value, dict) else {}


@dataclass(frozen=True)
class Reader:
    """One format."""

    name: str
    """As `--format` takes it."""
    title: str
    """What it is called in a sentence."""
    recognise: Callable[[Sample], str | None]
    """What marks a sample as of this format, or None."""
    index: Callable[[Path], Index]
    """The file's runs. Raises InputError where the file as a whole can't be read."""
    read: Callable[[Entry], Trajectory]
    """Raises InputError where the file has changed since it was indexed."""


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a file that are not blank, one at a time.

    Raises InputError where the file can't be read.
    """
    try:
        with path.open("rb") as file:
            number, offset = 0, 0
            while data := file.readline(MAX_LINE_BYTES):
                number += 1
                whole = len(data)
                if whole == MAX_LINE_BYTES:
                    whole += skip_line(file.readline)
                    data = b""
                if not data or not data.isspace():
                    yield Line(number, offset, data)
                offset += whole
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


def head_of(path: Path) -> bytes:
    """The first bytes of a file. Raises InputError where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


def skip_line(readline: Callable[[int], bytes], at_most: int = 1 << 62) -> int:
    """Read to the line's end, or `at_most` that many bytes of it; how many were read."""
    skipped = 0
    while skipped < at_most and (part := readline(1 << 20)):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def bytes_of(entry: Entry) -> bytes:
    """The bytes of an entry's run.

    Raises InputError where they can't be read, or are too many to be read at once.
    """
    if entry.length > MAX_LINE_BYTES:
        raise InputError(f"{entry.place}: the run is over {MAX_LINE_BYTES >> 20} MiB; it is not read at once")
    try:
        with entry.path.open("rb") as file:
            file.seek(entry.offset)
            return file.read(entry.length)
    except OSError as error:
        raise InputError(f"{entry.place}: can't be read ({error.strerror})") from error


def value_of(data: bytes) -> Any:
    """The value of a JSON text, read as `lenient_json` does where it is not strictly one.

    Raises ValueError saying why it is none.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(data)


def object_of(line: bytes) -> dict[str, Any]:
    """The JSON object of a line, read as `value_of` does.

    Raises ValueError saying why it is none.
    """
    value = value_of(line)
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, not an object")
    return value


def skim(line: bytes, shape: type[T]) -> T:
    """The fields of `shape`, of any type, from a line's JSON object; the rest is passed over quickly.

    Raises ValueError saying why the line is no object.
    """
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        record = object_of(line)
    return shape(**{name: record[name] for name in shape.__struct_fields__ if name in record})


def _lenient(line: bytes) -> Any:
    try:
        return STRICT.decode(line.decode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        cut = "" if line.endswith(b"\n") else "; the line seems to be cut off"
        raise ValueError(f"not JSON ({error.msg} at character {error.pos + 1}{cut})") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
