"""Worlds that agree on every cell known at a cutoff and on nothing else, and what is seen of them.

What is known is read here from the contract's rules and the dated record's times, not by the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

import msgspec
from generated_calls import Call
from generated_record import OTHER_PATIENTS, PATIENT_TABLES, Row, World, columns_of, relation

from clinseek_core.candidates import CandidateIndex, build
from clinseek_core.case import Policy
from clinseek_core.ehr.listing import listed_names
from clinseek_core.ehr.record import Record, Relation, known, row_order
from clinseek_core.ehr.references import References
from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.ehr.source import attach_record
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.ehr.visible import take_snapshot
from clinseek_core.journal.events import Table
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools

RULES = dict(CONTRACT)
"""The rules as they are: a test may break those of the engine."""
_CLOCKS = ("known_at", "happened_at", "upstream_at")
_ANCHORS = ("anchor_age", "anchor_year")


@dataclass(frozen=True)
class Known:
    """What is known at a cutoff under a policy."""

    cutoff: datetime
    policy: Policy

    def at(self, time: str | None, lag_hours: int = 0) -> bool:
        """Whether something with this known time is known; NULL is never."""
        if time is None:
            return False
        moment = datetime.fromisoformat(time) + timedelta(hours=lag_hours)
        return moment <= self.cutoff if self.policy.boundary == "inclusive" else moment < self.cutoff

    def clock(self, table: str) -> tuple[str, int]:
        """The column that says when a table's rows are known, and the hours to add to it."""
        rule = RULES[table]
        if self.policy.basis == "event" and rule.event:
            return "happened_at", 0
        if self.policy.interval_rows == "started" and rule.started:
            return rule.started, 0
        return "known_at", self.policy.coding_lag_hours if rule.coded else 0

    def row(self, table: str, row: Row) -> bool:
        """Whether a row of a table is known."""
        clock, lag = self.clock(table)
        return self.at(row[clock], lag)

    def shown(self, table: str, row: Row) -> bool:
        """Whether a row is known and no known result has taken its place."""
        return self.row(table, row) and not self.at(row.get("superseded_at"))

    def hidden(self, table: str, row: Row) -> set[str]:
        """The columns of the source that a known row does not show."""
        rule = RULES[table]
        later = {column for column in rule.later if not self.at(row[known(column)])}
        return {*rule.never, *rule.counters} | later

    def unknown_time(self, random: Random, lag_hours: int = 0) -> str | None:
        """A time that is not known: never, the first that isn't, or a late one."""
        first = self.cutoff + timedelta(seconds=1 if self.policy.boundary == "inclusive" else 0)
        moment = random.choice((None, first, first + timedelta(days=3)))
        return None if moment is None else str(moment - timedelta(hours=lag_hours))


def moments_of(world: World) -> list[datetime]:
    """Every time at which something became known: the boundaries that a cutoff can hit."""
    found = {
        row[name]
        for rows in world.values()
        for row in rows
        for name in row
        if name in {"known_at", "happened_at", "superseded_at", "starttime"} or name.endswith("@known")
    }
    return sorted(datetime.fromisoformat(time) for time in found if time and time > "0001-01-02")


# Changing the future --------------------------------------------------------------------------------------

NewCell = Callable[[Random, str, Sequence[Any]], Any]
"""A new cell of a type, in the place of one of the given unknown cells of a column."""
CHANGES: dict[str, NewCell] = {
    "delete": lambda _random, _kind, _cells: None,
    "permute": lambda random, _kind, cells: random.choice(cells),
    "canary": lambda random, kind, _cells: random.choice(_CANARY[kind]),
}
_CANARY: dict[str, tuple[Any, ...]] = {
    "VARCHAR": ("CANARY", "Drug of mine", None),
    "INTEGER": (987654321, 92000001, None),
    "SMALLINT": (9876, None),
    "DOUBLE": (987654.321, 1.5, None),
    "DATE": ("2199-09-09", "2150-03-01", None),
    "TIMESTAMP": ("2199-09-09 09:09:09", "2150-03-01 00:00:00", None),
    "BOOLEAN": (True, False),
}
_NOTE_NUMBERS = ((1, -3), (1, 1), (1, 90), (25, 0))
"""Ways to number notes anew in the same order: factor and addend."""


@dataclass(frozen=True)
class Change:
    """Makes worlds that agree with another in what is known, and in nothing else."""

    at: Known
    how: str
    """One of CHANGES."""
    random: Random
    what: frozenset[str] = frozenset(("rows", "cells", "clocks"))
    """What is changed: `rows` that are not known; `cells` of known rows that are not, that are never shown or
    that count; `clocks` that the policy does not read, and times that are not known."""

    def of(self, world: World) -> World:
        """The other world; its rows lie in another order."""
        whose = {"subject_id": world["patients"][0]["subject_id"]}
        new = world | {
            name: [row | whose for row in self._table(name, world[name])] for name in PATIENT_TABLES
        }
        return self._with_new_note_numbers(new) if "cells" in self.what else new

    def _table(self, name: str, rows: list[Row]) -> list[Row]:
        known_rows = [row for row in rows if self.at.row(name, row)]
        future = [row for row in rows if not self.at.row(name, row)]
        unknown = {column: [row[column] for row in future] for column, _ in columns_of(name)}
        for row in known_rows:
            for column in self._hidden(name, row):
                unknown[column].append(row[column])
        known_rows = [self._with_new_cells(name, row, unknown) for row in known_rows]
        if "rows" in self.what:
            future = list(self._new_future(name, known_rows, future, unknown))
        return self.random.sample([*known_rows, *future], len(known_rows) + len(future))

    def _hidden(self, name: str, row: Row) -> list[str]:
        """The columns of a dated, known row that may hold anything."""
        hidden = self.at.hidden(name, row) - {"note_seq", *_ANCHORS} if "cells" in self.what else set()
        unread = set(_CLOCKS) & row.keys() - {self.at.clock(name)[0]} if "clocks" in self.what else set()
        return sorted(hidden | unread)

    def _with_new_cells(self, name: str, row: Row, unknown: dict[str, list[Any]]) -> Row:
        kinds = dict(columns_of(name))
        hidden = self._hidden(name, row)
        new = {column: self._new_cell(kinds[column], unknown[column]) for column in hidden}
        if "clocks" in self.what:
            unknown_times = [known(column) for column in RULES[name].later if column in hidden]
            if "superseded_at" in row and not self.at.at(row["superseded_at"]):
                unknown_times.append("superseded_at")
            new |= {column: self.at.unknown_time(self.random) for column in unknown_times}
        if name == "patients" and "cells" in self.what and None not in {row[column] for column in _ANCHORS}:
            # The age at the cutoff is known, so they move together.
            years = self.random.randrange(-20, 20)
            new |= {column: row[column] + years for column in _ANCHORS}
        return row | new

    def _new_future(
        self, name: str, known_rows: list[Row], future: list[Row], unknown: dict[str, list[Any]]
    ) -> Iterator[Row]:
        if self.how == "delete":
            return
        clock, lag = self.at.clock(name)
        more = 2 if self.how == "canary" else 0
        new = [
            {column: self._new_cell(kind, unknown[column]) for column, kind in columns_of(name)}
            for _ in range(len(future) + more)
        ]
        # Also rows that say what a known row says.
        new += known_rows[:more]
        for row in new:
            yield row | {clock: self.at.unknown_time(self.random, lag)}

    def _new_cell(self, kind: str, cells: Sequence[Any]) -> Any:
        return CHANGES[self.how](self.random, kind, cells or [None])

    def _with_new_note_numbers(self, world: World) -> World:
        """Notes are numbered among all notes of their type, known or not; their order is known."""
        new, ways = dict(world), defaultdict[str, tuple[int, int]](lambda: self.random.choice(_NOTE_NUMBERS))

        def renumbered(note_id: Any) -> Any:
            head, dash, number = str(note_id).rpartition("-")
            if not number.isdigit():
                return note_id
            factor, addend = ways[head]
            return f"{head}{dash}{int(number) * factor + addend}"

        for name, rule in RULES.items():
            if rule.note_ids:
                new[name] = [row | {"note_id": renumbered(row["note_id"])} for row in new[name]]
            if name == rule.note_ids:
                new[name] = [row | {"note_seq": _number_of(row["note_id"])} for row in new[name]]
            if rule.names_note:
                new[name] = [
                    row | {"field_value": renumbered(row["field_value"])} if names_a_note(row) else row
                    for row in new[name]
                ]
        return new


def _number_of(note_id: Any) -> int | None:
    number = str(note_id).rpartition("-")[2]
    return int(number) if number.isdigit() else None


def names_a_note(row: Row) -> bool:
    """Whether a row of a note's details says the id of another note."""
    return row.get("field_name") in {"addendum_note_id", "parent_note_id"}


# Seeing -------------------------------------------------------------------------------------------------


Lie = Literal["as made", "stored", "taken for sorted"]
"""How a source's rows lie: as they were made; as in a store, which sorts them and knows where two are alike;
or as made, but taken for sorted."""


def snapshot_of(world: World, at: Known, lie: Lie = "as made") -> Snapshot:
    """The engine's snapshot of a world."""
    con = attach_record()
    subject = world["patients"][0]["subject_id"]
    # What all patients' rows name is listed from the record as a source has it, its future included.
    listed = list(listed_names(con, lambda name: _of_all_patients(name, world), {}))
    names = [(name, columns, list(rows)) for name, columns, rows in listed]
    references = References(lambda: CandidateIndex(build(None, names), subject), {})
    relations = {name: _relation(name, rows, lie) for name, rows in world.items()}
    return take_snapshot(con, Record(relations, references, ()), subject, at.cutoff, at.policy)


def _relation(name: str, rows: list[Row], lie: Lie) -> Relation:
    if tables()[name].kind != "patient" or lie != "stored":
        return Relation(relation(name, rows), sorted=lie == "taken for sorted")
    order = row_order(tables()[name], RULES[name])
    cells = [column for column, _ in columns_of(name) if quoted(column) in order]
    alike = len({tuple(row.get(column) for column in cells) for row in rows}) < len(rows)
    return Relation(f"(FROM {relation(name, rows)} ORDER BY {', '.join(order)})", sorted=not alike)


def _of_all_patients(name: str, world: World) -> str:
    ours = [row for row in world[name] if not row.get("pending")]
    return relation(name, ours + OTHER_PATIENTS.get(name, []))


@dataclass(frozen=True)
class Seen:
    """What a world showed, to the byte."""

    digest: str
    tables: tuple[SnapshotTable, ...]
    answers: tuple[tuple[bytes, ...], ...]
    """Per sequence of calls one for each call."""


def look(world: World, at: Known, sequences: Sequence[Sequence[Call]] = (), lie: Lie = "as made") -> Seen:
    """All that there is to see of a world: its snapshot, and the answers to sequences of calls."""
    snapshot = snapshot_of(world, at, lie)
    answers = tuple(answers_to(EhrTools(snapshot).call, calls) for calls in sequences)
    seen = Seen(snapshot.digest(), tuple(snapshot.tables.values()), answers)
    snapshot.close()
    return seen


def answers_to(ask: Callable[[str, dict[str, Any]], ToolResult], calls: Iterable[Call]) -> tuple[bytes, ...]:
    """The whole answer to each call of a sequence."""
    return tuple(msgspec.json.encode(ask(name, arguments)) for name, arguments in calls)


def rows_shown(world: World, at: Known) -> dict[str, Table]:
    """Per table all its rows, as a model's query gives them."""
    snapshot = snapshot_of(world, at)
    tools, shown = EhrTools(snapshot), {}
    for name in PATIENT_TABLES:
        found = tools.call("ehr.run_sql_query", {"sql_query": f"SELECT * FROM {name}"}).table
        assert found is not None
        shown[name] = found
    snapshot.close()
    return shown


def difference(here: Seen, there: Seen, sequences: Sequence[Sequence[Call]] = ()) -> str:
    """The first thing that two worlds show differently, in words; empty where they show the same."""
    for one, other in zip(here.tables, there.tables, strict=True):
        if one != other:
            return f"{one} and {other}"
    for calls, ours, others in zip(sequences, here.answers, there.answers, strict=True):
        for number, (call, one, other) in enumerate(zip(calls, ours, others, strict=True)):
            if one != other:
                before = f"after {list(calls[:number])} " if number else ""
                return f"{before}{call} says\n{one.decode()}\nand\n{other.decode()}"
    return "" if here.digest == there.digest else "the snapshots' cells differ"
