"""All rules, in the order of the survey they come from, and the version that findings and labels name."""

from __future__ import annotations

from clinseek_replay.triage.action import ACTION
from clinseek_replay.triage.answer import ANSWER
from clinseek_replay.triage.budget import BUDGET
from clinseek_replay.triage.harness import HARNESS
from clinseek_replay.triage.retrieval import RETRIEVAL
from clinseek_replay.triage.rule import Rule
from clinseek_replay.triage.scoring_rules import SCORING
from clinseek_replay.triage.use import USE

__all__ = ["RULES", "RULE_VERSION", "rule_named"]

RULE_VERSION = "1"
"""Changes whenever a rule comes to decide otherwise; a label names the version it was given under."""

RULES: tuple[Rule, ...] = (*HARNESS, *ACTION, *RETRIEVAL, *USE, *ANSWER, *BUDGET, *SCORING)
"""One for each failure mode but those of group T, which `clinseek_replay.audit` finds."""

_BY_CODE = {rule.code: rule for rule in RULES}


def rule_named(code: str) -> Rule | None:
    """The rule of a code; None where no rule has it."""
    return _BY_CODE.get(code)
