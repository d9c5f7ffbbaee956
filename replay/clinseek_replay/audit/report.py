"""The audit of a run: its findings, what could not be decided, and the score without what leaked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.scoring import score
from clinseek_replay.audit.inspection import Inspection, Sight
from clinseek_replay.audit.known import PatientTimes
from clinseek_replay.audit.leak import Leak
from clinseek_replay.audit.rules import RULES, Rule
from clinseek_replay.audit.support import Support
from clinseek_replay.evidence.matching import Matcher
from clinseek_replay.finding import Finding, NotVerified, Place
from clinseek_replay.trajectory import Trajectory

__all__ = ["AuditReport", "audit", "audited_policy"]

_QUOTE = 120


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit of one run says."""

    run_id: str
    source: str
    qid: str
    cutoff: str = ""
    """The time beyond which nothing was known; empty where the recording doesn't say it."""
    policy: Policy = Policy()
    """The policy that the run is held against."""
    run_policy: Policy | None = None
    """The policy that the run was made under, where it is recorded."""
    findings: tuple[Finding, ...] = ()
    not_verified: tuple[NotVerified, ...] = ()
    leaked_items: tuple[str, ...] = ()
    """Answered items all of whose support leaked."""
    unsearchable: tuple[str, ...] = ()
    """Answered items, like `yes`, that no text can be searched for: what they rest on is not known."""
    f1: float | None = None
    f1_without_leaks: float | None = None
    """The F1 of the answer without its leaked items."""

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The findings that are leaks: all but those that are for information."""
        return tuple(finding for finding in self.findings if finding.severity != "info")


def audited_policy(trajectory: Trajectory) -> Policy:
    """The policy a run is held against: its own, but `available` where it had none or a leaky one."""
    own = trajectory.policy
    if own is None:
        return Policy()
    return own if own.basis != "upstream" else msgspec.structs.replace(own, basis="available")


def audit(
    trajectory: Trajectory,
    *,
    times: PatientTimes | None = None,
    policy: Policy | None = None,
    rules: Sequence[Rule] = RULES,
    matcher: Matcher | None = None,
) -> AuditReport:
    """Hold a run against what was known at its cutoff.

    `times` is the patient's dated record, for rows that are printed without theirs; `policy` another than
    the run's own; `matcher` that of another analysis, which has found the items of the answer before. Rules
    that lack what they need are told in `not_verified`.
    """
    policy = policy or audited_policy(trajectory)
    head = AuditReport(
        run_id=trajectory.run_id,
        source=trajectory.source,
        qid=trajectory.qid,
        policy=policy,
        run_policy=trajectory.policy,
        f1=_f1(trajectory, ()),
    )
    if trajectory.prediction_time is None:
        reason = "the recording does not say the case's time"
        missing = tuple(NotVerified(code=rule.code, name=rule.name, reason=reason) for rule in rules)
        return msgspec.structs.replace(head, not_verified=missing)
    inspection = Inspection(trajectory, trajectory.prediction_time, policy, times)
    found = list(_findings(inspection, rules))
    support = Support(trajectory, found, matcher, inspection.read) if found else None
    findings = tuple(_with_use(finding, support) for finding in found)
    leaked = support.leaked_items() if support else ()
    return msgspec.structs.replace(
        head,
        cutoff=inspection.cutoff,
        findings=findings,
        not_verified=tuple(_not_verified(inspection, rules)),
        leaked_items=leaked,
        unsearchable=support.unsearchable if support else (),
        f1_without_leaks=_f1(trajectory, leaked),
    )


def _with_use(finding: Finding, support: Support | None) -> Finding:
    return msgspec.structs.replace(finding, used=support.used(finding)) if support else finding


def _f1(trajectory: Trajectory, without: Sequence[str]) -> float | None:
    if trajectory.gold is None:
        return None
    left_out = {item.lower() for item in without}
    kept = [item for item in trajectory.answer or () if item.lower() not in left_out]
    scored = score(kept, trajectory.gold)
    return scored.f1 if scored else None


_Group = tuple[Any, ...]


def _findings(inspection: Inspection, rules: Sequence[Rule]) -> Iterable[Finding]:
    """Leaks of one rule in one column of one result make one finding."""
    of_tool: dict[str, list[Rule]] = {}
    for sight in inspection.sights():
        tool = sight.call.name
        if tool not in of_tool:
            of_tool[tool] = [rule for rule in rules if rule.reads(tool)]
        groups = _grouped(sight, of_tool[tool])
        if any(leaks[0].table is not None for _, leaks in groups):
            inspection.read[sight.step, sight.number] = sight.tables
        for rule, leaks in groups:
            yield _finding(inspection, rule, leaks)


def _grouped(sight: Sight, rules: Iterable[Rule]) -> Collection[tuple[Rule, list[Leak]]]:
    """The leaks that make one finding each, every place once."""
    groups: dict[_Group, tuple[Rule, list[Leak]]] = {}
    for rule in rules:
        seen: set[_Group] = set()
        for leak in rule.find(sight):
            place: _Group = (
                leak.scope,
                id(leak.table),
                leak.row,
                "" if leak.scope == "row" else leak.column,
                leak.start if leak.row is None or leak.scope == "cell" else None,
            )
            if place in seen:
                continue
            seen.add(place)
            group = (
                rule.code,
                id(leak.table),
                leak.name,
                leak.column,
                leak.scope,
                leak.severity,
                leak.tier,
            )
            groups.setdefault(group, (rule, []))[1].append(leak)
    return groups.values()


def _finding(inspection: Inspection, rule: Rule, leaks: Sequence[Leak]) -> Finding:
    first = leaks[0]
    what = ".".join(part for part in (first.name, first.column) if part)
    shown = first.value if len(first.value) <= _QUOTE else first.value[: _QUOTE - 1] + "…"
    more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
    evidence = {
        "value": shown,
        "time": first.at,
        "cutoff": inspection.cutoff,
        "basis": inspection.policy.basis,
        "boundary": inspection.policy.boundary,
        "table": first.name,
        "column": first.column,
        "leaked": first.scope,
        "cells": len(leaks),
    }
    return Finding(
        code=rule.code,
        name=rule.name,
        message=f"{what + ' ' if what else ''}{shown} {first.why}{more}",
        places=tuple(map(_place, leaks)),
        tier=first.tier or "D",
        severity=first.severity or rule.severity,
        evidence={name: value for name, value in evidence.items() if value != ""},
    )


def _place(leak: Leak) -> Place:
    row = None if leak.row is None or leak.table is None else leak.table.first_row + leak.row + 1
    return Place(
        step=leak.sight.step,
        call=leak.sight.number,
        field="arguments" if leak.in_arguments else "result",
        row=row,
        column=leak.column,
        start=leak.start,
        end=leak.end,
        quote=leak.value[:_QUOTE],
    )


def _not_verified(inspection: Inspection, rules: Sequence[Rule]) -> Iterable[NotVerified]:
    names = {rule.code: rule.name for rule in rules}
    for (code, reason), times in sorted(inspection.unverified.items()):
        if code in names:
            often = f" ({times} times)" if times > 1 else ""
            yield NotVerified(code=code, name=names[code], reason=reason + often)
    if inspection.trajectory.subject_id is None and "T9" in names:
        yield NotVerified(code="T9", name=names["T9"], reason="the recording does not say the patient")
    if inspection.times is None:
        for rule in rules:
            if rule.code in _WITH_DATA:
                yield NotVerified(code=rule.code, name=rule.name, reason=_WITH_DATA[rule.code])


_WITH_DATA = {
    "T4": "rows printed without the time they were stored; --ehr tells it",
    "T5": "rows of tables without a time; --ehr tells when they were known",
}
