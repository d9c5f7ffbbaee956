"""Points for evidence: the table `weights.tsv`, and how far one kind of evidence counts."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import msgspec

from clinseek_core.seeker.data import lines
from clinseek_core.seeker.lexicon import Kind

__all__ = ["LEAST", "Evidence", "points_of", "worth"]

LEAST: dict[Kind, float] = {"condition": 2.0, "drug": 4.0, "test": 3.0, "procedure": 3.0, "place": 3.0}
"""Points from which an item is chosen where several may be."""


class Evidence(msgspec.Struct, frozen=True):
    """A reason for or against an item: its line in the table of weights, what was found, and how fully."""

    line: str
    says: str
    amount: float = 1.0


def worth(kind: Kind, reason: Evidence) -> float:
    """The points of one piece of evidence alone."""
    return _weights().get((kind, reason.line), (0.0, 0.0))[0] * reason.amount


def points_of(kind: Kind, evidence: list[Evidence]) -> dict[str, float]:
    """Points by line of the table; no line counts beyond its most."""
    sums: dict[str, float] = defaultdict(float)
    for found in evidence:
        points, most = _weights().get((kind, found.line), (0.0, 0.0))
        sums[found.line] = max(-most, min(most, sums[found.line] + points * found.amount))
    return sums


@cache
def _weights() -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (line["kind"], line["evidence"]): (float(line["points"]), float(line["most"]))
        for line in lines("weights.tsv")
    }
