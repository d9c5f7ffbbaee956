"""Answers without candidates: how the record and its candidate tables spell what was chosen."""

from __future__ import annotations

from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.items import Item
from clinseek_core.seeker.lexicon import Kind, named_in
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.reading import Row, rows
from clinseek_core.seeker.script import Script, Turn
from clinseek_core.seeker.words import listed

__all__ = ["spelled"]

_MOST = 8
_ROWS = 20
_KEYWORD_WORDS = 3
_TABLES: dict[Kind, str] = {
    "condition": "diagnoses_icd_candidates",
    "drug": "prescriptions_candidates",
    "procedure": "procedures_icd_candidates",
    "place": "transfers_candidates",
}
"""For tests there is no such table: laboratory items and cultures have one each, and own names as well."""


def spelled(desk: Desk, picture: Picture, chosen: tuple[Item, ...]) -> Script[tuple[str, ...]]:
    """The official names of the chosen items: as an earlier stay was coded, as a candidate table has it, or
    as they are."""
    coded = {item.name: title for item in chosen if (title := _coded(item, picture))}
    tables = {item.name: _TABLES[item.kind] for item in chosen[:_MOST] if item.kind in _TABLES}
    asks = {name: desk.candidates(table, _keyword(name), _ROWS) for name, table in tables.items()}
    asks = {name: ask for name, ask in asks.items() if name not in coded}
    found: dict[str, str] = {}
    if asks:
        thought = "The question brings no candidates. I look up how the candidate tables spell"
        answers = yield Turn(f"{thought} {listed(asks)}.", tuple(asks.values()))
        for name, answer in zip(asks, answers, strict=True):
            found[name] = _official(name, rows(answer, "candidate"))
    return tuple(dict.fromkeys((found | coded).get(item.name, item.name) for item in chosen))


def _coded(item: Item, picture: Picture) -> str:
    """The title under which an earlier stay was coded with this very condition."""
    wanted = {named.concept.name for named in item.named}
    titles = (row["diagnosis"] for row in picture.history if item.kind == "condition")
    return next((t for t in titles if wanted & {named.concept.name for named in named_in(t)}), "")


def _keyword(name: str) -> str:
    return " ".join(name.split()[:_KEYWORD_WORDS])


def _official(name: str, found: tuple[Row, ...]) -> str:
    """The name that begins alike and says nothing more particular; else the name as it is."""
    alike = [row["candidate"] for row in found if row["candidate"].lower().startswith(_keyword(name).lower())]
    general = [candidate for candidate in alike if "unspecified" in candidate.lower()]
    same = [candidate for candidate in alike if candidate.lower() == name.lower()]
    return next(iter([*same, *general]), name)
