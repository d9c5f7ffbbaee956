"""General clinical knowledge: what names mean the same, what speaks for a condition, what a drug is for.

`lexicon.tsv` holds it, one concept a line. Its columns: `class` is `chronic` or `acute` for a condition,
or `need` for what drugs are given for but nobody codes;
`words` are names, `|` between members of a group and `=` between the names of one drug; `defining` and
`supporting` are signs (see `signs.py`); `hints` are words that speak for a condition where a complaint or a
report holds them; `serves` are the conditions that a drug, procedure or test is for, the usual one first.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import msgspec

from clinseek_core.seeker.data import lines

__all__ = ["Concept", "Kind", "Named", "concepts", "named_in", "treatments"]

Kind = Literal["condition", "drug", "procedure", "test", "place"]


class Concept(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the lexicon."""

    name: str
    kind: Kind
    group: str
    """`chronic`, `acute` or `need` for a condition; `antibiotic` or `pressor` for such drugs."""
    members: tuple[tuple[str, ...], ...]
    """The names of each member of the group; a condition is one member."""
    defining: tuple[str, ...]
    supporting: tuple[str, ...]
    hints: tuple[str, ...]
    serves: tuple[str, ...]

    @property
    def chronic(self) -> bool:
        """Whether a condition, once there, stays."""
        return self.group == "chronic"


class Named(msgspec.Struct, frozen=True):
    """A concept that a text names, by which of its members."""

    concept: Concept
    words: tuple[str, ...]
    """All names of that member."""


@cache
def concepts() -> dict[str, Concept]:
    """All concepts by name."""
    return {line["concept"]: _concept(line) for line in lines("lexicon.tsv")}


def named_in(text: str) -> tuple[Named, ...]:
    """What `text` names, in its order, each once; a longer name hides the shorter ones inside it."""
    names, pattern = _vocabulary()
    found: dict[tuple[str, str], Named] = {}
    for match in pattern.finditer(text.lower()):
        for named in names[match["name"]]:
            found.setdefault((named.concept.name, named.words[0]), named)
    return tuple(found.values())


@cache
def treatments() -> dict[str, tuple[Concept, ...]]:
    """The drugs that are given for each condition."""
    drugs = [concept for concept in concepts().values() if concept.kind == "drug"]
    served = {condition for drug in drugs for condition in drug.serves}
    return {name: tuple(drug for drug in drugs if name in drug.serves) for name in served}


def _concept(line: dict[str, str]) -> Concept:
    groups = tuple(tuple(group.split("=")) for group in line["words"].split("|"))
    kind: Kind = msgspec.convert(line["kind"], Kind)
    members = groups if kind == "drug" else (tuple(word for group in groups for word in group),)
    return Concept(
        name=line["concept"],
        kind=kind,
        group=line["class"],
        members=members,
        defining=_list(line["defining"], ";"),
        supporting=_list(line["supporting"], ";"),
        hints=_list(line["hints"], "|"),
        serves=_list(line["serves"], ";"),
    )


def _list(cell: str, separator: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split(separator) if part)


@cache
def _vocabulary() -> tuple[dict[str, list[Named]], re.Pattern[str]]:
    names: dict[str, list[Named]] = {}
    for concept in concepts().values():
        for words in concept.members:
            for word in words:
                names.setdefault(word, []).append(Named(concept, words))
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    choice = "|".join(re.escape(name) for name in longest_first)
    return names, re.compile(rf"(?<![a-z0-9])(?P<name>{choice})(?:e?s)?(?![a-z0-9])")
