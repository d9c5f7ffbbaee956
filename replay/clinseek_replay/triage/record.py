"""Findings after people have had their say: what they reject does not count, what they add does."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from clinseek_replay.finding import Finding, Place
from clinseek_replay.triage.labels import Label, latest
from clinseek_replay.triage.rules import rule_named
from clinseek_replay.triage.run import RunTriage, with_findings

__all__ = ["run_key", "with_labels"]


def run_key(made: RunTriage) -> str:
    """By what labels name a run: its id, or its qid."""
    return made.run_id or made.qid


def with_labels(made: RunTriage, labels: Iterable[Label]) -> RunTriage:
    """The triage of a run as people have left it; where they disagree, the last word counts.

    A finding that was rejected or overridden is gone. One that was accepted is a person's (tier H), and so is
    a code that a person added.
    """
    of_run = [label for label in labels if label.run == run_key(made) and label.verdict != "reviewed"]
    said = {(label.anchor, label.code): label for label in latest(of_run).values()}
    said |= {(label.anchor, label.code): label for label in of_run}
    if not said:
        return made
    kept: list[Finding] = []
    for finding in made.findings:
        label = said.get((finding.places[0].anchor if finding.places else "s0", finding.code))
        if label is None:
            kept.append(finding)
        elif label.verdict == "accept":
            kept.append(msgspec.structs.replace(finding, tier="H", recovered=False))
    there = {(finding.places[0].anchor if finding.places else "s0", finding.code) for finding in kept}
    for label in said.values():
        code = label.code if label.verdict == "accept" else label.instead
        if code and (label.anchor, code) not in there:
            kept.append(_by_a_person(label, code))
    return with_findings(made, kept)


def _by_a_person(label: Label, code: str) -> Finding:
    rule = rule_named(code)
    step, _, rest = label.anchor.removeprefix("s").partition(".")
    call = rest.removeprefix("c").partition(".")[0]
    place = Place(step=int(step), call=int(call) if call.isdecimal() else None)
    return Finding(
        code=code,
        name=rule.name if rule is not None else "",
        message=label.text or f"labelled by {label.author}",
        places=(place,),
        tier="H",
        severity=rule.severity if rule is not None else "medium",
        evidence={"author": label.author, "at": label.at.isoformat(timespec="seconds")},
    )
