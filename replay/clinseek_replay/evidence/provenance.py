"""Where each item comes from: for every gold name, and every other name of the answer, exactly one state.

The rules are two tables, tried from the top: the first that holds gives the state. A rule that lacks what it
needs does not hold, so that an item about which nothing can be said ends as unknown, never as fine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Literal

import msgspec

from clinseek_core.scoring import folded
from clinseek_replay.evidence.known import Held, Known
from clinseek_replay.evidence.listed import in_list, undecorated
from clinseek_replay.evidence.matching import MatchedBy, is_lexical
from clinseek_replay.evidence.reading import Asked, Mention, Reading, Sighting
from clinseek_replay.evidence.rows import Rows
from clinseek_replay.finding import Place, Tier
from clinseek_replay.trajectory import Trajectory

__all__ = ["ANSWER_RULES", "GOLD_RULES", "ItemState", "ItemView", "Rule", "State", "Verdict", "states_of"]

State = Literal[
    "LEAKED",
    "CITED",
    "SUPPORTED",
    "CANDIDATE_ONLY",
    "PARAMETRIC",
    "NAME_MISS",
    "DROPPED",
    "SEEN_REJECTED",
    "SEEN_LOST",
    "SEEN_IGNORED",
    "SEEN_CUT",
    "QUERIED_EMPTY",
    "NEVER_RETRIEVED",
    "NOT_AVAILABLE",
    "UNKNOWN",
    "FP_OTHER_PATIENT",
    "FP_LEAKED",
    "FP_STALE",
    "FP_SUPPORTED",
    "FP_CANDIDATE_ONLY",
    "FP_PARAMETRIC",
    "FP_UNKNOWN",
]

_PLACES = 5
"""Places that a state is told with; the others say the same."""
_LONG_NAME = 8
"""Letters from which one wrong letter makes a misspelling and no other name."""
_ANCHORS = 6


class ItemState(msgspec.Struct, frozen=True, kw_only=True):
    """One item and where it comes from."""

    item: str
    state: State
    answered: bool
    """Whether the answer holds it, by the reference's rule."""
    tier: Tier
    because: str
    """One sentence; untrusted where it quotes the run."""
    places: tuple[Place, ...] = ()
    """What decided it; the first is the one to go to."""
    matched_by: MatchedBy | Literal[""] = ""
    """The surest matcher that linked it to the patient's data; empty where none did."""
    linked: bool = False
    """Whether anything links it to data: an observation, the record or the curated context."""
    answered_as: str = ""
    """The name of the answer that means it, where it was missed by its name alone."""


class Verdict(msgspec.Struct, frozen=True):
    """Why a rule holds."""

    because: str
    places: tuple[Place, ...] = ()
    tier: Tier = "D"
    answered_as: str = ""


class Rule(msgspec.Struct, frozen=True):
    """A state, what it means, and when it holds."""

    state: State
    means: str
    decide: Callable[[ItemView], Verdict | None]


class ItemView:
    """One item as the rules look at it."""

    def __init__(
        self,
        item: str,
        *,
        reading: Reading,
        rows: Rows,
        known: Known | None,
        leaked: Mapping[str, tuple[str, ...]],
        trajectory: Trajectory,
    ) -> None:
        self.item = item
        self.reading = reading
        self.rows = rows
        self.known = known
        self.failed = leaked.get(item.lower())
        """Rules of the temporal audit that all of its support fails; None where not all of it does."""
        self.trajectory = trajectory
        self.lexical = item not in reading.matcher.not_lexical or any(
            sighting.index >= 0 for sighting in reading.sightings[item]
        )
        """Whether texts can be searched for it; `yes` stands everywhere and says nothing."""

    @cached_property
    def answered(self) -> bool:
        """Whether the answer holds it, by small letters."""
        return self.item.lower() in {name.lower() for name in self.reading.answer}

    @cached_property
    def patient(self) -> tuple[Sighting, ...]:
        """Sightings in the patient's own data."""
        return tuple(sighting for sighting in self._sightings if sighting.kind == "patient")

    @cached_property
    def lookups(self) -> tuple[Sighting, ...]:
        """Sightings among names that are the same for all patients."""
        return tuple(sighting for sighting in self._sightings if sighting.kind == "lookup")

    @cached_property
    def web(self) -> tuple[Sighting, ...]:
        """Sightings on pages."""
        return tuple(sighting for sighting in self._sightings if sighting.kind == "web")

    @cached_property
    def in_context(self) -> tuple[Sighting, ...]:
        """Sightings in the patient's data that the model still had at the end."""
        return tuple(each for each in self.patient if each.step >= self.reading.context_from)

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """Where the model wrote of it."""
        return self.reading.mentions[self.item]

    @property
    def held(self) -> Held | None:
        """Where the data hold it; None where they do not, or are not known."""
        return self.known.found.get(self.item) if self.known else None

    @property
    def absent(self) -> bool:
        """Whether the data are known not to hold it."""
        return self.known is not None and self.item in self.known.absent

    @property
    def _sightings(self) -> tuple[Sighting, ...]:
        return self.reading.sightings[self.item]

    def told(self, sightings: Iterable[Sighting]) -> tuple[Place, ...]:
        """The first places of some sightings, one for each call, with their rows."""
        first: dict[tuple[int, int | None], Sighting] = {}
        for sighting in sightings:
            first.setdefault((sighting.step, sighting.call), sighting)
        return tuple(self.rows.place(sighting) for sighting in list(first.values())[:_PLACES])


def states_of(
    trajectory: Trajectory,
    reading: Reading,
    known: Known | None = None,
    leaked: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[tuple[ItemState, ...], tuple[ItemState, ...]]:
    """The states of the gold's items, and of the answer's items that are not gold, or of all without gold.

    `known` is what the data held; `leaked` gives, by the small letters of an item, the rules of the
    temporal audit that all of its support fails.
    """
    rows = Rows(trajectory)
    gold = {name.lower() for name in reading.gold}
    extra = [name for name in reading.answer if name.lower() not in gold]

    def state(item: str, rules: tuple[Rule, ...]) -> ItemState:
        return _first_that_holds(
            rules,
            ItemView(
                item, reading=reading, rows=rows, known=known, leaked=leaked or {}, trajectory=trajectory
            ),
        )

    return (
        tuple(state(item, GOLD_RULES) for item in reading.gold),
        # Without gold nothing that was answered is false: it is told where it comes from, as gold would be.
        tuple(state(item, ANSWER_RULES if gold else GOLD_RULES) for item in extra),
    )


def _first_that_holds(rules: tuple[Rule, ...], view: ItemView) -> ItemState:
    for rule in rules:
        verdict = rule.decide(view)
        if verdict is not None:
            return _state(view, rule, verdict)
    raise AssertionError(f"no rule holds for {view.item!r}; the last of a table always does")


def _state(view: ItemView, rule: Rule, verdict: Verdict) -> ItemState:
    return ItemState(
        item=view.item,
        state=rule.state,
        answered=view.answered,
        tier=verdict.tier,
        because=verdict.because,
        places=verdict.places,
        matched_by=_surest(view.patient),
        linked=bool(view.patient) or view.held is not None,
        answered_as=verdict.answered_as,
    )


def _surest(sightings: Iterable[Sighting]) -> MatchedBy | Literal[""]:
    found = {sighting.by for sighting in sightings}
    order: tuple[MatchedBy, ...] = ("row", "code", "name", "synonym")
    return next((by for by in order if by in found), "")


def _leaked(view: ItemView) -> Verdict | None:
    if not view.answered or view.failed is None:
        return None
    because = f"all that shows it fails the temporal audit, by {', '.join(view.failed) or 'its rules'}"
    return Verdict(because, view.told(view.patient or view.web))


def _cited(view: ItemView) -> Verdict | None:
    """The model names it after it was seen, and in the same line where it saw it."""
    if not view.answered or not view.patient:
        return None
    first = view.patient[0].place
    for mention in reversed(view.mentions):
        if mention.place.step <= first.step:
            break
        for sighting in view.patient:
            if sighting.step < mention.place.step and (source := _source_named(view, sighting, mention)):
                places = (mention.place, view.rows.place(sighting))
                return Verdict(f"the model names it together with its source, {source}", places)
    return None


def _source_named(view: ItemView, sighting: Sighting, mention: Mention) -> str:
    """A name of where a sighting stands that the line of a mention holds: its step, its table or its key."""
    words = f" {folded(mention.paragraph)} "
    place = sighting.place
    for anchor in (f"s{place.step} c{place.call}", f"step {place.step}", f"s{place.step}"):
        if f" {anchor} " in words:
            return anchor.replace(" c", ".c")
    row = view.rows.of(sighting)
    tables = [
        *(record.table for record in (row.record if row else ())),
        *(row.tables if row else ()),
        *_asked_tables(view, place),
    ]
    for table in tables:
        if f" {folded(table)} " in words:
            return table
    keys = (str(value) for record in (row.record if row else ()) for value in record.key.values())
    return next((key for key in keys if len(key) >= _ANCHORS and f" {folded(key)} " in words), "")


def _asked_tables(view: ItemView, place: Place) -> tuple[str, ...]:
    return next((asked.tables for asked in view.reading.asked if _same_call(asked.place, place)), ())


def _same_call(one: Place, other: Place) -> bool:
    return (one.step, one.call) == (other.step, other.call)


def _supported(view: ItemView) -> Verdict | None:
    if not view.answered or not view.patient:
        return None
    gone = "" if view.in_context else "; those results had left its context when it answered"
    return Verdict(f"the patient's data showed it{gone}", view.told(view.in_context or view.patient))


def _candidate_only(view: ItemView) -> Verdict | None:
    if not view.answered or not view.lookups or not view.lexical:
        return None
    because = "among candidate names alone; no result with the patient's data has its name or code"
    return Verdict(because, view.told(view.lookups))


def _parametric(view: ItemView) -> Verdict | None:
    if not view.answered or not view.lexical:
        return None
    because = "no source in the record: no result has its name or code"
    if view.web:
        because = "on pages of the web alone; no result with the patient's data has its name or code"
    return Verdict(because, view.told(view.web))


def _name_miss(view: ItemView) -> Verdict | None:
    if view.answered:
        return None
    gold = {name.lower() for name in view.reading.gold}
    places = (view.reading.finish,) if view.reading.finish else ()
    for name in view.reading.answer:
        if name.lower() not in gold and (how := _means(view, name)):
            because = f"answered as {name!r}, {how[0]}"
            return Verdict(because, places, how[1], answered_as=name)
    return None


def _means(view: ItemView, name: str) -> tuple[str, Tier] | None:
    """How another name means the item."""
    if folded(name) == folded(view.item):
        return "the same but for signs and blanks", "D"
    if view.reading.matcher.same(view.item, name):
        return "another name of it", "D"
    if any(view.reading.matcher.same(view.item, plain) for plain in undecorated(name) if is_lexical(plain)):
        return "the same with a code, a dose or words in brackets", "D"
    return ("one letter off", "S") if _is_misspelled(view, name) else None


def _is_misspelled(view: ItemView, name: str) -> bool:
    """One letter more, less, other or swapped, in a long name that is no candidate itself."""
    one, other = folded(view.item), folded(name)
    if min(len(one), len(other)) < _LONG_NAME or other in map(folded, view.trajectory.candidates):
        return False
    if abs(len(one) - len(other)) > 1 or any(map(str.isdigit, one + other)):
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    rest, other_rest = one[start:], other[start:]
    swapped = rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:]
    return swapped or rest[1:] == other_rest[1:] or rest == other_rest[1:] or rest[1:] == other_rest


def _dropped(view: ItemView) -> Verdict | None:
    last = view.reading.last_list
    if view.answered or last is None or not view.lexical:
        return None
    if not in_list(view.reading.matcher, view.item, last.entries):
        return None
    return Verdict("in the last list that the model wrote, not in its answer", (last.place,))


def _seen_rejected(view: ItemView) -> Verdict | None:
    if view.answered or not view.in_context or not view.mentions:
        return None
    places = (view.mentions[-1].place, *view.told(view.in_context))
    return Verdict("seen and written of, not answered", places)


def _seen_lost(view: ItemView) -> Verdict | None:
    if view.answered or not view.patient or view.in_context:
        return None
    because = f"seen in results that had left the context: it began again at s{view.reading.context_from}"
    return Verdict(because, view.told(view.patient))


def _seen_ignored(view: ItemView) -> Verdict | None:
    if view.answered or not view.in_context:
        return None
    return Verdict("seen, and the model never wrote of it", view.told(view.in_context))


def _seen_cut(view: ItemView) -> Verdict | None:
    """A table that holds it was read, and the model got only the head of the result."""
    if view.answered or view.held is None:
        return None
    cut = [asked for asked in _reads(view, view.held) if asked.cut]
    because = f"in {', '.join(view.held.tables)}, and the result that read it was cut"
    return Verdict(because, _places(cut), "X") if cut else None


def _queried_empty(view: ItemView) -> Verdict | None:
    """A table that holds it was asked, or it was asked for by name, and nothing came back."""
    if view.answered or view.held is None:
        return None
    empty = [
        asked
        for asked in view.reading.asked
        if asked.status == "empty"
        and (view.item in asked.about or not set(asked.tables).isdisjoint(view.held.tables))
    ]
    where = f"in {', '.join(view.held.tables)}" if view.held.tables else "in the case's curated context"
    return Verdict(f"it is {where}; the call found no row", _places(empty), _tier(view)) if empty else None


def _never_retrieved(view: ItemView) -> Verdict | None:
    if view.answered or view.held is None:
        return None
    read = _reads(view, view.held)
    where = f"in {', '.join(view.held.tables)}" if view.held.tables else "in the case's curated context"
    since = f" since {view.held.at}" if view.held.at else ""
    asked = f"; {len(read)} calls read there, none showed it" if read else "; no call read there"
    because = f"it is {where}{since}, as {view.held.matched!r}"
    return Verdict(
        because + (asked if view.held.tables else "; no result shows it"), _places(read), _tier(view)
    )


def _not_available(view: ItemView) -> Verdict | None:
    if view.answered or not view.absent:
        return None
    return Verdict("nothing in the record names it before the cutoff", (), "X")


def _unknown(view: ItemView) -> Verdict | None:
    if not view.lexical:
        return Verdict("its name stands everywhere, so no text can be searched for it")
    return Verdict("no result shows it; whether the record holds it is not known without the record")


def _reads(view: ItemView, held: Held) -> list[Asked]:
    return [
        asked
        for asked in view.reading.asked
        if asked.kind == "patient" and not set(asked.tables).isdisjoint(held.tables)
    ]


def _places(asked: Iterable[Asked]) -> tuple[Place, ...]:
    return tuple(each.place for each in asked)[:_PLACES]


def _tier(view: ItemView) -> Tier:
    return "X" if view.known and view.known.by == "ehr" else "D"


def _of_other_patient(view: ItemView) -> Verdict | None:
    if view.trajectory.subject_id is None or not view.patient:
        return None
    subject = str(view.trajectory.subject_id)
    of_others = [row.subject if row else "" for row in map(view.rows.of, view.patient)]
    if not all(other and other != subject for other in of_others):
        return None
    because = f"only rows of another patient show it: {', '.join(sorted(set(of_others))[:3])}"
    return Verdict(because, view.told(view.patient))


def _stale(view: ItemView) -> Verdict | None:
    """All that shows it happened before the stay that is going on."""
    admitted = (view.known.admitted if view.known else None) or view.reading.admitted
    if admitted is None or not view.patient:
        return None
    times = [row.happened if row else None for row in map(view.rows.of, view.patient)]
    if not all(time is not None and time < admitted for time in times):
        return None
    return Verdict(
        f"all that shows it is from before this stay, which began {admitted}", view.told(view.patient)
    )


def _unknown_extra(view: ItemView) -> Verdict | None:
    return Verdict(f"{view.item!r} stands everywhere, so no text can be searched for it")


GOLD_RULES: tuple[Rule, ...] = (
    Rule("LEAKED", "answered, and all that shows it was known only after the cutoff", _leaked),
    Rule("CITED", "answered, and the model said where it saw it", _cited),
    Rule("SUPPORTED", "answered, and the patient's data showed it", _supported),
    Rule("CANDIDATE_ONLY", "answered, seen only in a list of candidate names", _candidate_only),
    Rule("PARAMETRIC", "answered, and no data showed it", _parametric),
    Rule("NAME_MISS", "answered by another name, which the reference does not count", _name_miss),
    Rule("DROPPED", "in the model's last list, not in its answer", _dropped),
    Rule("SEEN_REJECTED", "seen and written of, not answered", _seen_rejected),
    Rule("SEEN_LOST", "seen, but out of the context when the model answered", _seen_lost),
    Rule("SEEN_IGNORED", "seen and never written of", _seen_ignored),
    Rule("SEEN_CUT", "in the part of a result that the model did not get", _seen_cut),
    Rule("QUERIED_EMPTY", "asked for where it is, and nothing came back", _queried_empty),
    Rule("NEVER_RETRIEVED", "in the data, and no result showed it", _never_retrieved),
    Rule("NOT_AVAILABLE", "not in the record before the cutoff", _not_available),
    Rule("UNKNOWN", "nothing links it, and the record is not at hand", _unknown),
)
"""The states of gold items, in the order they are tried."""

ANSWER_RULES: tuple[Rule, ...] = (
    Rule("FP_OTHER_PATIENT", "only rows of another patient show it", _of_other_patient),
    Rule("FP_LEAKED", "all that shows it was known only after the cutoff", _leaked),
    Rule("FP_STALE", "all that shows it is from before the stay", _stale),
    Rule("FP_SUPPORTED", "the patient's data show it; it is not in the gold", _supported),
    Rule("FP_CANDIDATE_ONLY", "seen only in a list of candidate names", _candidate_only),
    Rule("FP_PARAMETRIC", "no data show it", _parametric),
    Rule("FP_UNKNOWN", "its name can't be searched for", _unknown_extra),
)
"""The states of answered items that are not gold, in the order they are tried."""
