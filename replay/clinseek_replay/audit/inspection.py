"""What the rules of the audit look at: a run under a policy, and one call of it with its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import NamedTuple

from clinseek_core.case import Policy
from clinseek_replay.audit.columns import CODED, UNTIMED, Kind, Source, event_column, kind_of, sources_of
from clinseek_replay.audit.films import Films
from clinseek_replay.audit.known import NEVER, KnownRow, PatientTimes
from clinseek_replay.audit.leak import Leak, cell_leak
from clinseek_replay.audit.seen import Encounters
from clinseek_replay.audit.web import Web
from clinseek_replay.tables import MISSING, Beyond, Cell, Stamp, TextTable, stamp_of, table_names, tables_in
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["NO_EVIDENCE", "Inspection", "Judged", "Late", "Sight", "is_patient_data"]


NO_EVIDENCE = ("ehr.think", "ehr.finish")
"""Tools whose results show nothing."""

_HEAD = 8_000
"""Characters within which our tools say what their rows are."""


class Late(NamedTuple):
    """A time in a result that lies beyond the cutoff."""

    stamp: Stamp
    kind: Kind
    table: TextTable | None = None
    """None where it stands outside of any table."""
    row: int = 0
    column: int = 0
    cell: Cell | None = None
    """The cell that holds it."""


class Judged(NamedTuple):
    """A printed row that the patient's record tells the times of, where not all of it was known."""

    sight: Sight
    table: TextTable
    row: int
    name: str
    """The table of the record."""
    code: str
    """The rule that the row fails; empty where only cells of it do."""
    at: str
    """When the row was known."""
    later: Mapping[str, str]
    """Printed columns (lower case) whose cells were known only after the cutoff, to when."""
    by_rule_alone: bool
    """Whether the contract sets the time for want of a recorded one."""

    def leak(self, why: str) -> Leak:
        """The row as a leak."""
        column = event_column(self.table, self.name)
        return cell_leak(
            self.sight,
            self.table,
            self.row,
            column,
            why=why,
            scope="row",
            at=self.at,
            name=self.name,
            tier="X",
        )


class Sight:
    """One call's result, its tables read once and only when a rule asks."""

    def __init__(self, step: int, number: int, call: Call, inspection: Inspection) -> None:
        self.step = step
        self.number = number
        self.call = call
        self.run = inspection
        self.text = call.result.text if call.result else ""
        self.names = table_names(call)
        """The tables that the call reads, where it says so."""

    @cached_property
    def tables(self) -> tuple[TextTable, ...]:
        """The tables in the result."""
        return tables_in(self.call)

    def sources(self, table: TextTable, column: int) -> tuple[Source, ...]:
        """What a printed column may show."""
        names, printed = table.names or self.names, table.columns[column]
        # Queries are long and all different: one is looked at only for a column that SQL made.
        found = sources_of(names, printed, table.columns)
        return found or sources_of(names, printed, table.columns, self.call.sql or "")

    def kind(self, table: TextTable, column: int) -> Kind:
        """What a time in a column is."""
        return kind_of(table.columns[column], self.sources(table, column))

    @cached_property
    def late(self) -> tuple[Late, ...]:
        """Every time in the result that lies beyond the cutoff, with its column's kind."""
        return tuple(self._late())

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The rows that the patient's record says were not, or not wholly, known; none without the record."""
        return () if self.run.times is None else self._judged

    @cached_property
    def _judged(self) -> tuple[Judged, ...]:
        times = self.run.times
        if times is None or not is_patient_data(self.call.name):
            return ()
        return tuple(
            judged
            for table in self.tables
            for name in table.names or self.names
            for row in range(len(table))
            if (judged := self._judge(times, table, row, name)) is not None
        )

    def _judge(self, times: PatientTimes, table: TextTable, row: int, name: str) -> Judged | None:
        cells = {column: table.text(row, index) for column, index in table.index.items()}
        printed = {column: text for column, text in cells.items() if text not in MISSING}
        known = times.row(name, printed)
        if known is None:
            return None
        at = self.run.known_under_policy(name, known)
        late = self.run.beyond.is_beyond(at)
        later = {
            column: time
            for column, time in known.later.items()
            if not late and column in printed and self.run.beyond.is_beyond(time)
        }
        if not late and not later:
            return None
        code = self._code(table, name, known) if late else ""
        return Judged(self, table, row, name, code, at, later, not known.stored)

    def _code(self, table: TextTable, name: str, known: KnownRow) -> str:
        if name in UNTIMED:
            return "T5"
        if name in CODED:
            return "T3"
        if self.run.beyond.is_beyond(known.happened_at):
            return "T2"
        if known.dated_only and known.happened_at[:10] == self.run.beyond.day:
            return "T8"
        return "T7" if name in {"discharge", "radiology"} and "text" in table.index else "T4"

    @property
    def may_show_stays(self) -> bool:
        """Whether the result may show when stays, orders or notes began."""
        return is_patient_data(self.call.name) and Encounters.may_be_in(self.names, self.text)

    @property
    def may_be_late(self) -> bool:
        """Whether the result may hold a time beyond the cutoff: one look, before any parsing."""
        return bool(self._late_stamps) or (self._may_be_ours and self.run.beyond.may_be_in(self.text))

    @cached_property
    def _late_stamps(self) -> tuple[Stamp, ...]:
        """The times beyond the cutoff that the text writes in full."""
        return tuple(self.run.beyond.in_text(self.text))

    def _late(self) -> Iterator[Late]:
        if not self.may_be_late:
            return
        resolved = [table for table in self.tables if table.form == "rows"]
        for table in resolved:
            yield from self._late_cells(table)
        others = [table for table in self.tables if table.form != "rows"]
        kinds: dict[tuple[int, int], Kind] = {}
        for stamp in self._late_stamps:
            for table in others:
                place = table.at(stamp.start)
                if place is not None:
                    yield self._late_cell(stamp, table, *place, kinds)
                    break
            else:
                if not resolved and not self._is_echo(stamp):
                    yield Late(stamp, "unknown")

    @property
    def _may_be_ours(self) -> bool:
        """Whether times may stand without their dates, as in our own rows: those have a line above them."""
        result = self.call.result
        return result is not None and (result.table is not None or ":\n" in self.text[:_HEAD])

    def _late_cell(
        self, stamp: Stamp, table: TextTable, row: int, column: int, kinds: dict[tuple[int, int], Kind]
    ) -> Late:
        """A time in a cell; `kinds` are those of the columns that had one before."""
        cell = table.cell(row, column)
        if cell.start != stamp.start or cell.end != stamp.end:
            return Late(stamp, "written", table, row, column, cell)
        kind = kinds.get((table.start, column))
        if kind is None:
            kind = kinds[table.start, column] = self.kind(table, column)
        return Late(stamp, kind, table, row, column, cell)

    def _is_echo(self, stamp: Stamp) -> bool:
        """Whether a time outside of tables is one that the call named: tools repeat their arguments."""
        return stamp.day in self._asked

    @cached_property
    def _asked(self) -> str:
        return f"{self.call.arguments} {self.call.raw_arguments}"

    def _late_cells(self, table: TextTable) -> Iterator[Late]:
        """Our own rows: their times have lost their dates in the text, so the cells are asked."""
        holds = self.run.beyond.holds
        for column in range(len(table.columns)):
            kind: Kind | None = None
            for row in range(len(table)):
                text = table.text(row, column)
                if len(text) < 10 or "-" not in text:
                    continue
                stamp = stamp_of(text)
                if stamp is not None:
                    if holds(stamp):
                        kind = kind or self.kind(table, column)
                        cell = table.cell(row, column)
                        yield Late(_placed(stamp, cell), kind, table, row, column, cell)
                elif len(text) > 19 and self.run.beyond.may_be_in(text):
                    cell = table.cell(row, column)
                    for inner in self.run.beyond.in_text(text):
                        yield Late(_placed(inner, cell), "written", table, row, column, cell)


@cache
def is_patient_data(tool: str) -> bool:
    """Whether what a tool gives is of the patient's record: no page, no film, no list of candidates."""
    return not tool.startswith(("browser.", "image.")) and "candidates" not in tool


def _placed(stamp: Stamp, cell: Cell) -> Stamp:
    """The stamp at its cell's place in the text; -1 where that is not known."""
    if cell.start is None or cell.end is None:
        return stamp._replace(start=-1, end=-1)
    return stamp._replace(start=cell.start, end=cell.end)


class Inspection:
    """A run under a policy, and what its rules find out together."""

    def __init__(
        self, trajectory: Trajectory, cutoff: datetime, policy: Policy, times: PatientTimes | None = None
    ) -> None:
        self.trajectory = trajectory
        self.policy = policy
        self.beyond = Beyond(cutoff, policy.boundary)
        self.times = times
        self.unverified: Counter[tuple[str, str]] = Counter()
        """(code, why): how often a rule could not say."""
        self.read: dict[tuple[int, int], tuple[TextTable, ...]] = {}
        """The tables of results in which something was found, by step and call."""

    @property
    def cutoff(self) -> str:
        """The time beyond which nothing is known: `2150-03-02 17:20:00`."""
        return self.beyond.cutoff

    def sights(self) -> Iterator[Sight]:
        """Every call that has a result, in order."""
        for step in self.trajectory.steps:
            for number, call in enumerate(step.calls, 1):
                if call.result is not None and call.name not in NO_EVIDENCE:
                    yield Sight(step.number, number, call, self)

    @cached_property
    def encounters(self) -> Encounters:
        """When the stays, orders and notes that the run itself shows began and ended."""
        found = Encounters()
        for sight in self.sights():
            if sight.may_show_stays:
                for table in sight.tables:
                    found.read(table, sight.names)
        return found

    @cached_property
    def has_late_begins(self) -> bool:
        """Whether the run shows a stay or an order that began beyond the cutoff."""
        shown = (sight.may_be_late for sight in self.sights() if sight.may_show_stays)
        return any(shown) and self.encounters.any_begins_after(self.beyond.is_beyond)

    @cached_property
    def films(self) -> Films:
        """When the films were taken that the run, or the record, tells of."""
        return Films(self)

    @cached_property
    def web(self) -> Web:
        """What pages are held against."""
        return Web(self)

    def known_under_policy(self, name: str, known: KnownRow) -> str:
        """When a row was known: billing codes with the policy's lag."""
        lag = self.policy.coding_lag_hours if name in CODED else 0
        if not lag or known.known_at == NEVER:
            return known.known_at
        return (datetime.fromisoformat(known.known_at) + timedelta(hours=lag)).isoformat(" ", "seconds")
