"""The engine against a naive reading of the contract: the bundled world, and trees that a seed makes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import naive_record as naive
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.mimic import Column, tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools.ehr import EhrTools
from clinseek_fixtures import world_path, world_store_path

SUBJECT = 90000001
POLICIES = st.builds(
    Policy,
    basis=st.sampled_from(["available", "event"]),
    boundary=st.sampled_from(["exclusive", "inclusive"]),
    coding_lag_hours=st.sampled_from([0, 72]),
    interval_rows=st.sampled_from(["stored", "started"]),
)


def differences(root: Path, record: naive.Record, cutoff: datetime) -> list[str]:
    snapshot = open_snapshot(root, int(record.patient.subject_id), cutoff, record.policy)
    found = naive.differences(EhrTools(snapshot).call, record.at(cutoff))
    snapshot.close()
    return found


def test_the_naive_record_has_a_rule_for_every_table_of_patients() -> None:
    assert set(naive.TABLES) == {name for name in CONTRACT if tables()[name].kind == "patient"}


OF_THE_BUNDLED = {
    "default": Policy(),
    "inclusive": Policy(boundary="inclusive"),
    "event": Policy(basis="event"),
    "lag and started": Policy(coding_lag_hours=72, interval_rows="started"),
}
PATIENTS = (90000001, 90000002, 90000003)


@pytest.mark.parametrize(
    ("policy", "subject_id"),
    [
        # By default each policy with one patient.
        pytest.param(
            policy,
            subject,
            id=f"{name}-{subject}",
            marks=() if place == at % len(PATIENTS) else pytest.mark.slow,
        )
        for at, (name, policy) in enumerate(OF_THE_BUNDLED.items())
        for place, subject in enumerate(PATIENTS)
    ],
)
def test_the_bundled_patients_are_shown_as_the_naive_record_has_them(subject_id: int, policy: Policy) -> None:
    record = naive.Tree(world_path()).patient(subject_id).record(policy)
    moments = record.moments()
    early, late = moments[len(moments) // 3], moments[2 * len(moments) // 3] + timedelta(seconds=1)
    assert differences(world_store_path(), record, early) == [], early
    assert differences(world_store_path() if policy != Policy() else world_path(), record, late) == [], late


def test_rows_of_a_later_time_are_noticed() -> None:
    record = naive.Tree(world_path()).patient(SUBJECT).record(Policy())
    moments = record.moments()
    early, late = moments[len(moments) // 2], moments[-1] + timedelta(seconds=1)
    tools = EhrTools(open_snapshot(world_store_path(), SUBJECT, late, Policy()))
    assert len(naive.differences(tools.call, record.at(early))) > 10
    for name in ("labevents", "poe", "discharge"):
        call = {"table_name": name, "limit": 500}
        answer = tools.call("ehr.get_latest_records", call)
        assert naive.unexpected(answer, record.at(early), str(call)), name
        assert naive.unexpected(answer, record.at(late), str(call)) == [], name


def test_the_leaks_of_the_reference_are_noticed_in_each_table_that_has_them() -> None:
    """Its rule filters rows by one time, and shows all their cells."""
    policy = Policy(basis="upstream")
    cutoff = datetime(2150, 3, 4, 12)
    visible = naive.Tree(world_path()).patient(SUBJECT).record(Policy()).at(cutoff)
    found = naive.differences(
        EhrTools(open_snapshot(world_store_path(), SUBJECT, cutoff, policy)).call, visible
    )
    leaking = {"patients", "admissions", "transfers", "microbiologyevents", "labevents", "pharmacy", "poe"}
    assert leaking <= {text.split(":")[0] for text in found}


# Few values, so that keys meet, times are equal, and results match; 'dangling' keys point to nothing.
KEYS = {
    "hadm_id": ("92000001", "92000002", "92009999"),
    "stay_id": ("93000001", "93000002", "93009999"),
    "pharmacy_id": ("96000001", "96000002", "96009999"),
    "emar_id": ("90000001-1", "90000001-2", "90000001-9999"),
    "study_id": ("97000001", "97000002", "97009999"),
    "micro_specimen_id": ("98000001", "98000002"),
    "note_id": ("90000001-RR-4", "90000001-RR-7", "90000001-AR-2", "90000001-RR-9999"),
} | dict.fromkeys(
    ("poe_id", "discontinued_by_poe_id", "discontinue_of_poe_id"),
    ("90000001-1", "90000001-2", "90000001-10", "90000001-9999"),
)
OWN_KEY = {
    "admissions": "hadm_id",
    "edstays": "stay_id",
    "icustays": "stay_id",
    "poe": "poe_id",
    "pharmacy": "pharmacy_id",
    "emar": "emar_id",
    "discharge": "note_id",
    "radiology": "note_id",
}
VALUES = {
    "itemid": ("50001", "50002"),
    "valuenum": ("1.5", "80"),
    "field_name": ("exam_code", "parent_note_id", "addendum_note_id"),
    # A ward inside an ICU stay would split the stay, which is a case of its own.
    "careunit": ("Medical Intensive Care Unit (MICU)",),
    "note_type": ("RR", "AR"),
    "StudyDate": ("21500301", "21500303", "x"),
    "StudyTime": ("80000", "235959.75", "0.5"),
}
ITEMS = [
    {"itemid": 50001, "label": "Creatinine", "category": "Labs"},
    {"itemid": 50002, "label": "Heart Rate", "category": "Routine Vital Signs"},
]
START = datetime(2150, 3, 1, 8)


def made_tree(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Rows of every table, with gaps, equal times and keys to nothing."""
    random = Random(seed)
    made: dict[str, list[dict[str, Any]]] = {"d_items": ITEMS}
    for name in naive.TABLES:
        if name != "patients":
            made[name] = [
                {column.name: made_cell(random, name, column) for column in tables()[name].columns}
                for _ in range(random.randrange(6))
            ]
    for name, key in OWN_KEY.items():
        rows = {row[key]: row for row in made[name] if row[key] and not row[key].endswith("9999")}
        made[name] = list(rows.values())
    for row in made["microbiologyevents"]:
        # What is said of a specimen is the same in each of its rows.
        same = Random(seed + int(row["micro_specimen_id"] or random.randrange(10**6)))
        for column in tables()["microbiologyevents"].columns:
            if column.name in naive.SPECIMEN[3:]:
                row[column.name] = made_cell(same, "microbiologyevents", column)
    return made


def made_cell(random: Random, table: str, column: Column) -> str:
    if column.role == "subject":
        return str(SUBJECT)
    if random.random() < 0.15:
        return ""
    if column.name == "field_value":
        return random.choice((*KEYS["note_id"], "C72"))
    known = KEYS.get(column.name) or VALUES.get(column.name)
    if known:
        return random.choice(known)
    at = START + timedelta(hours=random.randrange(60))
    kinds = {"TIMESTAMP": str(at), "DATE": str(at.date()), "VARCHAR": random.choice("ab")}
    return kinds.get(column.type, str(random.randrange(1, 5)))


def check_made_tree(write_tree: Callable[..., Path], seed: int, policy: Policy, place: float) -> None:
    root = write_tree(**made_tree(seed))
    record = naive.Tree(root).patient(SUBJECT).record(policy)
    moments = record.moments() or [START]
    assert differences(root, record, moments[int(place * len(moments))]) == []


SEEDS, PLACES = st.integers(0, 10**6), st.floats(0, 1, exclude_max=True)
ANY_FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=8, deadline=None, suppress_health_check=ANY_FIXTURE)
@given(seed=SEEDS, policy=POLICIES, place=PLACES)
def test_a_made_tree_is_shown_as_the_naive_record_has_it(
    write_tree: Callable[..., Path], seed: int, policy: Policy, place: float
) -> None:
    check_made_tree(write_tree, seed, policy, place)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=ANY_FIXTURE)
@given(seed=SEEDS, policy=POLICIES, place=PLACES)
def test_many_made_trees_are_shown_as_the_naive_record_has_them(
    write_tree: Callable[..., Path], seed: int, policy: Policy, place: float
) -> None:
    check_made_tree(write_tree, seed, policy, place)
