"""The EHR tools as a model meets them: what there is, what they refuse, and that they always answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.ehr.session import EhrSession
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.tools.ehr_specs import EHR_TOOLS

RowsOf = Callable[[ToolResult], list[dict[str, Any]]]
SUBJECT = 90000001

REFERENCE = {
    "load_ehr": ["subject_id", "timestamp"],
    "get_table_names": ["subject_id"],
    "get_table_description": ["table_name"],
    "get_column_names": ["subject_id", "table_name"],
    "get_records_by_time": ["subject_id", "table_name", "start_time", "end_time"],
    "get_latest_records": ["subject_id", "table_name"],
    "run_sql_query": ["subject_id", "sql_query"],
    "get_candidates_by_keyword": ["table_name", "keyword"],
    "get_candidates_by_semantic_similarity": ["table_name", "query"],
    "think": ["response"],
    "finish": ["response"],
    "get_unique_values": ["subject_id", "table_name", "column_name"],
    "get_event_counts_by_time": ["subject_id", "start_time", "end_time"],
    "get_records_by_keyword": ["subject_id", "table_name", "keyword"],
    "get_records_by_value": ["subject_id", "table_name", "column_name", "value"],
    "get_candidates_by_fuzzy_matching": ["table_name", "keywords"],
}
"""The paper's eleven tools, then the reference implementation's further five, with their arguments."""


def test_names_and_arguments_are_the_references(tools: EhrTools) -> None:
    offered = {spec.name: list(spec.parameters["properties"]) for spec in tools.specs}
    assert list(offered) == [f"ehr.{name}" for name in REFERENCE]
    assert {name: [a for a in given if a not in ("limit", "offset")] for name, given in offered.items()} == {
        f"ehr.{name}": arguments for name, arguments in REFERENCE.items()
    }
    for spec in tools.specs:
        assert spec.description
        assert not {"limit", "offset"} & set(spec.parameters["required"])


@pytest.mark.parametrize("timestamp", ["2150-03-02 17:20:00", "2150-03-02T17:20:00", "2150-03-02 17:20"])
@pytest.mark.parametrize("subject", [str(SUBJECT), SUBJECT, f"{SUBJECT}.0", float(SUBJECT), f" {SUBJECT} "])
def test_the_record_opens_at_the_cases_own_time(tools: EhrTools, timestamp: str, subject: Any) -> None:
    result = tools.call("ehr.load_ehr", {"subject_id": subject, "timestamp": timestamp})
    assert result.status == "ok"
    assert "as known before 2150-03-02 17:20:00" in result.text
    assert "How rows are written" in result.text


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


@pytest.mark.parametrize("other", ["90000002", 90000002.0, "9000000", "", "nobody"])
def test_no_tool_reads_another_patient(tools: EhrTools, other: Any) -> None:
    for spec in EHR_TOOLS:
        arguments = dict.fromkeys(spec.parameters["required"], "labevents") | {"subject_id": other}
        assert tools.call(spec.name, arguments).status == "refused", spec.name


def test_a_record_tools_patient_may_be_left_out(tools: EhrTools) -> None:
    assert tools.call("ehr.get_latest_records", {"table_name": "labevents"}).status == "ok"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ehr.get_column_names", {"table_name": "labevnts"}, "did you mean labevents"),
        ("ehr.get_column_names", {"table_name": "vitals"}, "did you mean vitalsign"),
        ("ehr.get_column_names", {"table_name": "microbiology"}, "did you mean microbiologyevents"),
        ("ehr.get_column_names", {"table_name": "xyzzy"}, "see ehr.get_table_names"),
        ("ehr.get_column_names", {}, "missing table_name"),
        ("ehr.get_column_names", {"table": "labevents"}, "did you mean table_name"),
        ("ehr.get_column_names", {"table_name": "labevents", "limit": 3}, "unknown limit"),
        ("ehr.get_column_names", {"table_name": ["labevents"]}, "wrong type list"),
        ("ehr.get_column_names", {"table_name": True}, "wrong type bool"),
        ("ehr.run_sql_query", {"query": "SELECT 1"}, "did you mean sql_query"),
        ("ehr.get_latest_records", {"table_name": "labevents", "limit": "many"}, "not a whole number"),
        ("ehr.get_latest_records", {"table_name": "labevents", "limit": float("inf")}, "not a whole number"),
        ("ehr.get_unique_values", {"table_name": "labevents", "column_name": "labl"}, "did you mean label"),
        ("ehr.get_unique_values", {"table_name": "triage", "column_name": "xyzzy"}, "it has subject_id"),
        (
            "ehr.get_candidates_by_keyword",
            {"table_name": "labevents", "keyword": "x"},
            "labevents_candidates",
        ),
        (
            "ehr.get_candidates_by_keyword",
            {"table_name": "labevents_candidates", "keyword": " | "},
            "is empty",
        ),
        (
            "ehr.get_candidates_by_fuzzy_matching",
            {"table_name": "prescriptions_atc_candidates", "keywords": "x"},
            "did you mean prescriptions_candidates",
        ),
        (
            "ehr.get_candidates_by_semantic_similarity",
            {"table_name": "labevents_candidates", "query": ["x"] * 9 + [str(n) for n in range(20)]},
            "at most 20",
        ),
        ("ehr.run_sql_query", {"sql_query": "SELECT x FROM labevents"}, "no column x"),
        ("ehr.run_sql", {}, "did you mean ehr.run_sql_query"),
        ("ehr.get_candidates_by_value", {}, "ehr.get_candidates_by_"),
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
        (
            "ehr.get_records_by_keyword",
            {"table_name": "labevents", "keyword": "a " * 30},
            "more than 20 words",
        ),
        (
            "ehr.get_records_by_value",
            {"table_name": "labevents", "column_name": "itemid", "value": "Creatinine"},
            "ehr.get_records_by_keyword",
        ),
        ("ehr.finish", {"response": 3}, "list of texts"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(
    tools: EhrTools, name: str, arguments: dict[str, Any], said: str
) -> None:
    result = tools.call(name, arguments)
    assert result.status == "error"
    assert result.text.startswith("Error: ")
    assert said in result.text


@pytest.mark.parametrize(
    "written", ["LabEvents", " labevents ", "hosp.labevents", "mimiciv_hosp.lab_events", '"labevents"']
)
def test_a_table_is_known_however_it_is_spelled(tools: EhrTools, written: str) -> None:
    right = tools.call("ehr.get_column_names", {"table_name": "labevents"})
    assert tools.call("ehr.get_column_names", {"table_name": written}) == right


def test_an_argument_that_is_null_counts_as_not_given(tools: EhrTools) -> None:
    ask = {"table_name": "labevents", "limit": None, "subject_id": None}
    assert tools.call("ehr.get_latest_records", ask) == tools.call(
        "ehr.get_latest_records", {"table_name": "labevents"}
    )


def test_a_query_gives_its_rows_and_how_to_go_on(tools: EhrTools, rows_of: RowsOf) -> None:
    ask = {"sql_query": "SELECT labevent_id, value FROM labevents ORDER BY labevent_id", "limit": 40}
    first = tools.call("ehr.run_sql_query", ask)
    assert 'rows 1 to 40; there are more, next: ehr.run_sql_query {"sql_query"' in first.text
    assert '"offset": 40}' in first.text
    assert first.table is not None
    assert first.table.total > 40
    pages = [rows_of(tools.call("ehr.run_sql_query", ask | {"offset": start})) for start in range(0, 160, 40)]
    whole = rows_of(tools.call("ehr.run_sql_query", {"sql_query": ask["sql_query"]}))
    assert [row for page in pages for row in page] == whole


def test_a_query_of_one_row_stays_plain(tools: EhrTools) -> None:
    result = tools.call("ehr.run_sql_query", {"sql_query": "SELECT count(*) AS n, NULL AS x FROM labevents"})
    assert result.text == "1 row:\nn,x\n108,"


def test_a_query_without_rows_is_empty_and_names_its_columns(tools: EhrTools) -> None:
    ask = {"sql_query": "SELECT itemid, value FROM labevents WHERE itemid = 1"}
    result = tools.call("ehr.run_sql_query", ask)
    assert (result.status, result.text) == ("empty", "0 rows (itemid, value)")


def test_a_row_that_is_too_large_is_limited_and_the_next_call_answers(tools: EhrTools) -> None:
    huge = tools.call("ehr.run_sql_query", {"sql_query": "SELECT repeat('x', 20_000_000) AS x"})
    assert (huge.status, "20,000,001 characters" in huge.text) == ("limited", True)
    assert tools.call("ehr.run_sql_query", {"sql_query": "SELECT 1 AS x"}).status == "ok"


def test_two_columns_of_one_name_are_told_apart(tools: EhrTools, rows_of: RowsOf) -> None:
    ask = {"sql_query": "SELECT a.itemid, b.itemid FROM labevents a JOIN d_labitems b USING (itemid) LIMIT 4"}
    assert set(rows_of(tools.call("ehr.run_sql_query", ask))[0]) == {"itemid", "itemid_2"}


def test_another_process_gives_the_same_bytes(tools: EhrTools, session: EhrSession) -> None:
    for name, table in tools._snapshot.tables.items():
        for tool, more in (
            ("ehr.run_sql_query", {"sql_query": f"SELECT * FROM {name}"}),
            ("ehr.get_latest_records", {"table_name": name}),
            ("ehr.get_unique_values", {"table_name": name, "column_name": table.columns[0]}),
            ("ehr.get_records_by_keyword", {"table_name": name, "keyword": "blood|a"}),
        ):
            assert tools.call(tool, more) == session.call(tool, more)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
any_text = st.text(max_size=40) | st.sampled_from(
    [
        "\ud800",
        "a\x00b",
        "'; --",
        "%",
        "NaN",
        "2150-99-99",
        "0000-00-00",
        "9999-12-31",
        "|",
        "[",
        '["a"',
        "1e999",
    ]
)
any_value = json_values | any_text | st.sampled_from([2**70, -(2**70), 10**5000, float("nan"), float("inf")])
right_values = st.sampled_from(
    [
        *(
            "labevents",
            "labevents_candidates",
            "triage",
            "d_labitems",
            "patients",
            "2150-03-02",
            str(SUBJECT),
        ),
        *("itemid", "label", "charttime", "valuenum", "known_at", "1.0", "SELECT * FROM labevents", "Blood"),
    ]
)
any_arguments = st.one_of(
    st.dictionaries(st.text(max_size=8), any_value, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            key: right_values | any_value for spec in EHR_TOOLS for key in spec.parameters["properties"]
        },
    ),
)


@st.composite
def full_calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A tool with all that it needs, each either right somewhere or anything."""
    spec = draw(st.sampled_from(EHR_TOOLS))
    return spec.name, {key: draw(right_values | any_value) for key in spec.parameters["required"]}


def assert_answers(tools: EhrTools, name: str, arguments: dict[str, Any]) -> None:
    result = tools.call(name, arguments)
    assert result.text
    assert result == tools.call(name, arguments), "the same call twice gives the same bytes"
    msgspec.json.encode(result)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from([spec.name for spec in EHR_TOOLS]) | any_text, arguments=any_arguments)
def test_any_call_gives_a_result(tools: EhrTools, name: str, arguments: dict[str, Any]) -> None:
    assert_answers(tools, name, arguments)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(full_calls())
def test_any_values_give_a_result(tools: EhrTools, call: tuple[str, dict[str, Any]]) -> None:
    assert_answers(tools, *call)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(full_calls())
def test_any_call_over_the_pipe_gives_the_same_result(
    tools: EhrTools, session: EhrSession, call: tuple[str, dict[str, Any]]
) -> None:
    try:
        json.dumps(call)
    except ValueError:
        return  # a number of so many digits is in no JSON that a model wrote
    assert msgspec.json.encode(session.call(*call)) == msgspec.json.encode(tools.call(*call))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(full_calls())
def test_any_values_give_a_result_many(tools: EhrTools, call: tuple[str, dict[str, Any]]) -> None:
    assert_answers(tools, *call)


def test_arguments_nested_without_end_give_a_result(tools: EhrTools) -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert "nested" in tools.call("ehr.think", {"response": deep}).text
