"""Our own journals, one run a file; `docs/formats/journal.md` is their reference."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import (
    FORMAT,
    Damage,
    End,
    Header,
    decode_line,
    read_body,
    read_journal,
    writer_alive,
)
from clinseek_replay.fold import fold
from clinseek_replay.readers.large_journal import LARGE_BYTES, read_large_journal
from clinseek_replay.readers.reader import Entry, Index, Reader, Sample, lines_of
from clinseek_replay.trajectory import Trajectory

__all__ = ["JOURNAL"]

_TAIL_BYTES = 1 << 16


def recognise(sample: Sample) -> str | None:
    """A journal's header, or, where that was lost, any of its events."""
    record = sample.record
    type_, format_ = record.get("type"), record.get("format")
    family = FORMAT.partition("/")[0]
    if type_ == "header" and isinstance(format_, str) and format_.startswith(f"{family}/"):
        return f"a header of {format_[:40]}"
    if isinstance(type_, str) and isinstance(record.get("seq"), int) and isinstance(record.get("at"), str):
        return "an event of a journal (type, seq and at)"
    return None


def index(path: Path) -> Index:
    """The file's one run, by its header and its last line."""
    first = next(lines_of(path), None)
    header = _header(first.data, path) if first else None
    entry = Entry(
        path=path,
        line=1,
        offset=0,
        length=0,
        qid=header.case.qid if header else "",
        status=_status(path),
    )
    return Index((entry,))


def _header(line: bytes, path: Path) -> Header | None:
    try:
        event = decode_line(line)
    except ValueError:
        return None
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return event if isinstance(event, Header) else None


def _status(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _TAIL_BYTES, 0))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
        event = decode_line(last)
    except (OSError, ValueError, InputError):
        return ""
    return event.status if isinstance(event, End) else ""


def read(entry: Entry) -> Trajectory:
    """The run as far as the journal holds it."""
    path = entry.path
    trajectory, lines, tail = read_large_journal(path) if _is_large(path) else _whole(path)
    if not tail:
        return trajectory
    unfinished = Damage(lines + 1, _unfinished(path, tail))
    return msgspec.structs.replace(trajectory, damage=(*trajectory.damage, unfinished))


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size >= LARGE_BYTES
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


def _whole(path: Path) -> tuple[Trajectory, int, int]:
    """The run, how many whole lines there are, and how many bytes follow them."""
    journal = read_journal(path)
    empty = Trajectory(run_id="", source=str(path), format=FORMAT, damage=journal.damage)
    run = fold(empty, journal.records, functools.partial(read_body, path), journal.places)
    return run, journal.lines, len(journal.tail)


def _unfinished(path: Path, tail: int) -> str:
    if writer_alive(path):
        return "still being written; --follow goes on with it"
    return f"cut off after {tail} bytes; the event it began was lost"


JOURNAL = Reader(
    name="journal", title="a journal of clinseek-tui", recognise=recognise, index=index, read=read
)
