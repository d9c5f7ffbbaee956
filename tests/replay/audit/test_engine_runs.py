"""Runs of the real engine: nothing leaks by the contract, and the reference's rule leaks by name."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from clinseek_core.errors import InputError
from clinseek_fixtures import bundled_cases, world_path, world_store_path
from clinseek_replay.audit import AuditReport, EhrTimes, audit
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Call, Result, Step, Trajectory
from clinseek_tui.cli import main

SeekerRun = Callable[[str, str], Path]
QIDS = [case.qid for case in bundled_cases()]


@pytest.fixture(scope="module")
def ehr() -> EhrTimes:
    return EhrTimes(world_store_path())


def run_at(path: Path) -> Trajectory:
    return open_recordings([path], None, {}).run(0)


def shown(report: AuditReport) -> Iterator[str]:
    for finding in report.leaks:
        yield f"{finding.code} {finding.evidence.get('table', '')}.{finding.evidence.get('column', '')}"


@pytest.mark.parametrize("qid", QIDS)
def test_a_run_by_the_contract_is_clean_from_its_record_and_with_the_data(
    qid: str, seeker_run: SeekerRun, ehr: EhrTimes
) -> None:
    trajectory = run_at(seeker_run(qid, "available"))
    assert trajectory.subject_id is not None
    assert audit(trajectory).findings == ()
    with_data = audit(trajectory, times=ehr.patient(trajectory.subject_id))
    assert with_data.findings == ()
    assert with_data.not_verified == ()


LEAKED_BY_NAME = {
    QIDS[0]: {"T3 edstays.outtime", "T3 edstays.disposition", "T4 microbiologyevents.storetime"},
    QIDS[1]: {"T3 admissions.dischtime", "T3 admissions.hospital_expire_flag", "T3 icustays.los"},
    QIDS[2]: {"T3 admissions.dischtime", "T3 admissions.discharge_location", "T3 transfers.outtime"},
}


@pytest.mark.parametrize("qid", QIDS)
def test_a_run_by_the_references_rule_leaks_by_name(qid: str, seeker_run: SeekerRun) -> None:
    report = audit(run_at(seeker_run(qid, "upstream")))
    assert set(shown(report)) >= LEAKED_BY_NAME[qid]
    assert report.policy.basis == "available"
    assert report.run_policy is not None
    assert report.run_policy.basis == "upstream"


def test_the_data_tells_what_a_row_printed_without_its_times_leaks(
    seeker_run: SeekerRun, ehr: EhrTimes
) -> None:
    """An admission that had not begun, a later visit's triage, results that were not back."""
    found = set()
    for qid in QIDS[:2]:
        trajectory = run_at(seeker_run(qid, "upstream"))
        assert trajectory.subject_id is not None
        found |= set(shown(audit(trajectory, times=ehr.patient(trajectory.subject_id))))
    assert found >= {"T3 edstays.hadm_id", "T5 triage.stay_id", "T4 labevents.charttime"}


def test_what_a_run_by_events_was_allowed_to_see_is_told_for_information(
    seeker_run: SeekerRun, ehr: EhrTimes
) -> None:
    trajectory = run_at(seeker_run(QIDS[1], "event"))
    assert trajectory.subject_id is not None
    report = audit(trajectory, times=ehr.patient(trajectory.subject_id))
    assert {(finding.code, finding.severity) for finding in report.findings} == {("T4", "info")}
    assert report.leaks == ()


def test_the_command_exits_1_on_leaks_and_0_without(
    seeker_run: SeekerRun, capsys: pytest.CaptureFixture[str]
) -> None:
    clean, leaky = seeker_run(QIDS[1], "available"), seeker_run(QIDS[1], "upstream")
    assert main(["audit", str(clean)]) == 0
    assert "no leak found" in capsys.readouterr().out
    assert main(["audit", str(clean), str(leaky)]) == 1
    out = capsys.readouterr().out
    assert "hospital_expire_flag" in out
    assert "2 runs: 1 with leaks, 1 without" in out


def test_the_command_gives_json_and_reads_the_bundled_data(
    seeker_run: SeekerRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(seeker_run(QIDS[0], "upstream")), "--ehr", "bundled", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert {finding["code"] for finding in report["findings"]} >= {"T3", "T4"}
    place = report["findings"][0]["places"][0]
    assert {"step", "call", "row", "column", "quote"} <= set(place)


def test_a_patient_who_is_not_in_the_data_is_told(
    seeker_run: SeekerRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError):
        EhrTimes(world_store_path()).patient(1)
    journal = seeker_run(QIDS[0], "available")
    stranger = tmp_path / "stranger.jsonl"
    stranger.write_text(journal.read_text().replace("90000001", "19999999"))
    assert main(["audit", str(stranger), "--ehr", "bundled"]) == 2
    assert "19999999" in capsys.readouterr().err


def padded(rows: list[dict[str, str]]) -> str:
    lines = [list(rows[0]), *[list(row.values()) for row in rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(" ".join(t.rjust(w) for t, w in zip(line, widths, strict=True)) for line in lines)


def as_the_reference_prints(name: str, columns: tuple[str, ...]) -> Call:
    """All rows of a table of a bundled patient, without the columns that tell when they were known."""
    with gzip.open(next(world_path().rglob(f"{name}.csv.gz")), "rt", encoding="utf-8", newline="") as file:
        mine = [row for row in csv.DictReader(file) if row["subject_id"] == "90000001"]
    rows = [
        {column: row[column].replace("\n", "\\n")[:60].strip() or "nan" for column in columns} for row in mine
    ]
    text = padded(rows)
    result = Result(status="ok", text=text, full_characters=len(text))
    return Call(
        anchor="s1.c1", id="1", name="ehr.get_latest_records", arguments={"table_name": name}, result=result
    )


@pytest.mark.parametrize(
    ("name", "columns", "codes"),
    [
        ("radiology", ("note_type", "charttime", "text"), {"T2", "T7"}),
        ("labevents", ("itemid", "charttime", "valuenum"), {"T2", "T4"}),
        ("triage", ("stay_id", "temperature", "chiefcomplaint"), set()),
        ("admissions", ("hadm_id", "admission_type", "insurance"), {"T2"}),
        ("diagnoses_icd", ("hadm_id", "icd_code", "icd_version"), {"T3"}),
        ("emar_detail", ("emar_id", "administration_type", "dose_given"), {"T5"}),
    ],
)
def test_rows_printed_as_the_reference_does_are_looked_up(
    name: str, columns: tuple[str, ...], codes: set[str], ehr: EhrTimes
) -> None:
    """What the data says of a whole table is what `known_at` of its snapshot says."""
    cutoff = datetime(2150, 3, 2, 16, 30)
    trajectory = Trajectory(
        run_id="r",
        source="r",
        format="x",
        subject_id=90000001,
        prediction_time=cutoff,
        steps=(Step(number=1, calls=(as_the_reference_prints(name, columns),)),),
    )
    report = audit(trajectory, times=ehr.patient(90000001))
    assert {finding.code for finding in report.leaks} == codes
    leaking = {place.row for finding in report.findings for place in finding.places}
    rows = sum(1 for _ in ehr.patient(90000001).rows_of(name))
    known = sum(1 for row in ehr.patient(90000001).rows_of(name) if (row["known_at"] or "9") < str(cutoff))
    assert len(leaking) == rows - known
