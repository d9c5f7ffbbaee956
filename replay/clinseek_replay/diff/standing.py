"""What became of each gold item in two runs of a case, or many."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clinseek_core.scoring import folded
from clinseek_replay.evidence.provenance import State, states_of
from clinseek_replay.evidence.reading import items_of, read_run
from clinseek_replay.finding import Place
from clinseek_replay.trajectory import Trajectory

__all__ = ["GoldLine", "Standing", "gold_lines", "gold_of"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a gold item in a run."""

    answered: bool
    """Whether the answer holds it, names in their normal form."""
    state: State
    """Where it came from, or where it was lost."""
    first_seen: str = ""
    """Anchor of the first result of the patient's data that shows it; empty where none does."""


class GoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """A gold item across runs."""

    item: str
    runs: tuple[Standing, ...]

    @property
    def differs(self) -> bool:
        """Whether some answered it and some did not, or some saw it and some did not."""
        return len({(run.answered, bool(run.first_seen)) for run in self.runs}) > 1


def gold_of(runs: Sequence[Trajectory]) -> tuple[str, ...]:
    """The gold of the first run that has one; the runs are of one case."""
    return next((items_of(run)[0] for run in runs if run.gold), ())


def gold_lines(runs: Sequence[Trajectory]) -> tuple[GoldLine, ...]:
    """A line for each gold item; none where there is no gold."""
    gold = gold_of(runs)
    standings = [_standings(run, gold) for run in runs] if gold else []
    return tuple(
        GoldLine(item=item, runs=tuple(of_run[index] for of_run in standings))
        for index, item in enumerate(gold)
    )


def _standings(run: Trajectory, gold: tuple[str, ...]) -> list[Standing]:
    scored = msgspec.structs.replace(run, gold=gold)
    reading = read_run(scored)
    answered = {folded(name) for name in run.answer or ()}
    return [
        Standing(
            answered=folded(state.item) in answered,
            state=state.state,
            first_seen=next(
                (_call(seen.place) for seen in reading.sightings[state.item] if seen.kind == "patient"), ""
            ),
        )
        for state in states_of(scored, reading)[0]
    ]


def _call(place: Place) -> str:
    return Place(step=place.step, call=place.call).anchor
