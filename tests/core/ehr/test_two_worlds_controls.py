"""That the comparison of two worlds can find a leak, and does not pass because nothing is seen.

Under the reference implementation's rule it finds the leaks that are named here; under rules broken on
purpose it finds each break; and every cell that is known is seen to change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from random import Random
from typing import Any

import msgspec
import pytest
from generated_calls import columns_shown
from generated_record import PATIENT_TABLES, Row, World, made_world
from two_worlds import RULES, Change, Known, difference, look, moments_of, names_a_note, rows_shown

from clinseek_core.case import Policy
from clinseek_core.ehr.record import known
from clinseek_core.journal.events import Table
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT

LONG_AGO = "2100-01-01 00:00:00"
LATE = datetime(2150, 3, 15)


@cache
def world_of(seed: int) -> World:
    return made_world(Random(f"controls {seed}"), many=3)


def made(count: int) -> Iterator[World]:
    return map(world_of, range(count))


# The reference implementation's rule ----------------------------------------------------------------------

LEAKS = {
    "the end of the stay": "admissions.dischtime admissions.discharge_location admissions.admission_type"
    " admissions.edouttime admissions.edregtime transfers.outtime icustays.outtime icustays.los"
    " icustays.last_careunit edstays.outtime edstays.disposition",
    "death": "admissions.deathtime admissions.hospital_expire_flag patients.dod",
    "the cohort": "patients.anchor_age patients.anchor_year patients.anchor_year_group",
    "codes billed after discharge": "drgcodes procedures_icd hcpcsevents diagnosis",
    "results before they are stored": "labevents microbiologyevents chartevents outputevents datetimeevents",
    "notes before they are written": "discharge radiology",
    "what is documented later": "emar inputevents ingredientevents procedureevents pharmacy prescriptions",
    "rows of parents still to come": "emar_detail poe_detail discharge_detail radiology_detail triage"
    " cxr_study_list cxr_record_list",
    "how an interval ended": " ".join(
        f"{table}.{column}"
        for table, more in (
            ("inputevents", "totalamount totalamountuom isopenbag continueinnextdept"),
            ("ingredientevents", ""),
            ("procedureevents", "isopenbag continueinnextdept ORIGINALAMOUNT ORIGINALRATE value valueuom"),
        )
        for column in f"endtime statusdescription {more}".split()
        + ["amount", "amountuom"] * (table != "procedureevents")
    ),
    "how an order ended": "poe.order_status poe.discontinued_by_poe_id pharmacy.status pharmacy.stoptime"
    " pharmacy.verifiedtime pharmacy.expirationdate pharmacy.fill_quantity prescriptions.stoptime",
    "an admission still to come": " ".join(
        f"{table}.hadm_id" for table in PATIENT_TABLES if "hadm_id" in RULES[table].later
    ),
    "a stay still to come": " ".join(
        f"{table}.stay_id" for table in PATIENT_TABLES if "stay_id" in RULES[table].later
    ),
    "an order still to come": "poe.discontinue_of_poe_id pharmacy.poe_id prescriptions.poe_id"
    " prescriptions.poe_seq prescriptions.order_provider_id prescriptions.pharmacy_id emar.poe_id"
    " emar.pharmacy_id emar_detail.pharmacy_id",
    "how many rows there will be": "labevents.labevent_id microbiologyevents.microevent_id"
    " discharge.note_id discharge.note_seq discharge_detail.note_id"
    " radiology.note_id radiology.note_seq radiology_detail.note_id radiology_detail.field_value",
}
"""What basis `upstream` shows and nobody knew: tables for rows, columns for cells of rows that were known."""


LEAKS_OF_A_MINUTE = {"omr", "diagnoses_icd"}
"""The reference ends a day at 23:59, and codes a minute before discharge."""


def test_the_reference_rule_leaks_all_that_is_named(worlds: Callable[[int], World]) -> None:
    named = {leak for leaks in LEAKS.values() for leak in leaks.split()}
    found: set[str] = set()
    # These are enough; more are looked at where rows are made otherwise.
    enough = [worlds(90000001), world_of(0), world_of(1), world_of(8)]
    for world in chain(enough, map(world_of, range(2, 8))):
        moments = moments_of(world)
        for place in (0.5, 0.7):
            cutoff = moments[int(place * len(moments))] + timedelta(seconds=1)
            found |= leaks_under(Policy(basis="upstream"), world, Known(cutoff, Policy()))
        if named <= found:
            break
    assert named <= found <= named | LEAKS_OF_A_MINUTE


def leaks_under(policy: Policy, world: World, at: Known) -> set[str]:
    """What a policy shows that is not known under another."""
    under = Known(at.cutoff, policy)
    here = rows_shown(world, under)
    without = rows_shown(Change(at, "delete", Random(1), frozenset(("rows",))).of(world), under)
    other = rows_shown(Change(at, "canary", Random(1), frozenset(("cells",))).of(world), under)
    rows = {name for name in here if len(here[name].rows) != len(without[name].rows)}
    return rows | {f"{name}.{column}" for name in here for column in differing(here[name], other[name])}


def differing(one: Table, other: Table) -> set[str]:
    """The columns that do not hold the same cells in two tables, in whatever order."""
    pairs = zip(one.columns, zip(*one.rows, strict=True), zip(*other.rows, strict=True), strict=False)
    return {column for column, ours, others in pairs if Counter(ours) != Counter(others)} - {"known_at"}


# What is known is seen ------------------------------------------------------------------------------------

OTHER = {
    "VARCHAR": "another",
    "INTEGER": 7,
    "SMALLINT": 7,
    "DOUBLE": 7.5,
    "DATE": "2150-02-03",
    "TIMESTAMP": "2150-02-03 04:05:06",
}
NUMBERED_ANEW = {"note_id", "note_seq", "labevent_id", "microevent_id"}


def test_every_known_cell_is_seen_to_change() -> None:
    everything = {
        (table, column)
        for table in PATIENT_TABLES
        for column in columns_shown(table)
        if column not in NUMBERED_ANEW | {"subject_id"}
    }
    seen: set[tuple[str, str]] = set()
    at = Known(LATE, Policy())
    for world in made(20):
        picked = {table: pick(world[table], table, at) for table in PATIENT_TABLES}
        new = {table: changed_cells(table, row, at) for table, row in picked.items() if row}
        rows = {
            table: [row | new[table] if row is picked[table] else row for row in world[table]]
            for table in new
        }
        here, there = rows_shown(world, at), rows_shown(world | rows, at)
        for table, cells in new.items():
            columns = {"age" if column == "anchor_age" else column for column in cells}
            unseen = columns - differing(here[table], there[table]) - {"known_at"}
            assert not unseen, (table, picked[table])
            seen |= {(table, column) for column in columns}
        if seen == everything:
            break
    assert seen == everything


def pick(rows: list[Row], table: str, at: Known) -> Row | None:
    """The shown row of a table with the fewest hidden cells."""
    shown = [row for row in rows if at.shown(table, row) and not names_a_note(row)]
    return min(shown, key=lambda row: len(at.hidden(table, row)), default=None)


def changed_cells(table: str, row: Row, at: Known) -> Row:
    """Another cell in every place that is known and shown as it is."""
    kinds = {column.name: str(column.type) for column in tables()[table].columns}
    fixed = at.hidden(table, row) | NUMBERED_ANEW | {"subject_id"}
    new = {column: OTHER[kind] for column, kind in kinds.items() if column not in fixed}
    if table == "patients":
        return new | {"anchor_age": row["anchor_age"] + 1} if row["anchor_age"] else new
    return new | {"known_at": OTHER["TIMESTAMP"]}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_change_of_one_known_cell_is_seen(part: int) -> None:
    random = Random(part)
    latest = {
        table: ("ehr.get_latest_records", {"table_name": table, "limit": 1000}) for table in PATIENT_TABLES
    }
    for _ in range(10):
        world = made_world(random)
        at = Known(random.choice(moments_of(world)), Policy(basis=random.choice(("available", "event"))))
        (here,) = look(world, at, [list(latest.values())]).answers
        for table, rows in one_cell_changed(random, world, at):
            ((there,),) = look(world | {table: rows}, at, [[latest[table]]]).answers
            assert there != here[PATIENT_TABLES.index(table)], (at, table, rows)


def one_cell_changed(random: Random, world: World, at: Known) -> Iterator[tuple[str, list[Row]]]:
    """Some tables with rows that are known, each with another known cell in one of them."""
    picked = {table: pick(world[table], table, at) for table in PATIENT_TABLES if table != "patients"}
    found = [(table, row) for table, row in picked.items() if row is not None]
    for table, row in random.sample(found, min(len(found), 8)):
        cells = changed_cells(table, row, at)
        if at.policy.basis == "event" and RULES[table].event:
            cells["happened_at"] = cells.pop("known_at")
        column = random.choice(sorted(cells))
        new = row | {column: cells[column]}
        yield table, [new if other is row else other for other in world[table]]


# Rules broken on purpose ----------------------------------------------------------------------------------


class Break(msgspec.Struct, frozen=True):
    """A way for the engine to show more than the contract lets it."""

    table: str
    times: dict[str, Callable[[Row], Any]] = {}
    """Dated columns to the time that stands in them instead."""
    rule: dict[str, Any] = {}
    """What the table's rule says instead."""
    taken_under: dict[str, Any] = {}
    """How the snapshot's policy differs from the run's."""
    policy: dict[str, Any] = {}
    """The run's policy."""
    unsorted: bool = False
    """Rows are taken for sorted that are not."""


def long_ago(*columns: str) -> dict[str, Callable[[Row], Any]]:
    return dict.fromkeys(columns, lambda _: LONG_AGO)


def as_the(column: str, *later: str) -> dict[str, Callable[[Row], Any]]:
    return dict.fromkeys(later or ("known_at",), lambda row: row[column])


def with_row(*columns: str) -> dict[str, Callable[[Row], Any]]:
    return as_the("known_at", *map(known, columns))


BREAKS = {
    "an admission shows its end": Break("admissions", with_row("dischtime")),
    "so it does its type": Break("admissions", with_row("admission_type")),
    "and that it ends in death": Break("admissions", with_row("hospital_expire_flag")),
    "an ICU stay shows how long it lasts": Break("icustays", with_row("los")),
    "an ED stay shows the admission it leads to": Break("edstays", with_row("hadm_id")),
    "a transfer shows its end": Break("transfers", with_row("outtime")),
    "a result is known when it is drawn": Break("labevents", as_the("charttime")),
    "a result without a store time too": Break(
        "labevents", {"known_at": lambda row: row["storetime"] or row["charttime"]}
    ),
    "a culture is known when it is taken": Break("microbiologyevents", as_the("charttime")),
    "only specimens that will have results are pending": Break(
        "microbiologyevents",
        {"known_at": lambda row: None if row["pending"] and not row["superseded_at"] else row["known_at"]},
    ),
    "a date is known when its day begins": Break("omr", {"known_at": lambda row: midnight(row["chartdate"])}),
    "codes are known from the start": Break("drgcodes", long_ago("known_at")),
    "codes are known without their lag": Break(
        "diagnoses_icd", rule={"coded": False}, policy={"coding_lag_hours": 72}
    ),
    "the run's lag is forgotten": Break(
        "drgcodes", policy={"coding_lag_hours": 72}, taken_under={"coding_lag_hours": 0}
    ),
    "a drug order shows its stop": Break("pharmacy", with_row("stoptime", "status")),
    "an order shows what will stop it": Break("poe", with_row("discontinued_by_poe_id")),
    "a dose shows an order still to come": Break("emar", with_row("poe_id")),
    "details are known before their row": Break("emar_detail", long_ago("known_at")),
    "and before it happened": Break("emar_detail", long_ago("happened_at"), policy={"basis": "event"}),
    "an infusion is known when it begins": Break("inputevents", as_the("starttime")),
    "it shows how much was given": Break("inputevents", with_row("amount")),
    "a procedure that has begun shows its end": Break(
        "procedureevents", as_the("starttime", known("endtime")), policy={"interval_rows": "started"}
    ),
    "triage is known at once": Break("triage", long_ago("known_at")),
    "a note is known when it is charted": Break("discharge", as_the("charttime")),
    "a note that happened is known before its day ends": Break(
        "discharge", as_the("charttime", "happened_at"), policy={"basis": "event"}
    ),
    "a chart row shows a stay still to come": Break("chartevents", long_ago(known("stay_id"))),
    "the day of death is shown": Break("patients", rule={"never": ()}),
    "an order's state is shown": Break("poe", rule={"never": ()}),
    "the age is the cohort's": Break("patients", rule={"derived": {"age": "anchor_age"}}),
    "results count all rows": Break("labevents", rule={"counters": ()}),
    "notes count all notes": Break("radiology", rule={"note_ids": "", "counters": ()}),
    "details name notes by their old ids": Break("radiology_detail", rule={"names_note": ""}),
    "what is known at the cutoff is known before it": Break(
        "labevents", taken_under={"boundary": "inclusive"}
    ),
    "intervals are known when they begin": Break("inputevents", taken_under={"interval_rows": "started"}),
    "rows are known when they happen": Break("labevents", taken_under={"basis": "event"}),
    "rows lie as the source has them": Break("services", unsorted=True),
}
TRIES = 12


@pytest.mark.parametrize(
    "broken",
    [
        # By default every third.
        pytest.param(broken, id=name, marks=pytest.mark.slow if place % 3 else ())
        for place, (name, broken) in enumerate(BREAKS.items())
    ],
)
def test_a_contract_broken_on_purpose_is_found_out(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    situations = [(world, cutoff) for world in made(8) for cutoff in tempting(world, broken)[:4]]
    assert situations
    assert any(found_out(broken, world, cutoff, monkeypatch) for world, cutoff in situations[:TRIES])


@pytest.mark.slow
@pytest.mark.parametrize("table", [name for name in PATIENT_TABLES if name != "patients"])
def test_each_time_of_the_contract_is_needed(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for column in ("known_at", *map(known, RULES[table].later)):
        broken = Break(table, long_ago(column))
        situations = ((world, cutoff) for world in made(40) for cutoff in tempting(world, broken)[:1])
        assert any(found_out(broken, world, cutoff, monkeypatch) for world, cutoff in situations), column


def tempting(world: World, broken: Break) -> list[datetime]:
    """Cutoffs at which the broken rule may show something that is not known."""
    between = []
    for row in world[broken.table]:
        for column, time in broken.times.items():
            shown_at = [time(row), row["known_at"] if "@" in column else LONG_AGO]
            if None not in shown_at and max(shown_at) < (row[column] or "9"):
                between.append(datetime.fromisoformat(max(shown_at)) + timedelta(seconds=1))
    rows = [row for row in reversed(world[broken.table]) if row["known_at"]]
    times = [datetime.fromisoformat(row["known_at"]) + timedelta(seconds=n) for row in rows for n in (1, 0)]
    return list(dict.fromkeys(between or [LATE, *times]))


def found_out(broken: Break, world: World, cutoff: datetime, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether two worlds that agree in what is known look different to the broken engine."""
    at = Known(cutoff, Policy(**broken.policy))
    under = Known(cutoff, msgspec.structs.replace(at.policy, **broken.taken_under))
    other = Change(at, "canary", Random(2)).of(world)
    with monkeypatch.context() as patched:
        rule = msgspec.structs.replace(CONTRACT[broken.table], **broken.rule)
        patched.setitem(CONTRACT, broken.table, rule)
        lie = "taken for sorted" if broken.unsorted else "as made"
        here, there = (look(with_times(each, broken), under, lie=lie) for each in (world, other))
    return bool(difference(here, there))


def with_times(world: World, broken: Break) -> World:
    rows = [row | {column: time(row) for column, time in broken.times.items()} for row in world[broken.table]]
    return world | {broken.table: rows}


def midnight(day: str | None) -> str | None:
    return day and f"{day} 00:00:00"
