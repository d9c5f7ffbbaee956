"""What a failure rule is: a row of a table, with its reason in words and a function of a RunView."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from clinseek_replay.finding import Place, Severity, Tier

if TYPE_CHECKING:
    from clinseek_replay.triage.view import RunView

__all__ = ["Check", "Group", "Hit", "Need", "Rule", "Undecided"]

Need = Literal[
    "turns",
    "end",
    "gold",
    "answer",
    "subject",
    "tools",
    "reference",
    "candidates",
    "prompt",
    "max_rounds",
    "names",
    "data",
    "score",
    "siblings",
]
"""What a rule must be given; `clinseek_replay.triage.needs` says in words what is missing where it is not."""

Group = Literal["H", "A", "T", "R", "U", "F", "B", "S"]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule saw at one place; the rule's own tier and severity hold unless it says otherwise."""

    message: str
    places: tuple[Place, ...] = ()
    evidence: dict[str, Any] = {}
    tier: Tier | None = None
    severity: Severity | None = None
    recovered: bool = False
    lost: tuple[str, ...] = ()
    """Gold names that the run did without because of it."""
    extra: tuple[str, ...] = ()
    """Names of the answer that are there because of it."""


class Undecided(msgspec.Struct, frozen=True):
    """A rule that can't be decided on this run, and why."""

    reason: str


Check = Callable[["RunView"], Iterable[Hit | Undecided]]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One failure mode: its code and name, how it is decided, and what it needs to be."""

    code: str
    """`H2b`: a letter for its group, a number, and a letter where one mode has two."""
    name: str
    tier: Tier
    severity: Severity
    needs: tuple[Need, ...]
    says: str
    """One sentence for people: when it fires."""
    find: Check

    @property
    def group(self) -> str:
        """The letter of its group."""
        return self.code[0]
