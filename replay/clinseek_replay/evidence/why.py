"""Why an item is in the answer: the way back from the finish over what the model wrote to the rows it saw.

Copies are passed over: a row seen again, and a text that says again what an earlier one said, are counted and
not told.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.scoring import folded
from clinseek_core.text import one_line
from clinseek_replay.evidence.provenance import ItemState
from clinseek_replay.evidence.reading import Mention, Sighting
from clinseek_replay.evidence.report import Examined, place_line, state_lines
from clinseek_replay.evidence.rows import RecordRow, Row, Rows, call_at
from clinseek_replay.finding import Place
from clinseek_replay.search import argument_texts
from clinseek_replay.trajectory import Call

__all__ = ["Link", "Why", "why", "why_lines"]

_SOURCES = 5
_MENTIONS = 3
_WIDTH = 100
_SQL_LINES = 12
_CELLS = 12

LinkKind = Literal["finish", "wrote", "saw", "listed", "web", "none"]


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One link of the way back."""

    kind: LinkKind
    """`finish`: the call that answered; `wrote`: the model's own text; `saw`: a result with the patient's
    data; `listed`: names that are the same for all; `web`: a page; `none`: there is no source."""
    text: str
    """What the link says; untrusted."""
    place: Place | None = None
    tool: str = ""
    arguments: dict[str, str] = {}
    """What the call asked for, SQL in full."""
    row: Row | None = None
    """The row that names the item, where the result is a table."""
    copies: int = 0
    """How often the same was seen, or written, again."""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """An item's state and the way back from the answer, the answer first."""

    item: str
    state: ItemState
    links: tuple[Link, ...]


def why(run: Examined, wanted: str) -> Why:
    """The way back from an item of the answer or the gold.

    `wanted` is any form of its name. Raises InputError, naming the nearest items, where the run has none.
    """
    state = _state(run, wanted)
    return Why(item=state.item, state=state, links=tuple(_links(run, state)))


def _state(run: Examined, wanted: str) -> ItemState:
    states = (*run.gold, *run.extra)
    for same in (
        lambda item: item == wanted,
        lambda item: item.lower() == wanted.lower(),
        lambda item: folded(item) == folded(wanted),
        lambda item: run.reading.matcher.same(item, wanted),
    ):
        found = next((state for state in states if same(state.item)), None)
        if found is not None:
            return found
    items = [state.item for state in states]
    if not items:
        raise InputError(
            f"{run.trajectory.source}: has neither an answer nor a gold, so no item to ask about"
        )
    by_words = {folded(item): item for item in reversed(items)}
    near = difflib.get_close_matches(folded(wanted), by_words, n=3, cutoff=0.6)
    near += [words for words in by_words if folded(wanted) in words and words not in near]
    hint = ", ".join(repr(by_words[words]) for words in near[:3]) or ", ".join(map(repr, items[:5]))
    asked = "did you mean" if near else "it has"
    raise InputError(
        f"{wanted!r} is in neither the answer nor the gold of this run; {asked} {hint}{'?' * bool(near)}"
    )


def _links(run: Examined, state: ItemState) -> Iterator[Link]:
    if state.answered or state.answered_as:
        yield from _finish(run, state)
    yield from _wrote(run.reading.mentions[state.item])
    sightings = run.reading.sightings[state.item]
    kinds: tuple[tuple[Literal["saw", "listed", "web"], str], ...] = (
        ("saw", "patient"),
        ("listed", "lookup"),
        ("web", "web"),
    )
    found = False
    for kind, of in kinds:
        # A list of candidates explains a name only where nothing of the patient does.
        if not found:
            links = list(_seen(run, kind, [each for each in sightings if each.kind == of]))
            found = bool(links)
            yield from links
    if not any(each.kind == "patient" for each in sightings):
        yield Link(kind="none", text=_no_source(state))


def _no_source(state: ItemState) -> str:
    if state.state in {"UNKNOWN", "FP_UNKNOWN"}:
        return state.because
    if state.answered:
        return "no source in the record: no result with the patient's data names it"
    return "no result with the patient's data names it"


def _finish(run: Examined, state: ItemState) -> Iterator[Link]:
    made = run.trajectory.answer_source
    how = "" if made in ("", "finish") else f" (made by the harness: {made})"
    said = state.answered_as or state.item
    yield Link(kind="finish", text=f"answered as {said!r}{how}", place=run.reading.finish)


def _wrote(mentions: Iterable[Mention]) -> Iterator[Link]:
    """What the model wrote of it, the last first; the same line again is a copy."""
    lines: dict[str, list[Mention]] = {}
    for mention in mentions:
        lines.setdefault(folded(mention.paragraph), []).append(mention)
    told = sorted(lines.values(), key=lambda same: same[0].place.step, reverse=True)
    for same in told[:_MENTIONS]:
        yield Link(kind="wrote", text=same[0].paragraph, place=same[0].place, copies=len(same) - 1)


def _seen(run: Examined, kind: Literal["saw", "listed", "web"], sightings: list[Sighting]) -> Iterator[Link]:
    """Where it was seen, the first time first; the same row again is a copy."""
    rows = Rows(run.trajectory)
    first: dict[str, tuple[Sighting, Row | None]] = {}
    copies: dict[str, int] = {}
    for sighting in sightings:
        row = rows.of(sighting)
        key = _identity(sighting, row)
        if key in first:
            one = first[key][0].place
            again = (one.step, one.call, one.row) != (
                sighting.step,
                sighting.call,
                sighting.place.row,
            )
            copies[key] = copies.get(key, 0) + again
        else:
            first[key] = (sighting, row)
    for key, (sighting, row) in list(first.items())[:_SOURCES]:
        call = call_at(run.trajectory, sighting.place)
        yield Link(
            kind=kind,
            text=_how(sighting),
            place=rows.place(sighting),
            tool=call.name if call else "",
            arguments=_arguments(call),
            row=row,
            copies=copies.get(key, 0),
        )


def _identity(sighting: Sighting, row: Row | None) -> str:
    """What makes two sightings the same: the row of the record, else what its cells say, else the call."""
    if row is not None and row.record:
        return repr([(record.table, tuple(record.key.items())) for record in row.record])
    if row is not None:
        return repr(sorted(folded(value) for _, value in row.cells))
    return f"{sighting.step}.{sighting.call}"


def _how(sighting: Sighting) -> str:
    said = {
        "row": "a row of the record names it",
        "code": "its code stands there",
        "name": "its name stands there",
        "synonym": "another name of it stands there",
    }[sighting.by]
    return said if sighting.index >= 0 else "among the candidates that the question gives"


def _arguments(call: Call | None) -> dict[str, str]:
    return dict(argument_texts(call)) if call else {}


def why_lines(found: Why) -> Iterator[str]:
    """The way back as lines of plain text."""
    yield from state_lines(found.state)
    told = ""
    for link in found.links:
        yield ""
        asked = f"s{link.place.step}.c{link.place.call}" if link.place and link.tool else ""
        yield from _link_lines(link, again=bool(asked) and asked == told)
        told = asked


_TITLES: dict[LinkKind, str] = {
    "finish": "answered",
    "wrote": "it wrote",
    "saw": "it saw",
    "listed": "a list had it",
    "web": "a page had it",
    "none": "no source",
}


def _link_lines(link: Link, *, again: bool) -> Iterator[str]:
    """One link; `again` where the one before came from the same call, which is then told already."""
    place = f"  {place_line(link.place)}" if link.place is not None else ""
    copies = f"  (and {link.copies} more times)" if link.copies else ""
    yield f"{_TITLES[link.kind]}{place}{copies}"
    yield f"    {one_line(link.text, _WIDTH)}"
    if link.tool and not again:
        yield f"    {one_line(link.tool, 60)}"
        for name, text in link.arguments.items():
            yield from _argument_lines(name, text)
    if link.row is not None:
        yield from _row_lines(link.row)


def _argument_lines(name: str, text: str) -> Iterator[str]:
    lines = text[: _SQL_LINES * _WIDTH].splitlines()
    if len(lines) <= 1:
        yield f"      {one_line(f'{name} {text}', _WIDTH)}"
        return
    yield f"      {one_line(name, 40)}"
    yield from (f"        {one_line(line, _WIDTH)}" for line in lines[:_SQL_LINES])
    if len(lines) > _SQL_LINES:
        yield f"        … {len(lines) - _SQL_LINES} more lines"


def _row_lines(row: Row) -> Iterator[str]:
    shown = ", ".join(f"{one_line(name, 30)}={one_line(value, 60)}" for name, value in row.cells[:_CELLS])
    more = f" and {len(row.cells) - _CELLS} more" if len(row.cells) > _CELLS else ""
    yield f"    row {row.number}: {shown}{more}"
    for record in row.record:
        yield f"    {one_line(_record(record), _WIDTH)}"


def _record(record: RecordRow) -> str:
    key = ", ".join(f"{name}={value}" for name, value in record.key.items())
    times = (("happened", record.event_time), ("known", record.known_at))
    told = "".join(f"; {what} {time}" for what, time in times if time)
    return f"from {record.table} where {key}{told}"
