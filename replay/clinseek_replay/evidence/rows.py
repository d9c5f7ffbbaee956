"""The row behind a sighting: its cells, whose it is, when it happened, and where in the record it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from clinseek_core.journal import Table
from clinseek_replay.evidence.reading import Sighting
from clinseek_replay.finding import Place
from clinseek_replay.tables import TextTable, stamp_of, tables_in
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["RecordRow", "Row", "Rows", "call_at"]

_LATER = (
    "stoptime",
    "endtime",
    "outtime",
    "dischtime",
    "deathtime",
    "dod",
    "edouttime",
    "known_at",
    "storetime",
)
"""Columns of times that are not when a row happened."""


class RecordRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the record, as a journal tells it."""

    table: str
    key: dict[str, Any]
    event_time: str | None = None
    known_at: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a result; what the recording does not tell is empty."""

    number: int
    """1-based among the rows of the result."""
    column: str
    """Of the cell that names the item."""
    cells: tuple[tuple[str, str], ...]
    """(column, value), without the cells that hold nothing."""
    tables: tuple[str, ...] = ()
    """The tables of the record that its text says it may come from."""
    record: tuple[RecordRow, ...] = ()
    """The rows of the record that it was made of, where the journal has them."""

    @property
    def subject(self) -> str:
        """Whose row it is, as it says itself."""
        return next(
            (value.removesuffix(".0") for name, value in self.cells if name.lower() == "subject_id"), ""
        )

    @property
    def happened(self) -> str | None:
        """The latest time at which it may have happened; None where it has none."""
        times = [row.event_time or row.known_at for row in self.record]
        if not any(times):
            times = [
                stamp.at
                for name, value in self.cells
                if name.lower() not in _LATER and (stamp := stamp_of(value)) is not None
            ]
        return max((time for time in times if time), default=None)


class Rows:
    """Finds the rows of a run's sightings; the tables of a result are read once."""

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        self._read: tuple[tuple[int, int | None], Call, tuple[TextTable, ...]] | None = None

    def of(self, sighting: Sighting) -> Row | None:
        """The row that a sighting stands in; None where the result is no table, or it stands beside one."""
        if sighting.index < 0:
            return None
        call, tables = self._call(sighting)
        place = sighting.place
        journal = call.result.table if call.result else None
        if journal is not None and place.row is not None:
            return _journal_row(journal, place.row, place.column)
        for table in tables:
            at = table.at(place.start) if place.start is not None else None
            if at is not None:
                return _text_row(table, *at)
        return None

    def place(self, sighting: Sighting) -> Place:
        """A sighting's place with its row and column, where it has one."""
        row = self.of(sighting)
        if row is None:
            return sighting.place
        return msgspec.structs.replace(sighting.place, row=row.number, column=row.column)

    def _call(self, sighting: Sighting) -> tuple[Call, tuple[TextTable, ...]]:
        key = (sighting.index, sighting.call)
        if self._read is None or self._read[0] != key:
            call = self._trajectory.steps[sighting.index].calls[(sighting.call or 1) - 1]
            self._read = (key, call, tables_in(call))
        return self._read[1], self._read[2]


def call_at(trajectory: Trajectory, place: Place) -> Call | None:
    """The call of a place; None for a place in the model's own text."""
    if place.call is None:
        return None
    for step in _steps_numbered(trajectory, place.step):
        return step.calls[place.call - 1] if place.call <= len(step.calls) else None
    return None


def _steps_numbered(trajectory: Trajectory, number: int) -> Iterator[Any]:
    near = number - 1
    if 0 <= near < len(trajectory.steps) and trajectory.steps[near].number == number:
        yield trajectory.steps[near]
        return
    yield from (step for step in trajectory.steps if step.number == number)


def _journal_row(table: Table, number: int, column: str) -> Row:
    cells = zip(table.columns, table.rows[number - 1], strict=False)
    record = (
        RecordRow(
            table=origin.table,
            key=dict(zip(origin.key, row.key, strict=False)),
            event_time=row.event_time,
            known_at=row.known_at,
        )
        for origin in table.origins
        if number <= len(origin.rows) and (row := origin.rows[number - 1]) is not None
    )
    return Row(
        number=number,
        column=column,
        cells=tuple((name, str(value)) for name, value in cells if value is not None),
        tables=(table.source,) if table.source else (),
        record=tuple(record),
    )


def _text_row(table: TextTable, row: int, column: int) -> Row:
    cells = ((name, table.cell(row, at)) for at, name in enumerate(table.columns))
    return Row(
        number=table.first_row + row + 1,
        column=table.columns[column],
        cells=tuple((name, cell.text) for name, cell in cells if not cell.missing),
        tables=table.names,
    )
