"""What there was to be found: which items the data held at the cutoff, by the record or the curated context.

The record is asked through the same snapshot as a strict run, so that nothing counts as available that was
not known before the prediction time. A name is looked for in every cell of text, and, where a row holds only
a code, by the names that the dictionaries and candidate tables give the code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from clinseek_core.case import Policy
from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.scoring import folded
from clinseek_replay.evidence.matching import CODE_COLUMNS, Code, Matcher
from clinseek_replay.evidence.reading import Synonyms, items_of
from clinseek_replay.trajectory import Trajectory

if TYPE_CHECKING:
    from clinseek_core.ehr.snapshot import Snapshot

__all__ = ["Held", "Known", "known_by_curated", "known_by_ehr"]

_DICTIONARIES = {
    "labevents": ("itemid", "d_labitems", "label"),
    "diagnoses_icd": ("icd_code", "d_icd_diagnoses", "long_title"),
    "procedures_icd": ("icd_code", "d_icd_procedures", "long_title"),
}
"""By table the column of its codes, and the dictionary and column that name them."""
_ITEMS = ("itemid", "d_items", "label")
"""The same for every other table with an `itemid`."""
_TEXT_ROLES = ("value", "final", "end")
"""Roles of columns whose text may name an item."""
_JOIN = "\x1f"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Where the data hold an item."""

    tables: tuple[str, ...]
    """Tables of the record, in the order of the record; empty for the curated context."""
    matched: str
    """The cell, or the part of it, that names the item first."""
    column: str = ""
    at: str | None = None
    """The time of the earliest row found in the first of the tables."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the data held of a run's items at its cutoff."""

    by: Literal["ehr", "curated"]
    found: Mapping[str, Held]
    absent: frozenset[str] = frozenset()
    """Items that are nowhere in the data: only the whole record can say that."""
    codes: Mapping[str, frozenset[Code]] = {}
    """Codes that mean an item, as the candidate tables have them."""
    admitted: str | None = None
    """When the stay that was going on at the cutoff began."""


def known_by_curated(trajectory: Trajectory, synonyms: Synonyms | None = None) -> Known | None:
    """What the curated context that comes with the case shows; None where there is none."""
    if not trajectory.curated:
        return None
    found: dict[str, Held] = {}
    for hit in _matcher(trajectory, synonyms).in_text(trajectory.curated):
        found.setdefault(hit.name, Held(tables=(), matched=hit.matched))
    return Known(by="curated", found=found)


def known_by_ehr(
    trajectory: Trajectory,
    path: Path,
    synonyms: Synonyms | None = None,
) -> Known:
    """What the record at `path` held at the run's cutoff, under the strict policy and the run's boundary.

    Raises InputError where the source or the patient is not there, or the run does not say whose record it
    read and when.
    """
    from clinseek_core.ehr.visible import open_snapshot  # noqa: PLC0415 - duckdb is loaded where it is needed

    if trajectory.subject_id is None or trajectory.prediction_time is None:
        raise InputError(f"{trajectory.source}: does not say which patient it is about, and at what time")
    boundary = trajectory.policy.boundary if trajectory.policy else "exclusive"
    snapshot = open_snapshot(
        path, trajectory.subject_id, trajectory.prediction_time, Policy(boundary=boundary)
    )
    try:
        return _in_snapshot(snapshot, trajectory, synonyms)
    finally:
        snapshot.close()


def _in_snapshot(snapshot: Snapshot, trajectory: Trajectory, synonyms: Synonyms | None) -> Known:
    matcher = _matcher(trajectory, synonyms)
    codes = _codes(snapshot, matcher)
    found: dict[str, Held] = {}
    for table, column, values in _texts(snapshot):
        _note(found, _named(matcher, values), snapshot, table, column)
    for table, column, held in _coded(snapshot):
        _note(found, _coded_as(codes, CODE_COLUMNS[column], held), snapshot, table, column)
    lexical = frozenset(matcher.names) - frozenset(matcher.not_lexical)
    return Known(
        by="ehr",
        found=found,
        absent=lexical - found.keys(),
        codes={item: frozenset(of_item) for item, of_item in codes.items() if of_item},
        admitted=_admitted(snapshot),
    )


def _matcher(trajectory: Trajectory, synonyms: Synonyms | None) -> Matcher:
    gold, answer = items_of(trajectory)
    items = (*gold, *answer)
    return Matcher(items, synonyms={item: synonyms(item) for item in items} if synonyms else None)


def _codes(snapshot: Snapshot, matcher: Matcher) -> dict[str, set[Code]]:
    """The codes of each item in the candidate tables, where a candidate is the item to the word."""
    found: dict[str, set[Code]] = {item: set() for item in matcher.names}
    forms = {folded(item): item for item in matcher.names}
    index = snapshot.candidates
    for name, table in index.tables.items():
        kinds = [
            (at, CODE_COLUMNS[column]) for at, column in enumerate(table.columns) if column in CODE_COLUMNS
        ]
        for row in index.rows(name) if kinds else ():
            item = forms.get(folded(str(row[0])))
            if item is not None:
                found[item].update((kind, _plain(row[at])) for at, kind in kinds if row[at] is not None)
    return found


def _texts(snapshot: Snapshot) -> Iterator[tuple[str, str, list[str]]]:
    """(table, column, its different texts): cells of text, and what dictionaries call a table's codes."""
    for table in snapshot.tables.values():
        info = tables().get(table.name)
        if table.dictionary or info is None or not table.rows:
            continue
        for column in info.columns:
            if column.type == "VARCHAR" and column.name in table.columns and column.role in _TEXT_ROLES:
                yield table.name, column.name, _values(snapshot, table.name, column.name)
        code, dictionary, label = _DICTIONARIES.get(table.name, _ITEMS)
        if code in table.columns and dictionary in snapshot.tables:
            yield table.name, code, _labels(snapshot, table.name, (code, dictionary, label))


def _coded(snapshot: Snapshot) -> Iterator[tuple[str, str, frozenset[str]]]:
    for table in snapshot.tables.values():
        if table.dictionary or not table.rows:
            continue
        for column in table.columns:
            if column in CODE_COLUMNS:
                yield table.name, column, frozenset(map(_plain, _values(snapshot, table.name, column)))


def _values(snapshot: Snapshot, table: str, column: str) -> list[str]:
    rows = snapshot.select(
        # The names are the catalogue's.
        f'SELECT DISTINCT "{column}" FROM {table} WHERE "{column}" IS NOT NULL ORDER BY 1'  # noqa: S608
    ).rows
    return [str(row[0]) for row in rows]


def _labels(snapshot: Snapshot, table: str, names: tuple[str, str, str]) -> list[str]:
    code, dictionary, label = names
    sql = (
        f"SELECT DISTINCT d.{label} FROM {dictionary} d"  # noqa: S608 - names of ours
        f" WHERE d.{label} IS NOT NULL AND d.{code} IN (SELECT {code} FROM {table}) ORDER BY 1"
    )
    return [str(row[0]) for row in snapshot.select(sql).rows]


def _named(matcher: Matcher, values: list[str]) -> dict[str, str]:
    return {hit.name: hit.matched for hit in reversed(matcher.in_text(_JOIN.join(values)))}


def _coded_as(codes: Mapping[str, set[Code]], kind: str, held: Collection[str]) -> dict[str, str]:
    """Items that a column's codes mean, each with the first such code."""
    return {
        item: value for item, of_item in codes.items() for value in sorted(held) if (kind, value) in of_item
    }


def _note(
    found: dict[str, Held], named: Mapping[str, str], snapshot: Snapshot, table: str, column: str
) -> None:
    for item, matched in named.items():
        held = found.get(item)
        if held is None:
            found[item] = Held(tables=(table,), matched=matched, column=column, at=_first(snapshot, table))
        elif table not in held.tables:
            found[item] = msgspec.structs.replace(held, tables=(*held.tables, table))


def _first(snapshot: Snapshot, table: str) -> str | None:
    clock = snapshot.tables[table].clock
    if not clock:
        return None
    first = snapshot.select(f"SELECT min({clock})::VARCHAR FROM {table}").rows  # noqa: S608 - names of ours
    return str(first[0][0]) if first and first[0][0] else None


def _admitted(snapshot: Snapshot) -> str | None:
    sql = (
        "SELECT min(t)::VARCHAR FROM (SELECT least(admittime, edregtime) AS t FROM admissions"
        " WHERE dischtime IS NULL UNION ALL SELECT intime FROM edstays WHERE outtime IS NULL)"
    )
    rows = snapshot.select(sql).rows
    return str(rows[0][0]) if rows and rows[0][0] else None


def _plain(value: object) -> str:
    return str(value).strip().removesuffix(".0").casefold()
