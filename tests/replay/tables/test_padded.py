"""Tables as pandas pads them, read back cell by cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clinseek_replay.tables import TextTable, tables_of_text

NAMES = ["hadm_id", "charttime", "text", "value", "COUNT(*)", "max(stoptime)", "drug", "flag"]
WORDS = st.text(alphabet="ab1 .,|-:'", min_size=0, max_size=12).map(str.strip)


def padded(columns: list[str], rows: list[list[str]]) -> str:
    """As `DataFrame.to_string(index=False)`: each column as wide as its longest text, all to the right."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    return "\n".join(
        " ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in [columns, *rows]
    )


def read(text: str) -> TextTable:
    (table,) = tables_of_text(text)
    return table


@st.composite
def frames(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    columns = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    cell = st.one_of(WORDS, st.sampled_from(["nan", "None", "2150-03-02 10:00:00", "x" * 60]))
    rows = draw(
        st.lists(st.lists(cell, min_size=len(columns), max_size=len(columns)), min_size=1, max_size=6)
    )
    return columns, rows


@given(frames())
def test_every_cell_comes_back_where_it_stands(frame: tuple[list[str], list[list[str]]]) -> None:
    columns, rows = frame
    text = padded(columns, rows)
    table = read(text)
    if table.form != "padded":
        return  # a cell made it look like another form's table
    if all(cell.sure for row in table.rows for cell in row):
        assert list(table.columns) == columns
        assert [[cell.text for cell in row] for row in table.rows] == rows
    for row in table.rows:
        for cell in row:
            assert cell.text == ("" if cell.start is None else text[cell.start : cell.end])


@given(frames())
def test_a_place_in_a_cell_leads_to_the_cell(frame: tuple[list[str], list[list[str]]]) -> None:
    table = read(padded(*frame))
    for r, row in enumerate(table.rows):
        for c, cell in enumerate(row):
            if cell.start is not None and cell.end is not None:
                assert table.at(cell.start) == table.at(cell.end - 1) == (r, c)


def test_newlines_inside_a_cell_do_not_end_its_row() -> None:
    columns, rows = (
        ["note_id", "text", "charttime"],
        [["1", "FINDINGS:\n\nclear", "2150-03-01"], ["2", "-", "nan"]],
    )
    text = padded(columns, rows)
    table = read(text)
    assert [[cell.text for cell in row] for row in table.rows] == rows


def test_a_long_note_pads_every_row_and_costs_nothing() -> None:
    table = read(padded(["text", "hadm_id"], [["word " * 4000 + "end", "7"], ["short", "8"]]))
    assert [table.cell(row, 1).text for row in range(2)] == ["7", "8"]
    assert table.cell(1, 0).text == "short"


def test_a_result_cut_within_a_row_keeps_the_rows_before_and_the_cells_there_are() -> None:
    whole = padded(["stay_id", "value", "charttime"], [["1", "a b", "2150-03-01 10:00:00"]] * 3)
    table = read(whole[:-20])
    assert len(table) == 3
    assert table.cell(2, 0).text == "1"
    assert table.cell(1, 2).text == "2150-03-01 10:00:00"


def test_a_header_that_lost_its_first_spaces_still_tells_the_columns() -> None:
    text = padded(["id", "name"], [["90000001", "a b"], ["90000002", "c"]]).strip()
    assert [[cell.text for cell in row] for row in read(text).rows] == [
        ["90000001", "a b"],
        ["90000002", "c"],
    ]


def test_a_name_of_two_words_is_one_column_where_a_row_runs_over_its_space() -> None:
    table = read(padded(["n", "first value"], [["1", "twelve letters"], ["2", "x"]]))
    assert table.columns == ("n", "first value")
    assert all(cell.sure for row in table.rows for cell in row)


def test_a_name_that_may_be_one_or_two_columns_is_not_guessed() -> None:
    table = read(padded(["n", "first value"], [["1", "x"], ["2", "y"]]))
    assert [cell.sure for cell in next(table.rows)][-1] is False


def test_a_header_of_the_record_is_not_doubted_for_an_empty_column() -> None:
    table = read(padded(["hadm_id", "deathtime", "insurance"], [["1", "", "Other"], ["2", "", "Other"]]))
    assert all(cell.sure for row in table.rows for cell in row)


def test_candidate_searches_give_a_table_for_each_keyword() -> None:
    block = padded(["itemid", "candidate", "similarity_score"], [["50912", "Creatinine", "80"]])
    text = "".join(
        f"--- Results for keyword '{word}' (threshold: 0, limit: 5) ---\n{block}\n\n" for word in "ab"
    )
    first, second = tables_of_text(text, ("labevents_candidates",))
    assert first.name == second.name == "labevents_candidates"
    assert (first.first_row, second.first_row) == (0, 1)
    assert second.cell(0, 1).text == "Creatinine"
    assert text[second.cell(0, 1).start : second.cell(0, 1).end] == "Creatinine"


def test_prose_is_no_table() -> None:
    assert tables_of_text("Query executed successfully but returned no results.") == ()
    assert tables_of_text("Available Tables:\n\nEHR Tables:\nadmissions, edstays\n") == ()
    assert tables_of_text("") == ()
