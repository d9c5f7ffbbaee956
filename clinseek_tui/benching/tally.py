"""What the runs of a bench add up to while it goes on, and at its end."""

from __future__ import annotations

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from clinseek_core.scoring import Interval, Paired, interval, paired
from clinseek_tui.benching.carrying import Outcome
from clinseek_tui.benching.jobs import Job

__all__ = ["Line", "Tally"]

_GIVEN_UP_AFTER = 10
_ENDPOINT = frozenset({"refused", "endpoint_down", "rate_limited"})
"""Ends of runs that say something of the model's endpoint."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a model in a mode."""

    model: str
    mode: str
    runs: int
    ends: dict[str, int]
    """How many ended how."""
    f1: Interval | None
    """Over questions; None without gold."""


class Tally:
    """Counts outcomes as they come."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, str, str], Outcome] = {}
        """By question, mode and model."""
        self.calls = 0
        self._begin = time.monotonic()
        self._in_a_row: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.outcomes[outcome.qid, outcome.mode, outcome.model] = outcome
        self.calls += outcome.calls
        failed = outcome.status == "error" and outcome.stop_reason in _ENDPOINT
        self._in_a_row[outcome.model] = self._in_a_row[outcome.model] + 1 if failed else 0

    def given_up(self, job: Job) -> bool:
        """Whether so many runs of a model failed in a row at its endpoint that the next would, too."""
        return self._in_a_row[job.model.name] >= _GIVEN_UP_AFTER

    @property
    def unfinished(self) -> list[Outcome]:
        """Those that are to be gone on with."""
        return [o for o in self.outcomes.values() if o.status in {"error", "stopped"} and o.f1 is None]

    @property
    def calls_a_second(self) -> float:
        """Of tools, since the beginning."""
        return self.calls / max(time.monotonic() - self._begin, 1e-9)

    def note(self) -> str:
        """The F1 so far, for a progress line."""
        scores: dict[str, list[float]] = defaultdict(list)
        for outcome in self.outcomes.values():
            if outcome.f1 is not None:
                scores[outcome.mode].append(outcome.f1)
        means = (f"{mode} F1 {statistics.fmean(found):.3f}" for mode, found in sorted(scores.items()))
        return "".join(f" · {mean}" for mean in means)

    def lines(self) -> Iterator[Line]:
        """One for each model and mode."""
        groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
        for outcome in self.outcomes.values():
            groups[outcome.model, outcome.mode].append(outcome)
        for (model, mode), of in sorted(groups.items()):
            yield Line(
                model=model,
                mode=mode,
                runs=len(of),
                ends=dict(Counter(outcome.status for outcome in of).most_common()),
                f1=interval(o.f1 for o in of if o.f1 is not None),
            )

    def agentic_less_curated(self) -> dict[str, Paired]:
        """By model, on the questions of both modes."""
        models = sorted({outcome.model for outcome in self.outcomes.values()})
        made = {m: paired(_scores(self._of(m, "curated")), _scores(self._of(m, "agentic"))) for m in models}
        return {model: difference for model, difference in made.items() if difference is not None}

    def _of(self, model: str, mode: str) -> Iterator[Outcome]:
        return (o for o in self.outcomes.values() if (o.model, o.mode) == (model, mode))


def _scores(outcomes: Iterable[Outcome]) -> dict[str, float]:
    return {outcome.qid: outcome.f1 for outcome in outcomes if outcome.f1 is not None}
