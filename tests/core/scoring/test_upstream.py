"""The reference's score against a plain reading of its description, on random answers and golds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.scoring import is_multimodal, score_upstream


def described(answer, label):
    """Set F1 as the description has it, step by step: (f1, precision, recall, exact)."""
    if isinstance(label, str):
        names = [label]
    elif all(isinstance(item, str) for item in label):
        names = list(label)
    elif any("atc_name" in item for item in label):
        names = [item["atc_name"] for item in label if "atc_name" in item]
    else:
        names = [item["name"] for item in label]
    gold = set()
    for name in names:
        gold.add(name.lower())
    predicted = set()
    for item in answer:
        predicted.add(item.lower())
    if not predicted:
        return 0.0, 0.0, 0.0, False
    true_positives = 0
    for item in predicted:
        if item in gold:
            true_positives += 1
    precision = true_positives / len(predicted)
    recall = true_positives / len(gold)
    f1 = 0.0 if true_positives == 0 else 2 * precision * recall / (precision + recall)
    return f1, precision, recall, predicted == gold


NAMES = st.sampled_from(
    ["Heparin", "heparin", "HEPARIN", " heparin", "Heparin.", "aspirin", "ASPIRIN", "x", "İ"]
)
LABELS = (
    NAMES
    | st.lists(NAMES, min_size=1, max_size=5)
    | st.lists(st.fixed_dictionaries({"name": NAMES, "icd_code": st.just("I50")}), min_size=1, max_size=5)
    | st.lists(
        st.fixed_dictionaries({"name": NAMES, "atc_name": NAMES}) | st.fixed_dictionaries({"name": NAMES}),
        min_size=1,
        max_size=5,
    )
)


@given(st.lists(NAMES, max_size=6), LABELS)
def test_a_text_run_scores_as_described(answer, label):
    scored = score_upstream(answer, label)
    f1, precision, recall, exact = described(answer, label)
    assert (scored.f1, scored.precision, scored.recall) == pytest.approx((f1, precision, recall))
    assert scored.exact is exact
    assert scored.route == "text"


@given(st.lists(NAMES, max_size=6), st.lists(NAMES, min_size=2, max_size=5))
def test_a_multimodal_set_scores_as_described(answer, label):
    scored = score_upstream(answer, label, multimodal=True)
    gold, given_ = {name.lower() for name in label}, {name.lower() for name in answer}
    assert scored.route == "set"
    assert scored.f1 == pytest.approx(described(answer, label)[0])
    assert scored.accuracy == pytest.approx(len(gold & given_) / len(gold | given_))
    assert scored.subset is (gold <= given_)


@pytest.mark.parametrize(
    ("answer", "label", "route", "f1"),
    [
        (["yes"], [{"name": "yes"}], "judge", None),
        (None, [{"name": "yes"}], "incomplete", 0.0),
        (None, ["a", "b"], "incomplete", 0.0),
        (["a"], [], "skipped", None),
        (["a"], None, "skipped", None),
    ],
    ids=["one gold name", "no answer to one name", "no answer to several", "an empty gold", "no gold"],
)
def test_what_the_multimodal_scorer_does_not_score_by_sets_is_told(answer, label, route, f1):
    scored = score_upstream(answer, label, multimodal=True)
    assert (scored.route, scored.f1) == (route, f1)
    assert scored.reason


def test_a_name_twice_in_the_gold_needs_no_judge_though_it_is_one_name():
    assert score_upstream(["a"], ["a", "A"], multimodal=True).route == "set"


@pytest.mark.parametrize(
    ("task", "qid", "multimodal"),
    [
        ("medmod_phenotyping", "", True),
        ("ehrxqa_image", "", True),
        ("", "ehrxqa_test_7", True),
        ("labevents", "ehr_bench_decision_making_3", False),
        ("", "", False),
    ],
)
def test_the_benchmark_is_told_by_the_name_of_the_task(task, qid, multimodal):
    assert is_multimodal(task, qid) is multimodal
