"""T3, T5, T6 and T7: cells and rows that are known only when a stay, an infusion or a visit is over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from clinseek_replay.audit.columns import CODED, INTERVALS, LATER, OUTCOMES, UNTIMED, Later, Source
from clinseek_replay.audit.inspection import Sight
from clinseek_replay.audit.leak import Leak, cell_leak
from clinseek_replay.audit.seen import number_of
from clinseek_replay.finding import Severity
from clinseek_replay.tables import TextTable, stamp_of

__all__ = ["derived_text", "hindsight_column", "interval_crossing", "untimed_row"]

_TELLING: Mapping[str, frozenset[str]] = {
    "hospital_expire_flag": frozenset(("1", "1.0")),
    "discharge_location": frozenset(("DIED", "EXPIRED")),
    "disposition": frozenset(("EXPIRED", "DIED")),
}
"""What only a patient's last stay has: it needs no other cell to be told as hindsight."""

_STATE_AT_EXPORT: Mapping[tuple[str, str], Severity] = {("poe", "order_status"): "high"}
"""Columns that are rewritten until the data is exported, and so never known: the contract hides them."""

_CODES = ("drg_code", "icd_code", "hcpcs_cd", "description", "long_title", "icd_title")
_ENCOUNTERS: Mapping[str, tuple[str, str]] = {
    "admissions": ("admissions", "hadm_id"),
    "edstays": ("edstays", "stay_id"),
    "icustays": ("icustays", "stay_id"),
    "diagnosis": ("edstays", "stay_id"),
}
"""Whose end settles a table's later cells or codes, by which column; else the admission's, by hadm_id."""


class _Shown(NamedTuple):
    """A column of a table that is known later than its rows."""

    table: TextTable
    column: int
    source: Source
    later: Later


def hindsight_column(sight: Sight) -> Iterator[Leak]:
    """Cells that say how something ended, codes of a stay that goes on, identifiers of what is to come."""
    for late in sight.late:
        if late.kind == "end" and late.table is not None:
            yield cell_leak(
                sight,
                late.table,
                late.row,
                late.column,
                cell=late.cell,
                at=late.stamp.at,
                severity=_severity(late.table.columns[late.column]),
                why="is after the cutoff: it was not known yet",
            )
    for shown in _later_columns(sight, intervals=False):
        yield from _cells(sight, shown, "T3")
    yield from _state_columns(sight)
    yield from _codes(sight)
    yield from _from_record(sight, intervals=False)
    for judged in sight.judged:
        if judged.code == "T3":
            yield judged.leak(f"was coded at {judged.at}, after the cutoff")


def interval_crossing(sight: Sight) -> Iterator[Leak]:
    """Ends, amounts and durations of what began before the cutoff and ended after it."""
    for late in sight.late:
        if late.kind == "interval" and late.table is not None:
            yield cell_leak(
                sight,
                late.table,
                late.row,
                late.column,
                cell=late.cell,
                at=late.stamp.at,
                why="is after the cutoff: it was not over yet",
            )
    for shown in _later_columns(sight, intervals=True):
        yield from _cells(sight, shown, "T6")
    yield from _from_record(sight, intervals=True)


def _severity(column: str, table: str = "") -> Severity:
    # An ED visit has an admission only where it ended in one: that is what is asked.
    told = column.lower() in OUTCOMES or (table, column.lower()) == ("edstays", "hadm_id")
    return "critical" if told else "high"


def _later_columns(sight: Sight, *, intervals: bool) -> Iterator[_Shown]:
    """Columns that are known later than their rows and are no times: those are told by their own values.

    Of tables whose rows are intervals, or of the others.
    """
    if sight.names and all((name in INTERVALS) != intervals for name in sight.names):
        return
    if not _may_be_later(sight):
        return
    for table in sight.tables:
        for column in range(len(table.columns)):
            for source in sight.sources(table, column):
                later = LATER.get((source.table, source.column.lower()))
                if later is not None and not _is_own_time(source, later):
                    if (source.table in INTERVALS) == intervals:
                        yield _Shown(table, column, source, later)
                    break


def _is_own_time(source: Source, later: Later) -> bool:
    return later.clocks[:1] == (source.column,) or (not later.key and source.type in {"TIMESTAMP", "DATE"})


_STATES = {
    name: tuple(
        column
        for (table, column), later in LATER.items()
        if table == name and not later.key and later.clocks[:1] != (column,)
    )
    for name in {table for table, _ in LATER}
}
"""Table to its columns that are settled later and are no times."""
_ANY_STATE = tuple(
    sorted({c for columns in _STATES.values() for c in columns if "_" in c or len(c) > 6} | {"los"})
)
_KEYED = frozenset(table for (table, _), later in LATER.items() if later.key)


def _may_be_later(sight: Sight) -> bool:
    """Whether a result may hold such a column: by its tables, and by names in its text or its query."""
    if not sight.names:
        return any(column in sight.text for column in _ANY_STATE)
    asked = sight.call.sql or ""
    for name in sight.names:
        if any(column in sight.text or column in asked for column in _STATES.get(name, ())):
            return True
        if name in _KEYED and sight.run.has_late_begins:
            return True
    return False


def _cells(sight: Sight, shown: _Shown, code: str) -> Iterator[Leak]:
    table, column, source, later = shown
    for row in range(len(table)):
        cell = table.cell(row, column)
        if cell.missing:
            continue
        if later.key:
            yield from _identifier(sight, shown, row)
            continue
        told = _TELLING.get(source.column, frozenset())
        late = _is_open(sight, table, row, source, later)
        if late is None and cell.text.upper() in told:
            late = "the patient's last stay"
        if late is None:
            sight.run.unverified[
                code, f"{source.table}.{source.column} is shown, and not when it was settled"
            ] += 1
        elif late:
            yield cell_leak(
                sight,
                table,
                row,
                column,
                at=late if late[:1].isdigit() else "",
                name=source.table,
                severity=_severity(source.column) if code == "T3" else None,
                why=f"is known only {_when(late)}",
            )


def _when(late: str) -> str:
    return f"from {late} on" if late[:1].isdigit() else f"at the end of {late}"


def _is_open(sight: Sight, table: TextTable, row: int, source: Source, later: Later) -> str | None:
    """When a cell became known where that is beyond the cutoff, or what goes on; empty where it was known.

    None where neither the row nor the rest of the run tells.
    """
    printed = [clock for clock in later.clocks if clock in table.index]
    ends = [stamp for clock in printed if (stamp := stamp_of(table.value(row, clock)))]
    for stamp in ends:
        if sight.run.beyond.holds(stamp):
            return stamp.at
    if ends:
        return ""
    if later.clocks[0] in printed:
        return "what has no end yet"
    if source.column == "los" and (end := _end_by_length(table, row)):
        return end if sight.run.beyond.is_beyond(end) else ""
    return _encounter(sight, table, row, source.table)


def _end_by_length(table: TextTable, row: int) -> str:
    """When a stay ended, by when it began and how many days it took."""
    stamp = stamp_of(table.value(row, "intime"))
    try:
        days = float(table.value(row, "los"))
        if stamp is None or not 0 <= days < 36_500:
            return ""
        return (datetime.fromisoformat(stamp.at) + timedelta(days=days)).isoformat(" ", "seconds")
    except (ValueError, OverflowError):
        return ""


def _encounter(sight: Sight, table: TextTable, row: int, name: str) -> str | None:
    """When the stay of a row ended, beyond the cutoff; empty where it ended before; None where unknown."""
    parent, key = _ENCOUNTERS.get(name, ("admissions", "hadm_id"))
    named = table.value(row, key)
    if not named:
        return None
    span = sight.run.encounters.span(parent, named)
    if span is None or not span.end:
        return None
    if span.end == "open":
        return "a stay that goes on"
    return span.end if sight.run.beyond.is_beyond(span.end) else ""


def _identifier(sight: Sight, shown: _Shown, row: int) -> Iterator[Leak]:
    """The identifier of a stay or an order that had not begun."""
    table, column, source, later = shown
    cell = table.cell(row, column)
    parent = {"admittime": "admissions", "ordertime": "poe"}.get(later.key, "")
    parents = (parent,) if parent else ("edstays", "icustays")
    for name in parents:
        span = sight.run.encounters.span(name, cell.text)
        if span is not None and sight.run.beyond.is_beyond(span.begin):
            yield cell_leak(
                sight,
                table,
                row,
                column,
                at=span.begin,
                name=source.table,
                severity=_severity(source.column, source.table),
                why=f"names a row of {name} that began at {span.begin}, after the cutoff",
            )


def _state_columns(sight: Sight) -> Iterator[Leak]:
    for (name, column), severity in _STATE_AT_EXPORT.items():
        if sight.names and name not in sight.names:
            continue
        for table in sight.tables if column in sight.text else ():
            index = table.index.get(column)
            for row in range(len(table)) if index is not None else ():
                if index is not None and not table.cell(row, index).missing:
                    yield cell_leak(
                        sight,
                        table,
                        row,
                        index,
                        name=name,
                        severity=severity,
                        why="is the state when the data was exported, rewritten after the row's time",
                    )


def _codes(sight: Sight) -> Iterator[Leak]:
    """Billing codes of stays that go on at the cutoff."""
    for name in sight.names:
        if name not in CODED:
            continue
        for table in sight.tables:
            column = next((table.index[code] for code in _CODES if code in table.index), None)
            for row in range(len(table)) if column is not None else ():
                late = _encounter(sight, table, row, name)
                if late and column is not None:
                    yield cell_leak(
                        sight,
                        table,
                        row,
                        column,
                        scope="row",
                        name=name,
                        at=late if late[:1].isdigit() else "",
                        why=f"is coded only {_when(late)}",
                    )
                elif late is None and not sight.run.times:
                    sight.run.unverified[
                        "T3", f"codes of {name} are shown, and not when their stay ended"
                    ] += 1


def _from_record(sight: Sight, *, intervals: bool) -> Iterator[Leak]:
    """Cells whose known time the record tells."""
    for judged in sight.judged:
        if (judged.name in INTERVALS) != intervals:
            continue
        for column, known in judged.later.items():
            index = judged.table.index[column]
            severity = None if intervals else _severity(column, judged.name)
            yield cell_leak(
                sight,
                judged.table,
                judged.row,
                index,
                name=judged.name,
                at=known,
                severity=severity,
                tier="X",
                why=f"is known only {_when(known)}",
            )


def untimed_row(sight: Sight) -> Iterator[Leak]:
    """Rows without a time that belong to what began after the cutoff."""
    if sight.call.name.endswith("load_ehr"):
        yield from _loaded(sight)
    for name, (parent, key) in UNTIMED.items():
        if name not in sight.names:
            continue
        for table in sight.tables:
            column = table.index.get(key)
            for row in range(len(table)) if column is not None else ():
                if column is None:
                    continue
                span = sight.run.encounters.span(parent, number_of(table.cell(row, column).text))
                if span is not None and sight.run.beyond.is_beyond(span.begin):
                    yield cell_leak(
                        sight,
                        table,
                        row,
                        column,
                        scope="row",
                        name=name,
                        at=span.begin,
                        why=f"is of a row of {parent} of {span.begin}, after the cutoff",
                    )
                elif span is None and not sight.run.times:
                    sight.run.unverified[
                        "T5", f"rows of {name} are shown, and not when their {parent} row was"
                    ] += 1
    for judged in sight.judged:
        if judged.code == "T5":
            yield judged.leak(f"was known at {judged.at}, after the cutoff")


_LOADED = re.compile(r"Loading '(\w+)' with (\d+) rows\.?")


def _loaded(sight: Sight) -> Iterator[Leak]:
    """Counts of rows that only a table without a time can have: more than what they belong to."""
    lines = {found[1]: found for found in _LOADED.finditer(sight.text)}
    counts = {name: int(found[2]) for name, found in lines.items()}
    for name, found in lines.items():
        parent = UNTIMED.get(name, ("admissions" if name == "drgcodes" else "", ""))[0]
        if parent not in counts or not counts[name]:
            continue
        more = counts[name] > counts[parent] if name == "triage" else not counts[parent]
        if more:
            yield Leak(
                sight,
                "cell",
                found[0],
                f"counts rows of what is to come: {parent} has {counts[parent]}",
                name=name,
                start=found.start(),
                end=found.end(),
            )


def derived_text(sight: Sight) -> Iterator[Leak]:
    """Texts written later than the row they stand in."""
    for table in (
        sight.tables if "text" in sight.text and (not sight.names or "admissions" in sight.names) else ()
    ):
        column = table.index.get("text")
        if column is None or not any(source.role == "text" for source in sight.sources(table, column)):
            continue
        for row in range(len(table)):
            if table.cell(row, column).missing:
                continue
            later = Later(("dischtime",))
            late = _is_open(sight, table, row, Source("admissions", "text", "text", "VARCHAR"), later)
            if late is None:
                sight.run.unverified["T7", "admissions.text is shown, and not when the stay ended"] += 1
            elif late:
                yield cell_leak(
                    sight,
                    table,
                    row,
                    column,
                    name="admissions",
                    at=late if late[:1].isdigit() else "",
                    why="is the head of the discharge note of a stay that goes on",
                )
    for judged in sight.judged:
        if judged.code == "T7":
            yield judged.leak(f"was written at {judged.at}, after the cutoff")
