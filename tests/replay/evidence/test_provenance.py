"""Every state where it is planted, and a suite that notices when any rule is broken."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planting import World
from plants import PLANTS

from clinseek_replay.evidence import provenance
from clinseek_replay.evidence.known import known_by_curated
from clinseek_replay.evidence.leaks import leaked_support
from clinseek_replay.evidence.provenance import ANSWER_RULES, GOLD_RULES, states_of
from clinseek_replay.evidence.reading import read_run

FORMS = [(state, form) for state, plant in PLANTS.items() for form in plant.forms]
SEEDS = range(12)
"""Scripts of each state that the check by broken rules goes through."""


def state_of(planted, trajectory):
    """The states of gold and answer as a command tells them, and the planted item's."""
    known = planted.known or known_by_curated(trajectory)
    reading = read_run(trajectory)
    leaked, _ = leaked_support(trajectory, reading)
    gold, extra = states_of(trajectory, reading, known, leaked)
    found = [state for state in (*gold, *extra) if state.item == planted.item]
    assert len(found) == 1, "an item has exactly one state"
    return found[0]


def plant(state, seed, form, folder):
    planted = PLANTS[state].make(World.of(seed, form))
    return planted, planted.script.read(form, folder)


@pytest.mark.parametrize(("state", "form"), FORMS, ids=[f"{state}-{form}" for state, form in FORMS])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_a_planted_state_is_found(state, form, seed, tmp_path_factory):
    planted, trajectory = plant(state, seed, form, tmp_path_factory.getbasetemp())
    found = state_of(planted, trajectory)
    assert found.state == state, (found.because, planted.script)
    assert found.because


def test_every_state_has_a_rule_and_a_plant():
    states = [rule.state for rule in (*GOLD_RULES, *ANSWER_RULES)]
    assert len(states) == len(set(states))
    assert set(states) == set(PLANTS)
    assert len(GOLD_RULES) == 15


@pytest.mark.parametrize("table", ["GOLD_RULES", "ANSWER_RULES"])
@pytest.mark.parametrize("broken", range(15))
def test_a_broken_rule_is_noticed(table, broken, monkeypatch, tmp_path):
    """A rule that never holds, so that the next ones decide: some planted state must come out wrong."""
    rules = getattr(provenance, table)
    if broken >= len(rules):
        return
    dead = msgspec.structs.replace(rules[broken], decide=lambda view: None)
    monkeypatch.setattr(provenance, table, (*rules[:broken], dead, *rules[broken + 1 :]))
    assert not _all_found(rules[broken].state, tmp_path)


@pytest.mark.parametrize(
    ("table", "at"),
    [("GOLD_RULES", n) for n in range(14)] + [("ANSWER_RULES", n) for n in range(6)],
)
def test_a_rule_that_always_holds_is_noticed(table, at, monkeypatch, tmp_path):
    rules = getattr(provenance, table)
    eager = msgspec.structs.replace(rules[at], decide=lambda view: provenance.Verdict("always"))
    monkeypatch.setattr(provenance, table, (*rules[:at], eager, *rules[at + 1 :]))
    assert not _all_found(rules[at + 1].state, tmp_path)


def _all_found(state, folder):
    for seed in SEEDS:
        for form in PLANTS[state].forms:
            planted, trajectory = plant(state, seed, form, folder)
            try:
                if state_of(planted, trajectory).state != state:
                    return False
            except AssertionError:
                return False
    return True


@pytest.mark.parametrize("state", PLANTS)
def test_an_unbroken_table_finds_what_the_check_goes_through(state, tmp_path):
    assert _all_found(state, tmp_path)
