from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.models.tool_names import canonical, undotted

OFFERED = (
    "ehr.load_ehr",
    "ehr.run_sql_query",
    "ehr.think",
    "ehr.finish",
    "browser.search",
    "browser.open",
    "image.image_visualizer",
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ehr.load_ehr", "ehr.load_ehr"),
        ("ehr_load_ehr", "ehr.load_ehr"),
        ("ehr__load_ehr", "ehr.load_ehr"),
        ("ehr-load-ehr", "ehr.load_ehr"),
        ("load_ehr", "ehr.load_ehr"),
        (" Load_EHR ", "ehr.load_ehr"),
        ("functions.ehr_load_ehr", "ehr.load_ehr"),
        ("finish", "ehr.finish"),
        ("search", "browser.search"),
        ("browser_open", "browser.open"),
        ("ehr.search", "browser.search"),
        ("browser.run_sql_query", "ehr.run_sql_query"),
        ("image_visualizer", "image.image_visualizer"),
        ("image.image_visualizer", "image.image_visualizer"),
        ("find", "find"),
        ("ehr.keyword", "ehr.keyword"),
        ("mcp.search", "mcp.search"),
        ("", ""),
        ("ehr.", "ehr."),
        ("sql_query", "ehr.run_sql_query"),
        ("ehr.sql_query", "ehr.run_sql_query"),
        ("visualizer", "image.image_visualizer"),
        ("ehr.visualizer", "image.image_visualizer"),
        ("load_ehr_data", "ehr.load_ehr"),
        ("default_api.run_sql_query", "ehr.run_sql_query"),
        ("functions.ehr.run_sql_query", "ehr.run_sql_query"),
        ("mcp.sql_query", "mcp.sql_query"),
        ("ehr_retrieve_pubmed", "ehr_retrieve_pubmed"),
        ("final_answer", "final_answer"),
        ("fin", "fin"),
    ],
)
def test_a_written_name_is_brought_back_or_left_alone(written, meant):
    assert canonical(written, OFFERED) == meant


def test_bare_search_is_the_web_whatever_else_searches():
    assert canonical("search", ("ehr.search", "browser.search")) == "browser.search"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("keyword", "ehr.get_records_by_keyword"),
        ("candidates_by_keyword", "ehr.get_candidates_by_keyword"),
        ("get_candidates_by_value", "get_candidates_by_value"),
    ],
)
def test_of_several_tools_that_hold_the_words_the_nearest_in_length_is_meant(written, meant):
    assert canonical(written, ("ehr.get_candidates_by_keyword", "ehr.get_records_by_keyword")) == meant


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=80))
def test_any_name_is_either_on_offer_or_unchanged_and_can_go_out(written):
    meant = canonical(written, OFFERED)
    assert meant in OFFERED or meant == written
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", undotted(written))


@pytest.mark.parametrize("name", OFFERED)
def test_names_without_dots_come_back(name):
    assert canonical(undotted(name), OFFERED) == name
