import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.scoring import score

CASES = {
    "all": (("a", "b"), ("b", "a"), 1.0, 1.0, 1.0),
    "half": (("a", "x"), ("a", "b"), 0.5, 0.5, 0.5),
    "none right": (("x",), ("a",), 0.0, 0.0, 0.0),
    "no answer": (None, ("a",), 0.0, 0.0, 0.0),
    "an empty answer": ((), ("a",), 0.0, 0.0, 0.0),
    "an answer of blanks": ((" ", ""), ("a",), 0.0, 0.0, 0.0),
    "too many": (("a", "x", "y", "z"), ("a",), 0.4, 0.25, 1.0),
    "too few": (("a",), ("a", "b", "c"), 0.5, 1.0, 1 / 3),
    "case and blanks": (("  HEART  failure\n", "STRASSE"), ("Heart Failure", "straße"), 1.0, 1.0, 1.0),
    "said twice": (("a", "A", "a "), ("a",), 1.0, 1.0, 1.0),
}


@pytest.mark.parametrize(("answer", "gold", "f1", "precision", "recall"), CASES.values(), ids=CASES)
def test_set_f1(answer, gold, f1, precision, recall):
    scored = score(answer, gold)
    assert (scored.f1, scored.precision, scored.recall) == pytest.approx((f1, precision, recall))


@pytest.mark.parametrize("gold", [None, (), (" ",)])
def test_nothing_is_scored_without_gold(gold):
    assert score(("a",), gold) is None


def test_names_are_told_as_they_were_written():
    scored = score(("ASPIRIN", "Other"), ("Aspirin", "Heparin"))
    assert (scored.hits, scored.missed, scored.extra) == (("Aspirin",), ("Heparin",), ("Other",))


NAMES = st.lists(st.sampled_from("abcdeABCDE"), max_size=6)


@given(NAMES, NAMES.filter(bool))
def test_f1_is_the_harmonic_mean_and_swaps_with_its_sides(answer, gold):
    scored = score(answer, gold)
    both = scored.precision + scored.recall
    assert scored.f1 == pytest.approx(2 * scored.precision * scored.recall / both if both else 0)
    assert len(scored.hits) + len(scored.missed) == len({name.lower() for name in gold})
    if answer:
        other = score(gold, answer)
        assert other.f1 == pytest.approx(scored.f1)
        assert other.recall == pytest.approx(scored.precision)
