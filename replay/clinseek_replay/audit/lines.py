"""An audit as text: for each run what leaked, how much it matters, and what could not be decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from clinseek_core.text import one_line
from clinseek_replay.audit.report import AuditReport
from clinseek_replay.audit.rules import RULES
from clinseek_replay.finding import Finding

__all__ = ["report_lines", "total_lines"]

_WIDTH = 200
_SEVERITIES = ("critical", "high", "medium", "low", "info")
_PLACES = 4
_RULES = {rule.code: rule for rule in RULES}


def report_lines(report: AuditReport) -> Iterator[str]:
    """One run: a line that sums it up, a line a finding by rule, and what was not verified."""
    yield one_line(f"{report.qid or report.run_id or report.source}: {_summary(report)}", _WIDTH)
    for code in sorted({finding.code for finding in report.findings}, key=_number):
        found = [finding for finding in report.findings if finding.code == code]
        yield f"  {code} {found[0].name}: {_RULES[code].says if code in _RULES else ''}".rstrip()
        for finding in sorted(found, key=lambda each: _SEVERITIES.index(each.severity)):
            message = one_line(finding.message, _WIDTH) + _use(finding)
            yield f"    {finding.severity:<8} {_places(finding)}  {message}"
    if report.leaked_items:
        yield one_line(f"  answered on leaks alone: {', '.join(report.leaked_items)}", _WIDTH)
    if report.unsearchable and report.findings:
        items = ", ".join(report.unsearchable)
        yield one_line(
            f"  not known whether it rests on a leak, for no text can be searched for it: {items}", _WIDTH
        )
    for missing in report.not_verified:
        yield one_line(f"  not verified: {missing.code} {missing.name}: {missing.reason}", _WIDTH)


def _summary(report: AuditReport) -> str:
    if not report.cutoff:
        return "not audited: the recording does not say the case's time"
    leaks = report.leaks
    used = sum(finding.used is True for finding in leaks)
    words = "no leak found"
    if leaks:
        words = f"{len(leaks)} {'leak' if len(leaks) == 1 else 'leaks'}, {used} of them used in the answer"
    words += f" · cutoff {report.cutoff} {report.policy.boundary}, by {report.policy.basis}"
    if report.run_policy is not None and report.run_policy.basis != report.policy.basis:
        words += f" · the run was made by {report.run_policy.basis}"
    if report.f1 is not None:
        words += f" · F1 {report.f1:.3f}"
        if report.f1_without_leaks != report.f1:
            words += f", {report.f1_without_leaks:.3f} without what leaked"
    return words


def _places(finding: Finding) -> str:
    anchors = list(dict.fromkeys(place.anchor for place in finding.places))
    more = f" +{len(anchors) - _PLACES}" if len(anchors) > _PLACES else ""
    return " ".join(anchors[:_PLACES]) + more


def _use(finding: Finding) -> str:
    return {True: "  [used]", False: "  [visible only]", None: ""}[finding.used]


def _number(code: str) -> int:
    return int(code[1:]) if code[1:].isdigit() else 0


def total_lines(reports: Sequence[AuditReport]) -> Iterable[str]:
    """Several runs together: how many leaked, by rule, and the mean F1 with and without."""
    leaky = [report for report in reports if report.leaks]
    yield f"{len(reports)} runs: {len(leaky)} with leaks, {len(reports) - len(leaky)} without"
    runs = Counter(code for report in leaky for code in {finding.code for finding in report.leaks})
    used = Counter(
        code
        for report in leaky
        for code in {finding.code for finding in report.leaks if finding.used is True}
    )
    for code in sorted(runs, key=_number):
        name = _RULES[code].name if code in _RULES else ""
        yield f"  {code:<4}{name:<20}{runs[code]:>6} runs, used in {used[code]}"
    undecided = Counter(
        code for report in reports for code in {missing.code for missing in report.not_verified}
    )
    if undecided:
        told = ", ".join(f"{code} in {undecided[code]}" for code in sorted(undecided, key=_number))
        yield f"  not verified in full: {told}"
    scored = [report for report in reports if report.f1 is not None]
    if scored:
        with_leaks = sum(report.f1 or 0.0 for report in scored) / len(scored)
        without = sum(report.f1_without_leaks or 0.0 for report in scored) / len(scored)
        yield f"  mean F1 {with_leaks:.3f}, {without:.3f} without what leaked, over {len(scored)} runs"
