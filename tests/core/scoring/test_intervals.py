import math
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.scoring import interval, paired, t_quantile

TABLE = {
    # degrees of freedom: two-sided 95 %, two-sided 99 %, as printed tables of Student's t have them
    1: (12.706, 63.657),
    2: (4.303, 9.925),
    3: (3.182, 5.841),
    4: (2.776, 4.604),
    5: (2.571, 4.032),
    6: (2.447, 3.707),
    9: (2.262, 3.250),
    10: (2.228, 3.169),
    20: (2.086, 2.845),
    30: (2.042, 2.750),
    40: (2.021, 2.704),
    60: (2.000, 2.660),
    120: (1.980, 2.617),
    1_000_000: (1.960, 2.576),
}


@pytest.mark.parametrize("freedom", TABLE)
def test_quantiles_are_those_of_the_tables(freedom):
    assert t_quantile(0.975, freedom) == pytest.approx(TABLE[freedom][0], abs=6e-4)
    assert t_quantile(0.995, freedom) == pytest.approx(TABLE[freedom][1], abs=6e-4)


@given(st.integers(1, 60), st.floats(0.55, 0.995))
def test_the_density_between_two_quantiles_holds_their_probability(freedom, probability):
    t = t_quantile(probability, freedom)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def density(angle):
        # Integrated over the angle, so that the long tails of few degrees of freedom are finite.
        x = math.sqrt(freedom) * math.tan(angle)
        return (
            scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2) * math.sqrt(freedom) / math.cos(angle) ** 2
        )

    end, steps = math.atan(t / math.sqrt(freedom)), 400
    width = end / steps
    simpson = density(0) + density(end)
    simpson += sum((4 if k % 2 else 2) * density(k * width) for k in range(1, steps))
    assert 0.5 + simpson * width / 3 == pytest.approx(probability, abs=1e-6)


def test_the_expansion_for_many_joins_the_closed_form():
    assert t_quantile(0.975, 20_001) == pytest.approx(t_quantile(0.975, 20_000), abs=1e-8)


@pytest.mark.parametrize(("probability", "freedom"), [(0.975, 0), (1.0, 3), (0.2, 3)])
def test_there_is_no_quantile_out_of_range(probability, freedom):
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(probability, freedom)


def test_an_interval_is_t_times_the_standard_error():
    values = [0.0, 0.5, 1.0, 1.0]
    found = interval(values)
    assert found.mean == fmean(values)
    assert found.radius == pytest.approx(3.182446 * stdev(values) / 2, rel=1e-6)
    assert (found.low, found.high) == (found.mean - found.radius, found.mean + found.radius)


def test_one_sample_has_a_mean_and_no_interval():
    assert (interval([0.4]).mean, interval([0.4]).radius, interval([0.4]).low) == (0.4, None, None)
    assert interval([]) is None


def test_two_systems_are_compared_on_the_questions_of_both():
    found = paired(
        {"a": 0.0, "b": 0.5, "c": 1.0, "d": 1.0}, {"a": 1.0, "b": 0.5, "c": 0.0, "e": 0.0, "f": 1.0}
    )
    assert found.difference.mean == pytest.approx(0.0)
    assert (found.better, found.same, found.worse) == (1, 1, 1)
    assert (found.only_first, found.only_second) == (1, 2)
    assert paired({"a": 1.0}, {"b": 1.0}) is None


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1)), st.floats(-0.5, 0.5))
def test_a_constant_difference_is_certain(first, by):
    found = paired(first, {qid: value + by for qid, value in first.items()})
    if len(first) > 1:
        assert found.difference.mean == pytest.approx(by, abs=1e-9)
        assert found.difference.radius == pytest.approx(0, abs=1e-9)
