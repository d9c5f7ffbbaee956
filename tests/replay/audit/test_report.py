"""What a report says beside findings: use, leaked items, the score without them, what was not verified."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from clinseek_core.case import Policy
from clinseek_core.journal import Table
from clinseek_replay.audit import audit, leaked_items, report_lines, total_lines
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

CUTOFF = datetime(2150, 3, 2, 17, 20)
BEFORE, AFTER = "2150-03-02 09:00:00", "2150-03-04 09:00:00"


def table(*rows: str) -> str:
    width = max(map(len, rows))
    return "\n".join(row.rjust(width) for row in rows)


def call(
    text: str, name: str = "ehr.get_latest_records", typed: Table | None = None, **arguments: Any
) -> Call:
    result = Result(status="ok", text=text, full_characters=len(text), table=typed)
    return Call(anchor="", id="", name=name, arguments=arguments, result=result)


def run(
    *calls: Call, answer: tuple[str, ...] = (), gold: tuple[str, ...] | None = None, **fields: Any
) -> Trajectory:
    steps = tuple(
        Step(number=n, calls=(msgspec.structs.replace(each, anchor=f"s{n}.c1"),))
        for n, each in enumerate(calls, 1)
    )
    fields = {"subject_id": 90000001, "prediction_time": CUTOFF, **fields}
    fields = {"run_id": "r", "source": "r.jsonl:1", "format": "x", "qid": "q1", **fields}
    return Trajectory(steps=steps, answer=answer, gold=gold, **fields)


def drugs(*given: tuple[str, str]) -> Call:
    lines = [f"{drug:>22} {at}" for drug, at in given]
    return call(table(f"{'medication':>22} {'charttime':>19}", *lines), table_name="emar")


def test_an_item_seen_only_in_a_leaking_row_is_dropped_from_the_adjusted_score() -> None:
    trajectory = run(
        drugs(("Norepinephrine", AFTER), ("Vancomycin", BEFORE)),
        answer=("Norepinephrine", "Vancomycin"),
        gold=("Norepinephrine", "Vancomycin"),
    )
    report = audit(trajectory)
    assert [(finding.code, finding.used) for finding in report.findings] == [("T2", True)]
    assert report.leaked_items == ("Norepinephrine",)
    assert (report.f1, report.f1_without_leaks) == (1.0, pytest.approx(2 / 3))
    assert leaked_items(trajectory, report.findings) == ("Norepinephrine",)


def test_an_item_that_stands_in_a_clean_row_too_is_kept() -> None:
    report = audit(
        run(
            drugs(("Norepinephrine", AFTER)),
            drugs(("Norepinephrine", BEFORE)),
            answer=("Norepinephrine",),
            gold=("Norepinephrine",),
        )
    )
    assert report.findings[0].used is True
    assert report.leaked_items == ()
    assert report.f1_without_leaks == 1.0


def test_a_leak_that_names_no_item_is_visible_only() -> None:
    report = audit(run(drugs(("Norepinephrine", AFTER)), answer=("Vancomycin",)))
    assert [finding.used for finding in report.findings] == [False]


def test_a_leaking_cell_does_not_taint_its_row() -> None:
    header = f"{'drug':>14} {'starttime':>19} {'stoptime':>19}"
    text = table(header, f"{'Vancomycin':>14} {BEFORE} {AFTER}")
    report = audit(run(call(text, table_name="prescriptions"), answer=("Vancomycin",)))
    assert [(finding.code, finding.used) for finding in report.findings] == [("T3", False)]
    assert report.leaked_items == ()


def test_rows_of_a_journal_leak_by_row_and_column() -> None:
    typed = Table(
        columns=("medication", "charttime"), rows=(("Norepinephrine", AFTER), ("Vancomycin", BEFORE)), total=2
    )
    text = "emar: 2 rows:\nmedication,charttime\nNorepinephrine,2150-03-04 09:00\nVancomycin,2150-03-02 09:00"
    report = audit(run(call(text, typed=typed, table_name="emar"), answer=("Norepinephrine", "Vancomycin")))
    assert report.leaked_items == ("Norepinephrine",)
    place = report.findings[0].places[0]
    assert (place.anchor, place.column, text[place.start : place.end]) == (
        "s1.c1.r1",
        "charttime",
        "2150-03-04 09:00",
    )


def test_an_answer_that_no_text_can_be_searched_for_is_said_to_be_undecided() -> None:
    report = audit(run(drugs(("Norepinephrine", AFTER)), answer=("yes",), gold=("yes",)))
    assert report.findings[0].used is None
    assert report.unsearchable == ("yes",)
    assert any("not known" in line for line in report_lines(report))


def test_a_run_without_a_time_is_not_audited_and_never_called_clean() -> None:
    report = audit(run(drugs(("Norepinephrine", AFTER)), prediction_time=None))
    assert report.findings == ()
    assert {missing.code for missing in report.not_verified} == {f"T{n}" for n in range(1, 13)}
    assert "not audited" in next(iter(report_lines(report)))


def test_hindsight_that_nothing_settles_is_not_verified() -> None:
    text = table("hadm_id hospital_expire_flag", "92000001                    0")
    report = audit(run(call(text, table_name="admissions")))
    assert report.findings == ()
    assert [missing.reason for missing in report.not_verified if missing.code == "T3"] == [
        "admissions.hospital_expire_flag is shown, and not when it was settled"
    ]


def test_a_death_is_told_by_its_flag_alone() -> None:
    text = table("hadm_id hospital_expire_flag", "92000001                    1")
    (finding,) = audit(run(call(text, table_name="admissions"))).findings
    assert (finding.code, finding.severity) == ("T3", "critical")


def test_a_stays_end_seen_in_one_result_settles_a_cell_of_another() -> None:
    stays = table(f"{'hadm_id':>8} {'admittime':>19} {'dischtime':>19}", f"92000001 {BEFORE} {AFTER}")
    flags = table("hadm_id hospital_expire_flag", "92000001                    0")
    report = audit(run(call(flags, table_name="admissions"), call(stays, table_name="admissions")))
    assert {(finding.code, finding.places[0].anchor) for finding in report.findings} == {
        ("T3", "s1.c1.r1"),
        ("T3", "s2.c1.r1"),
    }


@pytest.mark.parametrize(
    ("sql", "column", "codes"),
    [
        ("SELECT max(charttime) AS last_seen FROM emar", "last_seen", {"T2"}),
        ("SELECT max(scheduletime) AS next_dose FROM emar", "next_dose", set()),
        ("SELECT max(scheduletime) AS latest FROM emar", "latest", set()),
        ("SELECT min(dischtime) AS left_at FROM admissions", "left_at", {"T3"}),
        ("SELECT MAX(storetime) FROM labevents", "MAX(storetime)", {"T4"}),
        ("SELECT max(endtime) AS done FROM inputevents", "done", {"T6"}),
    ],
)
def test_a_column_that_sql_makes_is_judged_by_what_it_is_made_of(
    sql: str, column: str, codes: set[str]
) -> None:
    text = table(column.rjust(19), AFTER)
    report = audit(run(call(text, "ehr.run_sql_query", sql_query=sql)))
    assert {finding.code for finding in report.findings} == codes


def test_times_that_the_call_itself_named_are_no_leak() -> None:
    text = f"No records found in table 'emar' between {BEFORE} and {AFTER}."
    report = audit(run(call(text, table_name="emar", start_time=BEFORE, end_time=AFTER)))
    assert report.findings == ()


def test_a_date_in_a_note_is_told_for_information_only() -> None:
    text = table(
        f"{'text':>40} {'charttime':>19}", f"{'seen again on 2150-03-20 in the clinic':>40} {BEFORE}"
    )
    report = audit(run(call(text, table_name="radiology")))
    assert [(f.code, f.severity, f.tier) for f in report.findings] == [("T2", "info", "S")]
    assert report.leaks == ()


def test_a_cutoff_that_was_refused_is_told_for_information_only() -> None:
    asked = call("refused", "ehr.load_ehr", subject_id="90000001", timestamp=AFTER)
    assert asked.result is not None
    refused = msgspec.structs.replace(asked, result=msgspec.structs.replace(asked.result, status="refused"))
    assert [f.severity for f in audit(run(refused)).findings] == ["info"]
    assert [f.severity for f in audit(run(asked)).findings] == ["critical"]


def test_the_boundary_decides_what_happened_at_the_cutoff() -> None:
    shown = run(drugs(("Norepinephrine", "2150-03-02 17:20:00")))
    assert len(audit(shown).leaks) == 1
    assert audit(shown, policy=Policy(boundary="inclusive")).findings == ()


def test_reports_are_added_up() -> None:
    leaky = audit(run(drugs(("Norepinephrine", AFTER)), answer=("Norepinephrine",), gold=("Norepinephrine",)))
    clean = audit(
        run(drugs(("Norepinephrine", BEFORE)), answer=("Norepinephrine",), gold=("Norepinephrine",))
    )
    lines = list(total_lines([leaky, clean]))
    assert lines[0] == "2 runs: 1 with leaks, 1 without"
    assert any("future_timestamp" in line and "used in 1" in line for line in lines)
    assert lines[-1].strip() == "mean F1 1.000, 0.500 without what leaked, over 2 runs"


def test_what_a_result_says_cannot_act_on_a_terminal() -> None:
    report = audit(run(drugs(("\x1b[2JNorepinephrine", AFTER)), qid="\x1b]0;q"))
    assert "\x1b" not in "".join(report_lines(report))
