"""Many runs counted: which codes, in what share of runs by task and by model, and of each tool's calls."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from clinseek_replay.triage.cause import counts
from clinseek_replay.triage.run import RunTriage

__all__ = ["Share", "Tally", "Triaged", "tally", "wilson"]

_Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""

_OF_CALLS = ("H", "A", "T")
"""Groups whose findings are of a call itself; others only show at one."""

By = Literal["all", "task", "model", "tool"]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a whole, with its Wilson 95 % interval."""

    count: int
    of: int
    low: float
    high: float
    not_verified: int = 0
    """Of those, how many the rule could not be decided for."""

    @property
    def share(self) -> float:
        """`count` of `of`; 0 of nothing."""
        return self.count / self.of if self.of else 0.0


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The codes of one group of runs, or of one tool's calls."""

    by: By
    name: str
    runs: int
    """Runs; for a tool, its calls."""
    codes: dict[str, Share]
    """Runs that have a finding of the code that counts; for a tool, its calls."""
    causes: dict[str, Share]
    """Runs by the code of their primary cause, or by what there is instead of one; none for a tool."""


class Triaged(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    rule_version: str
    runs: int
    tallies: tuple[Tally, ...]
    """Over all first, then by task, model and tool."""


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927); 0 to 1 where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share, square = count / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    # At the ends rounding would leave the interval a hair short of its own proportion.
    return (0.0 if not count else max(middle - half, 0.0)), (1.0 if count == of else min(middle + half, 1.0))


def tally(runs: Sequence[RunTriage]) -> Triaged:
    """Count the codes of many runs."""
    tallies = [_of_runs("all", "all runs", runs)]
    tallies += _grouped("task", runs, lambda run: run.task)
    tallies += _grouped("model", runs, lambda run: run.model)
    tallies += _by_tool(runs)
    version = runs[0].rule_version if runs else ""
    return Triaged(rule_version=version, runs=len(runs), tallies=tuple(tallies))


def _grouped(by: By, runs: Iterable[RunTriage], name_of: Callable[[RunTriage], str]) -> list[Tally]:
    groups: dict[str, list[RunTriage]] = {}
    for run in runs:
        groups.setdefault(name_of(run), []).append(run)
    return [_of_runs(by, name, groups[name]) for name in sorted(groups)]


def _of_runs(by: By, name: str, runs: Sequence[RunTriage]) -> Tally:
    found: Counter[str] = Counter()
    undecided: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for run in runs:
        codes = {finding.code for finding in run.findings if counts(finding)}
        found.update(codes)
        undecided.update({each.code for each in run.not_verified} - codes)
        causes[run.cause.code or run.cause.kind] += 1
    return Tally(
        by=by,
        name=name,
        runs=len(runs),
        codes={
            code: _share(found[code], len(runs), undecided[code]) for code in sorted({*found, *undecided})
        },
        causes={cause: _share(count, len(runs)) for cause, count in sorted(causes.items())},
    )


def _by_tool(runs: Iterable[RunTriage]) -> list[Tally]:
    calls: Counter[str] = Counter()
    found: dict[str, Counter[str]] = {}
    for run in runs:
        calls.update(run.calls)
        at = {
            (_call_of(finding.places[0].anchor), finding.code)
            for finding in run.findings
            if finding.places and finding.code[0] in _OF_CALLS and counts(finding)
        }
        for anchor, code in at:
            tool = run.tools.get(anchor)
            if tool is not None:
                found.setdefault(tool, Counter())[code] += 1
    return [
        Tally(
            by="tool",
            name=tool,
            runs=calls[tool],
            codes={code: _share(count, calls[tool]) for code, count in sorted(codes.items())},
            causes={},
        )
        for tool, codes in sorted(found.items())
    ]


def _call_of(anchor: str) -> str:
    """`s12.c1` of `s12.c1.r3`."""
    return ".".join(anchor.split(".")[:2])


def _share(count: int, of: int, not_verified: int = 0) -> Share:
    low, high = wilson(count, of)
    return Share(count=count, of=of, low=round(low, 4), high=round(high, 4), not_verified=not_verified)
