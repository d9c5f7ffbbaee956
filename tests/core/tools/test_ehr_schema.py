"""The tools that tell what the record holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clinseek_core.candidates import CANDIDATE_TABLES
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools

RowsOf = Callable[[ToolResult], list[dict[str, Any]]]


def test_every_table_is_listed_with_its_rows(tools: EhrTools, rows_of: RowsOf) -> None:
    listed = rows_of(tools.call("ehr.get_table_names", {}))
    assert [row["table"] for row in listed] == [*CONTRACT, *CANDIDATE_TABLES]
    assert {row["table"]: row["rows"] for row in listed}["labevents"] == 108
    assert {row["kind"] for row in listed} == {"record", "dictionary", "candidates"}
    assert {row["rows"] for row in listed if row["kind"] == "candidates"} == {None}


def test_a_tables_columns_come_with_their_types(tools: EhrTools, rows_of: RowsOf) -> None:
    result = tools.call("ehr.get_column_names", {"table_name": "labevents"})
    types = {row["column"]: row["type"] for row in rows_of(result)}
    assert (types["charttime"], types["valuenum"], types["known_at"]) == ("TIMESTAMP", "DOUBLE", "TIMESTAMP")
    assert "label, fluid, category by itemid in d_labitems" in result.text


def test_a_tables_description_says_when_its_rows_and_cells_become_known(
    tools: EhrTools, rows_of: RowsOf
) -> None:
    assert (
        "later of storetime and charttime"
        in tools.call("ehr.get_table_description", {"table_name": "labevents"}).text
    )
    rows = rows_of(tools.call("ehr.get_table_description", {"table_name": "admissions"}))
    assert {row["column"]: row["null_until"] for row in rows}["dischtime"] == "dischtime"


def test_every_table_can_be_described_and_every_column_means_something(
    tools: EhrTools, rows_of: RowsOf
) -> None:
    for name in CONTRACT:
        rows = rows_of(tools.call("ehr.get_table_description", {"table_name": name}))
        assert [row["column"] for row in rows] == list(tools._snapshot.tables[name].columns)
        assert all(row["meaning"] and row["type"] for row in rows), name
    for name in CANDIDATE_TABLES:
        text = tools.call("ehr.get_table_description", {"table_name": name}).text
        assert CANDIDATE_TABLES[name].source in text
