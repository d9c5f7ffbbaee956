"""How good an answer is: set F1 of its names against the gold's."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from clinseek_core.scoring.names import folded

__all__ = ["Score", "score"]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """An answer against its gold; all three numbers between 0 and 1."""

    f1: float
    precision: float
    recall: float
    hits: tuple[str, ...]
    """Gold names that the answer holds, as the gold spells them."""
    missed: tuple[str, ...]
    """Gold names that it does not."""
    extra: tuple[str, ...]
    """Names of the answer that are not gold."""


def score(answer: Iterable[str] | None, gold: Iterable[str] | None) -> Score | None:
    """Score an answer; None where there is no gold, so nothing to score by.

    Set F1 as the paper's text benchmark has it: each name counts once, an answer without names gets 0.
    Names are the same when their normal forms are (see `folded`); the reference scorer folds case only,
    by `str.lower`: `score_upstream` does as it does.
    """
    wanted = _by_key(gold or ())
    if not wanted:
        return None
    given = _by_key(answer or ())
    hits = wanted.keys() & given.keys()
    precision = len(hits) / len(given) if given else 0.0
    recall = len(hits) / len(wanted)
    return Score(
        f1=2 * len(hits) / (len(given) + len(wanted)),
        precision=precision,
        recall=recall,
        hits=tuple(name for key, name in wanted.items() if key in hits),
        missed=tuple(name for key, name in wanted.items() if key not in hits),
        extra=tuple(name for key, name in given.items() if key not in hits),
    )


def _by_key(names: Iterable[str]) -> dict[str, str]:
    """The names that hold more than blanks, each once, by what makes two of them the same."""
    keyed: dict[str, str] = {}
    for name in names:
        key = folded(name)
        if key:
            keyed.setdefault(key, name)
    return keyed
