"""When rows were known, from the patient's dated record: for rows that are printed without it.

A row is found by the cells that are printed of it. Where several rows of the record print the same, the one
that was known first counts: what is found late is late whichever it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT

if TYPE_CHECKING:
    from clinseek_core.ehr.source import Source

__all__ = ["NEVER", "EhrTimes", "KnownRow", "PatientTimes"]

NEVER = "9999-12-31 23:59:59"
"""The known time of what the contract never shows."""
_LONG = 200
"""Longer cells are compared by no one: systems print notes each in their own way."""
_FEWEST = 2


class KnownRow(NamedTuple):
    """When a printed row, and its later cells, became known at the earliest."""

    known_at: str
    happened_at: str
    later: Mapping[str, str]
    """Column in lower case to when its cell became known."""
    stored: bool
    """Whether the record says when it was stored; else the contract sets when it was known."""
    dated_only: bool
    """Whether `happened_at` is a date alone."""


class EhrTimes:
    """Dated records by patient, each read when it is first asked for."""

    def __init__(self, path: Path) -> None:
        # The record is read by few audits, and what reads it takes a while to load.
        from clinseek_core.ehr.source import find_source  # noqa: PLC0415 -- see above

        self._source: Source = find_source(path)
        self._patients: dict[int, PatientTimes] = {}

    def patient(self, subject_id: int) -> PatientTimes:
        """A patient's record; InputError where it is not there."""
        if subject_id not in self._patients:
            self._patients = {subject_id: PatientTimes(self._source, subject_id)}
        return self._patients[subject_id]


class _Rows(NamedTuple):
    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]


class PatientTimes:
    """One patient's dated record."""

    def __init__(self, source: Source, subject_id: int) -> None:
        self._tables: dict[str, _Rows] = {}
        self._indexes: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], list[int]]] = {}
        from clinseek_core.ehr.source import attach_record  # noqa: PLC0415 -- as in EhrTimes

        con = attach_record()
        with contextlib.closing(con):
            record = source.record(con, subject_id, lambda _: None)
            for name, relation in record.relations.items():
                if CONTRACT[name].available == ALWAYS and tables()[name].kind != "patient":
                    continue
                found = con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {relation.sql}")  # noqa: S608 -- ours
                columns = tuple(str(column[0]).lower() for column in found.description or ())
                self._tables[name] = _Rows(columns, found.fetchall())

    @cached_property
    def anchor(self) -> tuple[int, str] | None:
        """The anchor year and its group, `2014 - 2016`; None where they are missing."""
        rows = self._tables.get("patients")
        if rows is None or not rows.rows or "anchor_year_group" not in rows.columns:
            return None
        row = dict(zip(rows.columns, rows.rows[0], strict=True))
        year, group = row.get("anchor_year"), row.get("anchor_year_group")
        return (int(float(year)), group) if year and group else None

    def row(self, table: str, printed: Mapping[str, str]) -> KnownRow | None:
        """When a row of a table was known, by its printed cells (names in lower case, none missing).

        None where the table is not of the record, or no row of it prints so.
        """
        rows = self._tables.get(table)
        if rows is None:
            return None
        usable = tuple(sorted(name for name, text in printed.items() if self._compares(table, name, text)))
        if len(usable) < min(_FEWEST, len(rows.columns)) and not any(name.endswith("_id") for name in usable):
            return None
        wanted = tuple(_plain(table, name, printed[name]) for name in usable)
        found = self._index(table, usable).get(wanted)
        if not found:
            return None
        return self._earliest(table, found)

    def _earliest(self, table: str, found: list[int]) -> KnownRow:
        rows = self._tables[table]
        at = {name: index for index, name in enumerate(rows.columns)}

        def first(name: str, default: str) -> str:
            return min((rows.rows[row][at[name]] or NEVER) for row in found) if name in at else default

        known = first("known_at", NEVER)
        later = {name.removesuffix("@known"): first(name, NEVER) for name in at if name.endswith("@known")}
        stored = "storetime" not in at or any(rows.rows[row][at["storetime"]] for row in found)
        own = first("happened_at", "")
        events = [c for c in tables()[table].columns if c.role == "event" and c.name.lower() in at]
        times = (first(c.name.lower(), NEVER) for c in events if c.type in {"TIMESTAMP", "DATE"})
        happened = own or next((time for time in times if time != NEVER), known)
        day = len(happened) == len("2150-03-02")
        return KnownRow(
            known[:19],
            f"{happened} 00:00:00" if day else happened[:19],
            {column: time[:19] for column, time in later.items()},
            stored,
            day,
        )

    def _compares(self, table: str, name: str, text: str) -> bool:
        rule = CONTRACT[table]
        own = self._tables[table].columns
        made_anew = name in rule.counters or (rule.note_ids and name in {"note_id", "note_seq"})
        if name not in own or "@" in name or name in _UNCOMPARED:
            return False
        return not made_anew and len(text) <= _LONG

    def _index(self, table: str, names: tuple[str, ...]) -> dict[tuple[str, ...], list[int]]:
        if (table, names) not in self._indexes:
            rows = self._tables[table]
            at = [rows.columns.index(name) for name in names]
            index: dict[tuple[str, ...], list[int]] = {}
            for number, row in enumerate(rows.rows):
                key = tuple(
                    _plain(table, name, row[place] or "") for name, place in zip(names, at, strict=True)
                )
                index.setdefault(key, []).append(number)
            self._indexes[table, names] = index
        return self._indexes[table, names]

    def rows_of(self, table: str) -> Iterator[dict[str, str | None]]:
        """The rows of a table by column, in lower case."""
        rows = self._tables.get(table, _Rows((), []))
        return (dict(zip(rows.columns, row, strict=True)) for row in rows.rows)


_UNCOMPARED = frozenset(("known_at", "happened_at", "upstream_at", "superseded_at", "pending", "text"))
"""Columns of the dated record alone, and notes, which systems cut and write each in their own way."""


def _plain(table: str, name: str, text: str) -> str:
    """A cell as it is compared: numbers by value, dates without a time, words without outer spaces."""
    info = tables()[table].column(name)
    kind = "VARCHAR" if info is None else str(info.type)
    if kind == "DATE":
        return text[:10]
    if kind == "TIMESTAMP":
        return text.replace("T", " ")[:19] if len(text) > 10 else f"{text} 00:00:00"
    if kind in {"INTEGER", "SMALLINT", "DOUBLE"}:
        try:
            return f"{float(text):.9g}"
        except ValueError:
            return text
    return text.strip().removesuffix(".0")
