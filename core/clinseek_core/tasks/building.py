"""Cases with gold from a store: moments drawn by a seed, each held against the record of its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from clinseek_core.case import AnswerSchema, BenchCase, Case, CaseImage, Policy
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.tasks.choices import choices, reachable_f1, reachable_names
from clinseek_core.tasks.curated import curated_text
from clinseek_core.tasks.cutoffs import cutoff_of, refused
from clinseek_core.tasks.pool import Moment, drawn_patients, moments_of, names_of
from clinseek_core.tasks.task import Kind, Need, Task
from clinseek_core.tasks.whole import Whole

__all__ = ["TaskReport", "build_cases"]

MAX_PATIENTS = 20_000
"""Of how many patients, drawn by the seed, cases are made: so that large tables stay bounded."""
_TRIES = 50
"""How many moments are looked at for each case that is wanted."""


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a task."""

    task: str
    kind: Kind
    group: str
    built: int
    refused: dict[str, int] = {}
    """By key of REFUSALS, of the moments that were looked at."""
    answers: dict[str, int] = {}
    """Of tasks that are answered yes or no or alike: how often each is right."""
    ceiling: float | None = None
    """The mean over its cases."""
    missing: tuple[Need, ...] = ()
    """What the task needs and was not there: then it has no cases."""


def build_cases(
    whole: Whole,
    tasks: Iterable[Task],
    *,
    films: Callable[[tuple[int, ...]], tuple[CaseImage, ...]] = lambda _: (),
    per_task: int = 40,
    seed: int = 42,
    curated: bool = True,
    on_task: Callable[[TaskReport], None] = lambda _: None,
) -> Iterator[BenchCase]:
    """Up to `per_task` cases of each task, the same for the same store and seed.

    `films` gives the films of studies. Without `curated` there is no curated text, which takes the most time.
    """
    drawn_patients(whole, seed, MAX_PATIENTS)
    known = _Known(whole)
    for task in tasks:
        missing = tuple(sorted(task.needs - whole.has))
        made: list[BenchCase] = []
        why: Counter[str] = Counter()
        if not missing:
            for made_or_why in _tried(whole, task, known, films, per_task, seed):
                if isinstance(made_or_why, str):
                    why[made_or_why] += 1
                    continue
                made.append(_with_text(whole, made_or_why) if curated else made_or_why)
                yield made[-1]
        on_task(_report(task, made, why, missing))


def _tried(  # noqa: PLR0917 - one caller
    whole: Whole,
    task: Task,
    known: _Known,
    films: Callable[[tuple[int, ...]], tuple[CaseImage, ...]],
    per_task: int,
    seed: int,
) -> Iterator[BenchCase | str]:
    """The task's cases, and for each moment that makes none the key of why."""
    moments = moments_of(whole, task, seed)
    names: tuple[str, ...] | None = None
    reachable = reachable_names(whole, task)
    built = tries = 0
    for moment in moments:
        if built == per_task or tries == per_task * _TRIES:
            return
        tries += 1
        cutoff = cutoff_of(task, moment, known.of(moment.subject_id))
        why = "no_history" if cutoff is None else refused(task, moment, cutoff)
        images = films(moment.studies)
        if why is None and len(images) < len(moment.studies):
            why = "no_films"
        if why is not None or cutoff is None:
            yield why or "no_history"
            continue
        if names is None:
            names = names_of(whole)
        built += 1
        yield _case(task, moment, cutoff, images, names, reachable_f1(moment, reachable))


def _case(  # noqa: PLR0917 - one caller
    task: Task,
    moment: Moment,
    cutoff: datetime,
    images: tuple[CaseImage, ...],
    names: tuple[str, ...],
    ceiling: float,
) -> BenchCase:
    about = f"_{moment.about.replace(' ', '-')}" if moment.about else ""
    qid = f"{task.name}_{moment.subject_id}_{moment.at:%Y%m%dT%H%M%S}{about}"
    case = Case(
        qid=qid,
        subject_id=moment.subject_id,
        prediction_time=cutoff,
        question=task.question.replace("{about}", moment.about),
        task=task.name,
        candidates=choices(task, moment, names, qid),
        answer=AnswerSchema(kind="one" if task.one else "list"),
        gold=moment.gold,
        images=images,
    )
    return BenchCase(
        case=case,
        kind=task.kind,
        group=task.group,
        hadm_id=moment.hadm_id,
        stay_id=moment.stay_id,
        ceiling=ceiling,
    )


def _with_text(whole: Whole, bench: BenchCase) -> BenchCase:
    case = bench.case
    snapshot = open_snapshot(whole.root, case.subject_id, case.prediction_time, Policy())
    text, latest = curated_text(snapshot)
    return msgspec.structs.replace(bench, curated=text, latest_event_time=latest)


def _report(
    task: Task, made: list[BenchCase], why: Mapping[str, int], missing: tuple[Need, ...]
) -> TaskReport:
    answers = (
        Counter(bench.case.gold[0] for bench in made if bench.case.gold)
        if task.one and task.candidates
        else {}
    )
    return TaskReport(
        task=task.name,
        kind=task.kind,
        group=task.group,
        built=len(made),
        refused=dict(sorted(why.items())),
        answers=dict(sorted(answers.items())),
        ceiling=sum(bench.ceiling for bench in made) / len(made) if made else None,
        missing=missing,
    )


class _Known:
    """When anything became known of a patient, kept for the patients met."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._kept: dict[int, tuple[datetime, ...]] = {}

    def of(self, subject_id: int) -> tuple[datetime, ...]:
        """Sorted, each moment once."""
        if subject_id not in self._kept:
            self._kept[subject_id] = self._whole.known_moments(subject_id)
        return self._kept[subject_id]
