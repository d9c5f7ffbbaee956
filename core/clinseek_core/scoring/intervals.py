"""Means of scores with their two-sided Student-t intervals, of one system or of two on the same questions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from statistics import NormalDist, fmean, stdev

import msgspec

__all__ = ["Interval", "Paired", "interval", "paired", "t_quantile"]

_LARGE = 20_000
"""Degrees of freedom from which the normal expansion is exact to more digits than are ever shown."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A mean and how far the true one may lie from it."""

    n: int
    mean: float
    radius: float | None
    """Half the width; None for fewer than two samples, which say nothing of their spread."""
    confidence: float = 0.95

    @property
    def low(self) -> float | None:
        """The lower end."""
        return None if self.radius is None else self.mean - self.radius

    @property
    def high(self) -> float | None:
        """The upper end."""
        return None if self.radius is None else self.mean + self.radius


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """Two systems on the questions that both have: the second's score less the first's."""

    difference: Interval
    better: int
    """Questions on which the second is the better."""
    same: int
    worse: int
    only_first: int
    """Questions that only one of the two has: in neither mean."""
    only_second: int


def interval(samples: Iterable[float], confidence: float = 0.95) -> Interval | None:
    """The mean of independent samples with its interval, t(n-1) · s / √n; None without a sample."""
    values = list(samples)
    if not values:
        return None
    radius = None
    if len(values) > 1:
        t = t_quantile(0.5 + confidence / 2, len(values) - 1)
        radius = t * stdev(values) / math.sqrt(len(values))
    return Interval(n=len(values), mean=fmean(values), radius=radius, confidence=confidence)


def paired(first: Mapping[str, float], second: Mapping[str, float]) -> Paired | None:
    """Compare two systems by question; None where they share none."""
    shared = [qid for qid in first if qid in second]
    differences = [second[qid] - first[qid] for qid in shared]
    difference = interval(differences)
    if difference is None:
        return None
    return Paired(
        difference=difference,
        better=sum(value > 0 for value in differences),
        same=sum(value == 0 for value in differences),
        worse=sum(value < 0 for value in differences),
        only_first=len(first) - len(shared),
        only_second=len(second) - len(shared),
    )


@lru_cache(maxsize=1024)
def t_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t for a probability between 0.5 and 1; `freedom` is a whole number from 1 on.

    By halving on the closed form of the distribution for whole degrees of freedom (Abramowitz and Stegun,
    26.7.3 and 26.7.4); for very many by the expansion around the normal quantile (26.7.5).
    """
    if freedom < 1 or not 0.5 <= probability < 1:
        raise ValueError(f"no quantile of {probability} for {freedom} degrees of freedom")
    if freedom > _LARGE:
        z = NormalDist().inv_cdf(probability)
        return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    within = 2 * probability - 1
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < within else (low, middle)
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """The probability that |t| < tan(angle) · √freedom."""
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(1 + odd, freedom - 2, 2):
        term *= square * k / (k + 1)
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
