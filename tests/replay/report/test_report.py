"""Reports: the paper's own figures come back from samples made to them, and no failure passes for success."""

from __future__ import annotations

import json
import math
import random
import statistics
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from clinseek_core.scoring import t_quantile
from clinseek_fixtures import bench_cases_path, bundled_cases
from clinseek_replay.report import ReportRun, compare, report, report_run
from clinseek_replay.report.heat import heat_lines, heat_map, heat_values
from clinseek_replay.report.outcomes import outcome_of
from clinseek_replay.report.written import comparison_lines, report_csv, report_lines, report_page
from clinseek_replay.trajectory import Call, Result, Step, Trajectory
from clinseek_tui.cli import main


def made_run(qid: str, task: str, f1: float | None, **fields: Any) -> ReportRun:
    known = {
        "source": "x", "qid": qid, "task": task, "model": "m", "mode": "agentic", "status": "answered",
        "stop_reason": "finish", "f1": f1, "f1_without_leaks": f1, "leaks": 0, "rounds": 3,
        "calls": {"ehr.run_sql_query": 2}, "outcomes": {"ehr.run_sql_query": {"gave": 2}},
        "loops": False, "cause": "",
    }  # fmt: skip
    return ReportRun(**(known | fields))


def sample(n: int, mean: float, radius: float, seed: int) -> list[float]:
    """n numbers with exactly this mean and this Student-t radius."""
    draw = random.Random(seed)
    raw = [draw.gauss(0, 1) for _ in range(n)]
    centre, spread = statistics.fmean(raw), statistics.stdev(raw)
    wanted = radius * math.sqrt(n) / t_quantile(0.975, n - 1)
    return [mean + (value - centre) / spread * wanted for value in raw]


PUBLISHED = [
    ("agentehr_diagnoses_ccs", 100, 55.4, 3.26),
    ("agentehr_labevents", 100, 38.5, 3.57),
    ("agentehr_microbiologyevents", 100, 27.6, 4.59),
    ("agentehr_procedures_ccs", 100, 31.7, 3.17),
    ("agentehr_transfers", 100, 16.7, 4.43),
]
"""ClinSeek-35B-A3B's row of the paper's table with radii (the overall row of it is 34.0 ± 1.98)."""


def test_the_papers_figures_come_back_from_samples_made_to_them() -> None:
    runs = [
        made_run(f"{task}{place}", task, value / 100)
        for seed, (task, n, mean, radius) in enumerate(PUBLISHED)
        for place, value in enumerate(sample(n, mean, radius, seed))
    ]
    (table, _) = report(runs).tables
    assert table.title == "AgentEHR-Bench"
    for row, (_, n, mean, radius) in zip(table.rows, PUBLISHED, strict=False):
        (cell,) = row.cells
        assert cell is not None
        assert cell.f1 is not None
        assert (cell.f1.n, round(100 * cell.f1.mean, 1)) == (n, mean)
        assert round(100 * (cell.f1.radius or 0), 2) == radius
    overall = table.rows[-1].cells[0]
    assert overall is not None
    assert overall.f1 is not None
    # Samples are pooled: equal sizes make it the mean of the five.
    assert round(100 * overall.f1.mean, 1) == 34.0


@pytest.mark.parametrize(
    ("agentic", "curated", "n"), [((90.7, 44.8), (81.0, 45.9), (720, 1080))], ids=["the paper's first model"]
)
def test_risk_decision_and_overall_add_up_as_in_the_paper(
    agentic: tuple[float, float], curated: tuple[float, float], n: tuple[int, int]
) -> None:
    runs = []
    for mode, means in (("agentic", agentic), ("curated", curated)):
        for task, mean, count in zip(("Inpatient_Mortality", "labevents"), means, n, strict=True):
            values = sample(count, mean, 2.0, 7)
            runs += [made_run(f"{task}{k}", task, v / 100, mode=mode) for k, v in enumerate(values)]
    (table, _) = report(runs).tables
    risk, decision, overall = table.rows
    assert [row.name for row in table.rows] == ["Risk prediction", "Decision making", "Overall"]
    found = [100 * row.agentic_less_curated["m"].difference.mean for row in (risk, decision)]
    assert found == [pytest.approx(9.7), pytest.approx(-1.1)]
    means = [100 * cell.f1.mean for cell in overall.cells if cell and cell.f1]
    assert [round(mean, 1) for mean in means] == [63.2, 59.9]


MULTIMODAL = {
    "cxr_finding_presence": 182,
    "cxr_finding_enumeration": 218,
    "cxr_change_comparison": 214,
    "decompensation": 125,
    "in_hospital_mortality": 125,
    "phenotyping": 125,
}
"""Sizes of the six groups: the paper gives their sum, 989; these alone make all its overall columns."""


@pytest.mark.parametrize(
    ("agentic", "curated", "overall"),
    [
        ((78.3, 43.6, 54.8, 92.0, 74.4, 45.5), (55.2, 31.6, 38.0, 93.6, 69.6, 11.5), (62.6, 47.5, 15.1)),
        ((79.5, 41.3, 51.5, 64.0, 68.8, 26.1), (64.8, 29.7, 34.7, 90.4, 70.4, 13.8), (54.9, 48.0, 6.9)),
        ((61.4, 34.9, 43.8, 71.2, 62.4, 12.3), (56.3, 24.7, 35.0, 91.2, 87.2, 12.4), (46.9, 47.5, -0.6)),
    ],
    ids=["Claude Opus 4.6", "Claude Sonnet 4.6", "Kimi K2.5"],
)
def test_the_multimodal_groups_pool_to_the_papers_overall(
    agentic: tuple[float, ...], curated: tuple[float, ...], overall: tuple[float, float, float]
) -> None:
    runs = [
        made_run(f"{task}{place}", task, value / 100, mode=mode)
        for mode, means in (("agentic", agentic), ("curated", curated))
        for seed, ((task, n), mean) in enumerate(zip(MULTIMODAL.items(), means, strict=True))
        for place, value in enumerate(sample(n, mean, 5.0, seed))
    ]
    (table, _) = report(runs).tables
    assert table.title == "Multimodal"
    *groups, pooled = table.rows
    for row, published in zip(groups, zip(agentic, curated, strict=True), strict=True):
        assert [round(100 * cell.f1.mean, 1) for cell in row.cells if cell and cell.f1] == list(published)
    found = [cell.f1 for cell in pooled.cells if cell and cell.f1]
    assert [f1.n for f1 in found] == [989, 989]
    assert [100 * f1.mean for f1 in found] == pytest.approx(overall[:2], abs=0.1)
    # Two figures of one place each, less each other.
    assert 100 * pooled.agentic_less_curated["m"].difference.mean == pytest.approx(overall[2], abs=0.2)
    assert all(2.0 < 100 * (f1.radius or 0) < 4.0 for f1 in found), "the paper: around three points"


@pytest.mark.parametrize(
    ("means", "average"),
    [
        ((58.5, 42.1, 27.2, 31.1, 20.9), 36.0),
        ((36.6, 17.7, 16.2, 21.9, 18.1), 22.1),
        ((46.9, 33.7, 18.9, 27.9, 22.1), 29.9),
    ],
    ids=["Claude Opus 4.6", "Qwen3.5-35B-A3B", "Kimi K2.5"],
)
def test_agentehrs_average_pools_its_five_tasks(means: tuple[float, ...], average: float) -> None:
    runs = [
        made_run(f"{task}{place}", task, value / 100)
        for (task, n, _, radius), mean in zip(PUBLISHED, means, strict=True)
        for place, value in enumerate(sample(n, mean, radius, 3))
    ]
    (cell,) = report(runs).tables[0].rows[-1].cells
    assert cell is not None
    assert cell.f1 is not None
    assert (cell.f1.n, 100 * cell.f1.mean) == (500, pytest.approx(average, abs=0.06))


def call(name: str, text: str, status: Any = "ok") -> Call:
    return Call(
        anchor="s1.c1",
        id="",
        name=name,
        arguments={},
        result=Result(status=status, text=text, full_characters=len(text)),
    )


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (call("ehr.run_sql_query", "a\n1"), "gave"),
        (call("ehr.run_sql_query", "nothing", "empty"), "empty"),
        (call("ehr.run_sql_query", "SQL Execution Error: no such column: x", "error"), "sql"),
        (
            call("ehr.get_latest_records", "Error: No timestamp column found in table 'triage'.", "error"),
            "table",
        ),
        (call("ehr.keyword", "Error: there is no tool `ehr.keyword`", "error"), "tool"),
        (call("image.chest_xray_classifier", '{"output":{"error":"no GPU"},"metadata":{}}'), "image"),
        (call("image.chest_xray_classifier", '{"output":{"Edema":0.4}}'), "gave"),
        (call("browser.search", "HTTP Error 503: down", "error"), "infra"),
        (call("ehr.run_sql_query", "stopped at its limit of time", "limited"), "limit"),
        (call("browser.search", "refused: an identifier", "refused"), "refused"),
        (call("browser.open", "something odd", "error"), "other"),
        (Call(anchor="s1.c1", id="", name="ehr.think", arguments={}), "unanswered"),
    ],
    ids=range(12),
)
def test_what_became_of_a_call(made: Call, outcome: str) -> None:
    assert outcome_of(made) == outcome


def test_two_sets_are_compared_question_by_question() -> None:
    base = [made_run(f"q{k}", "labevents", 0.2, calls={"ehr.get_latest_records": 9}) for k in range(4)]
    student = [
        made_run(f"q{k}", "labevents", 0.5, calls={"ehr.run_sql_query": 3, "browser.search": 1}, loops=k == 1)
        for k in range(1, 5)
    ]
    found = compare(base, student, ("base", "student"))
    task, everything = found.tasks
    assert task.difference is not None
    assert task.difference.difference.mean == pytest.approx(0.3)
    assert (task.difference.better, task.difference.only_first, task.difference.only_second) == (3, 1, 1)
    assert everything.task == "all"
    assert found.mean_of_tasks == (pytest.approx(0.2), pytest.approx(0.5))
    first, second = found.habits
    assert (first.kinds, second.kinds) == ({"fixed EHR": 36}, {"raw SQL": 12, "web": 4})
    assert (first.loops, second.loops) == (0, 1)
    text = "\n".join(comparison_lines(found))
    assert "+30.0" in text
    assert "raw SQL" in text


def test_a_run_is_told_by_what_it_did() -> None:
    steps = (
        Step(number=1, calls=(call("ehr.think", "x"),)),
        Step(number=2, calls=(call("ehr.finish", "Finish"),)),
    )
    run = Trajectory(
        run_id="r", source="s", format="f", qid="q", task="labevents", model="m", steps=steps,
        answer=("a",), gold=("a", "b"), status="answered", answer_source="finish",
    )  # fmt: skip
    found = report_run(run)
    assert (found.mode, found.rounds, found.calls) == ("agentic", 2, {"ehr.finish": 1, "ehr.think": 1})
    assert found.f1 == pytest.approx(2 / 3)
    assert report_run(msgspec.structs.replace(run, steps=(Step(number=1, text="a"),))).mode == "curated"


def two_modes() -> list[ReportRun]:
    return [
        made_run(f"q{k}", task, value + 0.1 * k, mode=mode, cause="R1 missed" if k else "")
        for mode, value in (("agentic", 0.5), ("curated", 0.3))
        for task in ("labevents", "Inpatient_Mortality", "<task>|odd")
        for k in range(3)
    ]


def test_a_report_is_the_same_in_every_form() -> None:
    made = report(two_modes(), {"q0": 1.0, "q1": 0.5, "q2": 0.9})
    text = "\n".join(report_lines(made))
    assert "agentic less curated" in text
    assert "+20.0" in text
    assert "ceiling" in text
    assert "<task>\\|odd" in text
    rows = report_csv(made).splitlines()
    assert rows[0].startswith("table,row,model,mode,n,f1")
    assert sum(row.startswith("EHR-Bench,Overall") for row in rows) == 2
    assert rows[0].endswith(",causes")
    # Of the six runs in a column, the two first of each task have nothing that failed.
    assert sum(row.endswith(",R1 missed: 4") for row in rows if row.startswith("EHR-Bench,Overall")) == 2
    page = report_page(made)
    assert "<task>" not in page
    assert "&lt;task&gt;" in page
    svg = heat_map(made)
    ET.fromstring(svg)
    columns, values, differences = heat_values(made)
    assert (columns, differences) == (("m",), True)
    assert all(value == [pytest.approx(0.2)] for _, value in values)
    says, _, head, *rows = heat_lines(made)
    assert says == "agentic less curated, F1 in percent"
    assert head.split() == ["m"]
    assert rows
    assert all(row.endswith("░░░  +20") and "\n" not in row for row in rows)


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for case in bundled_cases()[::2]:
        main(["run", case.qid, "--headless", "--web", "off", "--out", str(folder / f"{case.qid}.jsonl")])
    return folder


def test_the_command_prints_writes_and_compares(journals: Path, tmp_path: Path, capsys: Any) -> None:
    capsys.readouterr()
    assert main(["report", str(journals), "--cases", str(bench_cases_path()), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] == 2
    out = tmp_path / "report.html"
    assert main(["report", str(journals), "--to", "html", "--out", str(out)]) == 0
    assert "<svg" in out.read_text()
    assert main(["report", str(journals), "--to", "html", "--out", str(out)]) == 2
    assert main(["report", "--compare", str(journals), str(journals)]) == 0
    assert "+0.0" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["report"])
