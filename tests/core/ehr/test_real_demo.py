"""The real MIMIC-IV demo: what the tools show at each admission, against plain Python over the CSV files."""

from __future__ import annotations

import csv
import os
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import naive_record as naive
import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.store import ingest
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.tools.ehr import EhrTools

DEMO = os.environ.get("CLINSEEK_MIMIC_DEMO", "")
pytestmark = pytest.mark.skipif(
    not DEMO, reason="set CLINSEEK_MIMIC_DEMO to a folder with the open MIMIC-IV demo (PhysioNet)"
)
OTHER_POLICIES = (
    Policy(basis="event"),
    Policy(boundary="inclusive"),
    Policy(coding_lag_hours=72),
    Policy(interval_rows="started"),
    Policy(basis="event", boundary="inclusive", coding_lag_hours=72),
)


def subjects() -> list[int]:
    path = naive.file_of(Path(DEMO), "hosp", "patients") if DEMO else None
    if path is None:
        return []
    header, *lines = naive.lines_of(path)
    return sorted(int(line[header.index("subject_id")]) for line in lines)


@cache
def read_demo(chart: bool = False) -> naive.Tree:
    """The demo's files; with `chart` each tenth line of its chart too.

    Where the chart is not there, a stand-in for it may be, made from other sources and without store times.
    """
    demo = naive.Tree(Path(DEMO), without="chartevents")
    stand_in = Path(DEMO) / "derived" / "chartevents.reconstructed.csv.gz"
    path = naive.file_of(Path(DEMO), "icu", "chartevents") or stand_in
    if chart and path.exists():
        demo.read("chartevents", path, every=10)
    return demo


def whole(demo: naive.Tree, folder: Path) -> Path:
    """A tree of the demo as it lies there, but with only those lines of the chart that were read."""
    for module in ("hosp", "icu", "ed"):
        (folder / module).mkdir(parents=True)
        for file in (Path(DEMO) / module).glob("*.csv*"):
            if not file.name.startswith("chartevents."):
                (folder / module / file.name).symlink_to(file)
    if "chartevents" in demo.headers:
        with (folder / "icu" / "chartevents.csv").open("w", newline="") as file:
            lines = (line for lines in demo.lines["chartevents"].values() for line in lines)
            csv.writer(file).writerows([demo.headers["chartevents"], *lines])
    return folder


def alone(tree: naive.Tree, subject_id: int, folder: Path) -> Path:
    """The demo's own lines of one patient, in a tree that is quick to open."""
    for module, names in naive.FILES.items():
        for name in names.split():
            if name in tree.headers:
                lines = tree.lines[name].get("" if name == "d_items" else str(subject_id), [])
                (folder / module).mkdir(exist_ok=True)
                with (folder / module / f"{name}.csv").open("w", newline="") as file:
                    csv.writer(file).writerows([tree.headers[name], *lines])
    return folder


def five_cutoffs(admission: dict[str, str], moments: list[datetime]) -> list[datetime]:
    """The stay's first and last second, its middle, and the very times at which something became known."""
    start, end = (datetime.fromisoformat(admission[name]) for name in ("admittime", "dischtime"))
    quarters = [start + (end - start) * n / 4 for n in (1, 2, 3)]
    exact = [moments[min(bisect_left(moments, t), len(moments) - 1)] for t in quarters]
    return [
        start + timedelta(seconds=1),
        exact[0],
        quarters[1].replace(microsecond=0),
        exact[2],
        end - timedelta(seconds=1),
    ]


def check(root: Path, record: naive.Record, cutoff: datetime, turn: int) -> None:
    """Every table is what the naive record has, and no answer of another tool holds anything else."""
    patient, visible = record.patient, record.at(cutoff)
    snapshot = open_snapshot(root, int(patient.subject_id), cutoff, record.policy)
    tools = EhrTools(snapshot)
    place = f"patient {patient.subject_id} at {cutoff} under {record.policy}"
    assert naive.differences(tools.call, visible) == [], place
    for name, arguments in other_calls(tools, patient, cutoff, turn):
        found = naive.unexpected(tools.call(name, arguments), visible, str(arguments))
        assert found == [], (place, name, arguments)
    snapshot.close()


def other_calls(
    tools: EhrTools, patient: naive.Patient, cutoff: datetime, turn: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls of three of the nine tools that read the record, of others and on another table each turn."""
    timed = [name for name in patient.headers if name != "patients"]
    table = timed[turn % len(timed)]
    column = patient.columns(table)[turn % len(patient.columns(table))]
    cell = next((str(row[column]) for row in patient.rows[table] if row.get(column)), "1")
    of_table = {"table_name": table}
    times = {"start_time": str(cutoff - timedelta(days=9)), "end_time": str(cutoff + timedelta(days=400))}
    calls = {
        "ehr.load_ehr": {"subject_id": patient.subject_id, "timestamp": str(cutoff)},
        "ehr.get_table_description": of_table,
        "ehr.get_column_names": of_table,
        "ehr.get_latest_records": of_table | {"limit": 50},
        "ehr.get_records_by_time": of_table | times,
        "ehr.get_event_counts_by_time": times,
        "ehr.get_unique_values": of_table | {"column_name": column},
        "ehr.get_records_by_keyword": of_table | {"keyword": cell[:8]},
        "ehr.get_records_by_value": of_table | {"column_name": column, "value": cell},
    }
    unread = {"ehr.think", "ehr.finish"} | {spec.name for spec in tools.specs if "candidates" in spec.name}
    by_naive_record = {"ehr.run_sql_query", "ehr.get_table_names"}
    assert {spec.name for spec in tools.specs} == set(calls) | by_naive_record | unread
    return islice(calls.items(), turn % 3, None, 3)


SAMPLE = 3
"""Patients in the default suite."""


@pytest.mark.parametrize("subject_id", subjects()[:: max(len(subjects()) // SAMPLE, 1)][:SAMPLE])
def test_a_sample_of_admissions_is_shown_as_the_files_have_it(tmp_path: Path, subject_id: int) -> None:
    patient, turn = read_demo().patient(subject_id), subject_id
    admission = patient.rows["admissions"][turn % len(patient.rows["admissions"])]
    record = patient.record((Policy(), *OTHER_POLICIES)[turn % 6])
    root = alone(read_demo(), subject_id, tmp_path)
    check(root, record, five_cutoffs(admission, record.moments())[turn % 5], turn)


def test_a_patient_is_found_in_the_whole_tree(tmp_path: Path) -> None:
    patient = read_demo().patient(subjects()[5])
    record = patient.record(Policy())
    cutoff = five_cutoffs(patient.rows["admissions"][0], record.moments())[3]
    check(whole(read_demo(), tmp_path / "tree"), record, cutoff, 0)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that is made from the demo."""
    folder = tmp_path_factory.mktemp("demo")
    ingest(whole(read_demo(chart=True), folder / "tree"), folder / "store")
    return folder / "store"


@pytest.mark.slow
@pytest.mark.parametrize("subject_id", subjects())
def test_every_admission_is_shown_as_the_files_have_it_at_five_times(store: Path, subject_id: int) -> None:
    patient = read_demo(chart=True).patient(subject_id)
    for turn, admission in enumerate(patient.rows["admissions"]):
        record = patient.record(Policy())
        for n, cutoff in enumerate(five_cutoffs(admission, record.moments())):
            check(store, record, cutoff, subject_id + 5 * turn + n)


@pytest.mark.slow
@pytest.mark.parametrize("subject_id", subjects())
def test_every_admission_is_shown_under_other_policies_too(store: Path, subject_id: int) -> None:
    """One more time for each admission: the end of the stay or three days later, when codes come."""
    patient = read_demo(chart=True).patient(subject_id)
    for turn, admission in enumerate(patient.rows["admissions"], subject_id):
        record = patient.record(OTHER_POLICIES[turn % len(OTHER_POLICIES)])
        coded = datetime.fromisoformat(admission["dischtime"]) + timedelta(hours=turn % 2 * 72)
        check(store, record, coded, turn)


def test_the_demo_has_the_275_admissions_that_are_walked_through() -> None:
    admissions = [row for subject in subjects() for row in read_demo().patient(subject).rows["admissions"]]
    assert (len(subjects()), len(admissions)) == (100, 275)
