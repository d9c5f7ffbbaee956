"""The real MIMIC-IV demo: what is visible, checked by plain Python over its CSV files."""

from __future__ import annotations

import csv
import gzip
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT

DEMO = os.environ.get("CLINSEEK_MIMIC_DEMO", "")
pytestmark = pytest.mark.skipif(
    not DEMO, reason="set CLINSEEK_MIMIC_DEMO to a folder with the open MIMIC-IV demo (PhysioNet)"
)
SUBJECTS = ("10000032", "10014729", "10039708", "10018328")


def demo_rows(table: str, subject: str) -> list[dict[str, str]]:
    info = tables()[table]
    path = Path(DEMO) / info.module / f"{info.file}.csv.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["subject_id"] == subject]


def moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def middle_of_first_stay(subject: str) -> datetime:
    stay = min(demo_rows("admissions", subject), key=lambda row: row["admittime"])
    start, end = moment(stay["admittime"]), moment(stay["dischtime"])
    return (start + (end - start) / 2).replace(microsecond=0)


@pytest.fixture(scope="module", params=SUBJECTS)
def opened(request: pytest.FixtureRequest) -> tuple[str, datetime, Snapshot]:
    cutoff = middle_of_first_stay(request.param)
    return request.param, cutoff, open_snapshot(Path(DEMO), int(request.param), cutoff, Policy())


def test_no_row_is_known_at_or_after_the_cutoff(opened: tuple[str, datetime, Snapshot]) -> None:
    _, cutoff, snapshot = opened
    for name, rule in CONTRACT.items():
        if rule.available != ALWAYS:
            late = snapshot.select(f"SELECT count(*) FROM {name} WHERE known_at >= ?", [cutoff])
            assert late.rows == ((0,),), name


def test_laboratory_results_are_those_stored_before_the_cutoff(
    opened: tuple[str, datetime, Snapshot],
) -> None:
    subject, cutoff, snapshot = opened
    expected = 0
    for row in demo_rows("labevents", subject):
        drawn = moment(row["charttime"])
        stored = moment(row["storetime"]) if row["storetime"] else drawn + timedelta(hours=24)
        expected += max(drawn, stored) < cutoff
    assert snapshot.tables["labevents"].rows == expected > 0


def test_orders_and_doses_are_those_made_before_the_cutoff(opened: tuple[str, datetime, Snapshot]) -> None:
    subject, cutoff, snapshot = opened
    orders = sum(moment(row["ordertime"]) < cutoff for row in demo_rows("poe", subject))
    doses = sum(
        max(moment(row["charttime"]), moment(row["storetime"])) < cutoff for row in demo_rows("emar", subject)
    )
    assert (snapshot.tables["poe"].rows, snapshot.tables["emar"].rows) == (orders, doses)


def test_the_running_stay_has_no_end_and_no_codes(opened: tuple[str, datetime, Snapshot]) -> None:
    subject, cutoff, snapshot = opened
    running = [
        int(row["hadm_id"])
        for row in demo_rows("admissions", subject)
        if moment(row["admittime"]) < cutoff <= moment(row["dischtime"])
    ]
    assert running
    for hadm_id in running:
        ends = snapshot.select(
            "SELECT dischtime, deathtime, admission_type, discharge_location, hospital_expire_flag"
            " FROM admissions WHERE hadm_id = ?",
            [hadm_id],
        )
        assert ends.rows == ((None,) * 5,)
        for name in ("diagnoses_icd", "procedures_icd", "drgcodes"):
            codes = snapshot.select(f"SELECT count(*) FROM {name} WHERE hadm_id = ?", [hadm_id])
            assert codes.rows == ((0,),), name


def test_no_later_admission_is_named_anywhere(opened: tuple[str, datetime, Snapshot]) -> None:
    subject, cutoff, snapshot = opened
    later = {
        int(row["hadm_id"]) for row in demo_rows("admissions", subject) if moment(row["admittime"]) >= cutoff
    }
    for name, table in snapshot.tables.items():
        if "hadm_id" in table.columns:
            seen = {row[0] for row in snapshot.select(f"SELECT DISTINCT hadm_id FROM {name}").rows}
            assert not seen & later, name
