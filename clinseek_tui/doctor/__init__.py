"""What works here, and how to get what does not: checks as a table, each with its remedy."""

from clinseek_tui.doctor.check import Check, Finding, Here, Outcome, Verdict
from clinseek_tui.doctor.data import DATA
from clinseek_tui.doctor.display import DISPLAY
from clinseek_tui.doctor.model import MODEL
from clinseek_tui.doctor.program import PROGRAM

__all__ = ["CHECKS", "Check", "Finding", "Here", "Outcome", "Verdict"]

CHECKS: tuple[Check, ...] = (*PROGRAM, *DISPLAY, *DATA, *MODEL)
"""In the order in which they are told."""
