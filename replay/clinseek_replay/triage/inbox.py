"""The triage inbox: one run after the other, what the rules suggest of it, and what a person says to that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_replay.audit import RULES as AUDIT_RULES
from clinseek_replay.finding import Finding
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage.agreement import Agreement, agreement
from clinseek_replay.triage.cause import counts
from clinseek_replay.triage.labels import Label, Verdict
from clinseek_replay.triage.record import run_key
from clinseek_replay.triage.rules import RULE_VERSION, RULES
from clinseek_replay.triage.run import RunTriage, triage

__all__ = [
    "CODES",
    "InboxRun",
    "Suggestion",
    "agreed",
    "inbox_run",
    "is_done",
    "left_of",
    "reviewed",
    "said",
    "suggestions",
    "taken_back",
    "written_code",
]

CODES: tuple[str, ...] = (*(rule.code for rule in RULES), *(rule.code for rule in AUDIT_RULES))
"""Every code that a label may name."""
_WIDTH = 400
_DIGITS = 9


class InboxRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the inbox shows it."""

    made: RunTriage
    steps: int
    """The number of its last step; 0 where it has none."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """One code at one place that the rules put before a person; the first of a run is its primary cause."""

    code: str
    name: str
    anchor: str
    message: str = ""
    """Untrusted where it quotes the run."""
    fact: bool = True
    """False for what the rules only suggest."""
    also: int = 0
    """Further findings of the same code."""
    evidence: tuple[tuple[str, str], ...] = ()
    """The values behind the message, by name; untrusted."""


def inbox_run(trajectory: Trajectory) -> InboxRun:
    """The triage of a run, and how long it is."""
    last = trajectory.steps[-1].number if trajectory.steps else 0
    return InboxRun(made=triage(trajectory), steps=last)


def suggestions(run: RunTriage) -> list[Suggestion]:
    """One for each code of the run's findings: the primary cause first, then what counts, then the rest."""
    of_code: dict[str, list[Finding]] = {}
    for finding in run.findings:
        of_code.setdefault(finding.code, []).append(finding)
    ordered = sorted(of_code, key=lambda code: (code != run.cause.code, not any(map(counts, of_code[code]))))
    return [_suggested(run, of_code[code]) for code in ordered]


def _suggested(run: RunTriage, findings: Sequence[Finding]) -> Suggestion:
    at_cause = (each for each in findings if each.places and each.places[0].anchor == run.cause.anchor)
    first = next(at_cause, next(filter(counts, findings), findings[0]))
    return Suggestion(
        code=first.code,
        name=first.name,
        anchor=first.places[0].anchor if first.places else "s0",
        message=first.message,
        fact=counts(first),
        also=len(findings) - 1,
        evidence=tuple((name, one_line(str(value), _WIDTH)) for name, value in first.evidence.items()),
    )


def left_of(run: RunTriage, labels: Iterable[Label], author: str) -> list[Suggestion]:
    """The suggestions on which this person has not said anything yet."""
    key = run_key(run)
    said = {(each.anchor, each.code) for each in labels if (each.run, each.author) == (key, author)}
    return [each for each in suggestions(run) if (each.anchor, each.code) not in said]


def is_done(run: RunTriage, labels: Iterable[Label], author: str) -> bool:
    """Whether this person has gone through the run."""
    key = run_key(run)
    return any(each.verdict == "reviewed" and each.run == key and each.author == author for each in labels)


def said(blank: Label, verdict: Verdict, suggestion: Suggestion, instead: str = "") -> Label:
    """That what is suggested holds, does not, or that another code holds instead."""
    return msgspec.structs.replace(
        blank, verdict=verdict, anchor=suggestion.anchor, code=suggestion.code, instead=instead
    )


def reviewed(run: RunTriage, *, author: str, at: datetime, text: str = "") -> Label:
    """That the person has gone through the run: what was not accepted is not there."""
    return Label(
        at=at, author=author, run=run_key(run), verdict="reviewed", rule_version=RULE_VERSION, text=text
    )


def taken_back(label: Label, at: datetime) -> Label:
    """That what was said with this label, at its time, is taken back."""
    return Label(at=at, author=label.author, run=label.run, verdict="undone", rule_version=RULE_VERSION)


def written_code(typed: str, anchor: str, steps: int) -> Suggestion:
    """What a person writes: a code, and a place where it is not `anchor`.

    Raises InputError for a code that nobody knows and a step that the run does not have.
    """
    code, _, place = typed.strip().partition(" ")
    anchor = place.strip() or anchor
    if code not in CODES:
        raise InputError(f"{code!r} is no code of a failure; there are {', '.join(CODES)}")
    number = anchor.partition(".")[0].removeprefix("s")
    if not number.isdecimal() or len(number) > _DIGITS or int(number) > steps:
        raise InputError(f"{anchor!r} is no place of this run; write one as s12 or s12.c1, up to s{steps}")
    return Suggestion(code=code, name="", anchor=anchor)


def agreed(runs: Iterable[RunTriage], labels: Sequence[Label]) -> Agreement:
    """How far the rules and people agree on these runs."""
    found = {
        run_key(run): {f.code for f in run.findings if f.tier != "S" and f.severity != "info"} for run in runs
    }
    return agreement(found, labels, CODES)
