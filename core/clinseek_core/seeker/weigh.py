"""Weighing: the points of each item, with what a stronger one explains counted less; and the choice."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from clinseek_core.seeker.evidence import evidence_for
from clinseek_core.seeker.items import Item
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.question import Asked
from clinseek_core.seeker.search import Hits
from clinseek_core.seeker.weights import LEAST, Evidence, points_of, worth

__all__ = ["Weighed", "choose", "weigh"]

SPEC={'supporting'}
_SHARED = {"supporting", "hint", "treated", "home"}
"""Evidence that may come of another condition."""
_EXPLAINED = 1.0
"""How much of it counts where a stronger candidate explains it."""
_SHARE_OF_BEST = 0.5
_MOST_ITEMS = 20


class Weighed(msgspec.Struct, frozen=True):
    """An item with its points and its reasons, the weightiest first."""

    item: Item
    points: float
    reasons: tuple[str, ...]


def weigh(
    items: tuple[Item, ...],
    picture: Picture,
    hits: Hits,
    asked: Asked,
    further: Mapping[str, tuple[Evidence, ...]],
) -> tuple[Weighed, ...]:
    """The points of each item, and why; `further` is evidence that was followed up, by the item's name."""
    found = {
        item.name: [*evidence_for(item, picture, hits, asked), *further.get(item.name, ())] for item in items
    }
    first = {item.name: sum(points_of(item.kind, found[item.name]).values()) for item in items}
    strongest: dict[str, float] = {}
    for name, evidence in found.items():
        for reason in evidence:
            strongest[reason.says] = max(strongest.get(reason.says, 0.0), first[name])
    return tuple(
        _sum(item, [_less(reason, first[item.name] < strongest[reason.says]) for reason in found[item.name]])
        for item in items
    )


def choose(weighed: tuple[Weighed, ...], asked: Asked) -> tuple[Weighed, ...]:
    """The answer: the best where one is asked, else all from the least points up, at least one."""
    ranked = sorted(weighed, key=lambda w: (-w.points, w.item.name.casefold(), w.item.name))
    if not ranked:
        return ()
    least = LEAST[ranked[0].item.kind]
    if asked.kind != "condition":
        least = max(least, ranked[0].points * _SHARE_OF_BEST)
    chosen = [w for w in ranked if w.points >= least]
    return tuple(ranked[:1] if asked.one or not chosen else chosen[:_MOST_ITEMS])


def _less(reason: Evidence, explained: bool) -> Evidence:
    if not explained or reason.line not in _SHARED:
        return reason
    return msgspec.structs.replace(reason, amount=reason.amount * _EXPLAINED)


def _sum(item: Item, evidence: list[Evidence]) -> Weighed:
    weighty = sorted(evidence, key=lambda reason: -worth(item.kind, reason))
    reasons = dict.fromkeys(reason.says for reason in weighty if worth(item.kind, reason) > 0)
    pts=points_of(item.kind, evidence)
    tot=sum(pts.values())
    if item.kind=='condition' and not any(v>0 for k,v in pts.items() if k not in SPEC): tot=min(tot,1.5)
    return Weighed(item, round(tot, 2), tuple(reasons))
