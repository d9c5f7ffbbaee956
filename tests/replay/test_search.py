"""Searching a run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal.events import Table
from clinseek_replay.search import Hit, occurrences, search
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory


def result(text: str, table: Table | None = None) -> Result:
    return Result(status="ok", text=text, full_characters=len(text), table=table)


LABS = Table(columns=("label", "value"), rows=(("Lactate", 2.1), (None, 4), ("lactate", None)), total=3)
RUN = Trajectory(
    run_id="r",
    source="f",
    format="x",
    question="Is the lactate high?",
    prompt=(("user", "lactate again"),),
    steps=(
        Step(
            number=1,
            reasoning="Lactate, LACTATE",
            text="I look at the lactate",
            notes=(Note("retry", "lactate"),),
        ),
        Step(
            number=2,
            calls=(
                Call(
                    anchor="s2.c1",
                    id="1",
                    name="ehr.lactate",
                    arguments={"q": "lactate", "n": 3},
                    result=result("lactate", LABS),
                ),
                Call(
                    anchor="s2.c2",
                    id="2",
                    name="x",
                    arguments=None,
                    raw_arguments="{lactate",
                    result=result("no; Lactate: lactate"),
                ),
                Call(anchor="s2.c3", id="3", name="x", arguments={}),
            ),
        ),
    ),
    answer=("Lactate",),
)


def test_every_place_of_a_run_is_searched_in_its_order() -> None:
    assert search(RUN, "lactate") == (
        Hit(field="case"),
        Hit(field="reasoning", step=0, offset=0),
        Hit(field="reasoning", step=0, offset=9),
        Hit(field="text", step=0, offset=14),
        Hit(field="note", step=0),
        Hit(field="tool", step=1, call=0, offset=4),
        Hit(field="argument", step=1, call=0, offset=0),
        # A table's rows are found as rows; its text, which says the same, is not counted again.
        Hit(field="row", step=1, call=0, offset=0),
        Hit(field="row", step=1, call=0, offset=2),
        Hit(field="argument", step=1, call=1, offset=1),
        Hit(field="result", step=1, call=1, offset=4),
        Hit(field="result", step=1, call=1, offset=13),
        Hit(field="end"),
    )


def test_a_text_that_its_table_does_not_hold_is_found_in_the_text() -> None:
    step = Step(
        number=1,
        calls=(Call(anchor="s1.c1", id="1", name="x", arguments={}, result=result("see notice", LABS)),),
    )
    run = Trajectory(run_id="r", source="f", format="x", steps=(step,))
    assert search(run, "notice") == (Hit(field="result", step=0, call=0, offset=4),)


def test_hits_are_counted_up_to_a_limit_and_nothing_is_found_by_nothing() -> None:
    run = Trajectory(run_id="r", source="f", format="x", steps=(Step(number=1, text="a" * 5000),))
    assert len(search(run, "a", limit=50)) == 50
    assert search(run, "") == ()
    assert search(run, "absent") == ()


@pytest.mark.parametrize(
    ("text", "needle", "offsets"),
    [
        ("aXax", "x", [1, 3]),
        ("aaaa", "aa", [0, 2]),
        ("İstanbul x", "x", [9]),  # lowering `İ` makes two characters of one
        ("Straße", "STRASSE", []),
        ("Ärzte ä", "ä", [0, 6]),
        ("a.b", ".", [1]),
        ("(", "(", [0]),
        ("", "x", []),
    ],
)
def test_occurrences_are_offsets_into_the_text_as_it_is(text: str, needle: str, offsets: list[int]) -> None:
    assert list(occurrences(text, needle)) == offsets


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="aAbB.ß ", max_size=30), st.text(alphabet="aAbB.ß ", min_size=1, max_size=3))
def test_each_occurrence_holds_the_needle(text: str, needle: str) -> None:
    for offset in occurrences(text, needle):
        assert text[offset : offset + len(needle)].lower() == needle.lower()
