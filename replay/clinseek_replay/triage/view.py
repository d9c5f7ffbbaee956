"""A run as failure rules look at it: what several of them need is worked out once, and only when asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from clinseek_core.scoring import folded
from clinseek_replay.evidence.call_kinds import CallKind, call_kind
from clinseek_replay.evidence.known import Known
from clinseek_replay.evidence.reading import Reading, read_run
from clinseek_replay.evidence.synonyms import drug_names
from clinseek_replay.finding import Place, PlaceField, Tier
from clinseek_replay.tables import table_names
from clinseek_replay.trajectory import Call, CallStatus, Step, Trajectory
from clinseek_replay.triage.aims import terms_of
from clinseek_replay.triage.failures import FailureKind, SqlFault, failure_of
from clinseek_replay.triage.items import Items
from clinseek_replay.triage.naming import Misnamed, misnamed
from clinseek_replay.triage.shown import Shown
from clinseek_replay.triage.sightings import Sightings, written_by

__all__ = ["CallView", "Failure", "RunView", "Siblings"]


class CallView:
    """One call, and what rules ask of it."""

    def __init__(self, call: Call, step: Step, index: int, number: int) -> None:
        self.call = call
        self.step = step
        self.index = index
        """Its place among all calls of the run, from 0."""
        self.number = number
        """1-based within the step."""
        self.name = call.name
        self.status: CallStatus = call.status
        self.text = call.result.text if call.result is not None else ""
        self.tables = frozenset(table_names(call))
        """The tables it names."""
        self.kind: CallKind = call_kind(call)

    @cached_property
    def terms(self) -> frozenset[str]:
        """The words it filters by."""
        return terms_of(self.call.arguments, self.call.sql)

    @cached_property
    def request(self) -> tuple[str, bytes | str]:
        """The tool and its canonical arguments: equal for calls that ask the same."""
        arguments = self.call.arguments
        if arguments is None:
            return self.name, self.call.raw_arguments
        try:
            return self.name, msgspec.json.encode(arguments, order="sorted", enc_hook=repr)
        except (TypeError, ValueError, RecursionError, OverflowError):
            return self.name, repr(arguments)

    @property
    def gave_something(self) -> bool:
        """Whether it came back with data."""
        return self.status == "ok"

    @cached_property
    def folded_text(self) -> str:
        """Its result, folded as names are."""
        return folded(self.text)

    def argument(self, name: str) -> Any:
        """One of its arguments; None where it has none of that name."""
        return (self.call.arguments or {}).get(name)

    def place(self, field: PlaceField = "result", start: int | None = None, end: int | None = None) -> Place:
        """A place in it, quoting those characters of its result."""
        quote = self.text[start:end][:200] if field == "result" and start is not None else ""
        return Place(step=self.step.number, call=self.number, field=field, start=start, end=end, quote=quote)


class Failure(msgspec.Struct, frozen=True):
    """A call that did not give what it was asked for, and why."""

    call: CallView
    kind: FailureKind
    sql_fault: SqlFault | None
    words: str


class Siblings(msgspec.Struct, frozen=True, kw_only=True):
    """What the other runs that are looked at say of this one's place among them."""

    runs_of_question: int
    """Runs with this run's qid, itself among them."""
    same_line: int
    """Runs with this run's run id, itself among them."""
    first: bool
    """Whether this is the first of its qid."""


class RunView:
    """A Trajectory, and what rules ask of it."""

    def __init__(
        self,
        trajectory: Trajectory,
        *,
        recorded_f1: float | None = None,
        known: Known | None = None,
        reading: Reading | None = None,
        siblings: Siblings | None = None,
    ) -> None:
        """`known` is what the patient's record held, `reading` what a walk over the run found, where another
        analysis has it. `recorded_f1` is the reference scorer's.
        """
        self.trajectory = trajectory
        self.recorded_f1 = recorded_f1
        self.known = known
        self._reading = reading
        self.siblings = siblings

    @cached_property
    def calls(self) -> Sequence[CallView]:
        """All calls of the run, in order."""
        found: list[CallView] = []
        for step in self.trajectory.steps:
            for number, call in enumerate(step.calls, 1):
                found.append(CallView(call, step, len(found), number))
        return found

    @cached_property
    def prose(self) -> dict[int, str]:
        """What the model wrote beside its calls, by the step's number; steps without are left out."""
        texts = ((step.number, written_by(step)) for step in self.trajectory.steps)
        return {number: text for number, text in texts if text}

    @cached_property
    def calls_of(self) -> dict[int, list[CallView]]:
        """The calls of each step that made some, by its number."""
        found: dict[int, list[CallView]] = {}
        for call in self.calls:
            found.setdefault(call.step.number, []).append(call)
        return found

    @cached_property
    def shown(self) -> Shown:
        """All that the model was given to read, in order, as one text."""
        return Shown(self)

    @cached_property
    def call_at(self) -> dict[tuple[int, int | None], CallView]:
        """The calls by their step's number and their own within it."""
        return {(call.step.number, call.number): call for call in self.calls}

    @cached_property
    def last_step(self) -> int:
        """The number of the last step; 0 where there is none."""
        steps = self.trajectory.steps
        return steps[-1].number if len(steps) else 0

    @cached_property
    def failures(self) -> Sequence[Failure]:
        """The calls that came back without data, but for those that found nothing."""
        found: list[Failure] = []
        for call in self.calls:
            if call.status in ("ok", "pending"):
                continue
            failure = Failure(call, *failure_of(call.name, call.text))
            if call.status != "empty" or failure.kind == "state":
                found.append(failure)
        return found

    @cached_property
    def empties(self) -> Sequence[CallView]:
        """The calls that found nothing."""
        lost = {failure.call.index for failure in self.failures}
        return [call for call in self.calls if call.status == "empty" and call.index not in lost]

    @cached_property
    def listings(self) -> Sequence[CallView]:
        """The calls that told which tables there are."""
        names = ("ehr.load_ehr", "ehr.get_table_names")
        return [call for call in self.calls if call.name in names and call.gave_something]

    @cached_property
    def finish(self) -> CallView | None:
        """The last call that gives an answer."""
        return next((call for call in reversed(self.calls) if call.kind == "finish"), None)

    @cached_property
    def tables_read(self) -> frozenset[str]:
        """Tables that some call got something of."""
        read: set[str] = set()
        for call in self.calls:
            if call.gave_something:
                read |= call.tables
        return frozenset(read)

    @cached_property
    def gold(self) -> tuple[str, ...]:
        """The gold names; none where there is no gold."""
        return self.trajectory.gold or ()

    @cached_property
    def answer(self) -> tuple[str, ...]:
        """The answer's names; none where there is no answer."""
        return self.trajectory.answer or ()

    @cached_property
    def items(self) -> Items:
        """The answer against the gold."""
        return Items(self.answer, self.gold)

    @cached_property
    def misnamed(self) -> dict[str, Misnamed]:
        """Gold names that the answer holds by another name, which an exact match does not take."""
        return misnamed(self.items, self.sightings.means)

    @cached_property
    def missed(self) -> tuple[str, ...]:
        """Gold names that the answer does not hold, by another name either."""
        return tuple(name for name in self.items.missed if name not in self.misnamed)

    @cached_property
    def wrong(self) -> frozenset[str]:
        """Names of the answer that are no gold name, by another name either; empty without gold."""
        meant = {other.answer for other in self.misnamed.values()}
        return frozenset(self.items.extra) - meant if self.gold else frozenset()

    @cached_property
    def sightings(self) -> Sightings:
        """Where the run saw and wrote the names of its gold and its answer."""
        return Sightings(self, self.reading)

    @cached_property
    def reading(self) -> Reading:
        """A walk over the run, for the names of its gold and its answer."""
        return self._reading or read_run(self.trajectory, drug_names)

    @property
    def admitted(self) -> str | None:
        """When the stay that was going on at the cutoff began; None where neither data nor results say."""
        return (self.known.admitted if self.known is not None else None) or self.sightings.admitted

    def held(self, name: str) -> bool | None:
        """Whether the patient's record held a gold name before the cutoff; None where that is not known.

        The data decide where they were given; else the case's curated context shows some of what was there.
        """
        if self.known is not None and name in self.known.found:
            return True
        if self.known is not None and name in self.known.absent:
            return False
        return True if self.sightings.in_curated(name) else None

    @property
    def held_by(self) -> Tier:
        """How what the record held is known: from the recording, or from the data."""
        return "X" if self.known is not None and self.known.by == "ehr" else "D"

    def after(self, call: CallView) -> Iterator[CallView]:
        """The calls behind one."""
        calls = self.calls
        return (calls[index] for index in range(call.index + 1, len(calls)))

    def recovery(self, failed: CallView) -> CallView | None:
        """The later call that got what a failed one was after.

        It reads one of the same tables, or is of the same tool where no table is known, and its arguments or
        its result hold one of the words that the failed call filtered by.
        """
        tables = failed.tables & self.tables_read
        family = failed.name.partition(".")[0]
        for later in self.after(failed):
            if not later.gave_something or later.kind == "thought":
                continue
            if tables:
                if not tables & later.tables:
                    continue
            elif failed.kind in ("none", "finish"):
                if later.name != failed.name:
                    continue
            elif later.kind != failed.kind or later.name.partition(".")[0] != family:
                continue
            if not failed.terms or failed.terms & later.terms or _holds(later.folded_text, failed.terms):
                return later
        return None


def _holds(text: str, terms: frozenset[str]) -> bool:
    return any(term in text for term in terms)
