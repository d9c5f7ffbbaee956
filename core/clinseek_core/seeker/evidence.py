"""The evidence for one item: what the record says of it, what its signs are, and what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from clinseek_core.seeker.items import Item
from clinseek_core.seeker.lexicon import Concept, concepts, named_in, treatments
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.question import Asked
from clinseek_core.seeker.search import Hit, Hits
from clinseek_core.seeker.weights import LEAST, Evidence, total
from clinseek_core.seeker.words import quoted

__all__ = ["condition_points", "evidence_for"]

_USUAL, _OTHER = 1.0, 0.6
"""How much of a reason counts: for what a drug is usually given, and for its other uses."""
_LONGEST = 40
_EVIDENT = 6.0
"""Points of a condition that is wholly evident."""
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
_DONE = {"given", "dispensed", "charted"}
_DONE_TABLES = {"emar", "pyxis"}
"""Asked whether something was given, only a dose will do."""


def evidence_for(item: Item, picture: Picture, hits: Hits, asked: Asked) -> list[Evidence]:
    """All evidence for and against `item`."""
    if item.kind == "condition":
        return list(_for_condition(item, picture, hits))
    if asked.whether:
        # A reason to give a drug doesn't make it given.
        return list(_from_mentions(item, hits, _DONE if asked.focus in _DONE_TABLES else _NOW))
    evidence = [
        *_from_mentions(item, hits, _NOW),
        *_from_signs(item, picture),
        *_from_reasons(item, picture, hits),
    ]
    return [*evidence, *_from_orders(item, picture)] if item.kind == "drug" else evidence


def condition_points(concept: Concept, picture: Picture, hits: Hits) -> float:
    """The points of a condition without the drugs that treat it: how evident a drug's reason is."""
    evidence = [*_mentions(concept, hits), *_signs(concept, picture)]
    return total("condition", evidence, strict=False)


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


def _from_mentions(item: Item, hits: Hits, roles: set[str]) -> Iterator[Evidence]:
    """Where the record names the item; in this stay, where its role is one of `roles`."""
    labels = [item.term, *(named.concept.name for named in item.named if item.kind != "drug")]
    found = [hit for label in labels for hit in hits.get(label, ()) if hit.how != "hint"]
    for hit in found:
        if hit.this_stay and hit.role in roles:
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
            points = condition_points(concepts()[name], picture, hits)
            share = (_USUAL if rank == 0 else _OTHER) * min(points / _EVIDENT, 1.0)
            if points >= LEAST["condition"]:
                yield Evidence("reason", f"it is for {name}, which has {points:g} points", share)


def _from_orders(item: Item, picture: Picture) -> Iterator[Evidence]:
    """Whether an order of this stay still waits for its first dose."""
    for row in picture.waiting:
        if _is_about(item, row["medication"].lower()):
            frequency, at = row["frequency"][:_LONGEST], row["entertime"][:_LONGEST]
            yield Evidence("waiting", f"ordered {frequency or 'once or more'} at {at}, no dose yet")


def _is_about(item: Item, medication: str) -> bool:
    if not item.named:
        return any(word in medication for word in item.own_words)
    names = {word for named in item.named for word in named.words}
    return any(not names.isdisjoint(named.words) for named in named_in(medication))
