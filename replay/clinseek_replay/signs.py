"""What a timeline marks at a call beside how it ended: leaks, gold seen for the first time, repeats."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from clinseek_replay.audit import audit
from clinseek_replay.cursor import hits, read_breakpoint
from clinseek_replay.finding import Finding
from clinseek_replay.glyphs import SignKind
from clinseek_replay.trajectory import Trajectory

__all__ = ["Sign", "signs_of"]

_STOPS: dict[str, SignKind] = {"gold:first": "gold", "repeated": "repeat"}
"""The breakpoints whose stops are marked, so that a sign stands exactly where such a breakpoint stops."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be marked at a call or a turn."""

    kind: SignKind
    anchor: str
    """Of the call, or of the turn: `s12.c1`, `s12`."""
    why: str
    """In words, with the value that decides it; untrusted where it quotes the run."""


def signs_of(trajectory: Trajectory) -> Iterator[Sign]:
    """Every sign of a run: gold and repeats in its order as it is read, then the leaks of the audit.

    What can't be decided without gold or cutoff has no sign; `undecided` and the audit's report say so.
    """
    for hit in hits(trajectory, [read_breakpoint(written) for written in _STOPS]):
        for reason in hit.reasons:
            yield Sign(kind=_STOPS[reason.breakpoint], anchor=hit.anchor, why=reason.why)
    for finding in audit(trajectory).leaks:
        yield from _leak_signs(finding)


def _leak_signs(finding: Finding) -> Iterator[Sign]:
    """One for each call that a finding lies in."""
    anchors = dict.fromkeys(replace(place, row=None, start=None).anchor for place in finding.places)
    for anchor in anchors:
        yield Sign(kind="leak", anchor=anchor, why=f"{finding.code} {finding.name}: {finding.message}")
