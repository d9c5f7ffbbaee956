"""A cases file in our shape or the benchmark's, and what is said of one that can't be used."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.case_files import load_cases
from clinseek_core.errors import InputError

ROW = {
    "qid": "q1",
    "subject_id": 90000001,
    "prediction_time": "2150-03-03 06:00:01",
    "question": "Will the stay exceed three days?",
}


def load(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "cases.jsonl"
    path.write_text(text)
    return load_cases(path)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROW),
        json.dumps([ROW]),
        json.dumps(ROW, indent=2),
        "\n\n" + json.dumps(ROW) + "\n",
        json.dumps(ROW | {"subject_id": "90000001", "prediction_time": "2150-03-03T06:00:01"}),
    ],
    ids=["one line", "a list", "one pretty object", "blank lines", "numbers as text"],
)
def test_every_shape_of_file_gives_the_same_case(tmp_path: Path, text: str) -> None:
    (case,) = load(tmp_path, text)
    assert (case.qid, case.subject_id) == ("q1", 90000001)
    assert case.prediction_time == datetime(2150, 3, 3, 6, 0, 1)
    assert case.gold is None


@pytest.mark.parametrize(
    ("fields", "gold"),
    [
        ({"gold": ["a"]}, ("a",)),
        ({"label": "yes"}, ("yes",)),
        ({"label": [{"name": "a"}, {"name": "b"}]}, ("a", "b")),
        ({"label": [{"name": "Lasix", "atc_name": "High-ceiling diuretics"}]}, ("High-ceiling diuretics",)),
        ({"label": [{"name": "Lasix", "atc_name": ""}, {"name": None}]}, ("Lasix",)),
        ({"ground_truth": ["c"]}, ("c",)),
        ({"label": []}, ()),
    ],
)
def test_gold_is_found_under_any_of_its_names(
    tmp_path: Path, fields: dict[str, Any], gold: tuple[str, ...]
) -> None:
    assert load(tmp_path, json.dumps(ROW | fields))[0].gold == gold


def test_the_benchmarks_other_names_are_understood(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key not in {"qid", "question"}}
    (case,) = load(tmp_path, json.dumps(row | {"query_id": "q9", "query": "Why?", "task": "diagnoses_ccs"}))
    assert (case.qid, case.question, case.task) == ("q9", "Why?", "diagnoses_ccs")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("no json", ":1: not JSON"),
        (json.dumps(ROW) + "\n{broken", ":2: not JSON"),
        ("[1]", "record 1: a case is a JSON object, this is int"),
        (json.dumps({"qid": "q"}), "a case needs qid, subject_id, prediction_time and question"),
        (json.dumps(ROW | {"prediction_time": "soon"}), "prediction_time"),
        (json.dumps(ROW | {"candidates": "yes"}), "candidates"),
    ],
)
def test_a_file_that_can_not_be_used_names_place_reason_and_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=r"cases\.jsonl") as raised:
        load(tmp_path, text)
    assert said in str(raised.value)


def test_a_binary_file_is_no_cases_file(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    with pytest.raises(InputError, match="not readable as text"):
        load_cases(path)
