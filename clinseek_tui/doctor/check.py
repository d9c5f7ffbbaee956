"""What a check is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from clinseek_tui.terminal import Terminal

__all__ = ["Check", "Finding", "Here", "Outcome", "Verdict", "missing", "well"]

Verdict = Literal["ok", "missing", "optional"]
"""`missing` is for what is used by default, `optional` for what is there for those who want it."""


class Here(NamedTuple):
    """What is looked at."""

    environ: Mapping[str, str]
    terminal: Terminal
    ask_endpoint: bool = False
    """Whether the model's endpoint may be asked, which sends it the key."""


class Outcome(NamedTuple):
    """What a check saw."""

    fine: bool
    says: str
    fix: str = ""
    """What to do where it is not fine; untrusted as `says` is."""


class Check(NamedTuple):
    """One thing that can be missing."""

    group: str
    name: str
    by_default: bool
    """Whether it is used by default."""
    look: Callable[[Here], Outcome]

    def finding(self, here: Here) -> Finding:
        """Look, and say what is there."""
        fine, says, fix = self.look(here)
        verdict: Verdict = "ok" if fine else "missing" if self.by_default else "optional"
        return Finding(group=self.group, name=self.name, verdict=verdict, says=says, fix=fix)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one thing."""

    group: str
    name: str
    verdict: Verdict
    says: str
    fix: str


def well(says: str) -> Outcome:
    """It is there."""
    return Outcome(True, says)


def missing(says: str, fix: str) -> Outcome:
    """It is not, and what to do about it."""
    return Outcome(False, says, fix)
