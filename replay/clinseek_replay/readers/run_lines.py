"""Files with a run on each line: runs are found without reading them, and described when they are listed."""

from __future__ import annotations

import functools
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from clinseek_replay.index import Numbers, SourceFile, cached, peek, scan_lines
from clinseek_replay.readers.reader import MAX_LINE_BYTES, Entry, Index, Problem
from clinseek_replay.trajectory import Span

__all__ = ["LineFormat", "RunLines", "index_lines"]

_LARGE_BYTES = 16 * 1024 * 1024
_PEEKED_BYTES = 32 * 1024
"""A shorter line is read whole: that is as fast as a look at its ends."""


_AT_ONCE = 256
"""Entries made while the file is open once."""
_RUNS = ("lines", "offsets", "lengths")
_OTHERS = ("other_lines", "other_offsets", "other_lengths")


@dataclass(frozen=True)
class LineFormat:
    """How a line tells whether it is a run, and what is listed of it."""

    name: str
    large: str
    """The member that holds nearly all of a run."""
    wanted: tuple[tuple[str, ...], ...]
    """Groups of members; a line's ends suffice where of each group one stands there."""
    value: Callable[[bytes], Any]
    """The JSON value of a line that has to be read whole; long parts may be cut. Raises ValueError."""
    describe: Callable[[Any], dict[str, Any]]
    """qid, run_index and status for an Entry. Raises ValueError saying why a value is no run."""


class RunLines(Sequence[Entry]):
    """The entries of a file's runs, each made when it is asked for."""

    def __init__(self, source: SourceFile, form: LineFormat, numbers: Numbers) -> None:
        self._source, self._form = source, form
        self._lines = numbers["lines"]
        self._offsets = numbers["offsets"]
        self.lengths = numbers["lengths"]
        """The bytes of each run, known without making its entry."""

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return tuple(self._source.using(lambda descriptor: [self._entry(descriptor, n) for n in places]))
        return self._source.using(lambda descriptor: self._entry(descriptor, places))

    def __iter__(self) -> Iterator[Entry]:
        for begin in range(0, len(self), _AT_ONCE):
            yield from self[begin : begin + _AT_ONCE]

    def _entry(self, descriptor: int, place: int) -> Entry:
        span = Span(self._offsets[place], self.lengths[place])
        try:
            told = _told(descriptor, span, self._form)
        except ValueError:
            told = {}  # the file has changed, as reading the run will say
        return Entry(
            path=self._source.path,
            line=self._lines[place],
            offset=span.offset,
            length=span.length,
            **told,
        )


def index_lines(path: Path, form: LineFormat) -> Index | None:
    """One entry for each line that holds a run, made as they are asked for.

    None where the file is small: its index is made whole as fast as this one is looked up.
    Raises InputError where the file can't be read.
    """
    source = SourceFile(path)
    if source.size() < _LARGE_BYTES:
        return None
    numbers = cached(source, f"lines {form.name}", functools.partial(_find, source, form))
    return Index(RunLines(source, form, numbers), _problems(source, form, numbers))


def _find(source: SourceFile, form: LineFormat) -> Numbers:
    """The lines that hold a run, and those that hold something else."""
    numbers = {name: array("Q") for name in (*_RUNS, *_OTHERS)}
    found = scan_lines(source.path)

    def sort(descriptor: int) -> None:
        for number, offset, length in found.rows():
            span = Span(offset, length)
            try:
                _told(descriptor, span, form)
            except ValueError:
                if not _is_blank(descriptor, span):
                    _add(numbers, _OTHERS, number, span)
                continue
            _add(numbers, _RUNS, number, span)

    source.using(sort)
    return numbers


def _add(numbers: dict[str, array[int]], names: tuple[str, ...], number: int, span: Span) -> None:
    for name, value in zip(names, (number, span.offset, span.length), strict=True):
        numbers[name].append(value)


def _told(descriptor: int, span: Span, form: LineFormat) -> dict[str, Any]:
    if span.length > MAX_LINE_BYTES:
        raise ValueError(f"longer than {MAX_LINE_BYTES >> 20} MiB")
    if span.length > _PEEKED_BYTES:
        peeked = peek(descriptor, span, form.large, form.wanted)
        if peeked is not None:
            return form.describe(peeked)
    return form.describe(form.value(_bytes(descriptor, span)))


def _bytes(descriptor: int, span: Span) -> bytes:
    return os.pread(descriptor, span.length, span.offset)


def _is_blank(descriptor: int, span: Span) -> bool:
    begin = os.pread(descriptor, min(span.length, 64), span.offset)
    return begin.isspace() and _bytes(descriptor, span).isspace()


def _problems(source: SourceFile, form: LineFormat, numbers: Numbers) -> tuple[Problem, ...]:
    """Why each of the lines that hold no run holds none."""

    def reason(descriptor: int, span: Span) -> str:
        try:
            _told(descriptor, span, form)
        except ValueError as error:
            return str(error)
        return "has changed while the file was indexed"

    def tell(descriptor: int) -> list[Problem]:
        rows = zip(*(numbers[name] for name in _OTHERS), strict=True)
        return [
            Problem(f"{source.path}:{number}", reason(descriptor, Span(offset, length)))
            for number, offset, length in rows
        ]

    return tuple(source.using(tell))
