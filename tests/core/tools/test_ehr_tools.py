"""The EHR tools as a model meets them: what they say, what they refuse, and that they always answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_fixtures import world_path

SUBJECT, CUTOFF = 90000001, datetime(2150, 3, 2, 17, 20)


@pytest.fixture(scope="module")
def tools() -> EhrTools:
    return EhrTools(open_snapshot(world_path(), SUBJECT, CUTOFF, Policy()))


@pytest.fixture(scope="module")
def session() -> Iterator[EhrSession]:
    with EhrSession(world_path(), SUBJECT, CUTOFF, Policy()) as opened:
        yield opened


def rows_of(result: ToolResult) -> list[dict[str, str]]:
    """The rows as a model reads them: the text after its first line, as CSV."""
    return list(csv.DictReader(io.StringIO(result.text.split("\n", 1)[1])))


def test_there_are_the_papers_eleven_each_with_a_schema(tools: EhrTools) -> None:
    assert [spec.name for spec in tools.specs] == [
        "ehr.load_ehr",
        "ehr.get_table_names",
        "ehr.get_table_description",
        "ehr.get_column_names",
        "ehr.get_records_by_time",
        "ehr.get_latest_records",
        "ehr.run_sql_query",
        "ehr.get_candidates_by_keyword",
        "ehr.get_candidates_by_semantic_similarity",
        "ehr.think",
        "ehr.finish",
    ]
    assert all(spec.parameters["type"] == "object" and spec.description for spec in EHR_TOOLS)


@pytest.mark.parametrize("timestamp", ["2150-03-02 17:20:00", "2150-03-02T17:20:00"])
def test_the_record_opens_at_the_cases_own_time(tools: EhrTools, timestamp: str) -> None:
    result = tools.call("ehr.load_ehr", {"subject_id": str(SUBJECT), "timestamp": timestamp})
    assert result.status == "ok"
    assert "as known before 2150-03-02 17:20:00" in result.text


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (
            {"subject_id": str(SUBJECT), "timestamp": "2200-01-01 00:00:00"},
            "with timestamp 2150-03-02 17:20:00",
        ),
        ({"subject_id": "90000002", "timestamp": "2150-03-02 17:20:00"}, f"patient {SUBJECT} only"),
    ],
)
def test_another_time_or_patient_is_refused_in_words(
    tools: EhrTools, arguments: dict[str, Any], remedy: str
) -> None:
    result = tools.call("ehr.load_ehr", arguments)
    assert (result.status, remedy in result.text) == ("refused", True)


def test_no_tool_reads_another_patient(tools: EhrTools) -> None:
    for spec in EHR_TOOLS:
        arguments = dict.fromkeys(spec.parameters["required"], "labevents") | {"subject_id": "90000002"}
        assert tools.call(spec.name, arguments).status == "refused", spec.name


def test_text_and_table_say_the_same(tools: EhrTools) -> None:
    result = tools.call("ehr.get_latest_records", {"table_name": "labevents", "limit": 5})
    assert result.table is not None
    read = rows_of(result)
    assert len(read) == len(result.table.rows) == 5
    assert [row["itemid"] for row in read] == [
        str(row[result.table.columns.index("itemid")]) for row in result.table.rows
    ]
    assert result.text.startswith(f"labevents: {result.table.total} rows newest first; rows 1 to 5 here")


def test_pages_follow_each_other_without_gap_or_overlap(tools: EhrTools) -> None:
    ask = {"table_name": "labevents", "start_time": "2149-01-01", "end_time": "2150-12-31"}
    whole = tools.call("ehr.get_records_by_time", ask).table
    assert whole is not None
    pages = [
        tools.call("ehr.get_records_by_time", ask | {"limit": 10, "offset": start}).table
        for start in range(0, whole.total, 10)
    ]
    assert tuple(row for page in pages if page for row in page.rows) == whole.rows


def test_a_bare_end_date_means_the_whole_day(tools: EhrTools) -> None:
    ask = {"table_name": "triage", "start_time": "2150-03-02", "end_time": "2150-03-02"}
    assert tools.call("ehr.get_records_by_time", ask).status == "ok"


def test_nothing_found_is_empty_and_says_of_how_many(tools: EhrTools) -> None:
    ask = {"table_name": "labevents", "start_time": "1900-01-01", "end_time": "1900-01-02"}
    result = tools.call("ehr.get_records_by_time", ask)
    assert result.status == "empty"
    assert "no rows between 1900-01-01 00:00:00 and 1900-01-02 23:59:59" in result.text


def test_a_tables_description_says_when_its_rows_and_cells_become_known(tools: EhrTools) -> None:
    result = tools.call("ehr.get_table_description", {"table_name": "labevents"})
    assert "later of storetime and charttime" in result.text
    admissions = tools.call("ehr.get_table_description", {"table_name": "admissions"}).table
    assert admissions is not None
    assert ("dischtime", "dischtime") in {(row[0], row[3]) for row in admissions.rows}


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ehr.get_column_names", {"table_name": "labevnts"}, "did you mean labevents"),
        ("ehr.get_column_names", {}, "missing table_name"),
        ("ehr.get_column_names", {"table_name": "labevents", "limit": 3}, "unknown limit"),
        ("ehr.get_column_names", {"table_name": ["labevents"]}, "wrong type list"),
        ("ehr.get_latest_records", {"table_name": "d_labitems"}, "has no times"),
        ("ehr.get_latest_records", {"table_name": "labevents", "limit": "many"}, "not a whole number"),
        ("ehr.get_candidates_by_keyword", {"table_name": "labevents", "keyword": "x"}, "no candidate table"),
        ("ehr.get_candidates_by_keyword", {"table_name": "labevents_candidates", "keyword": " "}, "is empty"),
        ("ehr.run_sql_query", {"sql_query": "SELECT x FROM labevents"}, '"x" not found'),
        ("ehr.run_sql", {}, "did you mean ehr.run_sql_query"),
        (
            "ehr.get_records_by_time",
            {"table_name": "labevents", "start_time": "noon", "end_time": "2150-01-01"},
            "not a time",
        ),
        (
            "ehr.get_records_by_time",
            {"table_name": "labevents", "start_time": "2150-01-02", "end_time": "2150-01-01"},
            "before start_time",
        ),
        ("ehr.finish", {"response": 3}, "list of texts"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(
    tools: EhrTools, name: str, arguments: dict[str, Any], said: str
) -> None:
    result = tools.call(name, arguments)
    assert result.status == "error"
    assert said in result.text


def test_a_keyword_finds_every_word_and_is_no_pattern(tools: EhrTools) -> None:
    ask = {"table_name": "diagnoses_icd_candidates", "keyword": "HEART failure"}
    found = tools.call("ehr.get_candidates_by_keyword", ask)
    assert all(
        "heart" in r["candidate"].lower() and "failure" in r["candidate"].lower() for r in rows_of(found)
    )
    assert tools.call("ehr.get_candidates_by_keyword", ask | {"keyword": "(PORTABLE"}).status == "empty"


@pytest.mark.parametrize("query", ["hart failure", "heart failures", ["Heart Failure"]])
def test_a_misspelt_name_is_found(tools: EhrTools, query: Any) -> None:
    ask = {"table_name": "diagnoses_icd_candidates", "query": query, "limit": 3}
    names = [row["candidate"].lower() for row in rows_of(tools.call(EHR_TOOLS[8].name, ask))]
    assert any("heart failure" in name for name in names)


def test_another_process_gives_the_same_bytes(tools: EhrTools, session: EhrSession) -> None:
    for name in ("labevents", "pharmacy", "radiology", "d_labitems"):
        ask = {"sql_query": f"SELECT * FROM {name}"}
        assert tools.call("ehr.run_sql_query", ask) == session.call("ehr.run_sql_query", ask)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
any_text = st.text(max_size=40) | st.sampled_from(["\ud800", "a\x00b", "'; --", "%", "NaN", "2150-99-99"])
any_value = json_values | any_text | st.sampled_from([2**70, -(2**70), float("nan"), float("inf")])
any_arguments = st.one_of(
    st.dictionaries(st.text(max_size=8), any_value, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            key: any_value | st.sampled_from(["labevents", "labevents_candidates", "2150-03-02", "90000001"])
            for spec in EHR_TOOLS
            for key in spec.parameters["properties"]
        },
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from([spec.name for spec in EHR_TOOLS]) | any_text, arguments=any_arguments)
def test_any_call_gives_a_result(
    tools: EhrTools, session: EhrSession, name: str, arguments: dict[str, Any]
) -> None:
    assert tools.call(name, arguments).text
    assert session.call(name, arguments).text


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from([spec.name for spec in EHR_TOOLS]), text=any_text)
def test_any_text_as_every_argument_gives_a_result(tools: EhrTools, name: str, text: str) -> None:
    required = next(spec for spec in EHR_TOOLS if spec.name == name).parameters["required"]
    assert tools.call(name, dict.fromkeys(required, text)).text
