"""What a reader of recordings is: it recognises a format, lists a file's runs, and reads one of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.trajectory import Trajectory

__all__ = [
    "MAX_LINE_BYTES",
    "Entry",
    "Index",
    "Line",
    "Problem",
    "Reader",
    "lenient_json",
    "lines_of",
    "object_of",
    "skim",
]

MAX_LINE_BYTES = 512 * 1024 * 1024
"""A run with its films inline takes some megabytes; a longer line than this is no run."""

_MAX_DIGITS = 4_000
"""Python converts no longer number, in either direction."""

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

    @property
    def place(self) -> str:
        """`path` or `path:line`."""
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

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Reader:
    """One format."""

    name: str
    """As `--format` takes it."""
    recognise: Callable[[bytes], str | None]
    """What in a line marks it as of this format, or None."""
    index: Callable[[Path], Index]
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
                    whole += _skip_line(file.readline)
                    data = b""
                if not data or not data.isspace():
                    yield Line(number, offset, data)
                offset += whole
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


def _skip_line(readline: Callable[[int], bytes]) -> int:
    skipped = 0
    while part := readline(1 << 20):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def object_of(line: bytes) -> dict[str, Any]:
    """The JSON object of a line, read as `lenient_json` does where it is not strictly one.

    Raises ValueError saying why it is none.
    """
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _lenient(line)
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


def lenient_json(text: str | bytes) -> Any:
    """The value of a JSON text; `NaN`, infinities and numbers too large to compute with become None.

    Bytes that are not UTF-8 become U+FFFD. Raises ValueError or RecursionError where it is no JSON.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_bounded)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _bounded(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _lenient(line: bytes) -> Any:
    try:
        return lenient_json(line)
    except json.JSONDecodeError as error:
        cut = "" if line.endswith(b"\n") else "; the line seems to be cut off"
        raise ValueError(f"not JSON ({error.msg} at character {error.pos + 1}{cut})") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
