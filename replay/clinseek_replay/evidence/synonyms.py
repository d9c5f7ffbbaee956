"""Other names of a drug: its trade names and shorter forms. Only names that mean the very same thing."""

from __future__ import annotations

from functools import cache

from clinseek_core.scoring import folded

__all__ = ["drug_names"]


def drug_names(name: str) -> tuple[str, ...]:
    """The other names of a drug; none for what is no drug that we know by that name."""
    return tuple(other for other in _names().get(folded(name), ()) if folded(other) != folded(name))


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """By each name all names of the same drug."""
    from clinseek_core.seeker.lexicon import concepts  # noqa: PLC0415 - a file to read, only for this

    found: dict[str, tuple[str, ...]] = {}
    for concept in concepts().values():
        for member in concept.members if concept.kind == "drug" else ():
            found.update((folded(name), member) for name in member)
    return found
