"""Labels by people, in a side-file beside the recording: appended, never changed; nothing else is touched.

`docs/formats/findings.md` is the format's reference.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.trajectory import Damage

__all__ = [
    "FORMAT",
    "Label",
    "Labels",
    "Verdict",
    "append_labels",
    "append_lines",
    "findings_path",
    "latest",
    "read_labels",
    "standing",
]

FORMAT = "clinseek.findings/1"
_FAMILY, _MAJOR = FORMAT.split("/")
_FILE_MODE = 0o600
_ANCHOR = re.compile(r"s\d{1,9}(?:\.c\d{1,9}(?:\.r\d{1,9})?|\.t:\d{1,12}-\d{1,12})?")
_CODE = re.compile(r"[A-Z]\d{1,2}[a-z]?")

Verdict = Literal["accept", "reject", "override", "reviewed", "undone"]
"""`accept`: the code holds there, found by a rule or not · `reject`: it does not · `override`: another code
holds there instead · `reviewed`: the author has gone through the whole run, and what was not accepted is not
there · `undone`: what the author said last of the run, all labels of one time, is taken back."""


class Label(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="label"):
    """What a person says of one code at one place of a run."""

    at: datetime
    author: str
    run: str
    """The run's id, or its qid where it has none."""
    verdict: Verdict
    rule_version: str
    anchor: str = ""
    code: str = ""
    instead: str = ""
    """The code that holds, where `verdict` is `override`."""
    text: str = ""


class _Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="header"):
    format: str
    at: datetime
    recording: str
    """The recording's file name."""


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What a side-file holds."""

    labels: tuple[Label, ...] = ()
    damage: tuple[Damage, ...] = ()
    """Lines that could not be used: they stay in the file."""
    other: int = 0
    """Lines of a kind that this version does not know."""


class _Peek(msgspec.Struct):
    type: str = ""
    format: str = ""


_lines: msgspec.json.Decoder[Label | _Header] = msgspec.json.Decoder(Label | _Header)
_peeks = msgspec.json.Decoder(_Peek)


def findings_path(recording: Path) -> Path:
    """The side-file of a recording: `<recording>.findings.jsonl` beside it."""
    return recording.with_name(f"{recording.name}.findings.jsonl")


def read_labels(recording: Path) -> Labels:
    """The labels of a recording that still stand, in the order given; none where there is no side-file.

    Raises InputError where the side-file can't be read or is of a newer major version.
    """
    path = findings_path(recording)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Labels()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read ({error})") from error
    labels: list[Label] = []
    damage: list[Damage] = []
    other = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = _decoded(line, f"{path}:{number}")
        except ValueError as error:
            damage.append(Damage(number, str(error)))
            continue
        if isinstance(value, Label):
            labels.append(value)
        other += value is None
    return Labels(labels=standing(labels), damage=tuple(damage), other=other)


def standing(labels: Iterable[Label]) -> tuple[Label, ...]:
    """The labels without those that their authors have taken back, and without the taking back."""
    kept: list[Label] = []
    for label in labels:
        if label.verdict != "undone":
            kept.append(label)
            continue
        own = [each for each in kept if (each.run, each.author) == (label.run, label.author)]
        if own:
            kept = [each for each in kept if each not in own or each.at != own[-1].at]
    return tuple(kept)


def _decoded(line: bytes, place: str) -> Label | _Header | None:
    """What a line holds, None for a kind we do not know; ValueError where it is no line of the format."""
    try:
        value = _lines.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            peek = _peeks.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ValueError(f"not a line of a findings file ({error})") from error
        if peek.type == "header":
            _check_version(peek.format, place)
        if peek.type and peek.type not in ("header", "label"):
            return None
        raise ValueError(f"not a whole label ({error})") from error
    if isinstance(value, _Header):
        _check_version(value.format, place)
    return value


def _check_version(text: str, place: str) -> None:
    family, _, major = text.partition("/")
    if family != _FAMILY or not major.isdecimal() or len(major) > 6:
        raise ValueError(f"a header of format {text[:60]!r}, not of {FORMAT}")
    if int(major) > int(_MAJOR):
        raise InputError(
            f"{place}: the findings are {family}/{major} and this version reads up to {FORMAT}; "
            "upgrade with `pip install -U clinseek-tui`"
        )


def append_labels(recording: Path, labels: Iterable[Label]) -> Path:
    """Append labels to a recording's side-file, which is made for its owner alone where there is none.

    A last line that was cut off stays as it is, on a line of its own. Raises InputError where a label says
    too little, or the file can't be written or is of a newer version.
    """
    given = tuple(labels)
    for label in given:
        _check(label)
    return append_lines(recording, given)


def append_lines(recording: Path, lines: Iterable[msgspec.Struct]) -> Path:
    """Append lines of any kind to a recording's side-file, each with its `type`; as `append_labels` else."""
    path = findings_path(recording)
    read_labels(recording)
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            head = b""
            if not size:
                os.fchmod(descriptor, _FILE_MODE)
                head = _header_line(recording)
            elif os.pread(descriptor, 1, size - 1) != b"\n":
                head = b"\n"
            file.write(head + data)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror}); the label was not kept") from error
    return path


def _header_line(recording: Path) -> bytes:
    header = _Header(format=FORMAT, at=datetime.now(UTC), recording=recording.name)
    return msgspec.json.encode(header) + b"\n"


def _check(label: Label) -> None:
    """Raise InputError for a label that says too little."""
    if not label.author.strip():
        raise InputError("a label needs its author; name yourself by --author NAME")
    if label.verdict in ("reviewed", "undone"):
        return
    if not _ANCHOR.fullmatch(label.anchor):
        raise InputError(f"{label.anchor!r} is no place of a run; write one as s12, s12.c1 or s12.c1.r3")
    for code in (label.code, *((label.instead,) if label.verdict == "override" else ())):
        if not _CODE.fullmatch(code):
            raise InputError(f"{code!r} is no code of a failure; docs/triage.md lists them")


def latest(labels: Iterable[Label]) -> dict[tuple[str, str, str, str], Label]:
    """The last word of each author on each code at each place, by (run, author, anchor, code)."""
    return {(label.run, label.author, label.anchor, label.code): label for label in labels}
