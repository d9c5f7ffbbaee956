"""Items: what an answer may hold, each with the names and concepts to search the record for."""

from __future__ import annotations

import re

import msgspec

from clinseek_core.seeker.lexicon import Kind, Named, concepts, named_in, treatments
from clinseek_core.text import one_line

__all__ = ["Item", "Term", "items_of", "terms_of"]

_LABEL = 60
_MAX_WORD = 80
_INDICATIONS = 4
"""Conditions looked into for a drug, procedure or test: the usual ones stand first in the lexicon."""
_EMPTY = {"other", "unspecified", "with", "without", "and", "the", "of", "not", "elsewhere", "classified"}


class Item(msgspec.Struct, frozen=True):
    """One possible answer."""

    name: str
    """As it must be spelled in the answer."""
    kind: Kind
    named: tuple[Named, ...]
    """What the lexicon knows of it."""
    term: str
    """The label under which its own names are searched."""
    own_words: tuple[str, ...]


class Term(msgspec.Struct, frozen=True):
    """Names searched for together. `how` is `name`, `hint` (words that speak for it) or `drug`."""

    label: str
    how: str
    words: tuple[str, ...]


def items_of(names: tuple[str, ...], kind: Kind) -> tuple[Item, ...]:
    """The names as items of `kind`, unless the lexicon knows a name as one other kind."""
    labels: set[str] = set()
    return tuple(_item(name, kind, labels) for name in names)


def _item(name: str, kind: Kind, labels: set[str]) -> Item:
    named = named_in(name)
    kinds = {found.concept.kind for found in named}
    if kinds and kind not in kinds:
        kind = named[0].concept.kind
    named = tuple(found for found in named if found.concept.kind == kind)
    term = one_line(name, _LABEL)
    while term in labels or term in concepts():
        term += "*"
    labels.add(term)
    return Item(name, kind, named, term, tuple(sorted(_own_words(name, kind, named))))


def _own_words(name: str, kind: Kind, named: tuple[Named, ...]) -> set[str]:
    """What names this item and no other one: a group of drugs may hold several items."""
    known = {word for found in named for word in found.words}
    if kind == "drug":
        return known or {_plain(name), *_first_word(name)} - {""}
    return {_plain(name)} - known - {""}


def terms_of(items: tuple[Item, ...]) -> tuple[Term, ...]:
    """All that is worth searching for: the items, their concepts, what these serve, what treats them."""
    terms: dict[tuple[str, str], Term] = {}

    def add(term: Term) -> None:
        if term.words:
            terms.setdefault((term.label, term.how), term)

    for item in items:
        add(Term(item.term, "drug" if item.kind == "drug" else "name", item.own_words))
        for found in item.named:
            for condition in _conditions(found):
                concept = concepts()[condition]
                add(Term(condition, "name", concept.members[0]))
                add(Term(condition, "hint", concept.hints))
            if item.kind == "condition":
                for drug in treatments().get(found.concept.name, ()):
                    add(Term(drug.name, "drug", tuple(word for group in drug.members for word in group)))
            elif item.kind != "drug":
                add(Term(found.concept.name, "name", found.words))
    return tuple(terms.values())


def _conditions(found: Named) -> tuple[str, ...]:
    concept = found.concept
    return (concept.name,) if concept.kind == "condition" else concept.serves[:_INDICATIONS]


def _plain(name: str) -> str:
    """The name in lower case without its brackets and empty words: what a text would say."""
    text = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", name.lower())
    words = [word for word in re.findall(r"[\w'/%+.-]+", text) if word not in _EMPTY]
    return " ".join(words)[:_MAX_WORD].strip()


def _first_word(name: str) -> list[str]:
    """A drug's name without dose and form."""
    return re.findall(r"^[a-z][a-z-]{4,}", name.lower())[:1]
