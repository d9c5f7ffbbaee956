"""Rows of released benchmarks are told by their fields; an agent is asked what it is to seek itself."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.case import BenchCase
from clinseek_core.case_files import load_bench_cases, load_cases

TEXT = {
    "qid": "ehr_bench_decision_making_7",
    "subject_id": 90000001,
    "hadm_id": None,
    "prediction_time": "2150-03-03 06:00:01",
    "latest_event_time": "2150-03-03 06:00:00",
    "task": "emar",
    "task_type": "decision_making",
    "instruction": "Which drug is given next?",
    "input": "## Patient Demographics [None]\n- age: 60\n\n## Emar [2150-03-03 06:00:00]\n- Heparin\n",
    "question": "<patient_timeline>Heparin</patient_timeline> Which drug is given next?",
    "label": ["Furosemide"],
    "candidates": ["Furosemide", "Heparin"],
    "task_info": {"target": "{}"},
}
IMAGE = {
    "qid": "ehrxqa_test_7",
    "subject_id": 90000002,
    "prediction_time": "2150-06-13 09:00:00",
    "task": "ehrxqa_image",
    "task_family": "qa",
    "question": "<task_instruction>\nLook.\n</task_instruction>\n<patient_info>\nid 9\n</patient_info>\n"
    "<question>\nIs there an effusion?\n</question>",
    "label": [{"name": "1"}],
    "source_benchmark": "ehrxqa",
    "study_ids": [95000001],
    "image_paths": ["mimic-cxr/2.0.0/files/p90/p90000002/s95000001/ab-cd.jpg"],
    "input_text": "### labevents\n",
    "snapshot_spec": {"time_policy": "inclusive_leq_cutoff"},
}
AGENTEHR = {
    "subject_id": 90000001,
    "hadm_id": 90200001,
    "prediction_time": "2150-03-03 06:00:00",
    "task": "labevents",
    "label": [{"name": "Lactate", "itemid": 900001, "fluid": "Blood", "category": "Chemistry"}],
}


def load(tmp_path: Path, row: dict[str, Any], name: str = "x.jsonl") -> BenchCase:
    path = tmp_path / name
    path.write_text(json.dumps(row))
    return load_bench_cases(path)[0]


@pytest.mark.parametrize("name", ["ClinSeek-Bench_text.json", "ehr_bench.json", "anything.jsonl"])
def test_the_question_of_a_text_row_never_holds_the_curated_record(tmp_path: Path, name: str) -> None:
    bench = load(tmp_path, TEXT, name)
    assert bench.case.question == "Which drug is given next?"
    assert bench.curated == TEXT["input"]
    assert (bench.kind, bench.group) == ("decision_making", "Medication_suggestion")
    assert (bench.case.gold, bench.case.answer.kind) == (("Furosemide",), "list")
    assert bench.latest_event_time == datetime(2150, 3, 3, 6)


def test_a_label_of_one_string_asks_for_one_answer(tmp_path: Path) -> None:
    row = TEXT | {"task": "Inpatient_Mortality", "task_type": "risk_prediction", "label": "yes"}
    bench = load(tmp_path, row)
    assert (bench.case.gold, bench.case.answer.kind) == (("yes",), "one")
    assert bench.group == "Mortality_Hospital"


def test_an_ehr_bench_row_without_a_time_is_asked_a_second_after_its_last_event(tmp_path: Path) -> None:
    row = {name: TEXT[name] for name in ("instruction", "input", "subject_id", "candidates")}
    info = {"task": "emar", "label": ["Furosemide"], "task_type": "decision_making"}
    bench = load(tmp_path, row | {"query_id": "q", "task_info": info})
    assert bench.case.prediction_time == datetime(2150, 3, 3, 6, 0, 1)
    assert (bench.case.task, bench.case.gold) == ("emar", ("Furosemide",))


def test_an_agentehr_row_gets_its_tasks_question_and_name(tmp_path: Path) -> None:
    bench = load(tmp_path, AGENTEHR)
    assert "labevents_candidates" in bench.case.question
    assert bench.case.qid == "labevents_90000001_90200001"
    assert (bench.kind, bench.group, bench.case.gold) == ("agentehr", "labevents", ("Lactate",))
    assert bench.case.candidates == ()


def test_an_image_row_asks_without_the_patients_ids_and_names_its_films(tmp_path: Path) -> None:
    bench = load(tmp_path, IMAGE)
    assert bench.case.question == "Look.\nIs there an effusion?"
    assert bench.case.gold == ("yes",)
    (film,) = bench.case.images
    assert (film.study_id, film.dicom_id) == (95000001, "ab-cd")
    assert bench.curated == IMAGE["input_text"]


@pytest.mark.parametrize(
    ("fields", "group"),
    [
        ({}, "CXR finding presence"),
        ({"label": [{"name": "edema"}, {"name": "atelectasis"}]}, "CXR finding enumeration"),
        ({"study_ids": [1, 2]}, "CXR change comparison"),
        ({"task": "medmod_radiology"}, "CXR finding enumeration"),
        ({"task": "medmod_decompensation"}, "Mortality (24 h)"),
        ({"task": "medmod_in_hospital_mortality"}, "Inpatient mortality"),
        ({"task": "medmod_phenotyping"}, "Phenotype (CCS groups)"),
        ({"task": "ehrxqa_table"}, ""),
    ],
)
def test_an_image_row_is_counted_in_the_papers_group(
    tmp_path: Path, fields: dict[str, Any], group: str
) -> None:
    assert load(tmp_path, IMAGE | fields).group == group


def test_what_is_written_as_a_row_is_read_back_the_same(tmp_path: Path) -> None:
    for row in (TEXT, IMAGE, AGENTEHR):
        bench = load(tmp_path, row)
        assert load(tmp_path, bench.row()) == bench
        assert load_cases(tmp_path / "x.jsonl") == (bench.case,)
