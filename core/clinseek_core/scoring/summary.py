"""Many runs scored: means by task with their intervals, and an account of what each mean is a mean of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from statistics import fmean

import msgspec

from clinseek_core.scoring.intervals import Interval, interval
from clinseek_core.scoring.set_f1 import Score
from clinseek_core.scoring.single import SingleAnswer
from clinseek_core.scoring.upstream import UpstreamScore

__all__ = [
    "Denominators",
    "Group",
    "ScoredRun",
    "SingleRow",
    "Summary",
    "by_question",
    "single_row",
    "summary",
    "with_single",
]


class ScoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run's scores, and what tells it apart."""

    qid: str
    run_id: str
    place: str
    task: str = ""
    status: str = ""
    answer_source: str = ""
    score: Score | None = None
    """None without gold."""
    upstream: UpstreamScore
    single: SingleAnswer | None = None
    """The comparison that scores it instead of set F1: of one answer of a multimodal task."""

    @property
    def f1(self) -> float | None:
        """1 or 0 of a single answer, else set F1; None without gold."""
        if self.single is not None:
            return float(self.single.right)
        return None if self.score is None else self.score.f1

    @property
    def question(self) -> str:
        """By what runs of one question are known: the qid, or for want of one the run's own place."""
        return self.qid or self.place


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one task, or of all: each question counts once, with the mean of its runs."""

    name: str
    questions: int
    runs: int
    f1: Interval | None
    """Over the questions with gold; None where there is none."""
    f1_upstream: Interval | None
    """Over the questions that the reference's scorer can score without a judge."""
    judge: int
    """Questions left out of `f1_upstream` because they need one."""


class Denominators(msgspec.Struct, frozen=True, kw_only=True):
    """What the means are means of: all that a mean over the runs at hand does not say."""

    runs: int
    questions: int
    """Questions with at least one run: the reference's denominator."""
    missing: tuple[str, ...] | None = None
    """Questions of the gold file without a run, which the reference's mean leaves out; None: no file."""
    unknown: tuple[str, ...] | None = None
    """Questions that the gold file does not have: the reference drops their runs without a word."""
    without_gold: tuple[str, ...] = ()
    several_runs: dict[str, int] = {}
    """Questions with more than one run, and how many."""
    repeated: tuple[str, ...] = ()
    """Runs that are there more than once, by their id: the reference counts each as a further run."""
    errors: int = 0
    """Runs that broke off with an error: they count 0."""
    without_answer: int = 0
    """Other runs that gave no answer: they count 0 too."""
    not_by_finish: dict[str, int] = {}
    """Answers that did not come from the model's own call of `finish`, by how they came about."""
    f1_with_missing: float | None = None
    """The mean F1 with every missing question counted as 0; None without a gold file."""


class SingleRow(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run with a single answer: who compared it, and what came of it."""

    question: str
    """Its qid, or for want of one the run's place."""
    by: str
    """`judge`, or the rule: `yes_no`, `time`, `id`, `number`, `label`."""
    right: bool
    asked: bool
    """Whether a judge was asked: one that gave no verdict leaves it to the rule."""
    reason: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    overall: Group
    tasks: tuple[Group, ...]
    """By name; runs without a task are under the empty one."""
    denominators: Denominators
    single: tuple[SingleRow, ...] = ()
    """Runs whose one answer was compared with one gold value, by a rule or a judge."""


def summary(runs: Sequence[ScoredRun], expected: Collection[str] | None = None) -> Summary:
    """Sum up runs; `expected` are the qids of the benchmark, where its file is known."""
    by_task: dict[str, list[ScoredRun]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    return Summary(
        overall=_group("all", runs),
        tasks=tuple(_group(task, by_task[task]) for task in sorted(by_task)),
        denominators=_denominators(runs, expected),
        single=tuple(single_row(run.question, run.single) for run in runs if run.single is not None),
    )


def single_row(question: str, single: SingleAnswer) -> SingleRow:
    """What a table tells of a single answer: no text of the patient's."""
    return SingleRow(
        question=question, by=single.by, right=single.right, asked=single.asked, reason=single.reason
    )


def with_single(run: ScoredRun, single: SingleAnswer) -> ScoredRun:
    """The run with a judge's verdict, where there is one; the reference's own score then is that verdict."""
    upstream = run.upstream
    if single.by_judge is not None and upstream.route == "judge":
        upstream = msgspec.structs.replace(upstream, f1=float(single.by_judge), reason="as the judge has it")
    return msgspec.structs.replace(run, single=single, upstream=upstream)


def by_question(runs: Iterable[ScoredRun], *, upstream: bool = False) -> dict[str, float]:
    """Each question's F1, the mean over its runs; questions that were not scored are left out."""
    values: dict[str, list[float]] = {}
    for run in runs:
        value = run.upstream.f1 if upstream else run.f1
        if value is not None:
            values.setdefault(run.question, []).append(value)
    return {question: fmean(of_runs) for question, of_runs in values.items()}


def _group(name: str, runs: Sequence[ScoredRun]) -> Group:
    return Group(
        name=name,
        questions=len({run.question for run in runs}),
        runs=len(runs),
        f1=interval(by_question(runs).values()),
        f1_upstream=interval(by_question(runs, upstream=True).values()),
        judge=len(
            {run.question for run in runs if run.upstream.route == "judge" and run.upstream.f1 is None}
        ),
    )


def _denominators(runs: Sequence[ScoredRun], expected: Collection[str] | None) -> Denominators:
    per_question = Counter(run.question for run in runs)
    per_run = Counter((run.qid, run.run_id) for run in runs if run.run_id)
    wanted = None if expected is None else dict.fromkeys(expected)
    missing = None if wanted is None else tuple(qid for qid in wanted if qid not in per_question)
    scores = list(by_question(runs).values())
    return Denominators(
        runs=len(runs),
        questions=len(per_question),
        missing=missing,
        unknown=None if wanted is None else tuple(qid for qid in per_question if qid not in wanted),
        without_gold=tuple(dict.fromkeys(run.question for run in runs if run.score is None)),
        several_runs={question: count for question, count in per_question.items() if count > 1},
        repeated=tuple(run_id for (_, run_id), count in per_run.items() if count > 1),
        errors=sum(run.status == "error" for run in runs),
        without_answer=sum(run.status != "error" and not run.answer_source for run in runs),
        not_by_finish=dict(Counter(run.answer_source for run in runs if _is_made(run.answer_source))),
        f1_with_missing=sum(scores) / (len(scores) + len(missing))
        if missing is not None and scores
        else None,
    )


def _is_made(source: str) -> bool:
    return bool(source) and source != "finish"
