"""The triage of one run: every rule asked, its findings kept, what could not be decided said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from clinseek_replay.audit import audit
from clinseek_replay.evidence.known import Known
from clinseek_replay.evidence.reading import Reading
from clinseek_replay.finding import Finding, NotVerified
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage.cause import Cause, primary_cause
from clinseek_replay.triage.items import Items
from clinseek_replay.triage.needs import missing
from clinseek_replay.triage.no_return import NoReturn, points_of_no_return
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.rules import RULE_VERSION, RULES
from clinseek_replay.triage.view import RunView, Siblings

__all__ = ["RunTriage", "apply_rules", "triage", "with_findings"]

_PER_CODE = 100
"""Findings of one code that are kept of a run; a loop repeats what was said."""


class RunTriage(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say of one run."""

    run_id: str
    source: str
    qid: str
    task: str
    model: str
    status: str
    rule_version: str
    f1: float | None
    """As the reference scores texts; None without gold, and for a run that has no end yet."""
    findings: tuple[Finding, ...]
    not_verified: tuple[NotVerified, ...]
    cause: Cause
    no_return: tuple[NoReturn, ...]
    calls: dict[str, int]
    """Calls of each tool."""
    tools: dict[str, str]
    """The tool of each call that a finding stands at, by its anchor."""
    items: tuple[tuple[str, ...], tuple[str, ...]]
    """The answer and the gold, for causes that are asked again after a person's labels."""


def triage(
    trajectory: Trajectory,
    *,
    leaks: tuple[Sequence[Finding], Sequence[NotVerified]] | None = None,
    known: Known | None = None,
    reading: Reading | None = None,
    recorded_f1: float | None = None,
    siblings: Siblings | None = None,
) -> RunTriage:
    """Ask every rule about a run.

    `leaks` are the findings of the temporal audit and what it could not verify; left out, the audit is done
    here. `known` is what the patient's record held, `reading` a walk over the run that was done before,
    `recorded_f1` the reference scorer's own figure, `siblings` the run's place among others.
    """
    view = RunView(trajectory, known=known, reading=reading, recorded_f1=recorded_f1, siblings=siblings)
    findings, undecided = apply_rules(view, RULES)
    temporal = leaks if leaks is not None else _audited(view)
    findings += temporal[0]
    undecided += temporal[1]
    scored = bool(view.gold) and (trajectory.ended or trajectory.answer is not None)
    made = RunTriage(
        run_id=trajectory.run_id,
        source=trajectory.source,
        qid=trajectory.qid,
        task=trajectory.task,
        model=trajectory.model,
        status=trajectory.status,
        rule_version=RULE_VERSION,
        f1=view.items.f1 if scored else None,
        findings=(),
        not_verified=tuple(undecided),
        cause=Cause(kind="not_verified"),
        no_return=points_of_no_return(view) if scored else (),
        calls=dict(Counter(call.name for call in view.calls)),
        tools=_tools_at(findings, view),
        items=(view.answer, view.gold),
    )
    return with_findings(made, findings, view)


def with_findings(made: RunTriage, findings: Iterable[Finding], view: RunView | None = None) -> RunTriage:
    """The same triage with other findings, and its cause asked anew."""
    kept = tuple(findings)
    items = view.items if view is not None else Items(*made.items)
    answered = made.status == "answered" or bool(made.items[0])
    cause = primary_cause(
        kept,
        items,
        has_gold=made.f1 is not None,
        answered=answered,
        lost_f1=1 - (made.f1 or 0.0),
    )
    return msgspec.structs.replace(made, findings=kept, cause=cause)


def apply_rules(view: RunView, rules: Iterable[Rule]) -> tuple[list[Finding], list[NotVerified]]:
    """What some rules find in a run, and which of them could not be decided."""
    findings: list[Finding] = []
    undecided: list[NotVerified] = []
    for rule in rules:
        lacking = missing(rule, view)
        if lacking:
            undecided.append(NotVerified(code=rule.code, name=rule.name, reason=lacking))
            continue
        for outcome in _first_of(rule.find(view)):
            if isinstance(outcome, Undecided):
                undecided.append(NotVerified(code=rule.code, name=rule.name, reason=outcome.reason))
            else:
                findings.append(_finding(rule, outcome))
    return findings, undecided


def _first_of(outcomes: Iterable[Hit | Undecided]) -> Iterator[Hit | Undecided]:
    for count, outcome in enumerate(outcomes):
        if count == _PER_CODE:
            return
        yield outcome


def _finding(rule: Rule, hit: Hit) -> Finding:
    evidence = dict(hit.evidence)
    if hit.lost:
        evidence["lost_gold"] = list(hit.lost)
    if hit.extra:
        evidence["extra_answers"] = list(hit.extra)
    return Finding(
        code=rule.code,
        name=rule.name,
        message=hit.message,
        places=hit.places,
        tier=hit.tier or rule.tier,
        severity=hit.severity or rule.severity,
        recovered=hit.recovered,
        evidence=evidence,
    )


def _tools_at(findings: Iterable[Finding], view: RunView) -> dict[str, str]:
    """The tool of the call that each finding stands at first."""
    found: dict[str, str] = {}
    for finding in findings:
        place = finding.places[0] if finding.places else None
        call = view.call_at.get((place.step, place.call)) if place is not None else None
        if call is not None:
            found[call.call.anchor] = call.name
    return found


def _audited(view: RunView) -> tuple[Sequence[Finding], Sequence[NotVerified]]:
    report = audit(view.trajectory, matcher=view.reading.matcher)
    return report.findings, report.not_verified
