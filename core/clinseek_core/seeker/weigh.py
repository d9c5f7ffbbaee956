"""Weighing: the points of each item, and the choice among them."""

from __future__ import annotations

import msgspec

from clinseek_core.seeker.evidence import evidence_for
from clinseek_core.seeker.items import Item
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.question import Asked
from clinseek_core.seeker.search import Hits
from clinseek_core.seeker.weights import LEAST, Evidence, total, worth

__all__ = ["Weighed", "choose", "weigh"]

_SHARE_OF_BEST = 0.5
_MOST = 20
_MOST_OF_OPEN = 8


class Weighed(msgspec.Struct, frozen=True):
    """An item with its points and its reasons, the weightiest first."""

    item: Item
    points: float
    reasons: tuple[str, ...]


def weigh(
    item: Item, picture: Picture, hits: Hits, asked: Asked, further: tuple[Evidence, ...] = ()
) -> Weighed:
    """The points of `item`, and why; `further` is evidence that was followed up."""
    evidence = [*evidence_for(item, picture, hits, asked), *further]
    weighty = sorted(evidence, key=lambda reason: -worth(item.kind, reason))
    reasons = dict.fromkeys(reason.says for reason in weighty if worth(item.kind, reason) > 0)
    return Weighed(item, round(total(item.kind, evidence), 2), tuple(reasons))


def choose(weighed: tuple[Weighed, ...], asked: Asked, *, open_question: bool) -> tuple[Weighed, ...]:
    """The answer: the best where one is asked, else all from the least points up, at least one.

    Conditions that candidates name are each taken for themselves; other things, and what answers an open
    question, must also come near the best. The order of the candidates decides nothing.
    """
    ranked = sorted(weighed, key=lambda w: (-w.points, w.item.name.casefold(), w.item.name))
    if not ranked:
        return ()
    least = LEAST[ranked[0].item.kind]
    if asked.kind != "condition" or open_question:
        least = max(least, ranked[0].points * _SHARE_OF_BEST)
    chosen = [w for w in ranked if w.points >= least]
    most = _MOST_OF_OPEN if open_question else _MOST
    return tuple(ranked[:1] if asked.one or not chosen else chosen[:most])
