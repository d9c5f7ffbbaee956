"""Points for evidence: the table `weights.tsv`, and how far each kind of evidence counts.

They are set by hand. How many points make a condition was looked up on the open MIMIC-IV demo, and nothing on
the bundled cases.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import msgspec

from clinseek_core.seeker.data import lines
from clinseek_core.seeker.lexicon import Kind

__all__ = ["LEAST", "Evidence", "total", "worth"]

LEAST: dict[Kind, float] = {"condition": 2.0, "drug": 4.0, "test": 3.0, "procedure": 3.0, "place": 3.0}
"""Points from which an item is chosen where several may be."""
_MOST_UNSPECIFIC = 1.5
"""Of a condition that only such signs and words speak for as go with many others too."""
_UNSPECIFIC = {"supporting", "hint"}


class Evidence(msgspec.Struct, frozen=True):
    """A reason for or against an item: its line in the table of weights, what was found, and how fully."""

    line: str
    says: str
    amount: float = 1.0


class _Weight(msgspec.Struct, frozen=True):
    points: float
    most: float
    """The line counts no further, for or against."""

    def bounded(self, points: float) -> float:
        """The points, as far as the line counts."""
        return max(-self.most, min(self.most, points))


def worth(kind: Kind, reason: Evidence) -> float:
    """The points of one piece of evidence alone."""
    weight = _weights().get((kind, reason.line))
    return weight.bounded(weight.points * reason.amount) if weight else 0.0


def total(kind: Kind, evidence: list[Evidence], *, strict: bool = True) -> float:
    """The points of all evidence together; where `strict`, a condition needs something specific."""
    sums: dict[str, float] = defaultdict(float)
    for reason in evidence:
        weight = _weights().get((kind, reason.line))
        if weight is not None:
            sums[reason.line] = weight.bounded(sums[reason.line] + worth(kind, reason))
    points = sum(sums.values())
    if strict and kind == "condition" and all(sums[line] <= 0 for line in sums.keys() - _UNSPECIFIC):
        return min(points, _MOST_UNSPECIFIC)
    return points


@cache
def _weights() -> dict[tuple[str, str], _Weight]:
    return {
        (line["kind"], line["evidence"]): _Weight(float(line["points"]), float(line["most"]))
        for line in lines("weights.tsv")
    }
