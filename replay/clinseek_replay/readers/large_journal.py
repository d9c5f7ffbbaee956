"""A journal of many megabytes: its events are found, not kept, and a step is folded from its own events.

What it gives is what `fold` gives of all events at once, the steps as a `LazySteps`.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import (
    FORMAT,
    Damage,
    End,
    Forked,
    Header,
    Prompt,
    Record,
    Resumed,
    Turn,
    Unknown,
    decode_line,
    read_body,
)
from clinseek_replay.fold import fold
from clinseek_replay.index import LazySteps, Numbers, SourceFile, cached
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["LARGE_BYTES", "read_large_journal"]

LARGE_BYTES = 2 * 1024 * 1024
"""A smaller journal is read whole: that takes some milliseconds."""

_BAD = ("bad_lines", "bad_offsets", "bad_lengths")
_NAMES = ("run_offsets", "run_lengths", "counts", "calls", "offsets", "lengths", *_BAD, "end")


def read_large_journal(path: Path) -> tuple[Trajectory, int, int]:
    """The run as far as the journal's whole lines hold it, how many they are, and how many bytes follow them.

    Raises InputError where the file can't be read, or is of a newer major version.
    """
    source = SourceFile(path)
    numbers = cached(source, "journal", functools.partial(_find, source))
    lines, tail, _ = numbers["end"]
    return _Journal(source, numbers).trajectory(), lines, tail


def _belongs(record: Record, last: int | None) -> tuple[bool, int | None]:
    """Whether an event tells of the run as a whole, and which step it is of; `last` is the highest so far."""
    if isinstance(record, Prompt | Forked | End):
        return True, None
    if isinstance(record, Resumed):
        return True, last
    if isinstance(record, Header | Unknown):
        return last is None, last
    return False, record.step


class _Sorted:
    """Where the events of a journal lie, sorted as they come: those of the run, and those of each step."""

    def __init__(self) -> None:
        self.numbers = {name: array("Q") for name in _NAMES}
        self.before = 0
        """How many of the run's events come before its first step."""
        self._places: dict[int, list[tuple[int, int]]] = {}
        self._calls: dict[int, int] = {}
        self._last: int | None = None

    def bad(self, line: int, offset: int, length: int) -> None:
        """A line that holds no event."""
        for name, value in zip(_BAD, (line, offset, length), strict=True):
            self.numbers[name].append(value)

    def event(self, record: Record, offset: int, length: int) -> None:
        """An event of the run or of a step, or of both."""
        of_run, step = _belongs(record, self._last)
        if of_run:
            self.numbers["run_offsets"].append(offset)
            self.numbers["run_lengths"].append(length)
            self.before += self._last is None
        if step is not None:
            self._places.setdefault(step, []).append((offset, length))
            self._last = step if self._last is None else max(self._last, step)
        if isinstance(record, Turn):
            self._calls[record.step] = len(record.calls)

    def by_step(self) -> None:
        """Put down the steps' events, step after step in the order of their numbers."""
        for step in sorted(self._places):
            places = self._places[step]
            self.numbers["counts"].append(len(places))
            self.numbers["calls"].append(self._calls.get(step, 0))
            self.numbers["offsets"].extend(offset for offset, _ in places)
            self.numbers["lengths"].extend(length for _, length in places)


def _find(source: SourceFile) -> Numbers:
    """Where the events lie: those of the run, those of each step, and the lines that hold none.

    `end` is how many whole lines there are, the bytes that follow them, and how many of the run's events come
    before its first step.
    """
    found = _Sorted()
    whole = tail = 0
    for line, offset, data in _lines(source):
        if not data.endswith(b"\n"):
            tail = len(data)
            break
        whole = line
        if not data.strip():
            continue
        try:
            found.event(decode_line(data[:-1]), offset, len(data) - 1)
        except ValueError:
            found.bad(line, offset, len(data) - 1)
        except InputError as error:
            raise InputError(f"{source.path}:{line}: {error}") from error
    found.by_step()
    found.numbers["end"].extend((whole, tail, found.before))
    return found.numbers


def _lines(source: SourceFile) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and bytes of each line."""
    offset = 0
    try:
        with source.path.open("rb") as file:
            for number, data in enumerate(file, 1):
                yield number, offset, data
                offset += len(data)
    except OSError as error:
        raise InputError(f"{source.path}: can't be read ({error.strerror})") from error


class _Journal:
    """A journal's file, of which each event is read when it is needed."""

    def __init__(self, source: SourceFile, numbers: Numbers) -> None:
        self._source, self._numbers = source, numbers
        self._bodies = functools.partial(read_body, source.path)
        self._ends = array("Q", accumulate(numbers["counts"]))
        """Of each step: the place after its last event among all steps' events."""

    def trajectory(self) -> Trajectory:
        """The run as a whole, and its steps, which are not read yet."""
        trajectory = Trajectory(run_id="", source=str(self._source.path), format=FORMAT)
        of_run = range(len(self._numbers["run_offsets"]))
        records = [self._read(*place) for place in self._places("run_offsets", "run_lengths", of_run)]
        before = self._numbers["end"][2]
        trajectory = fold(trajectory, records[:before], self._bodies)
        # What is said to the step at which it happens is folded again with that step: here it is let go.
        sizes = [self._bytes(place) for place in range(len(self._ends))]
        anywhere = msgspec.structs.replace(trajectory, steps=(Step(number=0),))
        return msgspec.structs.replace(
            fold(anywhere, records[before:], self._bodies),
            steps=LazySteps(self._step, sizes, self._numbers["calls"]),
            damage=tuple(self._damage()),
        )

    def _events(self, place: int) -> range:
        end = self._ends[place]
        return range(end - self._numbers["counts"][place], end)

    def _bytes(self, place: int) -> int:
        return sum(self._numbers["lengths"][event] for event in self._events(place))

    def _step(self, place: int) -> Step:
        events = self._events(place)
        places = self._places("offsets", "lengths", events)
        nothing = Trajectory(run_id="", source="", format=FORMAT)
        [step] = fold(nothing, [self._read(*place) for place in places], self._bodies, places).steps
        return step

    def _places(self, offsets: str, lengths: str, events: range) -> list[tuple[int, int]]:
        begin, end = events.start, events.stop
        return list(zip(self._numbers[offsets][begin:end], self._numbers[lengths][begin:end], strict=True))

    def _read(self, offset: int, length: int) -> Record:
        try:
            return decode_line(self._source.read(offset, length))
        except ValueError as error:
            where = f"{self._source.path}: at byte {offset}"
            raise InputError(f"{where}: {error}; the file may have changed, open it again") from error

    def _damage(self) -> Iterator[Damage]:
        bad = zip(*(self._numbers[name] for name in _BAD), strict=True)
        for line, offset, length in bad:
            try:
                decode_line(self._source.read(offset, length))
            except ValueError as error:
                yield Damage(line, str(error))
