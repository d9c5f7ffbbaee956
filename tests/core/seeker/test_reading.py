"""Tool results as text: the rows that are in them, and nothing made up for the rest."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from clinseek_core.seeker.reading import moment, number, rows, whole
from clinseek_core.seeker.sources import read_columns, read_tables


def test_rows_follow_a_line_of_words():
    text = '2 rows\nlabel,latest\n"Bilirubin, Total",1.9\nSodium,126'
    assert rows(text, "label") == (
        {"label": "Bilirubin, Total", "latest": "1.9"},
        {"label": "Sodium", "latest": "126"},
    )


def test_a_cell_may_hold_lines():
    assert (
        rows('1 row\ncharttime,text\n2150,"FINDINGS:\nNo effusion."', "text")[0]["text"]
        == "FINDINGS:\nNo effusion."
    )


def test_a_row_cut_off_is_left_out():
    text = "3 rows\na,b\n1,2\n3\n\n[Cut here: 10 of 20 characters are shown.]"
    assert rows(text, "a", "b") == ({"a": "1", "b": "2"},)


def test_no_rows_where_a_column_is_missing_or_the_call_failed():
    assert rows("1 row\na,b\n1,2", "a", "c") == ()
    assert rows("Error: there is no table a, b", "a", "b") == ()
    assert rows("", "a") == ()


def test_tables_and_columns_as_the_tools_list_them(seeking):
    case = seeking.cases[0]
    tools = seeking.tools_of(case.subject_id, case.prediction_time)
    tables = read_tables(tools.call("ehr.get_table_names", {}).text)
    assert tables == {
        name: table.rows for name, table in tools._snapshot.tables.items() if not name.endswith("candidates")
    }
    columns = set(tools._snapshot.tables["pyxis"].columns)
    for tool in ("ehr.get_column_names", "ehr.get_table_description"):
        assert read_columns(tools.call(tool, {"table_name": "pyxis"}).text) | {"known_at"} == columns


@settings(deadline=None, max_examples=150)
@given(text=st.text() | st.text(alphabet='a,"\n\r\0 '))
@example('a\n"' + "x" * 200_000)
@example("a,b\n1,2\x00")
def test_no_text_is_too_strange(text):
    for row in rows(text, "a"):
        assert "a" in row
    read_tables(text)
    read_columns(text)
    assert number(text) is None or number(text) == float(text)
    assert whole(text) >= 0
    assert moment(text) is None or moment(text).tzinfo is None
