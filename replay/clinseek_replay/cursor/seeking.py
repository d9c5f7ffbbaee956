"""Searching everything in all runs, from hit to hit, forward and backward; steps are read as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from clinseek_core.text import one_line
from clinseek_replay.cursor.place import Cursor
from clinseek_replay.finding import Place, PlaceField
from clinseek_replay.pattern import Pattern
from clinseek_replay.recordings import Recordings
from clinseek_replay.search import (
    Field,
    Hit,
    Sought,
    argument_texts,
    hits_about,
    hits_at_end,
    hits_in_step,
    sought,
)
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = [
    "Found",
    "all_found",
    "found_in",
    "looked_for",
    "next_found",
    "place_of",
    "previous_found",
    "quote",
]

_FIELD_ORDER: tuple[Field, ...] = ("reasoning", "text", "note", "tool", "argument", "row", "result")
_PLACE_FIELDS: dict[Field, PlaceField] = {
    "case": "prompt",
    "reasoning": "reasoning",
    "text": "text",
    "note": "text",
    "tool": "arguments",
    "argument": "arguments",
    "row": "result",
    "result": "result",
    "end": "answer",
}

_Order = tuple[int, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A hit, and the run that it lies in."""

    run: int
    """Index among the recordings."""
    hit: Hit

    @property
    def order(self) -> _Order:
        """What puts hits in the order in which they are come upon."""
        return (self.run, *_order(self.hit))


def looked_for(text: str) -> Sought:
    """What is to be searched: a text whatever its case, or `/regex/`; raises InputError where it is none."""
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return Pattern(text[1:-1]).starts
    return sought(text)


def all_found(recordings: Recordings, wanted: Sought, runs: Iterable[int] | None = None) -> Iterator[Found]:
    """Every hit of those runs, or all, in order."""
    for run in range(len(recordings.entries)) if runs is None else runs:
        yield from found_in(recordings.run(run), wanted, run)


def found_in(trajectory: Trajectory, wanted: Sought, run: int = 0) -> Iterator[Found]:
    """Every hit of one run, the one at that index."""
    for part in _parts(trajectory, run):
        yield from _found_in(trajectory, part, wanted)


def next_found(
    recordings: Recordings, wanted: Sought, after: Found | Cursor, on_run: Callable[[int], None] | None = None
) -> Found | None:
    """The next hit after one, or the first at a cursor or after it; None where there is none.

    `on_run` is told of each run that is begun; what it raises ends the search.
    """
    least = _from(after)
    for run in range(after.run, len(recordings.entries)):
        if on_run:
            on_run(run)
        trajectory = recordings.run(run)
        for part in _parts(trajectory, run):
            if part >= least[: len(part)]:
                found = (one for one in _found_in(trajectory, part, wanted) if one.order > least)
                if (first := next(found, None)) is not None:
                    return first
    return None


def previous_found(
    recordings: Recordings,
    wanted: Sought,
    before: Found | Cursor,
    on_run: Callable[[int], None] | None = None,
) -> Found | None:
    """The last hit before one, or before a cursor; None where there is none. `on_run` as in `next_found`."""
    limit = _from(before)
    for run in range(min(before.run, len(recordings.entries) - 1), -1, -1):
        if on_run:
            on_run(run)
        trajectory = recordings.run(run)
        for part in _parts(trajectory, run, backward=True):
            if part <= limit[: len(part)]:
                found = (one for one in _found_in(trajectory, part, wanted) if one.order < limit)
                if last := deque(found, maxlen=1):
                    return last[0]
    return None


def place_of(trajectory: Trajectory, hit: Hit, length: int = 0) -> Place:
    """The place of a hit, as findings name one; `length` are the characters from where it starts."""
    field = _PLACE_FIELDS[hit.field]
    if hit.field in ("case", "end"):
        return Place(step=0, field=field)
    number = trajectory.steps[hit.step].number
    call = None if hit.call is None else hit.call + 1
    if hit.field == "row":
        return Place(step=number, call=call, field=field, row=hit.offset + 1)
    in_text = hit.field in ("reasoning", "text", "result")
    start, end = (hit.offset, hit.offset + length) if in_text and length else (None, None)
    return Place(step=number, call=call, field=field, start=start, end=end)


def quote(trajectory: Trajectory, hit: Hit, width: int = 80) -> str:
    """The text around a hit, in one visible line."""
    if hit.field == "case":
        return one_line(trajectory.question, width)
    if hit.field == "end":
        return one_line("; ".join(trajectory.answer or ()) or trajectory.message, width)
    step = trajectory.steps[hit.step]
    text = _of_turn(step, hit.field) if hit.call is None else _of_call(step.calls[hit.call], hit)
    start = 0 if hit.field in ("note", "row") else max(hit.offset - width // 4, 0)
    return ("…" if start else "") + one_line(text[start : start + 4 * width], width)


def _of_turn(step: Step, field: Field) -> str:
    if field == "note":
        return "; ".join(f"{note.kind}: {note.text}" for note in step.notes)
    return step.reasoning if field == "reasoning" else step.text


def _of_call(call: Call, hit: Hit) -> str:
    if hit.field == "tool":
        return call.name
    if hit.field == "argument":
        return argument_texts(call)[hit.part][1]
    table = call.result.table if call.result else None
    if hit.field == "row" and table is not None:
        return ", ".join(str(cell) for cell in table.rows[hit.offset] if cell is not None)
    return call.result.text if call.result else ""


def _parts(trajectory: Trajectory, run: int, backward: bool = False) -> Iterator[_Order]:
    """What is searched at a time, as the beginning of its hits' order: the case, each step, the end."""
    steps = ((run, 1, step) for step in _in_order(len(trajectory.steps), backward))
    yield (run, 2) if backward else (run, 0)
    yield from steps
    yield (run, 0) if backward else (run, 2)


def _in_order(count: int, backward: bool) -> range:
    return range(count - 1, -1, -1) if backward else range(count)


def _found_in(trajectory: Trajectory, part: _Order, wanted: Sought) -> Iterator[Found]:
    run, zone = part[:2]
    if zone == 0:
        hits = hits_about(trajectory, wanted)
    elif zone == 2:
        hits = hits_at_end(trajectory, wanted)
    else:
        hits = hits_in_step(part[2], trajectory.steps[part[2]], wanted)
    return (Found(run=run, hit=hit) for hit in hits)


def _order(hit: Hit) -> _Order:
    if hit.field == "case":
        return (0,)
    if hit.field == "end":
        return (2,)
    call = -1 if hit.call is None else hit.call
    return (1, hit.step, call, _FIELD_ORDER.index(hit.field), hit.part, hit.offset)


def _from(place: Found | Cursor) -> _Order:
    """An order that all from a place on come after, and all before it before."""
    if isinstance(place, Found):
        return place.order
    return (place.run, 1, place.step, -1 if place.call is None else place.call, -1)
