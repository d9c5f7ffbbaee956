"""Places in runs, and moving between them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.journal.events import Table
from clinseek_replay.cursor import MOVES, Cursor, at_anchor, other_run, read_anchor, step_of
from clinseek_replay.finding import Place
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Call, Result, Step, Trajectory

TO = {move.name: move.to for move in MOVES}


def run_of(*calls: int) -> Trajectory:
    """A run whose steps make that many calls."""
    return Trajectory(
        run_id="r",
        source="f",
        format="x",
        steps=tuple(
            Step(
                number=number,
                calls=tuple(
                    Call(anchor=f"s{number}.c{c}", id=str(c), name="ehr.x", arguments={})
                    for c in range(1, count + 1)
                ),
            )
            for number, count in enumerate(calls, 1)
        ),
    )


def walk(run: Trajectory, move: str, cursor: Cursor) -> list[tuple[int, int | None]]:
    places = []
    while (following := TO[move](run, cursor)) != cursor:
        cursor = following
        places.append((cursor.step, cursor.call))
    return places


def test_calls_are_gone_through_in_order_and_steps_without_calls_are_not_passed_over() -> None:
    run = run_of(2, 0, 1)
    assert walk(run, "next_call", Cursor()) == [(0, 0), (0, 1), (1, None), (2, 0)]
    assert walk(run, "previous_call", Cursor(step=2, call=0)) == [(1, None), (0, 1), (0, 0)]
    assert walk(run, "next_step", Cursor(call=1)) == [(1, None), (2, None)]
    assert walk(run, "previous_step", Cursor(step=2, call=0)) == [(1, None), (0, None)]
    assert TO["last"](run, Cursor(run=3)) == Cursor(run=3, step=2, call=0)
    assert TO["first"](run, Cursor(run=3, step=2, call=0)) == Cursor(run=3)


def test_in_a_run_without_steps_every_move_stays() -> None:
    assert [move.to(run_of(), Cursor(run=1)) for move in MOVES] == [Cursor(run=1)] * len(MOVES)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_back_goes_through_the_same_calls_as_forward(calls: list[int]) -> None:
    run = run_of(*calls)
    first = Cursor(call=0 if calls[0] else None)
    forward = [(first.step, first.call), *walk(run, "next_call", first)]
    last = TO["last"](run, Cursor())
    backward = [(last.step, last.call), *walk(run, "previous_call", last)]
    assert backward == forward[::-1]
    assert len(forward) == sum(max(count, 1) for count in calls)


@pytest.mark.parametrize(
    ("anchor", "place"),
    [
        ("s12", Place(step=12, field="text")),
        ("s12.c1", Place(step=12, call=1)),
        (" s12.c1.r3 ", Place(step=12, call=1, row=3)),
        ("s12.t:120-164", Place(step=12, field="text", start=120, end=164)),
        ("s12.c1.t:1-2", Place(step=12, call=1, start=1, end=2)),
        ("s0", Place(step=0, field="text")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_anchor_reads_back_as_its_place(anchor: str, place: Place) -> None:
    assert read_anchor(anchor) == place
    assert read_anchor(anchor).anchor == anchor.strip()


@pytest.mark.parametrize(
    "text", ["", "12", "s", "s1.c", "s1.r2", "s1c2", "s1.t:3", "s-1", "s1.c1.r1.t:1-2", "s" + "9" * 40]
)
def test_what_is_no_anchor_says_how_one_is_written(text: str) -> None:
    with pytest.raises(InputError, match="is no anchor"):
        read_anchor(text)


def test_an_anchor_leads_to_its_call_or_says_what_there_is() -> None:
    run = run_of(2, 0)
    assert at_anchor(run, "s1.c2", run=4) == Cursor(run=4, step=0, call=1)
    assert at_anchor(run, "s2") == Cursor(step=1)
    assert at_anchor(run, "s0") == Cursor()
    for anchor, reason in {
        "s3": "no step 3.*up to 2",
        "s1.c3": "no call 3.*up to c2",
        "s2.c1": "makes none",
    }.items():
        with pytest.raises(InputError, match=reason):
            at_anchor(run, anchor)


def test_a_row_that_is_not_there_is_told_where_the_rows_are_known() -> None:
    table = Table(columns=("x",), rows=((1,), (2,)), total=2)
    result = Result(status="ok", text="1\n2", full_characters=3, table=table)
    call = Call(anchor="s1.c1", id="1", name="x", arguments={}, result=result)
    run = Trajectory(run_id="r", source="f", format="x", steps=(Step(number=1, calls=(call,)),))
    assert at_anchor(run, "s1.c1.r2") == Cursor(step=0, call=0)
    with pytest.raises(InputError, match="no row 3; it has 2"):
        at_anchor(run, "s1.c1.r3")


def test_steps_are_found_by_their_number_where_numbers_are_missing() -> None:
    run = Trajectory(run_id="r", source="f", format="x", steps=(Step(number=1), Step(number=4)))
    assert step_of(run, 4)[0] == 1
    with pytest.raises(InputError, match="no step 2"):
        step_of(run, 2)


def test_other_runs_are_reached_and_the_ends_hold(write_runs) -> None:
    run = {
        "qid": "q",
        "run_index": 1,
        "messages": [{"role": "assistant", "content": "hm"}],
        "status": "incomplete",
    }
    recordings = open_recordings([write_runs(run, run, run)])
    assert other_run(recordings, Cursor(step=2), 1) == Cursor(run=1)
    assert other_run(recordings, Cursor(run=2, step=2), 1) == Cursor(run=2, step=2)
    assert other_run(recordings, Cursor(run=2), -5) == Cursor(run=0)
