"""Candidates of the seeker's own, where the question brings none: names that the overview suggests."""

from __future__ import annotations

from clinseek_core.seeker.evidence import condition_points
from clinseek_core.seeker.lexicon import concepts, named_in
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.question import Asked
from clinseek_core.seeker.weights import LEAST

__all__ = ["proposed"]

_MOST = 40
_LABS = 10


def proposed(picture: Picture, asked: Asked) -> tuple[str, ...]:
    """Names of the asked kind that signs, orders, reports or earlier stays suggest, each once."""
    if asked.focus == "labevents":
        repeated = sorted(picture.labs, key=lambda lab: (-lab.abnormal, -lab.results, lab.label))
        return tuple(lab.label.partition(" [")[0] for lab in repeated[:_LABS])
    if asked.kind == "drug":
        waiting = [row["medication"] for row in picture.waiting]
        own = [row["drug"] for row in picture.drugs if not row["source"].startswith("home")]
        return _distinct([*waiting, *own])
    texts = [
        picture.complaint,
        *picture.reports,
        *(row["diagnosis"] for row in picture.history),
        *(f"{row['order_type']} {row['order_subtype']}" for row in picture.orders),
        *(row["spec_type_desc"] for row in picture.cultures),
        picture.stay.place,
    ]
    named = [found.concept for text in texts for found in named_in(text)]
    evident = [
        concept
        for concept in concepts().values()
        if concept.kind == asked.kind and condition_points(concept, picture, {}) >= _evident(asked)
    ]
    fitting = [c for c in (*evident, *named) if c.kind == asked.kind and c.group != "need"]
    return _distinct([concept.name for concept in fitting])


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The names, each once in whatever case, as it is spelled first."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return tuple(first.values())[:_MOST]


def _evident(asked: Asked) -> float:
    """Signs alone decide a condition; for a test or a place one that calls for it is enough to look."""
    return LEAST["condition"] if asked.kind == "condition" else 1.0
