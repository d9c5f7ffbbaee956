"""Small dated records over every table of the contract, made from a seed.

Few keys, values and times, so that rows point to each other, to nothing and to later rows, times tie and fall
on a cutoff, and ends come before starts. Rows are dicts of what JSON can carry: times and dates are text.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from clinseek_core.ehr.record import date_record, dated_columns
from clinseek_core.ehr.source import attach_record
from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.mimic import Column, tables
from clinseek_core.mimic.contract import CONTRACT

Row = dict[str, Any]
World = dict[str, list[Row]]
"""The rows of each table of the contract."""

SUBJECT = 90000001
PATIENT_TABLES = tuple(name for name in CONTRACT if tables()[name].kind == "patient")
START = datetime(2150, 3, 1)
GRID = tuple(START + timedelta(hours=6 * step) for step in range(10))
NEAR = (timedelta(), timedelta(), timedelta(), timedelta(minutes=5), timedelta(minutes=60))
"""Times lie on a grid, or on it by the minutes that the contract adds."""
_MISSING = 0.12

KEYS: dict[str, tuple[Any, ...]] = {
    "hadm_id": (92000001, 92000002, 92009999),
    "stay_id": (93000001, 93000002, 93009999),
    "pharmacy_id": (96000001, 96000002, 96009999),
    "emar_id": ("90000001-1", "90000001-2", "90000001-9999"),
    "study_id": (97000001, 97000002, 97009999),
    "micro_specimen_id": (98000001, 98000002),
    "specimen_id": (98100001, 98100002),
    "transfer_id": (99000001, 99000002, 99000003),
    "itemid": (50001, 50002, 50099),
} | dict.fromkeys(
    ("poe_id", "discontinued_by_poe_id", "discontinue_of_poe_id"),
    ("90000001-1", "90000001-2", "90000001-10", "90000001-9999"),
)
"""The last of most points to nothing."""
_DANGLING = frozenset(keys[-1] for keys in KEYS.values() if str(keys[-1]).endswith("9"))
OWN_KEY = {
    "admissions": "hadm_id",
    "edstays": "stay_id",
    "icustays": "stay_id",
    "poe": "poe_id",
    "pharmacy": "pharmacy_id",
    "emar": "emar_id",
    "cxr_study_list": "study_id",
}
_ICU, _OTHER_ICU, _WARD = (
    "Medical Intensive Care Unit (MICU)",
    "Surgical Intensive Care Unit (SICU)",
    "Medicine",
)
NOTES = {"discharge": ("DS", "AD"), "radiology": ("RR", "AR")}
_NOTE_NUMBERS = (4, 7, 9, 10, 12, 13)
_UNKNOWN_NOTE = f"{SUBJECT}-RR-9999"
VALUES: dict[str, tuple[Any, ...]] = {
    "valuenum": (1.5, 80),
    "value": ("1.5", "80", "a"),
    "field_name": ("exam_name", "exam_code", "parent_note_id", "addendum_note_id"),
    "eventtype": ("transfer", "admit", "ED"),
    "careunit": (_ICU, _OTHER_ICU, _WARD, "Ward 7"),
    "first_careunit": (_ICU, _OTHER_ICU),
    "last_careunit": (_ICU, _OTHER_ICU),
    "test_name": ("Blood Culture", "Urine Culture", "Swab of mine"),
    "drug": ("Heparin", "Aspirin", "Drug of mine"),
    "gender": ("F", "M"),
    "icd_code": ("0389", "A419", "Z99"),
    "icd_version": (9, 10),
    "hospital_expire_flag": (0, 1),
    "StudyDate": (21500301, 21500302, 21500399),
    "StudyTime": (0, 60000, 120000.5, 235959.75, 990000),
}
TEXTS = (
    "a",
    "b",
    "Blood",
    "50912.0",
    "",
    " ",
    "nan",
    'it\'s "x", y\nz',
    "é 😀 \u202e",
    "{charttime} [1] # a=1",
    "'; SELECT 1 --",
    "2150-03-02",
    "CANARY",
    "abc " * 40,
)
DICTIONARIES: World = {
    "d_items": [
        {"itemid": 50001, "label": "Creatinine", "category": "Labs", "linksto": "chartevents"},
        {"itemid": 50002, "label": "Heart Rate", "category": "Vital Signs", "linksto": "chartevents"},
    ],
    "d_labitems": [
        {"itemid": 50001, "label": "Creatinine", "fluid": "Blood", "category": "Chemistry"},
        {"itemid": 50002, "label": "Glucose", "fluid": "Blood", "category": "Chemistry"},
    ],
    "d_icd_diagnoses": [
        {"icd_code": "0389", "icd_version": 9, "long_title": "Unspecified septicemia"},
        {"icd_code": "A419", "icd_version": 10, "long_title": "Sepsis, unspecified organism"},
    ],
    "d_icd_procedures": [{"icd_code": "0389", "icd_version": 9, "long_title": "Lumbar puncture"}],
    "d_hcpcs": [{"code": "99217", "category": 0, "short_description": "Observation"}],
}
_OTHER = {"subject_id": SUBJECT + 1}
OTHER_PATIENTS: World = {
    "microbiologyevents": [
        _OTHER | {"test_name": "Blood Culture", "pending": False},
        _OTHER | {"test_name": "Stool Culture", "pending": False},
    ],
    "radiology_detail": [_OTHER | {"field_name": "exam_name", "field_value": "Blood"}],
    "transfers": [_OTHER | {"eventtype": "transfer", "careunit": _WARD}],
    "prescriptions": [_OTHER | {"drug": "Heparin"}, _OTHER | {"drug": "Insulin"}],
}
"""Rows of a patient beside ours: names that both have are candidates."""


def made_world(random: Random, many: int = 1) -> World:
    """A dated record; `many` times as many rows as the smallest."""
    return dated(made_rows(random, many))


def made_rows(random: Random, many: int = 1) -> World:
    """Rows of every table as a source has them; some tables have none."""
    rows = {name: _made_table(random, name, many) for name in PATIENT_TABLES}
    rows["patients"] = [
        {
            "gender": random.choice("FM"),
            "anchor_age": random.choice((70, 91, None)),
            "anchor_year": 2148,
            "anchor_year_group": "2011 - 2013",
            "dod": random.choice((None, "2150-03-02", "2151-01-01")),
        }
    ]
    for notes, kinds in NOTES.items():
        _number_notes(random, rows[notes], kinds)
    _link_note_details(random, rows)
    _let_results_be_charted(random, rows)
    if random.random() < 0.3:
        _merge_a_stay(random, rows)
    return {
        name: [{"subject_id": SUBJECT} | row for row in rows[name]] for name in PATIENT_TABLES
    } | DICTIONARIES


def dated(rows: World) -> World:
    """The engine's own dating of a source's rows."""
    con = attach_record()
    con.execute("CREATE SCHEMA raw")
    for name in CONTRACT:
        columns = tuple((column.name, str(column.type)) for column in tables()[name].columns)
        con.execute(f"CREATE TABLE raw.{name} AS FROM {_relation(columns, rows.get(name, []))}")
    date_record(con)
    world = dated_rows(con)
    con.close()
    return world


def dated_rows(con: Any) -> World:
    """The rows of schema `dated`."""
    world: World = {name: [] for name in CONTRACT}
    whole = " UNION ALL ".join(
        f"SELECT '{name}', to_json(t)::VARCHAR FROM dated.{name} t" for name in CONTRACT
    )
    for name, row in con.execute(whole).fetchall():
        world[name].append(json.loads(row))
    return world


def relation(name: str, rows: list[Row]) -> str:
    """The SQL that reads dated rows of a table; cells that a row doesn't have are NULL."""
    return _relation(columns_of(name), rows)


@cache
def columns_of(name: str) -> tuple[tuple[str, str], ...]:
    """Names and types of the columns of a dated table."""
    return dated_columns(tables()[name], CONTRACT[name])


def _relation(columns: tuple[tuple[str, str], ...], rows: list[Row]) -> str:
    if not rows:
        return (
            f"(SELECT {', '.join(f'NULL::{kind} AS {quoted(name)}' for name, kind in columns)} WHERE FALSE)"
        )
    shape = json.dumps([dict(columns)])
    return f"(SELECT unnest(from_json({literal(json.dumps(rows))}, {literal(shape)}), max_depth := 2))"


def _made_table(random: Random, name: str, many: int) -> list[Row]:
    rows = [_made_row(random, name) for _ in range(many * random.choice((0, 1, 2, 2, 3, 3)))]
    own = OWN_KEY.get(name)
    if own is None:
        return rows
    keys = [key for key in KEYS[own] if key not in _DANGLING and random.random() < 0.85]
    rows = [_made_row(random, name) | {own: key} for key in keys]
    # An id twice, or none, is no MIMIC-IV: the contract holds for it too.
    extra = many - (random.random() < 0.9)
    return [*rows, *(_made_row(random, name) for _ in range(extra))]


def _made_row(random: Random, name: str) -> Row:
    return {c.name: _made_cell(random, c) for c in tables()[name].columns if c.role != "subject"}


def _made_cell(random: Random, column: Column) -> Any:
    if random.random() < _MISSING:
        return None
    if column.name in KEYS:
        key = random.choice(KEYS[column.name])
        return random.choice(KEYS[column.name]) if key in _DANGLING else key
    if column.name in VALUES and _fits(column):
        return random.choice(VALUES[column.name])
    if column.type == "TIMESTAMP" and column.name.endswith("date"):
        return f"{made_time(random):%Y-%m-%d} 00:00:00"
    if column.type == "TIMESTAMP":
        return str(made_time(random))
    if column.type == "DATE":
        return f"{made_time(random):%Y-%m-%d}"
    return random.choice(TEXTS) if column.type == "VARCHAR" else random.randrange(1, 4)


def _fits(column: Column) -> bool:
    return (column.type == "VARCHAR") == isinstance(VALUES[column.name][0], str)


def made_time(random: Random) -> datetime:
    """A time of the grid."""
    return random.choice(GRID) + random.choice(NEAR)


def _number_notes(random: Random, notes: list[Row], kinds: tuple[str, ...]) -> None:
    """A note's id is its own, and numbers the patient's notes of its type."""
    numbers = random.sample([(kind, number) for kind in kinds for number in _NOTE_NUMBERS], len(notes))
    at_once = random.random() < 0.3
    for row, (kind, number) in zip(notes, numbers, strict=True):
        row["charttime"] = notes[0]["charttime"] if at_once else row["charttime"]
        row |= {"note_id": f"{SUBJECT}-{kind}-{number}", "note_type": kind, "note_seq": number}


def _link_note_details(random: Random, rows: World) -> None:
    for name in NOTES:
        ids = [row["note_id"] for row in rows[name]] + [_UNKNOWN_NOTE, None]
        for row in rows[f"{name}_detail"]:
            row["note_id"] = random.choice(ids)
            if name == "radiology" and row["field_name"] in {"parent_note_id", "addendum_note_id"}:
                row["field_value"] = random.choice(ids)


def _let_results_be_charted(random: Random, rows: World) -> None:
    for chart, lab in zip(rows["chartevents"], rows["labevents"], strict=False):
        if random.random() < 0.5:
            chart |= {"charttime": lab["charttime"], "valuenum": lab["valuenum"]}


def _merge_a_stay(random: Random, rows: World) -> None:
    """An ICU stay over a time elsewhere, as MIMIC-IV joins them."""
    times = [str(time) for time in sorted(random.sample(GRID, 4))]
    rows["icustays"] = [
        {"stay_id": 93000001, "hadm_id": 92000001, "intime": times[0], "outtime": times[3], "los": 1.5}
        | {"first_careunit": _ICU, "last_careunit": _OTHER_ICU}
    ]
    places = zip((_ICU, _WARD, _OTHER_ICU), times, times[1:], strict=False)
    rows["transfers"] = [
        {"transfer_id": 99000001 + n, "eventtype": "transfer"}
        | {"careunit": unit, "intime": begin, "outtime": end}
        for n, (unit, begin, end) in enumerate(places)
    ]
