"""The time lens in characters: an axis, a wall at the cutoff, a row for each table, call and leak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple, overload

from clinseek_core.text import one_line
from clinseek_replay.glyphs import SIGNS, tool_glyph
from clinseek_replay.lens import Glance, Leaked, Lens, TableTimes, Times

__all__ = ["SPANS", "LensLine", "LensLines", "Style", "drawn", "fitting_span"]

Style = Literal["plain", "dim", "strong", "accent", "error", "heading"]

SPANS: tuple[tuple[str, int | None], ...] = (
    ("all", None),
    ("5 years", 5 * 365 * 1440),
    ("a year", 365 * 1440),
    ("90 days", 90 * 1440),
    ("30 days", 30 * 1440),
    ("7 days", 7 * 1440),
    ("2 days", 2 * 1440),
    ("12 hours", 720),
)
"""How far back from the cutoff one looks."""

_LEVELS = "▁▂▃▄▅▆▇█"
_WALL, _UNKNOWN, _LOOKED, _ASKED = "│", "░", "·", "–"
_BEHIND = 8
"""One cell in so many lies behind the wall."""
_MOST_CALLS = 0.6
_EARLIER = "<"
_LABEL = 24
_NARROWEST = 10
_EPOCH = datetime(1970, 1, 1)
_DAY = 1440


class LensLine(NamedTuple):
    """A line in pieces, and the place in the run that it stands for."""

    pieces: tuple[tuple[str, Style], ...]
    anchor: str = ""


class _Axis(NamedTuple):
    """From minutes to cells: some before the wall, some behind it. Without a cutoff there is no wall."""

    first: int
    cutoff: int
    last: int
    before: int
    """Cells before the wall."""
    behind: int
    """Cells behind it; 0 where there is none."""

    def cell(self, minute: int) -> int | None:
        """Index of a time's cell among all; None outside."""
        if self.first <= minute < self.cutoff or (not self.behind and minute == self.cutoff):
            return min((minute - self.first) * self.before // (self.cutoff - self.first), self.before - 1)
        if self.behind and self.cutoff <= minute <= self.last:
            share = (minute - self.cutoff) * self.behind // max(self.last - self.cutoff, 1)
            return self.before + min(share, self.behind - 1)
        return None

    @property
    def minutes_a_cell(self) -> float:
        """How fine it is."""
        return (self.cutoff - self.first) / self.before


class LensLines(Sequence[LensLine]):
    """The lens in `width` cells, back to `span` minutes before the cutoff, or to the first time of all.

    The line of a call is drawn when it is looked at: a run may have thousands.
    """

    def __init__(self, lens: Lens, width: int, span: int | None = None) -> None:
        self._calls = lens.calls
        self._above: list[LensLine] = []
        self._below: list[LensLine] = []
        ends = lens.span
        if ends is None:
            self._above = [LensLine((("no time in the recording, and none at which it was asked", "dim"),))]
            return
        self._axis = _axis(lens, ends, max(width - _LABEL - 2, _NARROWEST), span)
        self._above = [
            *_scale(self._axis),
            LensLine(((f"{lens.of}, by table", "heading"),)),
            *(line for table in lens.tables for line in _table_lines(table, self._axis)),
            LensLine((("what each call looked at", "heading"),)),
        ]
        if lens.leaks:
            self._below = [
                LensLine(((f"leaks in {len(lens.leaks)} places", "heading"),)),
                *_leak_lines(lens.leaks, self._axis, width),
            ]

    def __len__(self) -> int:
        return len(self._above) + len(self._calls) + len(self._below)

    @overload
    def __getitem__(self, index: int) -> LensLine: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LensLine]: ...
    def __getitem__(self, index: int | slice) -> LensLine | Sequence[LensLine]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        if at < len(self._above):
            return self._above[at]
        at -= len(self._above)
        return (
            _call_line(self._calls[at], self._axis)
            if at < len(self._calls)
            else self._below[at - len(self._calls)]
        )

    def line_of(self, anchor: str) -> int:
        """Index of the line of a call; of the first call where it has none."""
        found = (index for index, glance in enumerate(self._calls) if glance.anchor == anchor)
        return min(len(self._above) + next(found, 0), len(self) - 1)


def drawn(line: LensLine) -> str:
    """A line as plain text."""
    return "".join(text for text, _ in line.pieces).rstrip()


def fitting_span(lens: Lens) -> int:
    """Index in SPANS of the least time that holds what most calls looked at."""
    if lens.cutoff is None:
        return 0
    ages = sorted(max(lens.cutoff - glance.times[0][0], 0) for glance in lens.calls if glance.times)
    if not ages:
        return 0
    usual = ages[int(len(ages) * _MOST_CALLS)] if len(ages) > 1 else ages[0]
    return max((n for n, (_, span) in enumerate(SPANS) if span is None or span >= usual), default=0)


def _axis(lens: Lens, ends: tuple[int, int], width: int, span: int | None) -> _Axis:
    first, last = ends
    if lens.cutoff is None:
        return _Axis(min(first if span is None else max(first, last - span), last - 1), last, last, width, 0)
    first = min(first, lens.cutoff - 1) if span is None else lens.cutoff - span
    behind = max(width // _BEHIND, 1)
    beyond = [leak.at for leak in lens.leaks if leak.at is not None and leak.at > lens.cutoff]
    # Behind the wall as fine as before it, unless leaks lie further on: then all that it takes, up to a span.
    least = (lens.cutoff - first) * behind // (width - behind)
    far = max((at for at in beyond if at - lens.cutoff <= lens.cutoff - first), default=lens.cutoff)
    return _Axis(first, lens.cutoff, max(lens.cutoff + least, far), width - behind, behind)


def _scale(axis: _Axis) -> Iterator[LensLine]:
    """The times at both ends, and the wall with the cutoff's."""
    width = axis.before + axis.behind + bool(axis.behind)
    left, right = _told(axis.first, axis), _told(axis.last, axis)
    gap = " " * max(width - len(left) - len(right), 1)
    yield LensLine(((_label(""), "dim"), (f"{left}{gap}{right}"[:width], "dim")))
    if not axis.behind:
        yield LensLine(((_label("no cutoff is known"), "dim"),))
        return
    told = f"cutoff {_told(axis.cutoff, axis)} ".rjust(axis.before)[-axis.before :]
    words = " not known yet "
    fits = axis.behind > len(words) + 1
    unknown = words.center(axis.behind, _UNKNOWN) if fits else _UNKNOWN * axis.behind
    yield LensLine(((_label(""), "dim"), (told, "strong"), (_WALL, "accent"), (unknown, "dim")))


def _table_lines(table: TableTimes, axis: _Axis) -> Iterator[LensLine]:
    name = f"{table.name} {table.rows:,}"
    if table.happened:
        yield _row(name, _earlier(table.happened, axis) | _levels(table.happened, axis), axis)
    if table.known:
        lag = "" if table.lag is None else f" {_lag(table.lag)}"
        label = f"└ known{lag}" if table.happened else f"{name} known"
        yield _row(label, _levels(table.known, axis), axis, "dim")


def _call_line(glance: Glance, axis: _Axis) -> LensLine:
    what = glance.tables[0] if len(glance.tables) == 1 else glance.tool.removeprefix("ehr.")
    label = f"{glance.anchor} {tool_glyph(glance.tool).unicode} {what}"
    if glance.leaks:
        label = f"{SIGNS['leak'].unicode} {label}"
    cells = dict.fromkeys(_cells(glance.times, axis), _ASKED if glance.asked else _LOOKED)
    leaked = dict.fromkeys(_cells(((at, 1) for at in glance.leaked), axis), SIGNS["leak"].unicode)
    line = _row(label, _earlier(glance.times, axis) | cells | leaked, axis)
    return line._replace(anchor=glance.anchor)


def _leak_lines(leaks: Sequence[Leaked], axis: _Axis, width: int) -> Iterator[LensLine]:
    """A line for each finding in each call, with its first time."""
    first: dict[tuple[str, str], Leaked] = {}
    for leak in leaks:
        first.setdefault((leak.anchor, leak.why), leak)
    for leak in first.values():
        when = "" if leak.at is None else f"{_told(leak.at, axis)} "
        text = one_line(f"{leak.anchor} {when}{leak.why}", max(width - 2, _NARROWEST))
        yield LensLine(((f"{SIGNS['leak'].unicode} ", "error"), (text, "plain")), leak.anchor)


def _row(label: str, cells: dict[int, str], axis: _Axis, style: Style = "plain") -> LensLine:
    """A label and its cells, the wall between them; leaks are in the colour of leaks."""
    leak = SIGNS["leak"].unicode
    drawn_: list[tuple[str, Style]] = [(_label(label), "error" if label.startswith(leak) else "dim")]
    for cell in range(axis.before + axis.behind):
        if cell == axis.before:
            drawn_.append((_WALL, "accent"))
        character = cells.get(cell, " ")
        drawn_.append((character, "error" if character == leak else style))
    pieces = (
        ("".join(text for text, _ in same), style_) for style_, same in groupby(drawn_, key=itemgetter(1))
    )
    return LensLine(tuple(pieces))


def _earlier(times: Times, axis: _Axis) -> dict[int, str]:
    """The sign at the left edge that says that there are earlier times."""
    return {0: _EARLIER} if times and times[0][0] < axis.first else {}


def _levels(times: Times, axis: _Axis) -> dict[int, str]:
    """By the square root, so that a single row is still seen beside a hundred."""
    counts: dict[int, int] = {}
    for minute, count in times:
        cell = axis.cell(minute)
        if cell is not None:
            counts[cell] = counts.get(cell, 0) + count
    most = max(counts.values(), default=1)
    top = len(_LEVELS) - 1
    return {cell: _LEVELS[round(top * (count / most) ** 0.5)] for cell, count in counts.items()}


def _cells(times: Iterable[tuple[int, int]], axis: _Axis) -> Iterator[int]:
    return (cell for minute, _ in times if (cell := axis.cell(minute)) is not None)


def _label(text: str) -> str:
    return one_line(text, _LABEL - 1).ljust(_LABEL)


def _told(minute: int, axis: _Axis) -> str:
    """A time as finely as the axis shows times."""
    try:
        at = _EPOCH + timedelta(minutes=minute)
    except OverflowError:
        return "?"
    return f"{at:%Y-%m-%d}" if axis.minutes_a_cell >= _DAY else f"{at:%Y-%m-%d %H:%M}"


def _lag(minutes: float) -> str:
    """How much later it was known than it happened."""
    if abs(minutes) < 1:
        return "at once"
    units: Sequence[tuple[str, int]] = (("d", _DAY), ("h", 60), ("min", 1))
    name, size = next((name, size) for name, size in units if abs(minutes) >= size)
    return f"{abs(minutes) / size:.0f} {name} {'later' if minutes > 0 else 'before'}"
