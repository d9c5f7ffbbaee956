"""Breakpoints: each kind stops where it should and nowhere else, and back goes the way that forward went."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.errors import InputError
from clinseek_core.journal import Usage
from clinseek_core.journal.events import Table
from clinseek_replay.cursor import (
    KINDS,
    Breakpoint,
    Cursor,
    hits,
    read_breakpoint,
    run_backward,
    run_forward,
    undecided,
)
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory

SQL = {"sql_query": "SELECT * FROM labevents WHERE itemid = 50813"}
PADDED = """\
        label            charttime
0     Lactate  2150-03-02 17:00:00
1  Creatinine  2150-03-02 18:30:00"""


def call(anchor: str, name: str, arguments: dict | None = None, result: Result | None = None) -> Call:
    return Call(anchor=anchor, id=anchor, name=name, arguments=arguments or {}, result=result)


def gave(text: str, status: str = "ok", full: int | None = None, table: Table | None = None) -> Result:
    return Result(status=status, text=text, full_characters=full or len(text), table=table)  # type: ignore[arg-type]


RUN = Trajectory(
    run_id="r",
    source="f",
    format="x",
    prediction_time=datetime(2150, 3, 2, 17, 20),
    policy=Policy(),
    gold=("Lactate", "Sodium Chloride"),
    steps=(
        Step(
            number=1,
            text="I look for sodium chloride",
            usage=Usage(input_tokens=100, output_tokens=1),
            calls=(
                call("s1.c1", "ehr.run_sql_query", SQL, gave("Error: no such table", "error")),
                call("s1.c2", "ehr.get_candidates_by_keyword", {"keyword": "x"}, gave("", "empty")),
            ),
        ),
        Step(number=2, reasoning="Nothing yet", usage=Usage(input_tokens=900, output_tokens=1)),
        Step(
            number=3,
            notes=(Note("retry", "429 from the endpoint"),),
            usage=Usage(input_tokens=3000, output_tokens=1),
            calls=(
                call("s3.c1", "ehr.run_sql_query", SQL, gave(PADDED, full=400)),
                call("s3.c2", "ehr.get_latest_records", {"table_name": "vitals"}, gave("lactate: 2.1")),
                call("s3.c3", "browser.search", {"query": "?"}),
            ),
        ),
        Step(
            number=4,
            usage=Usage(input_tokens=2000, output_tokens=1),
            calls=(
                call("s4.c1", "ehr.run_sql_query", SQL, gave("Error: no such table", "error")),
                call(
                    "s4.c2",
                    "ehr.run_sql_query",
                    SQL,
                    gave("sodium chloride 0.9 %, started 2150-03-02 17:20:00"),
                ),
            ),
        ),
    ),
)


@pytest.mark.parametrize(
    ("written", "anchors"),
    [
        ("tool:ehr.run_sql_query", ["s1.c1", "s3.c1", "s4.c1", "s4.c2"]),
        ("tool:browser.*", ["s3.c3"]),
        ("error", ["s1.c1", "s4.c1"]),
        ("empty", ["s1.c2"]),
        ("status:pending", ["s3.c3"]),
        ("truncated", ["s3.c1"]),
        ("repeated", ["s4.c1"]),
        ("gold", ["s3.c1", "s3.c2", "s4.c2"]),
        ("gold:first", ["s3.c1", "s4.c2"]),
        ("future", ["s3.c1", "s4.c2"]),
        ("future:first", ["s3.c1"]),
        ("tokens>1000", ["s3"]),
        ("tokens>799", ["s2", "s3"]),
        ("tokens>800", ["s3"]),
        ("path:$.arguments.table_name=vitals", ["s3.c2"]),
        ("path:$.step.usage.input_tokens>2500", ["s3.c1", "s3.c2", "s3.c3"]),
        ("path:$.result.text~/^error/", ["s1.c1", "s4.c1"]),
        ("path:$.step.reasoning=Nothing yet", ["s2"]),
        ("sql:/labevents\\b.*50813/", ["s1.c1", "s3.c1", "s4.c1", "s4.c2"]),
        ("arguments:/vitals/", ["s3.c2"]),
        ("result:/creatinine/", ["s3.c1"]),
        ("text:/sodium/", ["s1"]),
        ("reasoning:/nothing/", ["s2"]),
        ("note:/429/", ["s3"]),
        ("any:/sodium|browser/", ["s1", "s3.c3", "s4.c2"]),
    ],
)
def test_each_kind_stops_at_its_places(written: str, anchors: list[str]) -> None:
    breakpoint_ = read_breakpoint(written)
    assert breakpoint_.text == written
    assert [hit.anchor for hit in hits(RUN, [breakpoint_])] == anchors


def test_every_kind_is_tried_above() -> None:
    tried = test_each_kind_stops_at_its_places.pytestmark[0].args[1]
    assert {read_breakpoint(written).kind for written, _ in tried} == {kind.name for kind in KINDS}


def test_a_run_can_be_begun_in_its_middle_and_what_was_before_still_counts() -> None:
    asked = [read_breakpoint("gold:first"), read_breakpoint("repeated")]
    assert [hit.anchor for hit in hits(RUN, asked, start=3)] == ["s4.c1", "s4.c2"]


def test_a_stop_tells_why_and_where() -> None:
    (hit,) = hits(RUN, [read_breakpoint("future:first")])
    assert hit.cursor == Cursor(step=2, call=0)
    assert hit.reasons[0].why == "2150-03-02 18:30:00 in charttime is beyond the cutoff 2150-03-02 17:20:00"
    assert hit.reasons[0].place.anchor == "s3.c1.r2"
    assert PADDED[hit.reasons[0].place.start : hit.reasons[0].place.end] == "2150-03-02 18:30:00"
    two = [read_breakpoint("error"), read_breakpoint("tool:ehr.run*")]
    first = next(hits(RUN, two))
    assert [reason.breakpoint for reason in first.reasons] == ["error", "tool:ehr.run*"]
    assert first.reasons[0].why == "error: Error: no such table"


def test_the_boundary_decides_at_the_cutoff_itself() -> None:
    from msgspec.structs import replace

    inclusive = replace(RUN, policy=Policy(boundary="inclusive"))
    assert [hit.anchor for hit in hits(inclusive, [read_breakpoint("future")])] == ["s3.c1"]


def test_times_of_our_own_rows_are_read_from_their_cells(tmp_path) -> None:
    from clinseek_replay.recordings import open_recordings
    from clinseek_tui.cli import main

    assert main(["run", "--headless", "--out", str(tmp_path / "t.jsonl")]) == 0
    run = open_recordings([tmp_path / "t.jsonl"]).run(0)
    stops = list(hits(run, [read_breakpoint("future")]))
    planned = {
        (step, number)
        for step, turn in enumerate(run.steps)
        for number, made in enumerate(turn.calls)
        if made.result and made.result.table
        for row in made.result.table.rows
        if any(
            isinstance(cell, str) and "2150-03-02 17:20:00" <= cell < "2999" and cell[4:5] == "-"
            for cell in row
        )
    }
    assert planned
    assert {(stop.cursor.step, stop.cursor.call) for stop in stops} == planned


def test_a_result_as_long_as_the_references_limit_is_taken_for_cut() -> None:
    step = Step(number=1, calls=(call("s1.c1", "x", {}, gave("y" * 100_000)),))
    run = Trajectory(run_id="r", source="f", format="x", steps=(step,))
    assert [hit.anchor for hit in hits(run, [Breakpoint("truncated")])] == ["s1.c1"]
    from msgspec.structs import replace

    assert not list(hits(replace(run, max_result_characters=100_000), [Breakpoint("truncated")]))


def test_what_a_run_does_not_hold_is_told_and_never_stops() -> None:
    from msgspec.structs import replace

    bare = replace(
        RUN, gold=None, prediction_time=None, steps=tuple(replace(step, usage=None) for step in RUN.steps)
    )
    asked = [read_breakpoint(text) for text in ("gold:first", "future", "tokens>1", "error")]
    assert [(missing.code, missing.reason[:20]) for missing in undecided(bare, asked)] == [
        ("gold:first", "there is no gold; --"),
        ("future", "the recording does n"),
        ("tokens>1", "the recording does n"),
    ]
    assert {reason.breakpoint for hit in hits(bare, asked) for reason in hit.reasons} == {"error"}
    assert undecided(RUN, asked) == ()


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is no breakpoint; there are tool:NAME, error"),
        ("nonsense", "is no breakpoint"),
        ("error:x", "takes nothing after it"),
        ("tool:", "names no tool"),
        ("status:fine", "there are ok, empty"),
        ("tokens", "write tokens>2000"),
        ("tokens>many", "write tokens>2000"),
        ("tokens:5", "write tokens>2000"),
        ("gold:last", "write `gold` or `gold:first`"),
        ("sql:labevents", "between slashes"),
        ("sql:/(/", "not closed"),
        ("path:arguments", "begins with"),
        ("path:$.a>b", "no number"),
    ],
)
def test_what_is_no_breakpoint_says_how_one_is_written(written: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_breakpoint(written)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=20))
def test_any_text_is_a_breakpoint_or_one_error(text: str) -> None:
    for written in (text, f"path:${text}", f"any:/{text}/", f"tool:{text}"):
        try:
            breakpoint_ = read_breakpoint(written)
        except InputError:
            continue
        list(hits(RUN, [breakpoint_]))


RESULTS = st.sampled_from(
    [
        ("ok", "lactate"),
        ("ok", "sodium chloride 2150-03-02 19:00:00"),
        ("error", "Error: x"),
        ("empty", ""),
        None,
    ]
)
RUNS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(["ehr.a", "ehr.b"]), RESULTS), max_size=3), st.integers(0, 5000)
    ),
    max_size=7,
)
BREAKPOINTS = st.lists(
    st.sampled_from(
        ["error", "empty", "repeated", "gold:first", "gold", "future:first", "tokens>1500", "tool:ehr.a"]
    ),
    min_size=1,
    max_size=3,
)


def generated(steps: list) -> Trajectory:
    return Trajectory(
        run_id="r",
        source="f",
        format="x",
        prediction_time=RUN.prediction_time,
        gold=RUN.gold,
        steps=tuple(
            Step(
                number=number,
                usage=Usage(input_tokens=tokens, output_tokens=1),
                calls=tuple(
                    call(f"s{number}.c{position}", name, {}, gave(result[1], result[0]) if result else None)
                    for position, (name, result) in enumerate(calls, 1)
                ),
            )
            for number, (calls, tokens) in enumerate(steps, 1)
        ),
    )


@settings(deadline=None, max_examples=50)
@given(RUNS, BREAKPOINTS)
def test_backward_visits_what_forward_visited_in_reverse(steps: list, written: list[str]) -> None:
    run, breakpoints = generated(steps), [read_breakpoint(text) for text in written]
    every = list(hits(run, breakpoints, run=2))
    forward = []
    cursor = Cursor(run=2)
    # A stop at the place where one stands is no next one.
    expected = [hit for hit in every if hit.cursor.order > cursor.order]
    while (hit := run_forward(run, cursor, breakpoints)) is not None:
        forward.append(hit)
        cursor = hit.cursor
    assert forward == expected
    backward = []
    cursor = Cursor(run=2, step=len(steps))
    while (hit := run_backward(run, cursor, breakpoints)) is not None:
        backward.append(hit)
        cursor = hit.cursor
    assert backward == every[::-1]


@settings(deadline=None, max_examples=50)
@given(RUNS)
def test_stops_are_where_the_run_was_made_to_have_them(steps: list) -> None:
    run = generated(steps)
    planted = {
        "error": [
            (s, c)
            for s, (calls, _) in enumerate(steps)
            for c, (_, r) in enumerate(calls)
            if r and r[0] == "error"
        ],
        "tool:ehr.b": [
            (s, c)
            for s, (calls, _) in enumerate(steps)
            for c, (name, _) in enumerate(calls)
            if name == "ehr.b"
        ],
        "tokens>1500": [(s, None) for s in range(1, len(steps)) if steps[s][1] - steps[s - 1][1] > 1500],
    }
    seen: set[str] = set()
    planted["gold:first"] = []
    for s, (calls, _) in enumerate(steps):
        for c, (_, result) in enumerate(calls):
            item = result[1][:6] if result and result[0] == "ok" else ""
            if item and item not in seen:
                seen.add(item)
                planted["gold:first"].append((s, c))
    made: set[tuple] = set()
    planted["repeated"] = []
    for s, (calls, _) in enumerate(steps):
        for c, key in enumerate(calls):
            if key in made:
                planted["repeated"].append((s, c))
            made.add(key)
    for written, places in planted.items():
        found = [(hit.cursor.step, hit.cursor.call) for hit in hits(run, [read_breakpoint(written)])]
        assert found == places, written


def test_forward_reads_no_step_before_the_cursor_where_the_past_does_not_matter() -> None:
    read: list[int] = []

    class Watched(tuple):
        def __getitem__(self, index):
            read.append(index)
            return tuple.__getitem__(self, index)

    from msgspec.structs import replace

    run = replace(RUN, steps=Watched(RUN.steps))
    assert run_forward(run, Cursor(step=2), [read_breakpoint("error")]).anchor == "s4.c1"
    assert read == [2, 3]
    read.clear()
    assert run_backward(run, Cursor(step=3, call=0), [read_breakpoint("error")]).anchor == "s1.c1"
    assert read == [3, 2, 1, 0]
