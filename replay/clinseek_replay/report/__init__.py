"""Reports over many runs: the paper's tables by group, and what two sets of runs do differently."""

from clinseek_replay.report.comparison import Comparison, compare
from clinseek_replay.report.facts import Mode, ReportRun, judged_run, report_run
from clinseek_replay.report.tables import Report, report

__all__ = ["Comparison", "Mode", "Report", "ReportRun", "compare", "judged_run", "report", "report_run"]
