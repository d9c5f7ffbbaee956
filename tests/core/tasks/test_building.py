"""Cases built from the bundled world: right by an own reading of its tables, and blind to what came later."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.candidates.ccs import read_ccs
from clinseek_core.case import BenchCase, Policy
from clinseek_core.case_files import load_bench_cases
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.scoring import score
from clinseek_core.tasks import TASKS
from clinseek_core.tasks.building import TaskReport, build_cases
from clinseek_core.tasks.choices import reachable_f1
from clinseek_core.tasks.curated import MAX_EVENTS
from clinseek_core.tasks.cutoffs import refused
from clinseek_core.tasks.pool import Moment
from clinseek_core.tasks.whole import Whole
from clinseek_fixtures import bench_cases_path, world_path, world_store_path

BENCH = load_bench_cases(bench_cases_path())
BY_TASK: dict[str, list[BenchCase]] = {}
for _bench in BENCH:
    BY_TASK.setdefault(_bench.case.task, []).append(_bench)
CASES = pytest.mark.parametrize("bench", BENCH, ids=[bench.case.qid for bench in BENCH])


def test_every_task_has_four_cases_and_every_case_its_own_name() -> None:
    assert set(BY_TASK) == set(TASKS)
    assert {len(cases) for cases in BY_TASK.values()} == {4}
    assert len({bench.case.qid for bench in BENCH}) == len(BENCH) == 224
    for task, cases in BY_TASK.items():
        if TASKS[task].candidates == ("yes", "no"):
            assert {bench.case.gold for bench in cases} == {("yes",), ("no",)}, task


def test_the_right_names_are_among_the_candidates_and_stand_anywhere_there() -> None:
    places = []
    for bench in BENCH:
        case = bench.case
        assert case.gold
        if not case.candidates:
            assert TASKS[case.task].open
            continue
        assert set(case.gold) <= set(case.candidates)
        assert len(set(case.candidates)) == len(case.candidates)
        if not TASKS[case.task].candidates:
            places += [case.candidates.index(name) / len(case.candidates) for name in case.gold]
    assert 0.35 < sum(places) / len(places) < 0.65


def test_an_oracle_reaches_the_ceiling_and_nobody_passes_it() -> None:
    for bench in BENCH:
        graded = score(bench.case.gold, bench.case.gold)
        assert graded is not None
        assert graded.f1 == 1.0
        nothing = score((), bench.case.gold)
        assert nothing is not None
        assert nothing.f1 == 0.0
    assert all(0.0 <= bench.ceiling <= 1.0 for bench in BENCH)
    assert all(bench.ceiling == 1.0 for bench in BENCH if bench.case.candidates)


def test_the_curated_text_holds_nothing_from_the_prediction_time_on() -> None:
    moment = re.compile(r"^## .* \[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\]$", re.MULTILINE)
    for bench in BENCH:
        cutoff = bench.case.prediction_time
        times = [datetime.fromisoformat(found) for found in moment.findall(bench.curated)]
        assert bench.curated.startswith("## Patient Demographics [None]\n")
        assert all(cutoff - timedelta(hours=24) <= time < cutoff for time in times), bench.case.qid
        assert times == sorted(times)
        assert bench.latest_event_time == (times[-1] if times else None)
        assert bench.curated.count("\n- ") <= MAX_EVENTS + 5


# What happens next, read from the files by the csv module: table, file, time column, the name's columns.
NEXT = {
    "labevents": ("hosp/labevents", "charttime", ("itemid", "hosp/d_labitems", "label")),
    "microbiologyevents": ("hosp/microbiologyevents", "charttime", "test_name"),
    "emar": ("hosp/emar", "charttime", "medication"),
    "chartevents": ("icu/chartevents", "charttime", ("itemid", "icu/d_items", "label")),
    "outputevents": ("icu/outputevents", "charttime", ("itemid", "icu/d_items", "label")),
    "pyxis": ("ed/pyxis", "charttime", "name"),
    "services": ("hosp/services", "transfertime", "curr_service"),
    "transfers": ("hosp/transfers", "intime", "careunit"),
    "admissions": ("hosp/admissions", "admittime", "admission_type"),
}
GIVEN = {"Administered", "Started", "Applied", "Restarted", "Confirmed"}


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    path = world_path() / f"{name}.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        return tuple(csv.DictReader(file))


def counts(name: str, row: dict[str, str]) -> bool:
    if name == "emar":
        return row["event_txt"] in GIVEN and bool(row["medication"])
    if name == "transfers":
        return row["eventtype"] in {"admit", "transfer"} and bool(row["careunit"])
    return True


def named(row: dict[str, str], how: Any) -> str:
    if isinstance(how, str):
        return row[how]
    column, dictionary, label = how
    return next(entry[label] for entry in rows_of(dictionary) if entry[column] == row[column])


@pytest.mark.parametrize("task", NEXT)
def test_what_came_next_is_what_the_raw_table_says(task: str) -> None:
    file, clock, how = NEXT[task]
    for bench in BY_TASK[task]:
        case = bench.case
        later = [
            row
            for row in rows_of(file)
            if row["subject_id"] == str(case.subject_id)
            and row[clock]
            and datetime.fromisoformat(row[clock]) >= case.prediction_time
            and counts(task, row)
        ]
        first = min(row[clock] for row in later)
        assert set(case.gold or ()) == {named(row, how).strip() for row in later if row[clock] == first}, (
            case.qid
        )


def stays(case: BenchCase) -> tuple[dict[str, str], list[dict[str, str]]]:
    subject = str(case.case.subject_id)
    admissions = [row for row in rows_of("hosp/admissions") if row["subject_id"] == subject]
    return next(row for row in admissions if row["hadm_id"] == str(case.hadm_id)), admissions


def within(start: str, end: str, days: int) -> bool:
    return datetime.fromisoformat(end) <= datetime.fromisoformat(start) + timedelta(days=days)


@pytest.mark.parametrize("days", [3, 7])
def test_how_long_a_stay_lasted_is_what_its_times_say(days: int) -> None:
    for bench in BY_TASK[f"LengthOfStay_{days}day"]:
        stay, _ = stays(bench)
        assert bench.case.gold == ("no" if within(stay["admittime"], stay["dischtime"], days) else "yes",)
        assert bench.case.prediction_time < datetime.fromisoformat(stay["dischtime"])


@pytest.mark.parametrize("days", [30, 60])
def test_who_came_back_is_who_was_admitted_again(days: int) -> None:
    for bench in BY_TASK[f"Readmission_{days}day"]:
        stay, admissions = stays(bench)
        later = [row for row in admissions if row["admittime"] > stay["dischtime"]]
        back = any(within(stay["dischtime"], row["admittime"], days) for row in later)
        assert bench.case.gold == ("yes" if back else "no",)


def test_who_died_in_the_stay_is_who_the_flag_names() -> None:
    for bench in BY_TASK["Inpatient_Mortality"]:
        stay, _ = stays(bench)
        assert bench.case.gold == ("yes" if stay["hospital_expire_flag"] == "1" else "no",)
        if stay["deathtime"]:
            assert bench.case.prediction_time < datetime.fromisoformat(stay["deathtime"])


def test_codes_and_their_classes_are_those_of_the_admission() -> None:
    classes = read_ccs(world_path() / "ccs")["diagnoses"]
    titles = {
        (row["icd_code"].strip(), row["icd_version"]): row["long_title"]
        for row in rows_of("hosp/d_icd_diagnoses")
    }
    for task in ("diagnoses_icd", "diagnoses_ccs", "agentehr_diagnoses_ccs"):
        for bench in BY_TASK[task]:
            codes = [
                (row["icd_code"].strip(), row["icd_version"])
                for row in rows_of("hosp/diagnoses_icd")
                if row["hadm_id"] == str(bench.hadm_id)
            ]
            if task == "diagnoses_icd":
                expected = {titles[code] for code in codes}
            else:
                expected = {
                    classes[code, int(version)] for code, version in codes if (code, int(version)) in classes
                }
            assert set(bench.case.gold or ()) == expected, bench.case.qid


def test_no_answer_can_be_read_in_the_record_at_its_time() -> None:
    """Of next events: no row that is right is visible with its own time, or a later one."""
    for task in ("labevents", "emar", "chartevents"):
        file, clock, _ = NEXT[task]
        table = file.partition("/")[2]
        for bench in BY_TASK[task]:
            case = bench.case
            snapshot = open_snapshot(world_store_path(), case.subject_id, case.prediction_time, Policy())
            latest = snapshot.select(f"SELECT max({clock})::VARCHAR FROM {table}").rows[0][0]
            assert latest is None or datetime.fromisoformat(latest) < case.prediction_time


def moment(**changes: Any) -> Moment:
    at = datetime(2150, 1, 2)
    known = {
        "subject_id": 1, "hadm_id": None, "stay_id": None, "at": at, "about": "", "studies": (),
        "gold": ("a",), "settled_at": at, "before": None,
    }  # fmt: skip
    return Moment(**(known | changes))


@pytest.mark.parametrize(
    ("task", "changes", "cutoff", "why"),
    [
        ("labevents", {}, datetime(2150, 1, 1, 23), None),
        ("labevents", {"settled_at": datetime(2150, 1, 1, 22)}, datetime(2150, 1, 1, 23), "answer_known"),
        ("labevents", {"before": datetime(2150, 1, 1, 23, 30)}, datetime(2150, 1, 1, 23), "not_next"),
        ("Inpatient_Mortality", {"gold": ("no", "yes")}, datetime(2150, 1, 1, 23), "several"),
        ("labevents", {"gold": tuple(map(str, range(41)))}, datetime(2150, 1, 1, 23), "too_many"),
    ],
    ids=["fine", "known", "not next", "several", "many"],
)
def test_a_moment_is_refused_where_its_answer_is_no_question(
    task: str, changes: dict[str, Any], cutoff: datetime, why: str | None
) -> None:
    assert refused(TASKS[task], moment(**changes), cutoff) == why


def test_the_ceiling_is_the_best_f1_of_what_can_be_found() -> None:
    half = moment(gold=("a", "b"))
    assert reachable_f1(half, None) == 1.0
    assert reachable_f1(half, {"a": None}) == pytest.approx(2 / 3)
    assert reachable_f1(half, {"a": None, "b": 1}) == pytest.approx(2 / 3), (
        "only the patient's own record has b"
    )
    assert reachable_f1(half, {}) == 0.0


def build(whole: Whole, names: Iterable[str], **options: Any) -> tuple[list[BenchCase], list[TaskReport]]:
    reports: list[TaskReport] = []
    found = build_cases(
        whole, [TASKS[name] for name in names], curated=False, on_task=reports.append, **options
    )
    return list(found), reports


def test_the_same_seed_draws_the_same_cases_and_another_others(whole: Whole) -> None:
    names = ["labevents", "Inpatient_Mortality", "agentehr_transfers"]
    first, reports = build(whole, names, per_task=4)
    again, _ = build(whole, names, per_task=4)
    other, _ = build(whole, names, per_task=4, seed=7)
    assert first == again
    assert [bench.case.qid for bench in first] != [bench.case.qid for bench in other]
    assert [report.built for report in reports] == [4, 4, 4]
    shipped = {bench.case.qid: bench.case for name in names for bench in BY_TASK[name]}
    assert {bench.case.qid: bench.case for bench in first} == shipped


def test_what_a_task_needs_and_lacks_is_said(store: Path) -> None:
    from clinseek_core.tasks.whole import open_whole

    with open_whole(store) as bare:
        cases, reports = build(bare, ["diagnoses_ccs", "medrecon_atc", "cxr_finding_presence"])
    assert cases == []
    assert [report.missing for report in reports] == [("ccs",), ("drug_classes",), ("films",)]


def test_patients_take_turns(whole: Whole) -> None:
    cases, _ = build(whole, ["labevents"], per_task=30)
    often = Counter(bench.case.subject_id for bench in cases)
    assert max(often.values()) == 1
