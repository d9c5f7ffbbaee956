from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.scoring import score_upstream
from clinseek_replay.evidence.provenance import GOLD_RULES, ItemState
from clinseek_replay.evidence.waterfall import set_f1, waterfall

MISSED = [
    rule.state
    for rule in GOLD_RULES
    if rule.state not in ("LEAKED", "CITED", "SUPPORTED", "CANDIDATE_ONLY", "PARAMETRIC")
]
HIT = ["LEAKED", "CITED", "SUPPORTED", "CANDIDATE_ONLY", "PARAMETRIC", "UNKNOWN"]
ITEMS = [f"Item {n}" for n in range(8)]


def state(item, code, linked=True):
    return ItemState(item=item, state=code, answered=code in HIT, tier="D", because="", linked=linked)


@st.composite
def runs(draw):
    """Gold with any states, and an answer that agrees with them: hits are in it, others are not."""
    gold = draw(st.lists(st.sampled_from(ITEMS), min_size=1, unique=True))
    hits = draw(st.sets(st.sampled_from(gold)))
    states = [
        state(item, draw(st.sampled_from(HIT if item in hits else MISSED)), draw(st.booleans()))
        for item in gold
    ]
    extra = draw(st.lists(st.sampled_from(["x1", "X1", "x2", "x3"]), max_size=4))
    return states, [*(item.upper() for item in hits), *extra]


@given(runs())
def test_the_bars_fall_from_1_to_the_f1_and_never_rise(run):
    states, answer = run
    fall = waterfall(states, answer, data_verified=True)
    levels = [1.0, *(bar.after for bar in fall.bars)]
    assert all(before >= after - 1e-12 for before, after in pairwise(levels))
    assert [bar.before for bar in fall.bars] == levels[:-1]
    assert 1 - sum(bar.lost for bar in fall.bars) == pytest.approx(fall.f1)
    assert fall.f1 == pytest.approx(score_upstream(answer, [each.item for each in states]).f1)


@given(runs())
def test_every_missed_item_is_lost_in_exactly_one_bar(run):
    states, answer = run
    fall = waterfall(states, answer, data_verified=True)
    lost = [item for bar in fall.bars[:-1] for item in bar.items]
    hits = {each.item.lower() for each in states} & {name.lower() for name in answer}
    assert sorted(lost) == sorted(each.item for each in states if each.item.lower() not in hits)


@pytest.mark.parametrize(
    ("code", "loss"),
    [
        ("NOT_AVAILABLE", "data"),
        ("NEVER_RETRIEVED", "retrieval"),
        ("QUERIED_EMPTY", "retrieval"),
        ("SEEN_CUT", "retrieval"),
        ("UNKNOWN", "retrieval"),
        ("SEEN_IGNORED", "selection"),
        ("SEEN_LOST", "selection"),
        ("SEEN_REJECTED", "selection"),
        ("DROPPED", "selection"),
        ("NAME_MISS", "naming"),
    ],
)
def test_each_state_is_lost_in_its_bar(code, loss):
    fall = waterfall([state("Item 0", code), state("Item 1", "SUPPORTED")], ["item 1"], data_verified=True)
    assert [bar.loss for bar in fall.bars if bar.items] == [loss]
    assert next(bar for bar in fall.bars if bar.items).lost == pytest.approx(1 / 3)
    assert bool(next(bar for bar in fall.bars if bar.items).unknown) == (code == "UNKNOWN")


def test_a_misspelled_answer_costs_recall_as_naming_and_precision_at_the_end():
    fall = waterfall([state("Heparin", "NAME_MISS")], ["Heparinn"], data_verified=True)
    assert [(bar.loss, bar.before, bar.after) for bar in fall.bars[3:]] == [
        ("naming", 1.0, 0.0),
        ("false_positives", 0.0, 0.0),
    ]
    assert fall.bars[-1].items == ("Heparinn",)


@pytest.mark.parametrize(("linked", "indicative"), [(5, True), (6, False), (10, False), (0, True)])
def test_below_three_fifths_of_links_it_is_an_indication(linked, indicative):
    states = [state(f"Item {n}", "SEEN_IGNORED", n < linked) for n in range(10)]
    fall = waterfall(states, [], data_verified=False)
    assert (fall.coverage, fall.indicative) == (linked / 10, indicative)


def test_without_gold_there_is_nothing_to_fall():
    assert waterfall([], ["x"], data_verified=True) is None
    assert set_f1((), ()) == 0.0
