"""The times of a run: what there was of the record, what each call looked at, and what leaked.

Times are minutes since 1970, as the record's own clock tells them. Each list of times is of pairs: the
minute, and how many rows are of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

import msgspec

from clinseek_core.journal import Table
from clinseek_replay.finding import Finding
from clinseek_replay.search import argument_texts
from clinseek_replay.tables import stamp_of, stamps_in, table_names
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["Glance", "Leaked", "Lens", "TableTimes", "Times", "lens_of", "minute_of", "with_record"]

Times = tuple[tuple[int, int], ...]

_EPOCH = datetime(1970, 1, 1)
_MOST = 4_000
"""Different minutes that are kept of one call: a result of 100,000 characters has at most some 5,000."""
_ARGUMENT = 10_000
"""Characters of an argument that are searched for times."""
_LIFETIME = 130 * 366 * 1440
_NO_LOOK = frozenset(("ehr.think", "ehr.finish"))
_KNOWN_COLUMNS = frozenset(("known_at", "storetime"))
_SEVERAL = "several tables"


class TableTimes(msgspec.Struct, frozen=True, kw_only=True):
    """When the rows of one table happened, and when they became known."""

    name: str
    happened: Times
    known: Times = ()
    """Empty where it is not told."""
    lag: float | None = None
    """Minutes from the one to the other, in the middle; None where they are not told together."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(count for _, count in self.happened or self.known)


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What one call looked at."""

    anchor: str
    tool: str
    tables: tuple[str, ...]
    times: Times
    """Of what came back; of its arguments where nothing with a time did."""
    asked: bool = False
    """Whether these are times that were asked for and not shown."""
    leaked: tuple[int, ...] = ()
    """Of the findings of the audit that lie in it, the times that are told."""
    leaks: int = 0
    """How many findings lie in it."""


class Leaked(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of the audit."""

    anchor: str
    at: int | None
    """When it happened or became known, where that is told."""
    why: str
    """Untrusted."""


class Lens(msgspec.Struct, frozen=True, kw_only=True):
    """A run's times."""

    cutoff: int | None
    tables: tuple[TableTimes, ...]
    calls: tuple[Glance, ...]
    leaks: tuple[Leaked, ...]
    of: Literal["what the run saw", "the record"] = "what the run saw"
    """What `tables` are of."""

    @property
    def span(self) -> tuple[int, int] | None:
        """The first minute and the last of all; None where there is none."""
        times = [pairs for table in self.tables for pairs in (table.happened, table.known) if pairs]
        times += [glance.times for glance in self.calls if glance.times]
        ends = [minute for pairs in times for minute in (pairs[0][0], pairs[-1][0])]
        ends += [leak.at for leak in self.leaks if leak.at is not None]
        ends += [] if self.cutoff is None else [self.cutoff]
        return (min(ends), max(ends)) if ends else None


def lens_of(trajectory: Trajectory, findings: Iterable[Finding] = ()) -> Lens:
    """The times of a run; `findings` are those of its audit. Each step is read once."""
    leaks = tuple(leak for finding in findings for leak in _leaks(finding))
    of_call: dict[str, list[Leaked]] = {}
    for leak in leaks:
        of_call.setdefault(leak.anchor, []).append(leak)
    at = trajectory.prediction_time
    cutoff = None if at is None else _minute(at.replace(tzinfo=None))
    seen = _Seen(cutoff)
    calls = tuple(
        glance
        for step in trajectory.steps
        for call in step.calls
        if (glance := _glance(call, seen, of_call.get(call.anchor, ()))) is not None
    )
    return Lens(
        cutoff=cutoff,
        tables=seen.tables(),
        calls=calls,
        leaks=leaks,
    )


def with_record(lens: Lens, rows: Mapping[str, Iterable[tuple[str | None, str | None, int]]]) -> Lens:
    """The same with the record itself: by table, when rows happened and became known, and how many."""
    tables: list[TableTimes] = []
    for name, found in rows.items():
        happened: Counter[int] = Counter()
        known: Counter[int] = Counter()
        for event, available, count in found:
            for told, where in ((event, happened), (available, known)):
                if told is not None and (minute := minute_of(told)) is not None:
                    where[minute] += count
        if happened or known:
            lag = next((table.lag for table in lens.tables if table.name == name), None)
            tables.append(TableTimes(name=name, happened=_pairs(happened), known=_pairs(known), lag=lag))
    return msgspec.structs.replace(lens, tables=tuple(tables), of="the record")


def minute_of(text: str) -> int | None:
    """A time as it is written in the record; None where it is none."""
    stamp = stamp_of(text.strip()[:32])
    try:
        return None if stamp is None else _minute(datetime.fromisoformat(stamp.at))
    except (ValueError, OverflowError):
        return None


class _Seen:
    """The rows that the run saw, each once where the recording tells which they are."""

    def __init__(self, cutoff: int | None) -> None:
        self._cutoff = cutoff
        self._happened: dict[str, Counter[int]] = {}
        self._known: dict[str, Counter[int]] = {}
        self._lags: dict[str, list[int]] = {}
        self._rows: set[tuple[str, str]] = set()

    def row(self, table: str, key: str, event: str | None, available: str | None) -> None:
        if (table, key) in self._rows:
            return
        self._rows.add((table, key))
        times = [None if told is None else self.minute(told) for told in (event, available)]
        for minute, where in zip(times, (self._happened, self._known), strict=True):
            if minute is not None:
                where.setdefault(table, Counter())[minute] += 1
        if times[0] is not None and times[1] is not None:
            self._lags.setdefault(table, []).append(times[1] - times[0])

    def minute(self, text: str) -> int | None:
        """A time; none that is no part of a life, like the year 1 where a system knows none."""
        minute = minute_of(text)
        if minute is not None and self._cutoff is not None and abs(minute - self._cutoff) > _LIFETIME:
            return None
        return minute

    def tables(self) -> tuple[TableTimes, ...]:
        found = [
            TableTimes(
                name=name,
                happened=_pairs(self._happened.get(name, Counter())),
                known=_pairs(self._known.get(name, Counter())),
                lag=median(self._lags[name]) if name in self._lags else None,
            )
            for name in {**self._happened, **self._known}
        ]
        return tuple(sorted(found, key=lambda table: -table.rows))


def _glance(call: Call, seen: _Seen, leaks: Sequence[Leaked]) -> Glance | None:
    if call.name in _NO_LOOK and not leaks:
        return None
    tables = table_names(call)
    times = _counted(_shown(call, tables, seen), seen)
    asked = not times
    if asked:
        texts = (text for _, text in argument_texts(call))
        times = _counted((stamp.at for text in texts for stamp in stamps_in(text[:_ARGUMENT])), seen)
    if not times and not leaks:
        return None
    return Glance(
        anchor=call.anchor,
        tool=call.name,
        tables=tables,
        times=_pairs(dict(times.most_common(_MOST))),
        asked=asked,
        leaked=tuple(sorted({leak.at for leak in leaks if leak.at is not None})),
        leaks=len(leaks),
    )


def _counted(texts: Iterable[str], seen: _Seen) -> Counter[int]:
    return Counter(minute for text in texts if (minute := seen.minute(text)) is not None)


def _shown(call: Call, tables: tuple[str, ...], seen: _Seen) -> Iterator[str]:
    """The times that a result shows."""
    if call.result is None:
        return
    table = call.result.table
    if table is None:
        yield from _in_text(call.result.text, tables[0] if len(tables) == 1 else _SEVERAL, seen)
    elif table.origins:
        yield from _in_origins(table, seen)
    else:
        yield from _in_cells(table, table.source or (tables[0] if len(tables) == 1 else _SEVERAL), seen)


def _in_origins(table: Table, seen: _Seen) -> Iterator[str]:
    for origin in table.origins:
        for row in origin.rows:
            if row is not None:
                seen.row(origin.table, repr(row.key), row.event_time, row.known_at)
                yield row.event_time or row.known_at or ""


def _in_cells(table: Table, name: str, seen: _Seen) -> Iterator[str]:
    """Rows that do not say where they come from: the first time of each is taken for when it happened."""
    known_in = [n for n, column in enumerate(table.columns) if column.lower() in _KNOWN_COLUMNS]
    for row in table.rows:
        cells = [cell if isinstance(cell, str) and minute_of(cell) is not None else None for cell in row]
        known = next((cells[n] for n in known_in if n < len(cells) and cells[n]), None)
        event = next((cell for n, cell in enumerate(cells) if cell and n not in known_in), None)
        if event or known:
            seen.row(name, repr(row), event, known)
            yield event or known or ""


def _in_text(text: str, table: str, seen: _Seen) -> Iterator[str]:
    """Of a text only its times are known: the same time again is taken for the same row."""
    for stamp in stamps_in(text):
        seen.row(table, stamp.at, stamp.at, None)
        yield stamp.at


def _leaks(finding: Finding) -> Iterator[Leaked]:
    why = f"{finding.code} {finding.name}: {finding.message}"
    told = minute_of(str(finding.evidence.get("time", "")))
    for place in finding.places:
        at = minute_of(place.quote)
        anchor = f"s{place.step}" if place.call is None else f"s{place.step}.c{place.call}"
        yield Leaked(anchor=anchor, at=told if at is None else at, why=why)


def _pairs(counts: Mapping[int, int]) -> Times:
    return tuple(sorted(counts.items()))


def _minute(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(minutes=1)
