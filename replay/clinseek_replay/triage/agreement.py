"""How far rules and people agree, and people among themselves: Cohen's kappa with its counts.

The unit is a code in a run: does it hold there or not. A rule says yes where it has a finding that is no
suggestion. A person says yes by accepting the code anywhere in the run, and no by rejecting it everywhere
they name it; of codes that they do not name they say nothing, unless they have marked the run as reviewed.

Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import msgspec

from clinseek_replay.triage.labels import Label, latest

__all__ = ["Agreement", "Kappa", "agreement", "kappa"]

Votes = Mapping[tuple[str, str], bool]
"""By run and code whether it holds."""


class Kappa(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Agreement of two who judged the same units."""

    both_yes: int
    only_first: int
    only_second: int
    both_no: int
    kappa: float | None = None
    undefined: str = ""
    """Why there is no kappa."""

    @property
    def units(self) -> int:
        """How many both judged."""
        return self.both_yes + self.only_first + self.only_second + self.both_no


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Rules with people, per code and over all; people with each other, over all."""

    codes: dict[str, Kappa]
    overall: Kappa
    people: dict[str, Kappa]
    """By `A, B`."""
    reviewed: int
    """Runs that somebody has marked as reviewed."""


def kappa(pairs: Iterable[tuple[bool, bool]]) -> Kappa:
    """Cohen's kappa of two raters' yes and no."""
    counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
    for first, second in pairs:
        counts[first, second] += 1
    yes, first_only = counts[True, True], counts[True, False]
    second_only, no = counts[False, True], counts[False, False]
    total = yes + first_only + second_only + no
    value, why = None, ""
    if not total:
        why = "nothing was judged by both"
    else:
        observed = (yes + no) / total
        first_yes, second_yes = (yes + first_only) / total, (yes + second_only) / total
        expected = first_yes * second_yes + (1 - first_yes) * (1 - second_yes)
        if first_yes in (0.0, 1.0) and first_yes == second_yes:
            why = f"both say {'yes' if first_yes else 'no'} to all of it, so chance alone would agree as well"
        else:
            value = (observed - expected) / (1 - expected)
    return Kappa(
        both_yes=yes, only_first=first_only, only_second=second_only, both_no=no, kappa=value, undefined=why
    )


def agreement(found: Mapping[str, Iterable[str]], labels: Sequence[Label], codes: Iterable[str]) -> Agreement:
    """Compare the codes that rules found, by run, with people's labels; `codes` are all there are.

    Where several people judged a run, each is compared with the rules for himself.
    """
    known = tuple(codes)
    by_rules = {run: set(of_run) for run, of_run in found.items()}
    votes = {author: _votes(author, labels, known) for author in sorted({label.author for label in labels})}
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for of_author in votes.values():
        for (run, code), said in of_author.items():
            if run in by_rules:
                pairs.setdefault(code, []).append((code in by_rules[run], said))
    people = {
        f"{one}, {other}": kappa(_shared(votes[one], votes[other])) for one, other in combinations(votes, 2)
    }
    return Agreement(
        codes={code: kappa(pairs[code]) for code in sorted(pairs)},
        overall=kappa(pair for of_code in pairs.values() for pair in of_code),
        people={pair: found for pair, found in people.items() if found.units},
        reviewed=len({label.run for label in labels if label.verdict == "reviewed"} & by_rules.keys()),
    )


def _votes(author: str, labels: Iterable[Label], codes: Iterable[str]) -> Votes:
    """What one author says of the codes of each run; a yes anywhere in the run counts for it."""
    said: dict[tuple[str, str], bool] = {}
    own = [label for label in latest(labels).values() if label.author == author]
    for label in own:
        if label.verdict == "reviewed":
            for code in codes:
                said.setdefault((label.run, code), False)
    for label in own:
        for code, holds in _said(label):
            said[label.run, code] = said.get((label.run, code), False) or holds
    return said


def _said(label: Label) -> Iterator[tuple[str, bool]]:
    if label.verdict == "accept":
        yield label.code, True
    elif label.verdict in ("reject", "override"):
        yield label.code, False
        if label.instead:
            yield label.instead, True


def _shared(one: Votes, other: Votes) -> Iterator[tuple[bool, bool]]:
    return ((said, other[unit]) for unit, said in one.items() if unit in other)
