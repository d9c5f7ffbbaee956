"""The temporal audit: what a run saw that was not known at its cutoff."""

from clinseek_replay.audit.known import EhrTimes, PatientTimes
from clinseek_replay.audit.lines import report_lines, total_lines
from clinseek_replay.audit.report import AuditReport, audit, audited_policy
from clinseek_replay.audit.rules import RULES, RULES_VERSION, Rule
from clinseek_replay.audit.support import leaked_items

__all__ = [
    "RULES",
    "RULES_VERSION",
    "AuditReport",
    "EhrTimes",
    "PatientTimes",
    "Rule",
    "audit",
    "audited_policy",
    "leaked_items",
    "report_lines",
    "total_lines",
]
