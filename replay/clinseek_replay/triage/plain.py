"""Triage as plain text: a run's findings with their places, and many runs counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from clinseek_core.text import one_line
from clinseek_replay.finding import Finding
from clinseek_replay.triage.agreement import Agreement, Kappa
from clinseek_replay.triage.cause import Cause, counts
from clinseek_replay.triage.run import RunTriage
from clinseek_replay.triage.tallies import Share, Tally, Triaged

__all__ = ["agreement_lines", "run_lines", "tally_lines"]

_WIDTH = 150
_PER_CODE = 5
"""Findings of one code that are listed of a run."""
_BY = {"all": "", "task": "task ", "model": "model ", "tool": "tool "}
_CAUSES = {
    "nothing_lost": "nothing lost",
    "unexplained": "lost, and no rule says why",
    "not_verified": "not verified: no gold",
}


def run_lines(run: RunTriage) -> Iterator[str]:
    """One run: what it lost and why, each finding, and what could not be decided."""
    f1 = f"F1 {run.f1:.2f}" if run.f1 is not None else "no F1"
    parts = (
        one_line(run.qid, 80) or "no qid",
        one_line(run.task, 60),
        one_line(run.model, 60),
        run.status,
        f1,
    )
    yield " · ".join(part for part in parts if part)
    yield f"  {one_line(run.source, _WIDTH)}"
    yield f"  primary cause: {_cause(run.cause)}"
    for point in run.no_return:
        items = ", ".join(one_line(name, 40) for name in point.items[:5])
        more = f" and {len(point.items) - 5} more" if len(point.items) > 5 else ""
        yield f"  out of reach after s{point.step} ({point.kind}): {items}{more}"
    facts = [finding for finding in run.findings if finding.tier != "S"]
    yield from _finding_lines(facts)
    yield from _finding_lines([finding for finding in run.findings if finding.tier == "S"])
    yield from _not_verified_lines(run)


def _cause(cause: Cause) -> str:
    if cause.kind != "found":
        return _CAUSES[cause.kind]
    lost = f", {cause.lost_f1:.2f} of the F1" if cause.lost_f1 else ""
    return f"{cause.code} {cause.name} at {cause.anchor or 's0'}{lost}"


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    shown: dict[str, int] = {}
    for finding in findings:
        shown[finding.code] = shown.get(finding.code, 0) + 1
        if shown[finding.code] <= _PER_CODE:
            anchor = finding.places[0].anchor if finding.places else ""
            message = one_line(finding.message, _WIDTH)
            yield f"  {finding.code:<4} {finding.name:<25} {anchor:<12} {_standing(finding)}{message}"
    for code, count in shown.items():
        if count > _PER_CODE:
            yield f"  {code:<4} and {count - _PER_CODE} more"


def _standing(finding: Finding) -> str:
    """What is to be known of a finding before it is taken for a fact that counts."""
    if finding.tier == "H":
        return "[by a person] "
    if finding.tier == "S":
        return "[suggestion] "
    if finding.recovered:
        return "[recovered] "
    return "" if counts(finding) else "[for information] "


def _not_verified_lines(run: RunTriage) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for each in run.not_verified:
        codes = by_reason.setdefault(each.reason, [])
        if each.code not in codes:
            codes.append(each.code)
    for reason, codes in by_reason.items():
        yield f"  not verified: {', '.join(codes)}: {one_line(reason, _WIDTH)}"


def tally_lines(triaged: Triaged, missing: Sequence[str] | None = None) -> Iterator[str]:
    """The counts of many runs, over all and by task, model and tool."""
    yield f"{triaged.runs} runs, rules of version {triaged.rule_version or '-'}; shares with 95 % intervals"
    if missing:
        some = ", ".join(one_line(qid, 40) for qid in missing[:5])
        more = " …" if len(missing) > 5 else ""
        yield f"{len(missing)} questions of the gold file have no run: {some}{more}"
    for each in triaged.tallies:
        yield ""
        yield from _tally_lines(each)


def _tally_lines(group: Tally) -> Iterator[str]:
    what = "calls" if group.by == "tool" else "runs"
    yield f"{_BY[group.by]}{one_line(group.name, 80) or '(none)'}: {group.runs} {what}"
    found = {code: share for code, share in group.codes.items() if share.count}
    for code, share in found.items():
        yield f"  {code:<14} {_share(share)}{_undecided(share)}"
    blank = {code: share for code, share in group.codes.items() if not share.count}
    if blank:
        told = ", ".join(f"{code} {share.not_verified}" for code, share in blank.items())
        yield f"  not found, and not verified in as many runs: {told}"
    if group.causes:
        told = ", ".join(f"{cause.replace('_', ' ')} {share.count}" for cause, share in group.causes.items())
        yield f"  primary causes: {told}"


def _share(share: Share) -> str:
    return f"{share.count:>5} of {share.of}  {share.share:6.1%}  ({share.low:.1%} to {share.high:.1%})"


def _undecided(share: Share) -> str:
    return f"  not verified in {share.not_verified}" if share.not_verified else ""


def agreement_lines(agreement: Agreement) -> Iterator[str]:
    """Kappa of rules with people, per code and over all, and of people among themselves."""
    yield f"agreement of rules with people (Cohen's kappa); {agreement.reviewed} runs marked as reviewed"
    yield from _kappa_lines([*agreement.codes.items(), ("all codes", agreement.overall)], "rule", "person")
    if agreement.people:
        yield "agreement of people with each other"
        yield from _kappa_lines(agreement.people.items(), "first", "second")


def _kappa_lines(kappas: Iterable[tuple[str, Kappa]], first: str, second: str) -> Iterator[str]:
    for name, found in kappas:
        value = f"{found.kappa:5.2f}" if found.kappa is not None else f"undefined: {found.undefined}"
        yield (
            f"  {one_line(name, 60):<12} {value}  of {found.units}: both yes {found.both_yes}, {first} alone "
            f"{found.only_first}, {second} alone {found.only_second}, both no {found.both_no}"
        )
