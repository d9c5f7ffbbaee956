"""The primary cause of what a run lost: one for each run, so that causes can be counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from clinseek_replay.finding import Finding
from clinseek_replay.triage.items import Items

__all__ = ["Cause", "CauseKind", "counts", "primary_cause"]

CauseKind = Literal["found", "nothing_lost", "unexplained", "not_verified"]
"""`unexplained`: something was lost and no rule says why; `not_verified`: whether anything was lost is not
known, for want of gold."""

_ORDER: tuple[tuple[str, ...], ...] = (
    ("S1", "S3"),
    ("H",),
    ("T",),
    ("B1", "B2", "B3"),
    ("A",),
    ("R",),
    ("U",),
    ("F",),
)
"""Whose fault is asked first: the benchmark's, the harness's, the data's, the budget's, then the agent's.
Codes, or letters for whole groups."""


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a run lost what it lost."""

    kind: CauseKind
    code: str = ""
    name: str = ""
    anchor: str = ""
    """Where the earliest finding of the code is."""
    lost_f1: float = 0.0
    """How much higher the F1 would have been without what the code's findings name."""


def counts(finding: Finding) -> bool:
    """Whether a finding counts: a fact, not merely told, and not made good later."""
    return finding.tier != "S" and finding.severity != "info" and not finding.recovered


def primary_cause(
    findings: Iterable[Finding], items: Items, *, has_gold: bool, answered: bool, lost_f1: float
) -> Cause:
    """The first group, in the order of blame, with a finding that counts; in it the code that cost most.

    Codes that cost the same are told apart by the earliest step.
    """
    if has_gold and lost_f1 <= 0:
        return Cause(kind="nothing_lost")
    if not has_gold and answered:
        return Cause(kind="not_verified")
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        if counts(finding) and finding.used is not False:
            by_code.setdefault(finding.code, []).append(finding)
    for group in _ORDER:
        codes = [code for code in by_code if code in group or code[0] in group]
        if codes:
            code = min(codes, key=lambda code: (-_cost(by_code[code], items), _first(by_code[code]), code))
            of_code = by_code[code]
            first = min(of_code, key=_step)
            return Cause(
                kind="found",
                code=code,
                name=first.name,
                anchor=first.places[0].anchor if first.places else "",
                lost_f1=round(_cost(of_code, items), 4),
            )
    return Cause(kind="unexplained")


def _cost(findings: Sequence[Finding], items: Items) -> float:
    lost = {name for finding in findings for name in finding.evidence.get("lost_gold", ())}
    extra = {name for finding in findings for name in finding.evidence.get("extra_answers", ())}
    return max(items.f1_with(lost, extra) - items.f1, 0.0)


def _first(findings: Sequence[Finding]) -> int:
    return min(map(_step, findings))


def _step(finding: Finding) -> int:
    return finding.places[0].step if finding.places else 0
