"""Our own rows, markdown, CSV and JSON, with the places of their cells; and which tables a query reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.journal import Table
from clinseek_core.tools.rowtext import as_text, cell_text
from clinseek_replay.tables import TextTable, tables_in, tables_of_sql, tables_of_text
from clinseek_replay.trajectory import Call, Result

CELLS = st.one_of(
    st.none(),
    st.integers(-5, 99_999_999),
    st.sampled_from(
        ["2150-03-02 10:00:00", "2150-03-01 23:59:00", "Furosemide", "a,b", 'say "x"', "line\nline", "NULL"]
    ),
    st.text(max_size=6),
)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    columns = draw(
        st.lists(st.sampled_from(["charttime", "storetime", "drug", "dose", "x"]), min_size=2, unique=True)
    )
    row = st.lists(CELLS, min_size=len(columns), max_size=len(columns))
    return columns, draw(st.lists(row, min_size=1, max_size=6))


def texts(table: TextTable) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def call_with(text: str, table: Table | None = None, **arguments: str) -> Call:
    result = Result(status="ok", text=text, full_characters=len(text), table=table)
    return Call(
        anchor="s1.c1", id="1", name="ehr.get_latest_records", arguments=dict(arguments), result=result
    )


@given(blocks())
def test_our_rows_are_read_from_their_text_alone(block: tuple[list[str], list[list[Any]]]) -> None:
    columns, rows = block
    text = "emar: 3 rows newest first:\n" + as_text(columns, rows)
    found = tables_in(call_with(text, table_name="emar"))
    if not found or found[0].form != "rows":
        return
    table = found[0]
    at = [list(table.columns).index(name) for name in columns]
    assert [[row[index] for index in at] for row in texts(table)] == [
        [cell_text(value) or "" for value in row] for row in rows
    ]


@given(blocks())
def test_a_recorded_table_decides_the_cells_and_the_text_their_places(
    block: tuple[list[str], list[list[Any]]],
) -> None:
    columns, rows = block
    typed = Table(columns=tuple(columns), rows=tuple(map(tuple, rows)), total=len(rows), source="emar")
    text = "emar: rows newest first:\n" + as_text(columns, rows)
    (table,) = tables_in(call_with(text, typed))
    assert texts(table) == [[cell_text(value) or "" for value in row] for row in rows]
    assert table.name == "emar"
    for row in table.rows:
        for cell in row:
            if cell.start is not None and cell.text in {"Furosemide", "a,b"}:
                assert (
                    cell.text[-1] in text[cell.start : cell.end]
                    or "{" in text[cell.start : cell.end]
                    or (text[cell.start : cell.end].startswith("["))
                )


def test_a_time_without_its_date_gets_it_from_the_line_above() -> None:
    text = "vitalsign: 3 rows:\ncharttime,pain\n# 2150-03-02\n13:56,8\n14:45,6\n# 2150-03-03\n00:10,1"
    (table,) = tables_in(call_with(text, table_name="vitalsign"))
    assert [row[0].text for row in table.rows] == [
        "2150-03-02 13:56:00",
        "2150-03-02 14:45:00",
        "2150-03-03 00:10:00",
    ]
    assert text[table.cell(2, 0).start : table.cell(2, 0).end] == "00:10"


def test_a_cell_told_once_for_all_rows_has_that_one_place() -> None:
    rows = [[1, "2150-03-02 10:00:00", f"d{n}"] for n in range(4)]
    text = "x: 4 rows:\n" + as_text(["subject_id", "charttime", "drug"], rows)
    (table,) = tables_in(call_with(text))
    assert {
        text[row[table.index["subject_id"]].start : row[table.index["subject_id"]].end] for row in table.rows
    } == {"1"}


def test_markdown() -> None:
    text = "Here:\n\n| drug | charttime |\n|:---|---:|\n| a \\| b | 2150-03-02 |\n| c |\n\nand | so on"
    (table,) = tables_of_text(text)
    assert table.columns == ("drug", "charttime")
    assert texts(table) == [["a \\| b", "2150-03-02"], ["c", ""]]
    assert text[table.cell(0, 1).start : table.cell(0, 1).end] == "2150-03-02"


def test_csv_with_a_note_in_quotes() -> None:
    text = 'hadm_id,text\n1,"one, ""two""\nthree"\n2,\n'
    (table,) = tables_of_text(text)
    assert texts(table) == [["1", 'one, "two"\nthree'], ["2", ""]]


@pytest.mark.parametrize(
    "value",
    [
        [{"drug": "a", "at": "2150-03-02"}, {"drug": "b\n", "at": None}],
        {"columns": ["drug", "at"], "rows": [["a", "2150-03-02"], ["b\n", None]]},
        {"table": "emar", "data": [{"drug": "a", "at": "2150-03-02"}, {"drug": "b\n", "at": None}]},
    ],
    ids=["list of objects", "columns and rows", "within an object"],
)
def test_rows_in_json(value: Any) -> None:
    text = json.dumps(value, indent=1)
    table = next(table for table in tables_of_text(text) if "drug" in table.columns)
    assert texts(table) == [["a", "2150-03-02"], ["b\n", ""]]
    assert text[table.cell(0, 1).start : table.cell(0, 1).end] == "2150-03-02"


@given(st.text(alphabet='{}[]",:ab1\\ \n|-#=', max_size=80))
def test_any_text_gives_tables_or_none(text: str) -> None:
    for table in tables_of_text(text, ("emar",)):
        for row in table.rows:
            for cell in row:
                assert cell.start is None or 0 <= cell.start <= (cell.end or 0) <= len(text)


def test_deep_json_is_no_table() -> None:
    assert tables_of_text("[" * 100_000) == ()


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT * FROM admissions", ("admissions",)),
        ('select a.x from "Admissions" a join hosp.icustays i on 1=1', ("admissions", "icustays")),
        ("WITH t AS (SELECT * FROM poe), u AS (SELECT 1) SELECT * FROM t JOIN u JOIN emar", ("poe", "emar")),
        (
            "SELECT 'from nowhere' -- from me\nFROM labevents l, d_labitems d WHERE l.x = d.x",
            ("labevents", "d_labitems"),
        ),
        ("SELECT EXTRACT(hour FROM charttime) FROM emar", ("charttime", "emar")),
        ("SELECT 1", ()),
    ],
)
def test_the_tables_a_query_reads(sql: str, names: tuple[str, ...]) -> None:
    assert tables_of_sql(sql) == names
