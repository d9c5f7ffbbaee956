"""Where the F1 went: from 1 down to the score, one loss after the other.

Each level is the F1 that an answer would have had that made no mistake from there on. What the answer hit
counts at every level, however it came by it, so that no level lies below a later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from clinseek_core.scoring.upstream import lowered
from clinseek_replay.evidence.provenance import ItemState

__all__ = ["INDICATIVE_BELOW", "Bar", "Loss", "Waterfall", "set_f1", "waterfall"]

Loss = Literal["data", "retrieval", "selection", "naming", "false_positives"]

INDICATIVE_BELOW = 0.6
"""Share of the gold that something must link to data for the levels to be more than an indication."""

_MEANS: dict[Loss, str] = {
    "data": "not in the record before the cutoff",
    "retrieval": "never in a result",
    "selection": "in a result, not in the answer",
    "naming": "in the answer by another name",
    "false_positives": "answered, not in the gold",
}


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One loss: from the level before to the level it leaves."""

    loss: Loss
    means: str
    before: float
    after: float
    items: tuple[str, ...]
    """What was lost there; for false positives what was answered beside the gold."""
    unknown: tuple[str, ...] = ()
    """Those of `items` of which it is not known that they were lost there rather than before."""

    @property
    def lost(self) -> float:
        """How much of the F1."""
        return self.before - self.after


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """The five losses of a run; `1 - sum of losses` is its F1."""

    bars: tuple[Bar, ...]
    f1: float
    """By the reference's rule for texts: names with the same small letters."""
    coverage: float
    """The share of the gold's items that something links to data."""
    data_verified: bool
    """Whether the record was asked; where not, what was not there is counted as never retrieved."""

    @property
    def indicative(self) -> bool:
        """Whether too little is linked for the levels to be more than an indication."""
        return self.coverage < INDICATIVE_BELOW


def waterfall(gold: Iterable[ItemState], answer: Collection[str], *, data_verified: bool) -> Waterfall | None:
    """The losses of a run, by the states of its gold; None without gold."""
    states = {state.item.lower(): state for state in gold}
    if not states:
        return None
    wanted, given = frozenset(states), lowered(name for name in answer if name.strip())
    hits = wanted & given
    kept = hits | _in(states, ("NAME_MISS",))
    there = (wanted - _in(states, ("NOT_AVAILABLE",))) | kept
    seen = (_seen(states) & there) | kept
    levels = (wanted, there, seen, kept, hits)
    losses: tuple[Loss, ...] = ("data", "retrieval", "selection", "naming")
    bars = [
        Bar(
            loss=loss,
            means=_MEANS[loss],
            before=set_f1(levels[at], wanted),
            after=set_f1(levels[at + 1], wanted),
            items=_names(states, levels[at] - levels[at + 1]),
            unknown=_names(states, (levels[at] - levels[at + 1]) & _in(states, ("UNKNOWN",))),
        )
        for at, loss in enumerate(losses)
    ]
    f1 = set_f1(given, wanted)
    extra = {name.lower(): name for name in answer if name.lower() in given - wanted}
    bars.append(
        Bar(
            loss="false_positives",
            means=_MEANS["false_positives"],
            before=bars[-1].after,
            after=f1,
            items=tuple(extra.values()),
        )
    )
    linked = sum(state.linked for state in states.values())
    return Waterfall(bars=tuple(bars), f1=f1, coverage=linked / len(states), data_verified=data_verified)


def set_f1(given: Collection[str], wanted: Collection[str]) -> float:
    """F1 of two sets."""
    size = len(given) + len(wanted)
    return 2 * len(frozenset(given) & frozenset(wanted)) / size if size else 0.0


_SEEN = ("DROPPED", "SEEN_REJECTED", "SEEN_LOST", "SEEN_IGNORED")


def _seen(states: dict[str, ItemState]) -> frozenset[str]:
    """Items that a result showed, or that the model listed though nothing shows where it saw them."""
    return _in(states, _SEEN)


def _in(states: dict[str, ItemState], wanted: Collection[str]) -> frozenset[str]:
    return frozenset(key for key, state in states.items() if state.state in wanted)


def _names(states: dict[str, ItemState], keys: frozenset[str]) -> tuple[str, ...]:
    return tuple(state.item for key, state in states.items() if key in keys)
