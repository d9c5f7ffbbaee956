"""One answer against one gold value by rule: the same value in another form is right, all else is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.scoring import single_answer


@pytest.mark.parametrize(
    ("gold", "answer", "rule", "right"),
    [
        ("yes", "True", "yes_no", True),
        ("no", "Absent.", "yes_no", True),
        ("no", "yes", "yes_no", False),
        ("yes", "probably", "yes_no", False),
        ("1", "yes", "number", True),
        ("0", "yes", "number", False),
        ("2150-03-02", "March 2, 2150", "time", True),
        ("2150-03-02", "03/02/2150 11:00", "time", True),
        ("2150-03-02", "2150-03-03", "time", False),
        ("2150-03-02 10:00:00", "2150-03-03 10:00:00", "time", False),
        ("2150-03-02 10:00:00", "2150-03-02T10:00", "time", True),
        ("2150-03-02 10:00:00", "2150-03-02 10:01", "time", False),
        ("2150-03-02 10:00:00", "2150-03-02", "time", False),
        ("14:30", "14:30:00", "time", True),
        ("90000001", " 90000001 ", "id", True),
        ("90000001", "90,000,001", "id", False),
        ("7ad3897c-3fe8e2e3-47d67976-946af635-cdf3709c",
         "7AD3897C-3fe8e2e3-47d67976-946af635-cdf3709c", "id", True),
        ("92", "92.0", "number", True),
        ("92", "92.4", "number", False),
        ("3.5", "3.52 mg/dL", "number", True),
        ("3.5", "3.56", "number", False),
        ("120 mmHg", "120 kPa", "number", False),
        ("120 mm Hg", "120mmHg", "number", True),
        ("1,200", "1200", "number", True),
        ("> 5", "< 5", "number", False),
        ("-1", "1", "number", False),
        ("left lower lobe", "Left-lower  lobe", "label", True),
        ("left lower lobe", "right lower lobe", "label", False),
    ],
)  # fmt: skip
def test_the_golds_form_says_the_rule_and_the_value_whether_it_is_right(
    gold: str, answer: str, rule: str, right: bool
) -> None:
    found = single_answer("?", [answer], gold)
    assert (found.rule, found.right, found.by) == (rule, right, rule)


@pytest.mark.parametrize("answer", [None, [], ["  "]], ids=["none", "empty", "blank"])
def test_no_value_is_wrong(answer: list[str] | None) -> None:
    assert not single_answer("?", answer, "yes").right


def test_who_answers_both_is_wrong_and_who_says_it_twice_is_right() -> None:
    assert not single_answer("?", ["yes", "no"], "yes").right
    assert single_answer("?", ["yes", "True"], "yes").right


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=300).filter(str.strip))
def test_any_gold_has_a_rule_and_is_right_of_itself(gold: str) -> None:
    found = single_answer("?", [gold], gold)
    assert found.right, found
