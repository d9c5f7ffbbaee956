"""The answer against the gold: what was hit by the reference's rule, what only by a normal form, what missed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from clinseek_core.scoring import folded

__all__ = ["Items", "f1_of"]


class Items:
    """The names of an answer and of a gold, joined."""

    def __init__(self, answer: Iterable[str], gold: Iterable[str]) -> None:
        self._answer = {name.lower(): name for name in answer}
        self._gold = {name.lower(): name for name in gold}

    @cached_property
    def hits(self) -> tuple[str, ...]:
        """Gold names that the answer holds as the reference compares them: in small letters, else exactly."""
        return tuple(name for key, name in self._gold.items() if key in self._answer)

    @cached_property
    def near(self) -> dict[str, str]:
        """Names of the answer that are no gold by that rule but have a gold name's normal form: that name."""
        wanted = {folded(name): name for key, name in self._gold.items() if key not in self._answer}
        found = {
            name: wanted.get(folded(name)) for key, name in self._answer.items() if key not in self._gold
        }
        return {name: gold for name, gold in found.items() if gold is not None}

    @cached_property
    def missed(self) -> tuple[str, ...]:
        """Gold names that the answer does not hold, in their normal form either."""
        near = set(self.near.values())
        return tuple(name for key, name in self._gold.items() if key not in self._answer and name not in near)

    @cached_property
    def extra(self) -> tuple[str, ...]:
        """Names of the answer that are no gold, in their normal form either."""
        return tuple(
            name for key, name in self._answer.items() if key not in self._gold and name not in self.near
        )

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The answer's names, each once."""
        return tuple(self._answer.values())

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """The gold's names, each once."""
        return tuple(self._gold.values())

    @property
    def f1(self) -> float:
        """Set F1 as the reference's text scorer has it."""
        return _f1(set(self._answer), set(self._gold))

    def f1_with(self, lost: Iterable[str], extra: Iterable[str]) -> float:
        """The F1 there would have been with the gold names `lost` in the answer and `extra` not in it."""
        given = set(self._answer) - {name.lower() for name in extra}
        given |= {name.lower() for name in lost} & set(self._gold)
        return _f1(given, set(self._gold))


def _f1(given: set[str], wanted: set[str]) -> float:
    size = len(given) + len(wanted)
    return 2 * len(given & wanted) / size if size else 0.0


def f1_of(given: Iterable[str], wanted: Iterable[str]) -> float:
    """Set F1 of names by the reference's text rule; 0 where both are empty."""
    return _f1({name.lower() for name in given}, {name.lower() for name in wanted})
