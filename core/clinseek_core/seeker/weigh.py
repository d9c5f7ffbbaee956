"""Weighing: the evidence for each item in points, by the weights of `weights.tsv`, with its reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import msgspec

from clinseek_core.seeker.data import lines
from clinseek_core.seeker.items import Item
from clinseek_core.seeker.lexicon import Concept, Kind, concepts, named_in, treatments
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.question import Asked
from clinseek_core.seeker.search import Hit, Hits
from clinseek_core.seeker.words import quoted

__all__ = ["LEAST", "Evidence", "Weighed", "choose", "weigh", "weigh_condition"]

LEAST: dict[Kind, float] = {"condition": 2.0, "drug": 4.0, "test": 3.0, "procedure": 3.0, "place": 3.0}
"""Points from which an item is chosen where several may be."""
_SHARE_OF_BEST = 0.5
_USUAL, _OTHER = 1.0, 0.6
"""How much of a reason counts: for what a drug is usually given, and for its other uses."""
_FULL_REASON = 6.0
"""Points of a condition that make it evident."""
_MOST_ITEMS = 20
_NOW = {
    "complaint",
    "report",
    "ordered",
    "requested",
    "given",
    "dispensed",
    "charted",
    "measured",
    "culture",
    "place",
}


class Evidence(msgspec.Struct, frozen=True):
    """A reason for or against an item: its line in the table of weights, what was found, and how fully."""

    line: str
    says: str
    amount: float = 1.0


class Weighed(msgspec.Struct, frozen=True):
    """An item with its points and its reasons, the weightiest first."""

    item: Item
    points: float
    reasons: tuple[str, ...]


def weigh(
    item: Item, picture: Picture, hits: Hits, asked: Asked, further: tuple[Evidence, ...] = ()
) -> Weighed:
    """The points of `item`, and why; `further` is evidence that was followed up."""
    if item.kind == "condition":
        evidence = list(_for_condition(item, picture, hits))
    else:
        evidence = [
            *_from_mentions(item, hits),
            *_from_signs(item, picture),
            *_from_reasons(item, picture, hits),
        ]
        if item.kind == "drug":
            evidence += _from_orders(item, picture, hits, asked)
    return _sum(item, [*evidence, *further])


def weigh_condition(concept: Concept, picture: Picture, hits: Hits) -> float:
    """The points of a condition without the drugs that treat it: whether a drug's reason is evident."""
    return sum(_points("condition", [*_mentions(concept, hits), *_signs(concept, picture)]).values())


def choose(weighed: tuple[Weighed, ...], asked: Asked) -> tuple[Weighed, ...]:
    """The answer: the best where one is asked, else all from the least points up, at least one."""
    ranked = sorted(weighed, key=lambda w: (-w.points, w.item.name.casefold(), w.item.name))
    if not ranked:
        return ()
    least = max(LEAST[ranked[0].item.kind], ranked[0].points * _SHARE_OF_BEST)
    if asked.kind == "condition":
        least = LEAST["condition"]
    chosen = [w for w in ranked if w.points >= least]
    return tuple(ranked[:1] if asked.one or not chosen else chosen[:_MOST_ITEMS])


@cache
def _weights() -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (line["kind"], line["evidence"]): (float(line["points"]), float(line["most"]))
        for line in lines("weights.tsv")
    }


def _points(kind: Kind, evidence: list[Evidence]) -> dict[str, float]:
    """Points by line; no line counts beyond its most."""
    sums: dict[str, float] = defaultdict(float)
    for found in evidence:
        points, most = _weights().get((kind, found.line), (0.0, 0.0))
        sums[found.line] = max(-most, min(most, sums[found.line] + points * found.amount))
    return sums


def _sum(item: Item, evidence: list[Evidence]) -> Weighed:
    points = _points(item.kind, evidence)
    weighty = sorted(evidence, key=lambda found: -points[found.line])
    reasons = tuple(dict.fromkeys(found.says for found in weighty if points[found.line] > 0))
    return Weighed(item, round(sum(points.values()), 2), reasons)


def _for_condition(item: Item, picture: Picture, hits: Hits) -> Iterator[Evidence]:
    for named in item.named:
        concept = named.concept
        yield from _mentions(concept, hits)
        yield from _signs(concept, picture)
        for drug in treatments().get(concept.name, ()):
            found = hits.get(drug.name, ())
            now = [hit for hit in found if hit.this_stay and hit.role in {"ordered", "given", "dispensed"}]
            home = [hit for hit in found if hit.role == "home" or hit.earlier]
            share = _USUAL if drug.serves[0] == concept.name else _OTHER / len(drug.serves)
            if now:
                yield Evidence("treated", f"{drug.name} {now[0].role}", share)
            if home and concept.chronic:
                yield Evidence("home", f"{drug.name} taken before", share)
    for hit in hits.get(item.term, ()):
        if hit.this_stay or hit.role == "coded":
            yield Evidence("exact", f"{hit.role} says {quoted(hit.example)}")


def _mentions(concept: Concept, hits: Hits) -> Iterator[Evidence]:
    for hit in hits.get(concept.name, ()):
        if hit.how == "hint":
            if hit.this_stay:
                yield Evidence("hint", f"{hit.role} says {quoted(hit.example)}", hit.this_stay)
        elif hit.role == "coded" and hit.earlier + hit.this_stay:
            course = "chronic" if concept.chronic else "acute"
            yield Evidence(f"coded {course}", f"coded earlier as {quoted(hit.example)}")
        elif hit.this_stay:
            yield Evidence(hit.role, f"{hit.role} says {quoted(hit.example)}")
        elif hit.denied:
            yield Evidence("denied", f"{hit.role} denies it: {quoted(hit.example)}")
        elif hit.role == "report" and hit.earlier:
            yield Evidence("report earlier", f"an older report says {quoted(hit.example)}")


def _signs(concept: Concept, picture: Picture) -> Iterator[Evidence]:
    for line, signs in (("defining", concept.defining), ("supporting", concept.supporting)):
        for sign in signs:
            if sign in picture.signs:
                yield Evidence(line, picture.signs[sign])


def _from_mentions(item: Item, hits: Hits) -> Iterator[Evidence]:
    labels = [item.term, *(named.concept.name for named in item.named if item.kind != "drug")]
    found = [hit for label in labels for hit in hits.get(label, ()) if hit.how != "hint"]
    for hit in found:
        if hit.this_stay and hit.role in _NOW:
            yield Evidence(hit.role, _mention(hit))
        if hit.role == "home":
            yield Evidence("home", f"taken at home: {quoted(hit.example)}")
        if hit.role in {"measured", "charted"} and hit.this_stay > 1:
            yield Evidence("repeated", f"{hit.this_stay} times in this stay")
    if any(hit.earlier for hit in found):
        yield Evidence("earlier", "known from earlier stays")


def _mention(hit: Hit) -> str:
    times = f", {hit.this_stay} times" if hit.this_stay > 1 else ""
    return f"{hit.role} in {hit.table}{times}: {quoted(hit.example)}"


def _from_signs(item: Item, picture: Picture) -> Iterator[Evidence]:
    for named in item.named:
        for evidence in _signs(named.concept, picture):
            yield Evidence("supporting", evidence.says)


def _from_reasons(item: Item, picture: Picture, hits: Hits) -> Iterator[Evidence]:
    """What the item is for, as far as that is evident."""
    for named in item.named:
        for rank, name in enumerate(named.concept.serves):
            points = weigh_condition(concepts()[name], picture, hits)
            share = (_USUAL if rank == 0 else _OTHER) * min(points / _FULL_REASON, 1.0)
            if points >= LEAST["condition"]:
                yield Evidence("reason", f"for {name}, which has {points:g} points", share)


def _from_orders(item: Item, picture: Picture, hits: Hits, asked: Asked) -> Iterator[Evidence]:
    """Whether an order of this stay still waits for its first dose."""
    found = hits.get(item.term, ())
    names = {word for named in item.named for word in named.words} or set(item.own_words)
    for row in picture.waiting:
        medication = row["medication"].lower()
        same = {word for named in named_in(medication) for word in named.words} & names
        if same or any(word in medication for word in names):
            yield Evidence(
                "waiting", f"ordered {row['frequency']} at {row['entertime']}, no dose yet".replace("  ", " ")
            )
    given = [hit for hit in found if hit.this_stay and hit.role in {"given", "dispensed"}]
    ordered = any(hit.this_stay and hit.role == "ordered" for hit in found)
    if asked.next and given and not ordered:
        yield Evidence("done before", "came before in this stay and no order asks for more")
