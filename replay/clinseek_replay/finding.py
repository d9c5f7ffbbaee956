"""What an analysis found in a run, anchored so that a person and a screen can go there."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["Finding", "NotVerified", "Place", "Severity", "Tier"]

Tier = Literal["D", "X", "S", "H"]
"""D: decided from the record; X: needs the data or the tools run again; S: a suggestion, never a fact;
H: said by a person."""

Severity = Literal["critical", "high", "medium", "low", "info"]

PlaceField = Literal["reasoning", "text", "arguments", "result", "prompt", "answer"]


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in a run: as far down as is known, from the step to characters of one of its texts."""

    step: int
    """The step's number; 0 for the prompt and for what belongs to the whole run."""
    call: int | None = None
    """1-based within the step."""
    field: PlaceField = "result"
    row: int | None = None
    """1-based among the rows of the call's result."""
    column: str = ""
    start: int | None = None
    end: int | None = None
    """Characters of the field's text."""
    quote: str = ""
    """The text there, so that the place is found again after another parsing."""

    @property
    def anchor(self) -> str:
        """`s12`, `s12.c1`, `s12.c1.r3`, or `s12.t:120-164` for characters of the model's own text."""
        anchor = f"s{self.step}"
        if self.call is not None:
            anchor += f".c{self.call}"
        if self.row is not None:
            return f"{anchor}.r{self.row}"
        if self.start is not None and self.end is not None:
            return f"{anchor}.t:{self.start}-{self.end}"
        return anchor


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a rule found."""

    code: str
    """`T2`, `A4`: the rule's code in its table."""
    name: str
    """`future_timestamp`: the rule's name."""
    message: str
    """One sentence with the values that decide it; untrusted where it quotes the run."""
    places: tuple[Place, ...] = ()
    """Where it shows; the first is the one to go to."""
    tier: Tier = "D"
    severity: Severity = "info"
    used: bool | None = None
    """Whether what was found supports an item of the answer; None where that was not asked."""
    recovered: bool = False
    """Whether a later call got what this one failed to get."""
    evidence: dict[str, Any] = {}
    """The values behind the message, by name: value, time, cutoff, marker, limit."""


class NotVerified(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that could not be decided, and what it would need."""

    code: str
    name: str
    reason: str
