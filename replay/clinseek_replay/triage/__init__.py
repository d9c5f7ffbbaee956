"""Triage: why a run lost what it lost, by rules that say what they need and where they saw it."""

from clinseek_replay.triage.agreement import Agreement, Kappa, agreement, kappa
from clinseek_replay.triage.beside import among_others, read_scores
from clinseek_replay.triage.cause import Cause, counts, primary_cause
from clinseek_replay.triage.labels import Label, Labels, append_labels, findings_path, read_labels
from clinseek_replay.triage.no_return import NoReturn
from clinseek_replay.triage.record import run_key, with_labels
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.rules import RULE_VERSION, RULES, rule_named
from clinseek_replay.triage.run import RunTriage, apply_rules, triage, with_findings
from clinseek_replay.triage.tallies import Share, Tally, Triaged, tally, wilson
from clinseek_replay.triage.view import RunView, Siblings

__all__ = [
    "RULES",
    "RULE_VERSION",
    "Agreement",
    "Cause",
    "Hit",
    "Kappa",
    "Label",
    "Labels",
    "NoReturn",
    "Rule",
    "RunTriage",
    "RunView",
    "Share",
    "Siblings",
    "Tally",
    "Triaged",
    "Undecided",
    "agreement",
    "among_others",
    "append_labels",
    "apply_rules",
    "counts",
    "findings_path",
    "kappa",
    "primary_cause",
    "read_labels",
    "read_scores",
    "rule_named",
    "run_key",
    "tally",
    "triage",
    "wilson",
    "with_findings",
    "with_labels",
]
