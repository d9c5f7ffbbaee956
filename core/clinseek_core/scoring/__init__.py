"""How good answers are: set F1 of names in normal form, the reference's own score, and means of many runs."""

from clinseek_core.scoring.intervals import Interval, Paired, interval, paired, t_quantile
from clinseek_core.scoring.names import folded
from clinseek_core.scoring.set_f1 import Score, score
from clinseek_core.scoring.single import SingleAnswer, single_answer
from clinseek_core.scoring.summary import (
    Denominators,
    Group,
    ScoredRun,
    SingleRow,
    Summary,
    by_question,
    single_row,
    summary,
    with_single,
)
from clinseek_core.scoring.upstream import UpstreamScore, is_multimodal, score_upstream

__all__ = [
    "Denominators",
    "Group",
    "Interval",
    "Paired",
    "Score",
    "ScoredRun",
    "SingleAnswer",
    "SingleRow",
    "Summary",
    "UpstreamScore",
    "by_question",
    "folded",
    "interval",
    "is_multimodal",
    "paired",
    "score",
    "score_upstream",
    "single_answer",
    "single_row",
    "summary",
    "t_quantile",
    "with_single",
]
