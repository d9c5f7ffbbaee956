"""The times of a run against its cutoff, as values and as lines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal.events import Origin, OriginRow, Table
from clinseek_replay.finding import Finding, Place
from clinseek_replay.lens import Glance, Lens, lens_of, minute_of, with_record
from clinseek_replay.lens_lines import SPANS, LensLines, drawn, fitting_span
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

CUTOFF = datetime(2150, 3, 3, 6)
AT = minute_of("2150-03-03 06:00")


def call(number: int, text: str = "", table: Table | None = None, **more: Any) -> Call:
    arguments = {"table_name": "labevents"}
    given_: dict[str, Any] = {"name": "ehr.get_latest_records", "arguments": arguments} | more
    result = Result(status="ok", text=text, full_characters=len(text), table=table)
    return Call(anchor=f"s{number}.c1", id="1", result=result, **given_)


def run_of(*calls: Call, **more: Any) -> Trajectory:
    steps = tuple(Step(number=n, calls=(each,)) for n, each in enumerate(calls, 1))
    return Trajectory(run_id="r", source="", format="", steps=steps, **({"prediction_time": CUTOFF} | more))


def origins(*rows: tuple[str | None, str | None]) -> Table:
    told = tuple(OriginRow((n,), event, known) for n, (event, known) in enumerate(rows))
    return Table(
        columns=("x",),
        rows=tuple((1,) for _ in rows),
        total=len(rows),
        origins=(Origin(table="labevents", key=("labevent_id",), rows=told),),
    )


def leak(quote: str = "2150-03-03 12:00:00", **evidence: Any) -> Finding:
    place = Place(step=1, call=1, row=1, quote=quote)
    return Finding(code="T2", name="future", message="later", places=(place, place), evidence=evidence)


def test_a_row_of_the_record_is_counted_once_with_when_it_happened_and_when_it_was_known() -> None:
    rows = (("2150-03-02 05:00:00", "2150-03-02 05:40:00"), ("2150-03-02 06:00:00", "2150-03-02 07:00:00"))
    lens = lens_of(run_of(call(1, table=origins(*rows)), call(2, table=origins(*rows))))
    [table] = lens.tables
    assert (table.name, table.rows, table.lag) == ("labevents", 2, 50)
    assert table.happened[0] == (minute_of("2150-03-02 05:00"), 1)
    assert table.known[1] == (minute_of("2150-03-02 07:00"), 1)
    assert [glance.anchor for glance in lens.calls] == ["s1.c1", "s2.c1"], "each call looked at them"
    assert lens.cutoff == AT


def test_of_a_foreign_text_its_times_are_told_by_the_table_that_was_read() -> None:
    text = "charttime valuenum\n2150-03-01 05:00:00 1\n2150-03-01 05:00:00 2\n0001-01-01 00:00:00 9"
    lens = lens_of(run_of(call(1, text)))
    [table] = lens.tables
    assert (table.name, table.rows, table.known, table.lag) == ("labevents", 1, (), None)
    assert lens.calls[0].times == ((minute_of("2150-03-01 05:00"), 2),), "the year 1 is no time of a life"


def test_rows_that_do_not_say_where_they_come_from_are_told_by_their_columns() -> None:
    rows = (("2150-03-01 05:00:00", "2150-03-01 08:00:00", 1.9), (None, None, 2.0))
    table = Table(columns=("charttime", "storetime", "valuenum"), rows=rows, total=2)
    [found] = lens_of(run_of(call(1, table=table), call(2, table=table))).tables
    assert (found.name, found.rows, found.lag) == ("labevents", 1, 180)
    assert found.known == ((minute_of("2150-03-01 08:00"), 1),)


def test_a_call_that_came_back_with_nothing_shows_what_it_asked_for_and_a_thought_looks_at_nothing() -> None:
    asked = call(1, "no rows", arguments={"table_name": "labevents", "start_time": "2150-03-01 00:00:00"})
    thought = call(2, "ok", name="ehr.think", arguments={"response": "since 2150-03-01"})
    [glance] = lens_of(run_of(asked, thought)).calls
    assert (glance.anchor, glance.asked) == ("s1.c1", True)


def test_leaks_stand_at_their_time_or_at_the_one_that_the_rule_tells() -> None:
    run = run_of(call(1, "2150-03-03 12:00:00"))
    [glance] = lens_of(run, [leak()]).calls
    assert (glance.leaks, glance.leaked) == (2, (minute_of("2150-03-03 12:00"),))
    told = lens_of(run, [leak("ADMITTED", time="2150-03-03 20:00:00")])
    assert told.leaks[0].at == minute_of("2150-03-03 20:00")
    assert lens_of(run, [leak("ADMITTED")]).leaks[0].at is None


def test_the_record_takes_the_place_of_what_was_seen_of_it() -> None:
    lens = lens_of(run_of(call(1, table=origins(("2150-03-02 05:00:00", "2150-03-02 05:40:00")))))
    whole = with_record(lens, {"labevents": [("2150-03-01 05:00", None, 7)], "omr": [(None, None, 1)]})
    assert whole.of == "the record"
    assert [(table.name, table.rows, table.lag) for table in whole.tables] == [("labevents", 7, 40)]
    assert whole.calls == lens.calls


@pytest.mark.parametrize("text", ["", "never", "2150-02-31 00:00:00", "99999-01-01", "12:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert minute_of(text) is None


def lines_of(lens: Lens, width: int = 80, span: int | None = None) -> list[str]:
    return [drawn(line) for line in LensLines(lens, width, span)]


def test_the_cutoff_is_a_wall_and_what_leaked_stands_behind_it() -> None:
    run = run_of(call(1, "2150-03-01 05:00:00 2150-03-03 12:00:00"), call(2, "2150-03-02 05:00:00"))
    lines = lines_of(lens_of(run, [leak()]), span=3 * 1440)
    assert "2150-02-28 06:00" in lines[0]
    assert "cutoff 2150-03-03 06:00 │" in lines[1]
    assert "░" in lines[1].partition("│")[2]
    first = next(line for line in lines if line.startswith("⚑ s1.c1"))
    before, behind = first.split("│")
    assert "·" in before
    assert "⚑" in behind
    second = next(line for line in lines if line.startswith("s2.c1"))
    assert second.endswith("│")
    assert [line for line in lines if line.startswith("⚑ s1.c1 2150-03-03 12:00 T2 future: later")]
    assert len({line.index("│") for line in lines if "│" in line}) == 1, "the wall is straight"


def test_what_happened_right_before_the_cutoff_is_not_hidden_by_the_wall() -> None:
    lines = lines_of(lens_of(run_of(call(1, "2150-03-03 05:59:00"))), span=720)
    assert "·│" in next(line for line in lines if line.startswith("s1.c1"))


def test_earlier_times_are_told_at_the_edge_and_the_lag_in_words() -> None:
    rows = (("2149-03-02 05:00:00", "2149-03-04 05:00:00"), ("2150-03-03 05:00:00", "2150-03-05 05:00:00"))
    lines = lines_of(lens_of(run_of(call(1, table=origins(*rows)))), span=1440)
    assert next(line for line in lines if line.startswith("labevents 2"))[24] == "<"
    assert any(line.startswith("└ known 2 d later") for line in lines)


def test_how_far_back_one_looks_fits_what_was_looked_at() -> None:
    near = lens_of(run_of(*(call(n, "2150-03-03 05:00:00") for n in range(1, 9)), call(9, "2140-01-01")))
    assert SPANS[fitting_span(near)][0] == "12 hours"
    assert fitting_span(lens_of(run_of())) == 0
    assert fitting_span(lens_of(run_of(call(1, "2150-03-03 05:00:00"), prediction_time=None))) == 0


def test_without_a_cutoff_there_is_no_wall_and_without_a_time_no_axis() -> None:
    lines = lines_of(lens_of(run_of(call(1, "2150-03-03 05:00:00"), prediction_time=None)))
    assert not any("│" in line for line in lines)
    assert "no cutoff is known" in lines[1]
    assert "no time in the recording" in lines_of(lens_of(run_of(prediction_time=None)))[0]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(-(10**7), 2 * 10**8), max_size=20),
    st.one_of(st.none(), st.integers(0, 10**8)),
    st.integers(1, 200),
    st.sampled_from([span for _, span in SPANS]),
)
def test_any_times_are_drawn_in_the_width_there_is(
    minutes: list[int], cutoff: int | None, width: int, span: int | None
) -> None:
    times = tuple((minute, 1) for minute in sorted(set(minutes)))
    glance = Glance(anchor="s1.c1", tool="x", tables=(), times=times)
    lens = Lens(cutoff=cutoff, tables=(), calls=(glance,) if times else (), leaks=())
    lines = LensLines(lens, width, span)
    least = 24 + 10 + 2
    assert all(len(drawn(line)) <= max(width, least) or "no time" in drawn(line) for line in lines)
    assert lines[lines.line_of("s1.c1")].anchor == ("s1.c1" if times else "")
