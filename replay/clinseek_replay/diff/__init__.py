"""Two runs of a case aligned by their calls, or many as a matrix."""

from clinseek_replay.diff.alignment import Aligned, Change, align
from clinseek_replay.diff.calls import CallRef, calls_of
from clinseek_replay.diff.comparing import ArgumentChange, CaseChange, Line, RunDiff, RunHead, diff
from clinseek_replay.diff.evidence import Gained, evidence_of
from clinseek_replay.diff.matrix import Matrix, MatrixCell, MatrixRow, matrix
from clinseek_replay.diff.standing import GoldLine, Standing, gold_lines

__all__ = [
    "Aligned",
    "ArgumentChange",
    "CallRef",
    "CaseChange",
    "Change",
    "Gained",
    "GoldLine",
    "Line",
    "Matrix",
    "MatrixCell",
    "MatrixRow",
    "RunDiff",
    "RunHead",
    "Standing",
    "align",
    "calls_of",
    "diff",
    "evidence_of",
    "gold_lines",
    "matrix",
]
