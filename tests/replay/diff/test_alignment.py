"""Two runs aligned: what was done to a run's calls is told, exactly that, and the same from both sides."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clinseek_replay.diff import Aligned, align, calls_of

MIRRORED = {"missing": "extra", "extra": "missing"}
EDITS = st.lists(
    st.sampled_from(["keep", "keep", "keep", "delete", "result", "arguments", "move"]),
    min_size=1,
    max_size=12,
)


def longest_rising(order: Sequence[int]) -> tuple[int, int]:
    """Length of the longest rising subsequence, and how many there are of that length."""
    lengths, counts = [], []
    for index, value in enumerate(order):
        before = [j for j in range(index) if order[j] < value]
        best = max((lengths[j] for j in before), default=0)
        lengths.append(best + 1)
        counts.append(sum(counts[j] for j in before if lengths[j] == best) if best else 1)
    longest = max(lengths, default=0)
    return longest, sum(n for length, n in zip(lengths, counts, strict=True) if length == longest)


def told(lines: Sequence[Aligned]) -> Counter:
    """What a diff says, by tool, without what is the same."""
    return Counter(
        (line.change, (line.a or line.b).tool) for line in lines if line.change != "same" or line.moved
    )


@settings(deadline=None, max_examples=100)
@given(EDITS, st.randoms(use_true_random=False), st.integers(0, 3))
def test_what_was_done_is_told_and_nothing_else(
    make_run, make_call, edits, dice: random.Random, added
) -> None:
    before = [make_call(f"t{n}", f"a{n}", f"r{n}") for n in range(len(edits))]
    kept = [
        call._replace(
            text=call.text + "!" if edit in ("result", "arguments") else call.text,
            argument=call.argument + "!" if edit == "arguments" else call.argument,
        )
        for call, edit in zip(before, edits, strict=True)
        if edit not in ("delete", "move")
    ]
    after = list(kept)
    moved = [call for call, edit in zip(before, edits, strict=True) if edit == "move"]
    for call in moved:
        after.insert(dice.randrange(len(after) + 1), call)
    unchanged = [before.index(call) for call in after if call in before]
    # As few calls as can be are told as moved: which is known only where there is one way to choose them.
    length, ways = longest_rising(unchanged)
    assume(ways <= 1 and len(unchanged) - length == len(moved))
    for n in range(added):
        after.insert(dice.randrange(len(after) + 1), make_call(f"new{n}"))

    lines = align(calls_of(make_run(before)), calls_of(make_run(after, per_step=3)))

    words = {
        "delete": "missing",
        "result": "changed_result",
        "arguments": "changed_arguments",
        "move": "moved",
    }
    expected = Counter((words[edit], f"t{n}") for n, edit in enumerate(edits) if edit != "keep")
    assert told(lines) == expected + Counter(("extra", f"new{n}") for n in range(added))


CALLS = st.lists(st.tuples(st.sampled_from("tu"), st.sampled_from("ab"), st.sampled_from("xy")), max_size=9)


@settings(deadline=None, max_examples=100)
@given(CALLS, CALLS)
def test_every_call_is_told_once_and_swapping_the_sides_swaps_extra_and_missing(
    make_run, make_call, one, other
) -> None:
    a = calls_of(make_run([make_call(*call) for call in one]))
    b = calls_of(make_run([make_call(*call) for call in other]))
    lines, mirrored = align(a, b), align(b, a)
    assert [line.a for line in lines if line.a] == list(a)
    assert sorted((line.b.step, line.b.call) for line in lines if line.b) == [(x.step, x.call) for x in b]
    assert Counter((line.change, line.a, line.b, line.moved) for line in lines) == Counter(
        (MIRRORED.get(line.change, line.change), line.b, line.a, line.moved) for line in mirrored
    )
    kinds = {
        "same": lambda x, y: x.whole == y.whole,
        "moved": lambda x, y: x.whole == y.whole,
        "changed_result": lambda x, y: x.asked == y.asked and x.whole != y.whole,
        "changed_arguments": lambda x, y: x.tool == y.tool and x.asked != y.asked,
    }
    assert all(kinds[line.change](line.a, line.b) for line in lines if line.a and line.b)


@settings(deadline=None, max_examples=50)
@given(CALLS)
def test_a_run_and_itself_differ_in_nothing(make_run, make_call, calls) -> None:
    a = calls_of(make_run([make_call(*call) for call in calls]))
    assert told(align(a, a)) == Counter()


def test_the_order_of_arguments_makes_no_other_call(make_run, make_call) -> None:
    one = calls_of(make_run([make_call("t", {"a": 1, "b": [1, {"x": 1, "y": 2}]})]))
    other = calls_of(make_run([make_call("t", {"b": [1, {"y": 2, "x": 1}], "a": 1})]))
    assert [line.change for line in align(one, other)] == ["same"]
    number = calls_of(make_run([make_call("t", {"a": "1", "b": [1, {"x": 1, "y": 2}]})]))
    assert [line.change for line in align(one, number)] == ["changed_arguments"]


def test_of_repeated_calls_one_more_is_one_more(make_run, make_call) -> None:
    call = make_call("t", "a")
    lines = align(calls_of(make_run([call] * 3)), calls_of(make_run([call] * 4)))
    assert Counter(line.change for line in lines) == {"same": 3, "extra": 1}


def test_other_arguments_are_those_of_a_call_at_the_same_place(make_run, make_call) -> None:
    x = make_call("x")
    a, b = calls_of(make_run([x, make_call("t", 1)])), calls_of(make_run([make_call("t", 2), x]))
    assert told(align(a, b)) == Counter([("missing", "t"), ("extra", "t")])
    a, b = calls_of(make_run([make_call("t", 1), x])), calls_of(make_run([make_call("t", 2), x]))
    assert told(align(a, b)) == Counter([("changed_arguments", "t")])


def test_extra_calls_stand_where_they_were_made(make_run, make_call) -> None:
    a, b, new = make_call("a"), make_call("b"), make_call("new")
    lines = align(calls_of(make_run([a, b])), calls_of(make_run([a, new, b, new])))
    assert [(line.change, (line.a or line.b).tool) for line in lines] == [
        ("same", "a"),
        ("extra", "new"),
        ("same", "b"),
        ("extra", "new"),
    ]


@pytest.mark.parametrize("how", ["shuffled", "repeated", "other arguments", "edited"])
def test_ten_thousand_calls_a_side_take_seconds(make_run, make_call, how: str) -> None:
    dice = random.Random(3)
    before = [make_call(f"t{n % 20}", n, str(n)) for n in range(10_000)]
    after = {
        "shuffled": lambda: dice.sample(before, len(before)),
        "repeated": lambda: [make_call("t0", n % 2, "0") for n in range(10_000)],
        "other arguments": lambda: [call._replace(argument=-call.argument - 1) for call in before],
        "edited": lambda: [call for call in before if call.argument % 10],
    }[how]()
    a, b = calls_of(make_run(before)), calls_of(make_run(after))
    begin = time.perf_counter()
    lines = align(a, b)
    assert time.perf_counter() - begin < 10
    counts = Counter(line.change for line in lines)
    assert counts["same"] == (9_000 if how == "edited" else counts["same"])
    assert counts["moved"] == (10_000 - counts["same"] if how == "shuffled" else 0)
