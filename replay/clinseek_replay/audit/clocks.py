"""T2, T4 and T8: rows that happened, were stored or are dated beyond the cutoff."""

from __future__ import annotations

from collections.abc import Iterator

from clinseek_core.mimic import tables
from clinseek_replay.audit.columns import event_column
from clinseek_replay.audit.inspection import Late, Sight
from clinseek_replay.audit.leak import Leak, cell_leak
from clinseek_replay.finding import Severity
from clinseek_replay.tables import TextTable, stamp_of

__all__ = ["availability_lag", "date_only_same_day", "future_timestamp"]

_NOTES = ("discharge", "radiology")


def future_timestamp(sight: Sight) -> Iterator[Leak]:
    """Times beyond the cutoff, but for planned ones and those of which another rule tells more."""
    events = _rows_with_late_event(sight)
    for late in sight.late:
        table = late.table
        if table is None:
            stamp = late.stamp
            yield Leak(
                sight,
                "cell",
                sight.text[stamp.start : stamp.end],
                "is after the cutoff",
                stamp.at,
                start=stamp.start,
                end=stamp.end,
            )
        elif late.kind in {"event", "unknown"}:
            yield cell_leak(
                sight,
                table,
                late.row,
                late.column,
                cell=late.cell,
                scope="row",
                at=late.stamp.at,
                why="is after the cutoff: so is all of the row",
            )
        elif late.kind == "store" and (id(table), late.row) in events:
            yield cell_leak(
                sight,
                table,
                late.row,
                late.column,
                cell=late.cell,
                scope="row",
                at=late.stamp.at,
                why="is after the cutoff, as is when the row happened",
            )
        elif late.kind == "written":
            yield _written(sight, table, late)
    for judged in sight.judged:
        if judged.code == "T2":
            yield judged.leak("happened after the cutoff")


def _written(sight: Sight, table: TextTable, late: Late) -> Leak:
    """A date inside a text or a value: it may be a plan that was known when it was written."""
    leak = cell_leak(
        sight,
        table,
        late.row,
        late.column,
        cell=late.cell,
        at=late.stamp.at,
        severity="info",
        tier="S",
        why="is after the cutoff, but stands in a text or value: it may be a plan",
    )
    if late.stamp.start < 0:
        return leak
    return leak._replace(value=late.stamp.at, start=late.stamp.start, end=late.stamp.end)


def _rows_with_late_event(sight: Sight) -> set[tuple[int, int]]:
    return {(id(late.table), late.row) for late in sight.late if late.kind in {"event", "unknown"}}


def availability_lag(sight: Sight) -> Iterator[Leak]:
    """Rows that had happened, but reached the record only after the cutoff."""
    events = _rows_with_late_event(sight)
    allowed = sight.run.policy.basis == "event"
    severity: Severity | None = "info" if allowed else None
    for late in sight.late:
        if late.kind == "store" and late.table is not None and (id(late.table), late.row) not in events:
            yield cell_leak(
                sight,
                late.table,
                late.row,
                late.column,
                cell=late.cell,
                scope="row",
                at=late.stamp.at,
                severity=severity,
                why="is after the cutoff: the row was not in the record yet",
            )
    for leak in _by_origin(sight):
        yield leak._replace(severity=severity)
    for judged in sight.judged:
        if judged.code == "T4":
            leak = judged.leak(f"was known at {judged.at}, after the cutoff")
            yield leak._replace(severity="info" if allowed or judged.by_rule_alone else None)


def _by_origin(sight: Sight) -> Iterator[Leak]:
    """Rows that a journal says were known later, whether or not it shows that."""
    result = sight.call.result
    if result is None or result.table is None or not sight.tables:
        return
    table = sight.tables[0]
    for origin in result.table.origins:
        for row, found in enumerate(origin.rows[: len(table)]):
            known = found.known_at if found else None
            if known and sight.run.beyond.is_beyond(known[:19]):
                yield cell_leak(
                    sight,
                    table,
                    row,
                    event_column(table, origin.table),
                    scope="row",
                    at=known[:19],
                    name=origin.table,
                    why=f"was known at {known[:19]}, after the cutoff",
                )


def date_only_same_day(sight: Sight) -> Iterator[Leak]:
    """Rows that have a date alone, that of the cutoff's day: it is not over."""
    for judged in sight.judged:
        if judged.code == "T8":
            yield judged.leak("is dated by the cutoff's own day, and known when that is over")
    day = sight.run.beyond.day
    if day not in sight.text:
        return
    if sight.names and not _DATED.intersection(sight.names):
        return
    for table in sight.tables:
        for column in range(len(table.columns)):
            sources = sight.sources(table, column)
            if any(source.role == "store" for source in sources):
                # A midnight may then be the end of the day before, when its rows were known.
                continue
            for source in sources:
                if source.role != "event" or not _is_dated_by(source.table, source.column, table):
                    continue
                for row in range(len(table)):
                    if _same_day(sight, table, row, column, source.table):
                        yield cell_leak(
                            sight,
                            table,
                            row,
                            column,
                            scope="row",
                            at=day,
                            name=source.table,
                            why="is the cutoff's own day: the row may have happened after it",
                        )


_DATED = frozenset(
    (
        "microbiologyevents",
        *_NOTES,
        *(
            info.name
            for info in tables().values()
            if any(column.role == "event" and column.type == "DATE" for column in info.columns)
        ),
    )
)
"""Tables with rows that may have a date alone."""


def _is_dated_by(name: str, column: str, table: TextTable) -> bool:
    """Whether a column may be all that dates a row: a date, or a time that is at midnight for want of one."""
    info = tables().get(name)
    found = info.column(column) if info else None
    if found is None:
        return False
    if found.type == "DATE":
        return True
    if name == "microbiologyevents":
        return column == "chartdate" and "charttime" in table.index
    return name in _NOTES and column == "charttime" and "storetime" in table.index


def _same_day(sight: Sight, table: TextTable, row: int, column: int, name: str) -> bool:
    stamp = stamp_of(table.cell(row, column).text)
    if stamp is None or stamp.day != sight.run.beyond.day or sight.run.beyond.holds(stamp):
        return False
    if name == "microbiologyevents":
        return not table.value(row, "charttime")
    if name in _NOTES:
        return stamp.at.endswith("00:00:00") and not table.value(row, "storetime")
    return stamp.resolution == "day" or stamp.at[11:] in {"00:00:00", "23:59:00"}
