"""Two worlds that agree on all that was known at the cutoff give the same bytes, whatever is asked.

And that this would be found out otherwise: under the reference implementation's rule, and under rules broken
on purpose, the same comparison finds the leaks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest
from generated_calls import made_calls
from generated_record import World, made_world
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from two_worlds import (
    CHANGES,
    Change,
    Known,
    difference,
    look,
    moments_of,
)

from clinseek_core.case import Policy

PATIENTS = (90000001, 90000002, 90000003)
# A seed can't be made smaller: no shrinking.
WITH_SEEDS = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.reuse, Phase.generate),
}
SITUATIONS, SEQUENCES = 2, 4
"""Cutoffs and policies that a record is looked at under, and sequences of calls for each of them."""
EXAMPLES = SITUATIONS * len(CHANGES) * SEQUENCES
"""An example is a record, a cutoff, a policy, a change and a sequence of calls."""


def situation(random: Random, world: World) -> Known:
    """A cutoff at or beside a time at which something became known, and a policy."""
    moment = random.choice([*moments_of(world), datetime(2150, 3, 1, 12)])
    return Known(
        moment + timedelta(seconds=random.choice((-1, 0, 0, 1))),
        Policy(
            basis=random.choice(("available", "available", "event")),
            boundary=random.choice(("exclusive", "inclusive")),
            coding_lag_hours=random.choice((0, 72)),
            interval_rows=random.choice(("stored", "started")),
        ),
    )


def compare(random: Random, world: World) -> None:
    """Assert EXAMPLES / SITUATIONS times that nothing is seen of what is not known."""
    at = situation(random, world)
    sequences = [made_calls(random, at.cutoff) for _ in range(SEQUENCES)]
    here = look(world, at, sequences)
    for how in CHANGES:
        there = look(Change(at, how, random).of(world), at, sequences, random.choice(("as made", "stored")))
        assert not difference(here, there, sequences), (how, at)


def compare_generated(part: int, records: int) -> int:
    """Compare on records made from as many seeds; how many examples that were."""
    compared = 0

    @settings(max_examples=records, **WITH_SEEDS)
    @given(seed=st.integers(0, 2**48))
    def on(seed: int) -> None:
        nonlocal compared
        random = Random(f"{part} {seed}")
        world = made_world(random)
        for _ in range(SITUATIONS):
            compare(random, world)
        compared += EXAMPLES

    on()
    return compared


def test_nothing_unknown_reaches_any_tool() -> None:
    assert compare_generated(0, records=11) >= 250


@pytest.mark.slow
@pytest.mark.parametrize("part", range(1, 9))
def test_nothing_unknown_reaches_any_tool_in_10_000_examples(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    compared = compare_generated(part, records=53)
    record_property("examples", compared)
    assert compared >= 10_000 / 8


@settings(max_examples=3, **WITH_SEEDS)
@given(seed=st.integers(0, 2**48), patient=st.sampled_from(PATIENTS))
def test_nothing_unknown_reaches_any_tool_of_the_bundled_patients(
    worlds: Callable[[int], World], seed: int, patient: int
) -> None:
    compare(Random(seed), worlds(patient))


@settings(max_examples=3, **WITH_SEEDS)
@given(seed=st.integers(0, 2**48))
def test_the_same_calls_give_the_same_bytes(worlds: Callable[[int], World], seed: int) -> None:
    random = Random(seed)
    at = situation(random, worlds(90000002))
    calls = made_calls(random, at.cutoff) + made_calls(random, at.cutoff)
    once, again = look(worlds(90000002), at, [calls, calls]).answers
    assert once == again
