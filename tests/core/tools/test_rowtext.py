"""Rows as text: small, plain, and every cell can be read back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clinseek_core.tools.rowtext import as_text, cell_text, read_back, read_block

Rows = list[tuple[Any, ...]]


def assert_reads_back(columns: list[str], rows: Rows, *, plain: bool = False) -> str:
    text = as_text(columns, rows, plain=plain)
    block = read_block(text)
    assert set(block.columns) == set(columns)
    assert list(block.rows) == [
        {name: cell_text(value) for name, value in zip(columns, row, strict=True)} for row in rows
    ]
    return text


times = st.builds(
    "2150-03-{:02d} {:02d}:{:02d}:{:02d}".format,
    st.integers(1, 3),
    st.integers(0, 23),
    st.sampled_from([0, 0, 30]),
    st.sampled_from([0, 0, 0, 59]),
)
tricky = st.sampled_from(
    [
        *(
            '""',
            '"',
            "a,b",
            "a\nb",
            "\r\n",
            " x",
            "x ",
            "# a=1",
            "#",
            "[1]",
            "[12]",
            "NULL",
            "null",
            "a=b",
            "=",
        ),
        *(
            "{x}",
            "number in {a}",
            "later of {a} and {b}",
            "12:30",
            "12:30:00",
            "2150-03-03 06:00",
            "2150-03-03",
        ),
        *(
            "in all rows: a=1",
            "repeated: ",
            "-",
            "90000001-12",
            "1.0",
            "01",
            "1e5",
            "-0",
            "\u2028",
            "\x85",
            ":",
        ),
        "a text that is long enough to be told once, and is",
    ]
)
cells = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(max_size=12),
    tricky,
    times,
    st.lists(st.none() | st.integers(0, 3) | st.text(max_size=4), max_size=3),
)
names = st.lists(
    st.sampled_from(["a", "b", "charttime", "known_at", "value", "count_star()", "a b"])
    | st.text(max_size=8),
    min_size=1,
    max_size=7,
    unique=True,
)


@st.composite
def related_tables(draw: st.DrawFn) -> tuple[list[str], Rows]:
    """Tables whose columns have much in common: few values, runs of one value, copies, pieces of another."""
    columns = draw(names)
    count = draw(st.integers(0, 24))
    made: list[list[Any]] = []
    for _ in columns:
        kind = draw(st.sampled_from(["any", "few", "runs", "copy", "piece", "number", "later", "times"]))
        few = draw(st.lists(cells, min_size=1, max_size=2))
        if kind == "any":
            column = draw(st.lists(cells, min_size=count, max_size=count))
        elif kind == "times":
            column = draw(st.lists(times, min_size=count, max_size=count))
        elif kind == "runs" or not made:
            column = [few[(row // 5) % len(few)] for row in range(count)]
        else:
            column = [_related(kind, [other[row] for other in made], few) for row in range(count)]
            for row in draw(st.lists(st.integers(0, count - 1), max_size=2)) if count else ():
                column[row] = draw(cells)
        made.append(column)
    return columns, list(zip(*made, strict=True))


def _related(kind: str, before: list[Any], few: list[Any]) -> Any:
    last = cell_text(before[-1])
    if kind == "copy":
        return before[-1]
    if kind == "piece":
        return None if last is None else f"90000001-{last}"
    if kind == "number":
        return 1.5 if last == "1.50" else None
    if kind == "later":
        texts = list(map(cell_text, before[-2:]))
        return None if None in texts else max(map(str, texts))
    return few[0]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(related_tables())
@example((["a"], [(None,), (None,), (None,)]))
@example((["a"], [("",), (None,), ("NULL",)]))
@example((["a", "b"], [(None, "x")] * 4 + [(None, None)] * 4))
@example((["a"], [("2150-03-03 06:00:00",), ("2150-03-04 06:00:00",), ("06:00",), (None,)] * 3))
def test_every_cell_reads_back(table: tuple[list[str], Rows]) -> None:
    assert_reads_back(*table)
    assert_reads_back(*table, plain=True)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(related_tables())
def test_every_cell_reads_back_many(table: tuple[list[str], Rows]) -> None:
    assert_reads_back(*table)


def test_one_row_and_two_stand_as_plain_csv() -> None:
    assert as_text(["n", "x"], [(3, None)]) == "n,x\n3,"
    assert (
        as_text(["itemid", "value"], [(50912, "1.2"), (50912, "1.4")]) == "itemid,value\n50912,1.2\n50912,1.4"
    )


def test_what_all_rows_share_is_told_once() -> None:
    rows = [(90000001, None, number, "Blood") for number in (1, 2, 3)]
    text = assert_reads_back(["subject_id", "hadm_id", "value", "fluid"], rows)
    assert text == (
        "in all rows: subject_id=90000001, fluid=Blood\nempty in all rows: hadm_id\nvalue\n1\n2\n3"
    )


def test_rows_that_are_all_the_same_are_still_rows() -> None:
    assert assert_reads_back(["a", "b"], [(1, 2)] * 3) == "in all rows: b=2\na\n1\n1\n1"


def test_a_few_rows_may_say_otherwise() -> None:
    rows = [(number, "Administered" if number % 5 else "Flushed, twice") for number in range(1, 11)]
    text = assert_reads_back(["emar_seq", "event_txt"], rows)
    assert text.splitlines()[:2] == ["unless a row says otherwise: event_txt=Administered", "emar_seq"]
    assert '5,event_txt="Flushed, twice"' in text.splitlines()


def test_a_cell_that_others_of_its_row_tell_is_a_formula() -> None:
    rows = [
        (f"90000001-{n}", n, f"1.{n}0", 1 + n / 10, f"2150-03-03 0{n}:00:00", f"2150-03-03 0{10 - n}:00:00")
        for n in range(1, 9)
    ]
    rows = [(*row, max(row[4], row[5])) for row in rows]
    columns = ["emar_id", "emar_seq", "value", "valuenum", "charttime", "storetime", "known_at"]
    assert assert_reads_back(columns, rows).splitlines()[0] == (
        "in all rows: emar_id=90000001-{emar_seq}, valuenum=number in {value},"
        " known_at=later of {charttime} and {storetime}"
    )


def test_columns_that_seldom_change_stand_on_lines_of_their_own() -> None:
    rows = [(n, 98000000 + n // 5, f"2150-03-0{1 + n // 5} 06:00:00", n % 7) for n in range(10)]
    text = assert_reads_back(["labevent_id", "specimen_id", "charttime", "value"], rows)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# specimen_id=98000000, charttime=2150-03-01 06:00",
        "# specimen_id=98000001, charttime=2150-03-02 06:00",
    ]


def test_times_of_a_day_stand_under_its_date() -> None:
    rows = [(f"2150-03-0{1 + n // 6} {n:02d}:15:00", 90 + n) for n in range(12)]
    text = assert_reads_back(["charttime", "heartrate"], rows)
    assert text.splitlines()[:3] == ["charttime,heartrate", "# 2150-03-01", "00:15,90"]
    assert "# 2150-03-02" in text


def test_a_second_time_of_the_same_day_stands_without_its_date() -> None:
    rows = [("2150-03-03 06:00:00", "2150-03-03 06:12:30"), ("2150-03-04 23:00:00", "2150-03-05 01:00:00")]
    assert assert_reads_back(["charttime", "storetime"], rows) == (
        "charttime,storetime\n2150-03-03 06:00,06:12:30\n2150-03-04 23:00,2150-03-05 01:00"
    )


def test_a_long_text_is_told_once() -> None:
    note = "FINDINGS: no effusion,\nno pneumothorax, and nothing else of note."
    text = assert_reads_back(["n", "text"], [(1, note), (2, "short"), (3, note), (4, note)])
    assert text.count("FINDINGS") == 1
    assert text.splitlines()[0].startswith('repeated: [1]="FINDINGS')
    assert "\n3,[1]" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1",
        'a\n"x',
        'a\n1"2',
        "a\n[1]",
        "a\n06:00",
        "a,b\n1,2,3",
        "in all rows: a\nb\n1",
        "in all rows: a={b}\nc\n1",
        "repeated: x\na\n1",
        '"a\n1',
    ],
)
def test_what_was_not_written_so_is_refused(text: str) -> None:
    if text:
        with pytest.raises(ValueError, match=r"."):
            read_block(text)
    else:
        assert read_block(text).rows == ()


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet='ab,"\n=#{}[]1: '))
@example("in all rows: " * 50)
@example('a\n"' + "x" * 100_000)
@example('"' * 100_001)
def test_no_text_breaks_the_reader(text: str) -> None:
    for read in (read_block, read_back, lambda it: read_block(it, cut=True)):
        try:
            block = read(text)
        except ValueError:
            continue
        assert all(isinstance(name, str) for name in block.columns)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(related_tables(), st.integers(0, 400))
def test_of_a_text_that_breaks_off_the_whole_rows_are_read(table: tuple[list[str], Rows], at: int) -> None:
    columns, rows = table
    text = as_text(columns, rows)
    whole = read_block(text).rows
    try:
        block = read_block(text[:at], cut=True)
    except ValueError:
        return  # it broke off before the rows
    # The last one may have lost its end.
    assert block.rows[:-1] == whole[: max(len(block.rows) - 1, 0)] or set(block.columns) != set(columns)
