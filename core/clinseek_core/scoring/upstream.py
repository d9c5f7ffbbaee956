"""The reference scorer's numbers, by its own rules, so that they can be set beside ours.

Its text benchmark has one rule for all tasks; its multimodal one sets aside what only a language model can
judge. Names are the same where their small letters are: no blank and no full stop is forgiven.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from clinseek_core.case import gold_names

__all__ = ["MULTIMODAL_TASKS", "Route", "UpstreamScore", "is_multimodal", "lowered", "score_upstream"]

MULTIMODAL_TASKS = ("ehrxqa_", "medmod_")
"""How the names of the multimodal benchmark's tasks, and of its questions, begin."""

Route = Literal["text", "set", "judge", "incomplete", "skipped"]
"""Which rule scored a run: `text`, the text benchmark's; `set`, the multimodal one's for several gold names;
`judge`, for one gold name, which a language model compares; `incomplete`, no answer; `skipped`, no gold."""

_REASONS: dict[Route, str] = {
    "judge": "not scored: its one gold name needs a judge, a language model that compares two answers",
    "incomplete": "scored 0: the run has no answer",
    "skipped": "not scored: the case has no gold",
}


class UpstreamScore(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run as the reference scores it; what a route does not give is None."""

    route: Route
    f1: float | None = None
    precision: float | None = None
    recall: float | None = None
    exact: bool | None = None
    """Whether the two sets are the same."""
    accuracy: float | None = None
    """Jaccard: names in both of the names in either. Multimodal sets only."""
    subset: bool | None = None
    """Whether every gold name was answered. Multimodal sets only."""
    reason: str = ""
    """Why there is no score, or why it is 0 whatever was answered."""


def score_upstream(answer: Iterable[str] | None, gold: object, *, multimodal: bool = False) -> UpstreamScore:
    """Score an answer as the reference does.

    `gold` is the label as the benchmark writes it: a string, a list of strings, or objects with `name` or
    `atc_name` (see `gold_names`). The multimodal scorer's mapping of answers to the nearest gold name of the
    task by sentence embeddings is not done: these are its `raw` numbers.
    """
    names = [] if gold is None else gold_names(gold)
    if not names:
        return UpstreamScore(route="skipped", reason=_REASONS["skipped"])
    if not multimodal:
        return _by_sets("text", lowered(answer or ()), lowered(names))
    if answer is None:
        return UpstreamScore(
            route="incomplete", f1=0.0, precision=0.0, recall=0.0, reason=_REASONS["incomplete"]
        )
    if len(names) == 1:
        return UpstreamScore(route="judge", reason=_REASONS["judge"])
    return _by_sets("set", lowered(answer), lowered(names))


def is_multimodal(task: str, qid: str = "") -> bool:
    """Whether a case is of the multimodal benchmark, by the name of its task or else its qid."""
    return (task or qid).startswith(MULTIMODAL_TASKS)


def lowered(names: Iterable[str]) -> frozenset[str]:
    """Names as the reference compares them."""
    return frozenset(name.lower() for name in names)


def _by_sets(route: Route, given: frozenset[str], wanted: frozenset[str]) -> UpstreamScore:
    hits = len(given & wanted)
    precision = hits / len(given) if given else 0.0
    recall = hits / len(wanted)
    several = route == "set"
    return UpstreamScore(
        route=route,
        f1=2 * hits / (len(given) + len(wanted)),
        precision=precision,
        recall=recall,
        exact=given == wanted,
        accuracy=hits / len(given | wanted) if several else None,
        subset=wanted <= given if several else None,
    )
