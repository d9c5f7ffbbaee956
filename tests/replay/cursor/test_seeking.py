"""Search from hit to hit over all runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.journal.events import Table
from clinseek_replay.cursor import (
    Cursor,
    all_found,
    looked_for,
    next_found,
    place_of,
    previous_found,
    quote,
)
from clinseek_replay.search import search
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory


class Runs:
    """Runs held in memory, told of as recordings are."""

    def __init__(self, *runs: Trajectory) -> None:
        self.entries = runs
        self.read: list[int] = []

    def run(self, index: int) -> Trajectory:
        self.read.append(index)
        return self.entries[index]


def forward(runs: Any, text: str, start: Any = None) -> list:
    found, place = [], start or Cursor()
    while (one := next_found(runs, looked_for(text), place)) is not None:
        found.append(one)
        place = one
    return found


def backward(runs: Any, text: str, start: Any) -> list:
    found, place = [], start
    while (one := previous_found(runs, looked_for(text), place)) is not None:
        found.append(one)
        place = one
    return found


TEXTS = st.text(alphabet="abX \n", max_size=6)
STEPS = st.builds(
    lambda number, text, reasoning, note, calls: (number, text, reasoning, note, calls),
    st.just(0),
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS, st.booleans()), max_size=3),
)


def made(question: str, steps: list, answer: str) -> Trajectory:
    return Trajectory(
        run_id="r",
        source="f",
        format="x",
        question=question,
        answer=(answer,),
        steps=tuple(
            Step(
                number=number,
                text=text,
                reasoning=reasoning,
                notes=(Note("n", note),),
                calls=tuple(
                    Call(
                        anchor=f"s{number}.c{position}",
                        id="1",
                        name=name,
                        arguments={"p": one, "q": one},
                        result=Result(
                            status="ok",
                            text=result,
                            full_characters=9,
                            table=Table(columns=("c",), rows=((result,), (one,)), total=2) if rows else None,
                        ),
                    )
                    for position, (name, one, result, rows) in enumerate(calls, 1)
                ),
            )
            for number, (_, text, reasoning, note, calls) in enumerate(steps, 1)
        ),
    )


RUNS = st.lists(st.builds(made, TEXTS, st.lists(STEPS, max_size=3), TEXTS), min_size=1, max_size=3)


@settings(deadline=None, max_examples=50)
@given(RUNS, st.sampled_from(["a", "ab", "X", "/a+b/", "/^x/"]))
def test_next_and_previous_go_through_all_hits_and_each_once(runs: list, text: str) -> None:
    recordings: Any = Runs(*runs)
    everything = list(all_found(recordings, looked_for(text)))
    assert len({one.order for one in everything}) == len(everything)
    last = Cursor(run=len(runs) - 1, step=10**6)
    before_first = [one for one in everything if one.order < (0, 1)]
    assert forward(recordings, text) == [one for one in everything if one not in before_first]
    ended = [one for one in everything if one.run == len(runs) - 1 and one.hit.field == "end"]
    assert backward(recordings, text, last) == [one for one in everything if one not in ended][::-1]
    if everything:
        assert forward(recordings, text, everything[0]) == everything[1:]
        assert backward(recordings, text, everything[-1]) == everything[-2::-1]


@settings(deadline=None, max_examples=50)
@given(RUNS)
def test_all_hits_are_those_of_each_runs_search(runs: list) -> None:
    recordings: Any = Runs(*runs)
    found = [(one.run, one.hit) for one in all_found(recordings, looked_for("a"))]
    assert found == [(index, hit) for index, run in enumerate(runs) for hit in search(run, "a")]


def test_runs_that_are_not_needed_are_not_read() -> None:
    hit = made("", [(0, "lactate", "", "", [])], "")
    recordings: Any = Runs(made("", [], ""), hit, hit)
    told: list[int] = []
    assert next_found(recordings, looked_for("lactate"), Cursor(), told.append).run == 1
    assert (recordings.read, told) == ([0, 1], [0, 1])


def test_a_search_is_ended_by_whoever_is_told_of_it() -> None:
    recordings: Any = Runs(*[made("", [], "")] * 5)

    def stop(run: int) -> None:
        if run == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next_found(recordings, looked_for("x"), Cursor(), stop)
    assert recordings.read == [0, 1]


def test_a_search_for_nothing_finds_nothing_and_an_expression_must_be_one() -> None:
    recordings: Any = Runs(made("aaa", [], "a"))
    assert forward(recordings, "") == []
    assert [one.hit.field for one in all_found(recordings, looked_for("/"))] == []
    with pytest.raises(InputError, match="not closed"):
        looked_for("/(/")


def test_a_hit_is_told_with_its_place_and_the_text_around_it() -> None:
    run = made(
        "Is lactate high?",
        [
            (
                0,
                "x" * 100 + " lactate\n\x1b[31m",
                "",
                "lactate note",
                [("ehr.x", "lactate", "lactate 2.1", True)],
            )
        ],
        "Lactate",
    )
    recordings: Any = Runs(run)
    told = [
        (place_of(run, one.hit, 7).anchor, one.hit.field, quote(run, one.hit, 40))
        for one in all_found(recordings, looked_for("lactate"))
    ]
    assert told == [
        ("s0", "case", "Is lactate high?"),
        ("s1.t:101-108", "text", "…xxxxxxxxx lactate ␛[31m"),
        ("s1", "note", "n: lactate note"),
        ("s1.c1", "argument", "lactate"),
        ("s1.c1", "argument", "lactate"),
        ("s1.c1.r1", "row", "lactate 2.1"),
        ("s1.c1.r2", "row", "lactate"),
        ("s0", "end", "Lactate"),
    ]
