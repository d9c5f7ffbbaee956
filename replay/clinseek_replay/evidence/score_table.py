"""Scores of many runs as plain text: a line a task, what the means are of, and one system against another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from clinseek_core.scoring import Denominators, Group, Interval, Paired, SingleRow, Summary
from clinseek_core.text import one_line

__all__ = ["Comparison", "comparison_lines", "single_lines", "summary_lines"]

_NAMED = 5
_BY = {
    "judge": "the judge",
    "yes_no": "rule of yes and no",
    "time": "rule of dates and times",
    "id": "rule of ids",
    "number": "rule of numbers",
    "label": "rule of labels",
}
"""Who compares a single answer, in words."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two sets of runs on the questions of both; None where they share none that is scored."""

    first: str
    second: str
    f1: Paired | None
    f1_upstream: Paired | None


def summary_lines(summary: Summary) -> Iterator[str]:
    """A table of the tasks, the mean of all, and the denominators."""
    groups = [*(summary.tasks if len(summary.tasks) > 1 else ()), summary.overall]
    width = max(len(_name(group)) for group in groups)
    width = min(max(width, 4), 40)
    yield f"{'task':<{width}}  questions  runs  {'F1 (95 % interval)':<24}  as the reference scores it"
    for group in groups:
        judged = f"  ({group.judge} need a judge)" if group.judge else ""
        yield (
            f"{one_line(_name(group), width):<{width}}  {group.questions:>9}  {group.runs:>4}"
            f"  {_interval(group.f1):<24}  {_interval(group.f1_upstream)}{judged}"
        )
    yield ""
    yield from _denominator_lines(summary.denominators)
    yield from single_lines(summary.single)


def single_lines(rows: Sequence[SingleRow]) -> Iterator[str]:
    """Who compared the single answers: nothing where there is none."""
    if not rows:
        return
    ways = Counter(row.by for row in rows)
    said = ", ".join(f"{_BY[way]} {ways[way]}" for way in _BY if ways[way])
    yield f"{_many(len(rows), 'single answer')} of multimodal tasks, right or wrong: by {said}"
    without = [row for row in rows if row.asked and row.by != "judge"]
    if without:
        why = Counter(one_line(row.reason, 120) for row in without).most_common(1)[0][0]
        yield f"  no verdict of the judge could be had for {len(without)}, left to a rule: {why}"


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """The second less the first."""
    yield f"{one_line(compared.second, 60)} less {one_line(compared.first, 60)}"
    for name, pair in (("F1", compared.f1), ("as the reference scores it", compared.f1_upstream)):
        if pair is None:
            yield f"  {name}: they share no question that is scored"
            continue
        shared = _many(pair.difference.n, "question")
        yield f"  {name}: {_interval(pair.difference, sign='+')} on {shared} of both"
        yield f"    better on {pair.better}, same on {pair.same}, worse on {pair.worse}"
        if pair.only_first or pair.only_second:
            yield f"    left out: {pair.only_first} only in the first, {pair.only_second} only in the second"


def _name(group: Group) -> str:
    return group.name or "(no task)"


def _interval(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return "not scored"
    mean = f"{interval.mean:{sign}.3f}"
    if interval.low is None or interval.high is None:
        return f"{mean} (one question)"
    return f"{mean} ({interval.low:{sign}.3f} to {interval.high:{sign}.3f})"


def _denominator_lines(of: Denominators) -> Iterator[str]:
    """What the means are means of; a line is there only where it says something."""
    yield f"means over {_many(of.questions, 'question')} with a run, {_many(of.runs, 'run')}"
    if of.missing:
        yield f"  {_many(len(of.missing), 'question')} of the gold file without a run: {_some(of.missing)}"
        if of.f1_with_missing is not None:
            yield f"    with each of them as 0, F1 is {of.f1_with_missing:.3f}"
    if of.unknown:
        yield f"  {_many(len(of.unknown), 'question')} not in the gold file: {_some(of.unknown)}"
    if of.without_gold:
        unscored = _many(len(of.without_gold), "question")
        yield f"  {unscored} without gold, not scored: {_some(of.without_gold)}"
    if of.several_runs:
        counted = [f"{question} ({count})" for question, count in of.several_runs.items()]
        yield f"  {_many(len(counted), 'question')} with several runs, each with their mean: {_some(counted)}"
    if of.repeated:
        yield f"  {_many(len(of.repeated), 'run')} there more than once: {_some(of.repeated)}"
    if of.errors or of.without_answer:
        broken = _many(of.errors, "run")
        yield f"  {broken} ended with an error, {of.without_answer} without an answer: they count 0"
    if of.not_by_finish:
        made = [f"{how} {count}" for how, count in of.not_by_finish.items()]
        yield f"  answers that the model did not give by its own finish: {_some(made)}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _some(names: Iterable[str] | Sequence[str]) -> str:
    told = list(names)
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return ", ".join(one_line(name, 60) for name in told[:_NAMED]) + more
