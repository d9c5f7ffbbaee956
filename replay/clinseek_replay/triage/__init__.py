"""Triage: why a run lost what it lost, by rules that say what they need and where they saw it."""

from clinseek_replay.triage.cause import Cause, counts, primary_cause
from clinseek_replay.triage.no_return import NoReturn
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.rules import RULE_VERSION, RULES, rule_named
from clinseek_replay.triage.run import RunTriage, apply_rules, triage, with_findings
from clinseek_replay.triage.view import RunView, Siblings

__all__ = [
    "RULES",
    "RULE_VERSION",
    "Cause",
    "Hit",
    "NoReturn",
    "Rule",
    "RunTriage",
    "RunView",
    "Siblings",
    "Undecided",
    "apply_rules",
    "counts",
    "primary_cause",
    "rule_named",
    "triage",
    "with_findings",
]
