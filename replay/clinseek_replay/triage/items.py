"""The answer against the gold, by the rule of the reference's text scorer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

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
    def missed(self) -> tuple[str, ...]:
        """Gold names that it does not hold."""
        return tuple(name for key, name in self._gold.items() if key not in self._answer)

    @cached_property
    def extra(self) -> tuple[str, ...]:
        """Names of the answer that are no gold."""
        return tuple(name for key, name in self._answer.items() if key not in self._gold)

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
