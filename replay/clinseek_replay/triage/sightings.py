"""Where a run saw the names of its gold and its answer, and where its model wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from clinseek_replay.evidence.call_kinds import CallKind
from clinseek_replay.evidence.listed import in_list
from clinseek_replay.evidence.reading import LastList, Reading, prose_of
from clinseek_replay.evidence.rows import Rows
from clinseek_replay.finding import Place
from clinseek_replay.trajectory import Step

if TYPE_CHECKING:
    from clinseek_replay.triage.view import CallView, RunView

__all__ = ["Seen", "Sightings", "written_by"]


class Seen(msgspec.Struct, frozen=True):
    """A place of a call's result that holds a name."""

    call: CallView
    place: Place


class Sightings:
    """The names of a run's gold and answer in its results and its model's texts."""

    def __init__(self, view: RunView, reading: Reading) -> None:
        self._view = view
        self._reading = reading
        self._by_name: dict[str, dict[CallKind, list[Seen]]] = {}

    @cached_property
    def searchable(self) -> frozenset[str]:
        """The names that texts can be searched for: not `yes`, not `2`."""
        matcher = self._reading.matcher
        return frozenset(matcher.names) - frozenset(matcher.not_lexical)

    def patient(self, name: str) -> list[Seen]:
        """The results with the patient's own data that hold a name, in order, each once."""
        return self._seen(name).get("patient", [])

    def lookups(self, name: str) -> list[Seen]:
        """The results of candidate and dictionary lookups that hold it."""
        return self._seen(name).get("lookup", [])

    def web(self, name: str) -> list[Seen]:
        """The pages that hold it."""
        return self._seen(name).get("web", [])

    def every_place(self, name: str) -> Iterator[Seen]:
        """Every place in the patient's data that holds it."""
        calls = self._view.call_at
        for sighting in self._reading.sightings.get(name, ()):
            if sighting.kind == "patient":
                yield Seen(calls[sighting.step, sighting.call], sighting.place)

    def times(self, name: str) -> list[str | None]:
        """When each row of the patient's data that holds it happened; None where the row does not say."""
        rows = Rows(self._view.trajectory)
        sightings = self._reading.sightings.get(name, ())
        found = (rows.of(sighting) for sighting in sightings if sighting.kind == "patient")
        return [row.happened if row else None for row in found]

    def means(self, gold: str, name: str) -> bool:
        """Whether a name is another name of a gold item."""
        return self._reading.matcher.same(gold, name)

    @property
    def admitted(self) -> str | None:
        """When the stay that was going on at the cutoff began, as the results tell."""
        return self._reading.admitted

    def written(self, name: str) -> list[Place]:
        """The places where the model wrote it, in order."""
        return [mention.place for mention in self._reading.mentions.get(name, ())]

    def in_curated(self, name: str) -> bool:
        """Whether the curated context of the case holds it."""
        return name in self._reading.in_curated

    @property
    def last_list(self) -> LastList | None:
        """The last list the model wrote with no look at the patient's data after it."""
        return self._reading.last_list

    @property
    def context_from(self) -> int:
        """The first step whose results the model had to the end; 0 where none left its context."""
        return self._reading.context_from

    def listed(self, name: str, entries: tuple[str, ...]) -> bool:
        """Whether a list holds a name, decorated or not."""
        return in_list(self._reading.matcher, name, entries)

    def _seen(self, name: str) -> dict[CallKind, list[Seen]]:
        """The first place in each call that holds a name, by the kind of the call; worked out once."""
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = {}
            before: tuple[int, int | None] | None = None
            for sighting in self._reading.sightings.get(name, ()):
                at = (sighting.step, sighting.call)
                if sighting.call is not None and at != before:
                    call = self._view.call_at[at]
                    found.setdefault(sighting.kind, []).append(Seen(call, sighting.place))
                before = at
        return found


def written_by(step: Step) -> str:
    """All that the model wrote at a step beside its calls: reasoning, text, and what it told `think`."""
    return "\n".join(text for _, _, text in prose_of(step))
