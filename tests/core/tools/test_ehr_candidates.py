"""The tools that search candidate tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools
from clinseek_fixtures import world_path

RowsOf = Callable[[ToolResult], list[dict[str, Any]]]
LABS, DIAGNOSES = "labevents_candidates", "diagnoses_icd_candidates"


def ask(tools: EhrTools, name: str, table: str, **more: Any) -> ToolResult:
    return tools.call(f"ehr.get_candidates_by_{name}", {"table_name": table, **more})


def test_a_keyword_finds_every_word_and_is_no_pattern(tools: EhrTools, rows_of: RowsOf) -> None:
    found = rows_of(ask(tools, "keyword", DIAGNOSES, keyword="FAILURE heart"))
    assert found
    assert all(word in row["candidate"].lower() for row in found for word in ("heart", "failure"))
    assert ask(tools, "keyword", DIAGNOSES, keyword="(PORTABLE").status == "empty"
    assert ask(tools, "keyword", DIAGNOSES, keyword="heart.*").status == "empty"


def test_names_come_with_their_codes(tools: EhrTools, rows_of: RowsOf) -> None:
    (creatinine, *_) = rows_of(ask(tools, "keyword", LABS, keyword="creatinine"))
    assert creatinine == {
        "candidate": "Creatinine",
        "itemid": 50912,
        "fluid": "Blood",
        "category": "Chemistry",
    }
    (near, *_) = rows_of(ask(tools, "fuzzy_matching", LABS, keywords="creatinin"))
    assert (near["candidate"], near["itemid"]) == ("Creatinine", 50912)


def test_several_keywords_are_each_told_with_their_names(tools: EhrTools, rows_of: RowsOf) -> None:
    result = ask(tools, "keyword", LABS, keyword="creat|sodium", limit=1)
    assert [(row["keyword"], row["candidate"]) for row in rows_of(result)] == [
        ("creat", "Creatinine"),
        ("sodium", "Sodium"),
    ]
    assert '"offset": 1}' in result.text
    assert "3 with 'creat', 2 with 'sodium'" in result.text
    assert result.table is not None
    assert result.table.total == 5


def test_pages_of_names_follow_each_other(tools: EhrTools, rows_of: RowsOf) -> None:
    whole = rows_of(ask(tools, "keyword", LABS, keyword="a", limit=100))
    pages = [
        row
        for start in range(0, 60, 7)
        for row in rows_of(ask(tools, "keyword", LABS, keyword="a", limit=7, offset=start))
    ]
    assert pages == whole
    assert len(whole) > 7


@pytest.mark.parametrize(
    ("name", "argument", "asked"),
    [
        ("semantic_similarity", "query", "hart failure"),
        ("semantic_similarity", "query", ["Heart Failure"]),
        ("semantic_similarity", "query", '["heart failures"]'),
        ("fuzzy_matching", "keywords", "hart failure, unspecifed"),
        ("fuzzy_matching", "keywords", ["heart failure unspecified"]),
    ],
)
def test_a_name_is_found_by_what_is_near_it(
    tools: EhrTools, rows_of: RowsOf, name: str, argument: str, asked: Any
) -> None:
    rows = rows_of(ask(tools, name, DIAGNOSES, **{argument: asked, "limit": 3}))
    assert any("heart failure" in row["candidate"].lower() for row in rows)
    assert argument not in rows[0], "what was asked for is told where it was several things"
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


@pytest.mark.parametrize(
    ("name", "argument"), [("semantic_similarity", "query"), ("fuzzy_matching", "keywords")]
)
def test_each_of_several_queries_has_its_own_limit(
    tools: EhrTools, rows_of: RowsOf, name: str, argument: str
) -> None:
    rows = rows_of(ask(tools, name, LABS, **{argument: ["sodium", "potassium"], "limit": 2}))
    for query in ("sodium", "potassium"):
        assert 1 <= len({row["candidate"] for row in rows if row[argument] == query}) <= 2


def test_a_table_without_names_says_where_there_are_some() -> None:
    """A tree alone has no CCS classes."""
    tools = EhrTools(open_snapshot(world_path(), 90000001, datetime(2150, 3, 2, 17, 20), Policy()))
    result = ask(tools, "keyword", "diagnoses_ccs_candidates", keyword="sepsis")
    assert (result.status, "did you mean diagnoses_icd_candidates" in result.text) == ("empty", True)
