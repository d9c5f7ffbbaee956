"""One walk over a run: where its items were seen, where its model wrote of them, and what it asked for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from clinseek_core.scoring.upstream import lowered
from clinseek_replay.evidence.call_kinds import CallKind, call_kind, is_thought
from clinseek_replay.evidence.codes import codes_in_rows
from clinseek_replay.evidence.listed import listed
from clinseek_replay.evidence.matching import Code, Hit, MatchedBy, Matcher
from clinseek_replay.evidence.stays import stays_in
from clinseek_replay.finding import Place, PlaceField
from clinseek_replay.search import argument_texts
from clinseek_replay.tables import table_names
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

__all__ = [
    "Asked",
    "LastList",
    "Mention",
    "Reading",
    "Sighting",
    "context_from",
    "items_of",
    "prose_of",
    "read_run",
]

_HITS_PER_CALL = 1_000
"""Places of one item in one result that are kept: a note may name a drug on every line."""
_PARAGRAPH = 600
_LETTER = re.compile(r"[^\W\d_]")
"""Numbers and times name no item."""
_LONGEST = 100_000
"""Characters at which the reference cuts a result, without a word in it."""
_OUT_OF_CONTEXT = frozenset(("compaction", "context"))
"""Notes that tell that earlier results left the model's context."""

Synonyms = Callable[[str], Iterable[str]]
"""Other names of a name."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a result, or the prompt, names an item."""

    kind: CallKind
    hit: Hit
    step: int = 0
    """The step's number; 0 for the prompt."""
    call: int | None = None
    """1-based within the step; None for the prompt."""
    index: int = -1
    """Of the step in the trajectory; -1 for the prompt."""

    @property
    def by(self) -> MatchedBy:
        """What linked the place and the item."""
        return self.hit.by

    @property
    def place(self) -> Place:
        """Where it is."""
        hit = self.hit
        return Place(
            step=self.step,
            call=self.call,
            field="result" if self.call is not None else "prompt",
            row=hit.row,
            column=hit.column,
            start=hit.start,
            end=hit.end,
            quote=hit.matched,
        )


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the model wrote of an item: in its text, its reasoning or a thought."""

    place: Place
    paragraph: str
    """What stands around it, for what else is named there."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A call for data: what it read, and how it went."""

    place: Place
    kind: CallKind
    tables: tuple[str, ...]
    status: str
    cut: bool
    """Whether the model got less than the whole result."""
    about: frozenset[str]
    """Items that its arguments name."""


class LastList(msgspec.Struct, frozen=True, kw_only=True):
    """The last list that the model wrote, unless it read more of the patient's data after it."""

    place: Place
    entries: tuple[str, ...]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the walk found; everything by item where it is of one."""

    gold: tuple[str, ...]
    """Each once, as the reference's scorer compares names: by small letters."""
    answer: tuple[str, ...]
    matcher: Matcher
    sightings: Mapping[str, tuple[Sighting, ...]]
    mentions: Mapping[str, tuple[Mention, ...]]
    asked: tuple[Asked, ...]
    last_list: LastList | None
    context_from: int
    """Number of the first step whose results the model still had at the end; 0 where none are known to have
    left its context."""
    in_curated: frozenset[str]
    admitted: str | None
    """When the stay began that was going on at the prediction time, as the rows that the run saw say."""
    finish: Place | None


def items_of(trajectory: Trajectory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The run's gold and its answer, each name once by small letters and none of them blank."""
    return _each_once(trajectory.gold or ()), _each_once(trajectory.answer or ())


def read_run(
    trajectory: Trajectory,
    synonyms: Synonyms | None = None,
    codes: Mapping[str, Iterable[Code]] | None = None,
) -> Reading:
    """Walk over a run; a second time, for codes, where `codes` or the run's own rows link any to an item."""
    gold, answer = items_of(trajectory)
    items = (*gold, *answer)
    matcher = Matcher(items, synonyms={item: synonyms(item) for item in items} if synonyms else None)
    walk = _Walk(matcher, trajectory)
    for index, step in enumerate(trajectory.steps):
        walk.over(index, step)
    links = {item: {*(codes or {}).get(item, ()), *walk.codes.get(item, ())} for item in matcher.names}
    if any(links.values()):
        _look_for_codes(trajectory, links, walk)
    _prompt_sightings(trajectory, matcher, walk)
    return Reading(
        gold=gold,
        answer=answer,
        matcher=matcher,
        sightings={item: tuple(walk.sightings[item]) for item in matcher.names},
        mentions={item: tuple(walk.mentions[item]) for item in matcher.names},
        asked=tuple(walk.asked),
        last_list=walk.last_list,
        context_from=walk.context_from,
        admitted=min(walk.stays, default=None),
        in_curated=frozenset(hit.name for hit in matcher.in_text(trajectory.curated)),
        finish=walk.finish,
    )


def prose_of(step: Step) -> Iterator[tuple[PlaceField, int | None, str]]:
    """What the model wrote at a step beside its calls: (field, call, text), thoughts among them."""
    if step.reasoning:
        yield "reasoning", None, step.reasoning
    if step.text:
        yield "text", None, step.text
    for number, call in enumerate(step.calls, 1):
        if is_thought(call):
            yield from (("arguments", number, text) for _, text in argument_texts(call) if text)


class _Walk:
    """What is gathered on the way."""

    def __init__(self, matcher: Matcher, trajectory: Trajectory) -> None:
        self.matcher = matcher
        cutoff = trajectory.prediction_time
        self.longest = trajectory.max_result_characters or _LONGEST
        self.cutoff = f"{cutoff:%Y-%m-%d %H:%M:%S}" if cutoff else ""
        self.stays: set[str] = set()
        self.sightings: dict[str, list[Sighting]] = {item: [] for item in matcher.names}
        self.mentions: dict[str, list[Mention]] = {item: [] for item in matcher.names}
        self.asked: list[Asked] = []
        self.codes: dict[str, set[Code]] = {}
        self.last_list: LastList | None = None
        self.context_from = 0
        self.finish: Place | None = None

    def over(self, index: int, step: Step) -> None:
        for field, number, text in prose_of(step):
            self._prose(Place(step=step.number, call=number, field=field), text)
        for number, call in enumerate(step.calls, 1):
            kind = call_kind(call)
            place = Place(step=step.number, call=number)
            if kind == "finish":
                self.finish = Place(step=step.number, call=number, field="arguments")
            elif kind in ("patient", "lookup", "web"):
                self._call(index, place, kind, call)
        if step.notes:
            self.context_from = max(self.context_from, context_from(step))

    def _prose(self, place: Place, text: str) -> None:
        for hit in self.matcher.in_text(text):
            found = self.mentions[hit.name]
            if hit.start is not None and hit.end is not None and len(found) < _HITS_PER_CALL:
                paragraph = _paragraph(text, hit.start, hit.end)
                found.append(Mention(place=_in_prose(place, hit), paragraph=paragraph))
        if entries := listed(text):
            self.last_list = LastList(place=place, entries=entries)

    def _call(self, index: int, place: Place, kind: CallKind, call: Call) -> None:
        result = call.result
        status = call.status
        self.asked.append(
            Asked(
                place=place,
                kind=kind,
                tables=table_names(call),
                status=status,
                cut=result is not None and _is_cut(result, self.longest),
                about=frozenset(self._named_in_arguments(call)),
            )
        )
        if status != "ok":
            return
        if kind == "patient":
            self.last_list = None
            self.stays.update(stays_in(call, self.cutoff))
        hits = self.matcher.in_call(call)
        self.see(hits, index, place, kind)
        for item, code in codes_in_rows(call, hits):
            self.codes.setdefault(item, set()).add(code)

    def see(self, hits: Sequence[Hit], index: int, place: Place, kind: CallKind) -> None:
        """Keep the places of a result."""
        counts: Counter[str] = Counter()
        few = len(hits) <= _HITS_PER_CALL
        step, call = place.step, place.call
        for hit in hits:
            if not few:
                counts[hit.name] += 1
            if few or counts[hit.name] <= _HITS_PER_CALL:
                sighting = Sighting(kind=kind, hit=hit, step=step, call=call, index=index)
                self.sightings[hit.name].append(sighting)

    def _named_in_arguments(self, call: Call) -> Iterator[str]:
        for _, text in argument_texts(call):
            if _LETTER.search(text):
                yield from (hit.name for hit in self.matcher.in_text(text))


def _look_for_codes(trajectory: Trajectory, links: Mapping[str, Iterable[Code]], walk: _Walk) -> None:
    """Walk again for the codes that mean an item, in results that gave rows."""
    matcher = Matcher((), codes=links)
    for index, step in enumerate(trajectory.steps):
        for number, call in enumerate(step.calls, 1):
            kind = call_kind(call)
            if call.status == "ok" and kind in ("patient", "lookup"):
                walk.see(matcher.in_call(call), index, Place(step=step.number, call=number), kind)
    for item, found in walk.sightings.items():
        walk.sightings[item] = sorted(found, key=lambda sighting: (sighting.index, sighting.call or 0))


def _prompt_sightings(trajectory: Trajectory, matcher: Matcher, walk: _Walk) -> None:
    """Items among the candidates that the question gives: names to choose from, no evidence."""
    given = set(lowered(trajectory.candidates))
    for item in matcher.names:
        if item.lower() in given:
            hit = Hit(name=item, by="name", matched=item)
            walk.sightings[item].append(Sighting(kind="lookup", hit=hit))


def _is_cut(result: Result, longest: int) -> bool:
    """Whether a result was cut: the recording says so, or it is exactly as long as the longest may be."""
    return result.full_characters > len(result.text) or len(result.text) == longest


def _in_prose(place: Place, hit: Hit) -> Place:
    if place.field == "arguments":
        return msgspec.structs.replace(place, quote=hit.matched)
    return msgspec.structs.replace(place, start=hit.start, end=hit.end, quote=hit.matched)


def _paragraph(text: str, start: int, end: int) -> str:
    """The line around a place, at most `_PARAGRAPH` characters to either side."""
    low = max(text.rfind("\n", 0, start) + 1, start - _PARAGRAPH)
    line_end = text.find("\n", end)
    return text[low : min(line_end if line_end >= 0 else len(text), end + _PARAGRAPH)]


def context_from(step: Step) -> int:
    """Number of the first step whose results the model still had after this one; 0 where none left."""
    notes = (note.text for note in step.notes if note.kind in _OUT_OF_CONTEXT)
    return max((_kept_from(text, step.number + 1) for text in notes), default=0)


def _kept_from(text: str, otherwise: int) -> int:
    """The first step whose results stayed, as the note says; where it does not, none that came before it."""
    try:
        said = json.loads(text).get("kept_from")
    except (ValueError, AttributeError, RecursionError):
        found = re.search(r"\bkept_from\W{1,3}s?(\d{1,6})\b", text[:2_000])
        said = found[1] if found else None
    digits = str(said).removeprefix("s")
    return int(digits) if digits.isdecimal() and len(digits) <= 6 else otherwise


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple({name.lower(): name for name in reversed(names) if name.strip()}.values())[::-1]
