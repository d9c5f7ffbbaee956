"""Many runs: which there are, each carried to its end, several at once, and what they add up to."""

from clinseek_tui.benching.carrying import Outcome, Setting, carry
from clinseek_tui.benching.jobs import Job, end_of, jobs_of
from clinseek_tui.benching.tally import Tally

__all__ = ["Job", "Outcome", "Setting", "Tally", "carry", "end_of", "jobs_of"]
