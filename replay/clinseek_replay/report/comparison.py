"""Two sets of runs beside each other: the paper's Table 3 and Figure 5 for any two."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

import msgspec

from clinseek_core.scoring import Interval, Paired, interval, paired
from clinseek_replay.report.facts import ReportRun, f1_by_question
from clinseek_replay.report.outcomes import OUTCOMES, categories_of

__all__ = ["Comparison", "Habits", "TaskPair", "compare", "habits_of"]


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How a set of runs goes about its work."""

    runs: int
    calls: int
    calls_a_run: float
    median_calls: float
    most_calls: int
    rounds: float
    """Mean of a run."""
    tools: dict[str, int]
    """Calls of each tool, the most frequent first."""
    kinds: dict[str, int]
    """The same by kind of tool."""
    outcomes: dict[str, int]
    """By key of OUTCOMES."""
    success: float | None
    """The share of calls that gave something; None without calls."""
    loops: int
    """Runs that loop."""
    answered: int
    leaking: int
    """Runs that were shown what was not known yet."""


class TaskPair(msgspec.Struct, frozen=True, kw_only=True):
    """One task in both sets."""

    task: str
    first: Interval | None
    second: Interval | None
    difference: Paired | None
    """The second less the first, on the questions of both."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The second set less the first."""

    first: str
    second: str
    habits: tuple[Habits, Habits]
    tasks: tuple[TaskPair, ...]
    """By name; the last is all tasks together."""
    mean_of_tasks: tuple[float, float] | None
    """The mean of the tasks' means, as the paper's AgentEHR table averages them."""


def compare(first: Sequence[ReportRun], second: Sequence[ReportRun], names: tuple[str, str]) -> Comparison:
    """Compare two sets of runs; several runs of a question count as their mean."""
    tasks = sorted({run.task for run in (*first, *second)})
    pairs = [
        _pair(task, [run for run in first if run.task == task], [run for run in second if run.task == task])
        for task in tasks
    ]
    both = [pair for pair in pairs if pair.first is not None and pair.second is not None]
    means = None
    if both:
        means = tuple(
            statistics.fmean(side.mean for pair in both if (side := getattr(pair, name)) is not None)
            for name in ("first", "second")
        )
    return Comparison(
        first=names[0],
        second=names[1],
        habits=(habits_of(first), habits_of(second)),
        tasks=(*pairs, _pair("all", first, second)),
        mean_of_tasks=(means[0], means[1]) if means else None,
    )


def _pair(task: str, first: Sequence[ReportRun], second: Sequence[ReportRun]) -> TaskPair:
    by_question = [f1_by_question(side) for side in (first, second)]
    return TaskPair(
        task=task,
        first=interval(by_question[0].values()),
        second=interval(by_question[1].values()),
        difference=paired(*by_question),
    )


def habits_of(runs: Sequence[ReportRun]) -> Habits:
    """The habits of a set of runs."""
    tools: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for run in runs:
        tools.update(run.calls)
        for counts in run.outcomes.values():
            outcomes.update(counts)
    lengths = [sum(run.calls.values()) for run in runs] or [0]
    total = sum(lengths)
    return Habits(
        runs=len(runs),
        calls=total,
        calls_a_run=statistics.fmean(lengths),
        median_calls=statistics.median(lengths),
        most_calls=max(lengths),
        rounds=statistics.fmean(run.rounds for run in runs) if runs else 0.0,
        tools=dict(tools.most_common()),
        kinds=dict(Counter(categories_of(tools)).most_common()),
        outcomes={key: outcomes[key] for key in OUTCOMES if outcomes[key]},
        success=outcomes["gave"] / total if total else None,
        loops=sum(run.loops for run in runs),
        answered=sum(run.status == "answered" for run in runs),
        leaking=sum(run.leaks > 0 for run in runs),
    )
