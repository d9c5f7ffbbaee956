"""Re-execution: the calls of a recording run again on the data, without a model, and graded."""

from clinseek_replay.reexec.comparing import CellChange, Change
from clinseek_replay.reexec.grading import GradedCall
from clinseek_replay.reexec.running import Reexecution, SnapshotState, reexecute
from clinseek_replay.reexec.telling import reexecution_lines
from clinseek_replay.reexec.verdicts import GRADES, Grade, Verdict, drifts

__all__ = [
    "GRADES",
    "CellChange",
    "Change",
    "Grade",
    "GradedCall",
    "Reexecution",
    "SnapshotState",
    "Verdict",
    "drifts",
    "reexecute",
    "reexecution_lines",
]
