"""The tools that give records: which rows, in what order, what is told of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.tools.rowtext import cell_text

RowsOf = Callable[[ToolResult], list[dict[str, Any]]]
ALL_TIME = {"start_time": "2100-01-01", "end_time": "2199-12-31"}


def ask(tools: EhrTools, name: str, table: str, **more: Any) -> ToolResult:
    return tools.call(f"ehr.{name}", {"table_name": table, **more})


def all_rows(tools: EhrTools, rows_of: RowsOf, table: str) -> list[dict[str, Any]]:
    return rows_of(ask(tools, "get_records_by_time", table, **ALL_TIME, limit=1000))


def clock_of(row: dict[str, Any]) -> str:
    return str(row.get("charttime") or row.get("chartdate") or row.get("starttime") or row.get("intime"))


@pytest.mark.parametrize(
    "table", ["labevents", "chartevents", "emar", "inputevents", "transfers", "vitalsign", "omr"]
)
def test_by_time_gives_all_rows_oldest_first(afterwards: EhrTools, rows_of: RowsOf, table: str) -> None:
    rows = all_rows(afterwards, rows_of, table)
    assert len(rows) == afterwards._snapshot.tables[table].rows
    assert rows == sorted(rows, key=clock_of)


@pytest.mark.parametrize("table", ["labevents", "chartevents", "emar", "inputevents", "transfers"])
def test_latest_gives_the_same_rows_newest_first(afterwards: EhrTools, rows_of: RowsOf, table: str) -> None:
    newest = rows_of(ask(afterwards, "get_latest_records", table, limit=1000))
    assert newest == all_rows(afterwards, rows_of, table)[::-1]


def test_latest_gives_more_than_the_rows_of_the_last_moment(afterwards: EhrTools, rows_of: RowsOf) -> None:
    rows = rows_of(ask(afterwards, "get_latest_records", "chartevents"))
    assert len(rows) == 20
    assert len({row["charttime"] for row in rows}) > 1


@pytest.mark.parametrize(
    ("start", "end"), [("2150-06-11 14:00", "2150-06-11 18:30:00"), ("2150-06-12", "2150-06-12")]
)
def test_a_span_holds_its_ends_and_a_bare_date_its_whole_day(
    afterwards: EhrTools, rows_of: RowsOf, start: str, end: str
) -> None:
    rows = rows_of(ask(afterwards, "get_records_by_time", "chartevents", start_time=start, end_time=end))
    last = f"{end} 23:59:59" if len(end) == 10 else end
    expected = [
        row for row in all_rows(afterwards, rows_of, "chartevents") if start <= row["charttime"] <= last
    ]
    assert rows == expected
    assert rows


def test_a_date_is_inside_every_span_of_its_day(afterwards: EhrTools, rows_of: RowsOf) -> None:
    (day, *_) = [row["chartdate"] for row in all_rows(afterwards, rows_of, "omr")]
    found = ask(
        afterwards, "get_records_by_time", "omr", start_time=f"{day} 08:00:00", end_time=f"{day} 09:00:00"
    )
    assert {row["chartdate"] for row in rows_of(found)} == {day}


@pytest.mark.parametrize(
    "written", ["2150-06-12T00:00:00Z", "2150/6/12", "2150-06-12 0:00", "2150-06-12 00:00:00.000+00:00"]
)
def test_a_time_is_read_however_it_is_written(afterwards: EhrTools, written: str) -> None:
    def found(start: str) -> ToolResult:
        return ask(afterwards, "get_records_by_time", "emar", start_time=start, end_time="2150-06-13")

    assert found(written).table == found("2150-06-12 00:00:00").table


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("get_records_by_time", ALL_TIME),
        ("get_latest_records", {}),
        ("get_records_by_keyword", {"keyword": "blood"}),
        ("get_records_by_value", {"column_name": "fluid", "value": "Blood"}),
    ],
)
def test_pages_follow_each_other_without_gap_or_overlap(
    afterwards: EhrTools, rows_of: RowsOf, name: str, more: dict[str, Any]
) -> None:
    whole = rows_of(ask(afterwards, name, "labevents", **more, limit=1000))
    pages = []
    for start in range(0, len(whole), 37):
        page = ask(afterwards, name, "labevents", **more, limit=37, offset=start)
        assert page.table is not None
        assert page.table.total == len(whole)
        assert (f'"offset": {start + 37}}}' in page.text) == (start + 37 < len(whole))
        pages += rows_of(page)
    assert {tuple(row.items()) for row in pages} <= {tuple(row.items()) for row in whole} or len(
        pages
    ) == len(whole)
    assert [row["labevent_id"] for row in pages] == [row["labevent_id"] for row in whole]


def test_past_the_last_row_it_says_so(afterwards: EhrTools) -> None:
    result = ask(afterwards, "get_latest_records", "triage", offset=50)
    assert (result.status, "none after the first 3" in result.text) == ("empty", True)


def test_a_page_ends_before_it_floods_a_context(
    afterwards: EhrTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinseek_core.tools.paging._PAGE_CHARACTERS", 2000)
    result = ask(afterwards, "get_records_by_time", "labevents", **ALL_TIME)
    assert result.table is not None
    assert 0 < len(result.table.rows) < result.table.total
    assert f'"offset": {len(result.table.rows)}}}' in result.text
    monkeypatch.setattr("clinseek_core.tools.paging._PAGE_CHARACTERS", 1)
    note = ask(afterwards, "get_latest_records", "discharge").table
    assert note is not None
    assert len(note.rows) == 1, "a single row is never cut"


def test_rows_without_times_are_given_all_and_it_says_why(tools: EhrTools, rows_of: RowsOf) -> None:
    for name, more in (("get_records_by_time", ALL_TIME), ("get_latest_records", {})):
        assert "without times" in ask(tools, name, "patients", **more).text
        assert len(rows_of(ask(tools, name, "d_labitems", **more, limit=1000))) == 69
        assert rows_of(ask(tools, name, "labevents_candidates", **more))


@pytest.mark.parametrize("table", ["triage", "drgcodes", "diagnoses_icd", "poe_detail", "emar_detail"])
def test_tables_without_a_time_of_their_own_go_by_when_they_were_known(
    afterwards: EhrTools, rows_of: RowsOf, table: str
) -> None:
    rows = all_rows(afterwards, rows_of, table)
    assert rows
    assert [row["known_at"] for row in rows] == sorted(row["known_at"] for row in rows)


def test_when_a_row_was_known_is_shown_where_it_is_not_when_it_happened(
    afterwards: EhrTools, rows_of: RowsOf
) -> None:
    assert "known_at" not in all_rows(afterwards, rows_of, "vitalsign")[0]
    assert "known_at" in all_rows(afterwards, rows_of, "labevents")[0]


def test_an_empty_table_is_empty_and_no_error(tools: EhrTools) -> None:
    for name, more in (
        ("get_records_by_time", ALL_TIME),
        ("get_latest_records", {}),
        ("get_records_by_keyword", {"keyword": "x"}),
        ("get_records_by_value", {"column_name": "hadm_id", "value": "1"}),
        ("get_unique_values", {"column_name": "hadm_id"}),
    ):
        assert ask(tools, name, "emar", **more).status == "empty", name


def test_nothing_found_says_of_how_many_and_from_when_to_when(tools: EhrTools) -> None:
    result = ask(tools, "get_records_by_time", "labevents", start_time="1900-01-01", end_time="1900-01-02")
    assert result.status == "empty"
    assert "no rows between 1900-01-01 00:00:00 and 1900-01-02 23:59:59" in result.text
    assert "of 108 in the table, from 2149-06-03 09:20:00 to 2150-03-02 15:05:00" in result.text


def test_codes_carry_their_labels(afterwards: EhrTools, rows_of: RowsOf) -> None:
    row = next(row for row in all_rows(afterwards, rows_of, "labevents") if row["itemid"] == 50912)
    assert (row["label"], row["fluid"], row["category"]) == ("Creatinine", "Blood", "Chemistry")
    assert all(row["label"] for row in all_rows(afterwards, rows_of, "chartevents"))
    assert all(row["long_title"] for row in all_rows(afterwards, rows_of, "diagnoses_icd"))


@pytest.mark.parametrize(
    "keyword",
    ["creatinine", "CREAT blood", "sodium|potassium", "hem|glucose urine", "blood gas", "(", "%", "_"],
)
@pytest.mark.parametrize("table", ["labevents", "pharmacy", "radiology", "discharge", "poe"])
def test_a_keyword_finds_the_rows_that_hold_its_words(
    afterwards: EhrTools, rows_of: RowsOf, table: str, keyword: str
) -> None:
    def holds(row: dict[str, Any]) -> bool:
        texts = "\n".join(str(cell) for cell in row.values() if isinstance(cell, str)).lower()
        return any(all(word.lower() in texts for word in choice.split()) for choice in keyword.split("|"))

    found = rows_of(ask(afterwards, "get_records_by_keyword", table, keyword=keyword, limit=1000))
    # Times are no texts, but none of these words is in a time.
    every = rows_of(ask(afterwards, "get_latest_records", table, limit=1000))
    assert found == [row for row in every if holds(row)]


def test_a_keyword_that_was_meant_as_a_pattern_is_told_so(tools: EhrTools) -> None:
    result = ask(tools, "get_records_by_keyword", "labevents", keyword="^Creat.*")
    assert result.status == "empty"
    assert "plain words" in result.text


@pytest.mark.parametrize(
    ("table", "column", "value", "matches"),
    [
        ("labevents", "itemid", "50912", lambda cell: cell == 50912),
        ("labevents", "itemid", "50912.0", lambda cell: cell == 50912),
        ("labevents", "itemid", 50912.0, lambda cell: cell == 50912),
        ("labevents", "valuenum", "1.20", lambda cell: cell == 1.2),
        ("labevents", "value", "1.20", lambda cell: cell in ("1.2", "1.20")),
        ("labevents", "value", "neg", lambda cell: cell == "NEG"),
        ("labevents", "FLAG", " Abnormal ", lambda cell: cell == "abnormal"),
        ("labevents", "label", "creatinine", lambda cell: cell == "Creatinine"),
        ("labevents", "comments", "NULL", lambda cell: cell is None),
        ("labevents", "flag", "", lambda cell: cell is None),
        ("labevents", "charttime", "2150-06-12", lambda cell: cell[:10] == "2150-06-12"),
        ("labevents", "charttime", "2150-06-12 06:10", lambda cell: cell == "2150-06-12 06:10:00"),
        ("omr", "chartdate", "2150-01-01", lambda cell: cell == "2150-01-01"),
        ("diagnoses_icd", "icd_code", "N179", lambda cell: cell == "N179"),
        ("diagnoses_icd", "icd_code", "n17.9", lambda cell: cell == "N179"),
        ("medrecon", "ndc", "1", lambda cell: cell == "1"),
    ],
)
def test_a_value_is_compared_as_what_its_column_holds(
    afterwards: EhrTools, rows_of: RowsOf, table: str, column: str, value: Any, matches: Callable[[Any], bool]
) -> None:
    asked = ask(afterwards, "get_records_by_value", table, column_name=column, value=value, limit=1000)
    every = rows_of(ask(afterwards, "get_latest_records", table, limit=1000))
    expected = [row for row in every if matches(row[column.lower()])]
    assert [tuple(row.values()) for row in rows_of(asked)] == [
        tuple(row[name] for name in row if name in (asked.table.columns if asked.table else ()))
        for row in expected
    ]


def test_a_value_that_is_not_there_is_told_the_nearest_that_are(tools: EhrTools) -> None:
    result = ask(tools, "get_records_by_value", "labevents", column_name="label", value="Creatinin")
    assert result.status == "empty"
    assert "there are 'Creatinine'" in result.text


def test_unique_values_come_in_order_with_their_counts(afterwards: EhrTools, rows_of: RowsOf) -> None:
    every = all_rows(afterwards, rows_of, "labevents")
    for column in ("valueuom", "itemid", "valuenum", "charttime", "label"):
        counts: dict[Any, int] = {}
        for row in every:
            counts[row[column]] = counts.get(row[column], 0) + 1
        missing = counts.pop(None, 0)
        result = ask(afterwards, "get_unique_values", "labevents", column_name=column, limit=1000)
        assert [(row[column], row["rows"]) for row in rows_of(result)] == sorted(counts.items())
        assert (f"{missing} of {len(every)} rows have none" in result.text) == bool(missing)
        assert f": {len(counts)} value" in result.text


def test_unique_values_are_paged_and_codes_labelled(afterwards: EhrTools, rows_of: RowsOf) -> None:
    result = ask(afterwards, "get_unique_values", "chartevents", column_name="itemid", limit=3)
    assert "values 1 to 3 here, next: ehr.get_unique_values" in result.text
    assert [set(row) for row in rows_of(result)] == [{"itemid", "label", "rows"}] * 3


def test_event_counts_name_every_table_and_agree_with_the_rows(afterwards: EhrTools, rows_of: RowsOf) -> None:
    span = {"start_time": "2150-06-11", "end_time": "2150-06-12"}
    result = afterwards.call("ehr.get_event_counts_by_time", span)
    counts = {row["table"]: row for row in rows_of(result)}
    record = [name for name, table in afterwards._snapshot.tables.items() if not table.dictionary]
    assert [*counts, "patients"] == [*record[1:], record[0]]
    assert "patients without times" in result.text
    for name, row in counts.items():
        rows = rows_of(ask(afterwards, "get_records_by_time", name, **span, limit=1000))
        assert row["events"] == len(rows), name
        assert (row["first"] is None) == (not rows)


def test_event_counts_of_empty_tables_are_zero(tools: EhrTools, rows_of: RowsOf) -> None:
    rows = rows_of(tools.call("ehr.get_event_counts_by_time", ALL_TIME))
    assert {row["table"]: row["events"] for row in rows}["emar"] == 0


def test_every_cell_of_every_table_reads_back_from_every_tools_text(
    tools: EhrTools, afterwards: EhrTools, rows_of: RowsOf
) -> None:
    for each in (tools, afterwards):
        for name, table in each._snapshot.tables.items():
            rows_of(ask(each, "get_latest_records", name, limit=300))
            stored = each._snapshot.select(f"SELECT * FROM {name} LIMIT 300").rows
            read = rows_of(each.call("ehr.run_sql_query", {"sql_query": f"SELECT * FROM {name} LIMIT 300"}))
            assert [list(map(cell_text, row)) for row in stored] == [
                [cell_text(row[column]) for column in table.columns] for row in read
            ]
