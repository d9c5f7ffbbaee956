"""Telling a file's format from the structure of its beginning; its name means nothing.

Samples are taken of the file: its first lines, the whole of it where it is one JSON value over many lines,
the items of a list, and its bytes. Each is shown to the readers in their order, and the first that knows it
reads the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.lenient_json import lenient_json
from clinseek_replay.readers.json_spans import prefix
from clinseek_replay.readers.reader import HEAD_BYTES, Reader, Sample, head_of, skip_line

__all__ = ["detect_among", "document_in", "samples_of"]

_LINES = 20
"""Lines looked at for one that tells the format: the first may be damaged."""
_MAX_SKIPPED = 64 << 20
"""Bytes of lines longer than a sample that are passed over on the way to the next."""
_ITEMS = 3
_SHOWN = 400
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"PAR1")


def detect_among(readers: Sequence[Reader], path: Path) -> tuple[Reader, str]:
    """The reader for a file, and why it is the one.

    Raises InputError where the file can't be read or is of no format we know.
    """
    seen: list[Sample] = []
    for sample in samples_of(path):
        seen.append(sample)
        for reader in readers:
            if mark := reader.recognise(sample):
                return reader, f"{sample.place} is {mark}"
    raise InputError(f"{path}: {_why_none(seen)}")


def samples_of(path: Path) -> Iterator[Sample]:
    """Samples of a file's beginning, the most telling first, its bytes last.

    Raises InputError where the file can't be read.
    """
    head = head_of(path)
    if not head.strip():
        return
    if not head.startswith(_ARCHIVES):
        document = _document(head)
        if document is None:
            yield from _line_samples(path)
        else:
            yield from _with_items(Sample(path, "the file", head, document))
    yield Sample(path, "its beginning", head)


def document_in(path: Path) -> Any:
    """The value that a file begins with, where it is one JSON value over many lines; else None."""
    return _document(head_of(path))


def _document(head: bytes) -> Any:
    """The value of a file that is one JSON value over many lines; None where it isn't."""
    if head.lstrip()[:1] not in (b"{", b"[") or b"\n" not in head.strip():
        return None
    first, _, rest = head.lstrip().partition(b"\n")
    if rest.strip() and _whole(first) is not None:
        return None
    try:
        return prefix(head)
    except ValueError:
        return None


def _line_samples(path: Path) -> Iterator[Sample]:
    number, skipped = 0, 0
    told = 0
    with path.open("rb") as file:
        while told < _LINES and skipped < _MAX_SKIPPED and (data := file.readline(HEAD_BYTES)):
            number += 1
            if not data.isspace():
                told += 1
                yield from _with_items(Sample(path, f"line {number}", data, _value(data)))
            if len(data) == HEAD_BYTES and not data.endswith(b"\n"):
                skipped += skip_line(file.readline, _MAX_SKIPPED)


def _value(data: bytes) -> Any:
    """The JSON value of a line: of one that goes on after what is looked at, as far as that goes."""
    if data.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    whole = _whole(data.strip())
    if whole is not None:
        return whole
    try:
        value = prefix(data)
    except ValueError:
        return None
    cut_short = len(data) < HEAD_BYTES and data.rstrip()[-1:] not in (b"}", b"]", b'"')
    return None if cut_short else value


def _whole(line: bytes) -> Any:
    """The object that a line is, None where it is none: told faster than what a beginning holds."""
    if not line.rstrip().endswith(b"}"):
        return None
    try:
        return lenient_json(line)
    except (ValueError, RecursionError):
        return None


def _with_items(sample: Sample) -> Iterator[Sample]:
    yield sample
    if isinstance(sample.value, list):
        for number, item in enumerate(sample.value[:_ITEMS], 1):
            yield Sample(sample.path, f"item {number} of {sample.place}", sample.data, item)


def _why_none(seen: Sequence[Sample]) -> str:
    known = "docs/formats/recordings.md tells what a recording may be"
    if not seen:
        return f"is empty; {known}"
    first = seen[0]
    start = first.data[:_SHOWN].lstrip()
    if b"\0" in seen[-1].data[:_SHOWN] or start.startswith(_ARCHIVES):
        return f"{_named(first)} is binary, and no archive of runs; {known}"
    if first.value is None and start.startswith((b"{", b"[")):
        return f"{first.place} is cut off or damaged JSON, and nothing after it tells a format; {known}"
    if first.value is None:
        return f"{_named(first)} is not a JSON object, nor text with a model's calls; {known}"
    return f"{first.place} is {_nearest(first.value)}; {known}"


def _named(sample: Sample) -> str:
    return "line 1" if sample.place == "its beginning" else sample.place


def _nearest(value: Any) -> str:
    """What an unknown JSON value lacks to be of the nearest format."""
    if isinstance(value, list):
        return "a JSON list, but its items are neither messages nor runs"
    if not isinstance(value, dict):
        return f"a JSON {type(value).__name__}, no run"
    for names, says in _NEAR:
        if all(name in value for name in names):
            return says
    return "neither a journal's event nor a run with `messages`, `conversations`, `steps` or the like"


_NEAR: tuple[tuple[tuple[str, ...], str], ...] = (
    (("schema_version",), "near to ATIF (a `schema_version`), but without a list of `steps`"),
    (("eval",), "near to an Inspect log (`eval`), but without `version` and `plan` or `samples`"),
    (("messages",), "near to a chat: it has `messages`, but none of them with a `role`"),
    (("conversations",), "near to ShareGPT (`conversations`), but none of them has `from` and `value`"),
    (("steps",), "near to ATIF (`steps`), but without a `schema_version`"),
    (("trajectory",), "near to SWE-agent's (`trajectory`), but without `action` and `observation`"),
    (("qid", "question"), "neither a journal nor a run: a case, to be run, has a question but no `messages`"),
)
"""The nearest format by the names that an object has; the first row that fits."""
