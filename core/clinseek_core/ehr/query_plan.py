"""How the engine answers a statement: its operators, what each gave and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

__all__ = ["EXPLAIN", "EXPLAIN_ONLY", "PlanStep", "QueryPlan", "read_plan"]

EXPLAIN = "EXPLAIN (ANALYZE, FORMAT json)"
"""Before a statement: DuckDB runs it, keeps its rows to itself, and tells this."""
EXPLAIN_ONLY = "EXPLAIN (FORMAT json)"
"""The plan alone: where the engine knows the answer before it runs anything, it tells nothing of a run."""

_MS = 1000
_OF_THE_ENGINE = {"RESULT_COLLECTOR", "EXPLAIN_ANALYZE"}
"""What stands above each plan."""
_ESTIMATE = "Estimated Cardinality"
_MOST_STEPS = 1_000


class PlanStep(msgspec.Struct, frozen=True):
    """One operator; what it works on comes after it, one level deeper."""

    depth: int
    name: str
    ms: float
    rows: int | None
    """What it gave; None where it did not have to run."""
    estimated: int | None
    """What the engine had thought it would give."""
    details: str


class QueryPlan(msgspec.Struct, frozen=True):
    """How a statement was answered."""

    ms: float
    """From its text to its last row, in the engine."""
    planning_ms: float
    """The part of it that went by before the first operator ran."""
    steps: tuple[PlanStep, ...]
    notes: tuple[str, ...] = ()
    """What the reader must know of how the statement was read."""


def read_plan(told: str) -> QueryPlan:
    """The plan that `EXPLAIN` or `EXPLAIN_ONLY` told; its times are in seconds there."""
    tree = msgspec.json.decode(told)
    if isinstance(tree, list):
        tree = {"operator": tree}
    planning = sum(_number(tree.get(part, {}), "total_time") for part in _BEFORE)
    steps = []
    for step in _walk(tree.get("operator", ())):
        steps.append(step)
        if len(steps) == _MOST_STEPS:
            break
    total = _number(tree.get("query", {}), "total_time")
    return QueryPlan(_MS * total, _MS * min(planning, total), tuple(steps))


_BEFORE = ("planner", "physical_planner")
"""The optimizer's time is part of the planner's."""


def _walk(roots: list[dict[str, Any]]) -> Iterator[PlanStep]:
    # A stack and no recursion: a statement may be nested deeper than Python goes.
    stack = [(node, 0) for node in reversed(roots)]
    while stack:
        node, depth = stack.pop()
        hidden = node.get("name") in _OF_THE_ENGINE
        if not hidden:
            yield _step(node, depth)
        stack += ((child, depth + (not hidden)) for child in reversed(node.get("children", ())))


def _step(node: dict[str, Any], depth: int) -> PlanStep:
    told = dict(node.get("extra_info") or {})
    estimated = str(told.pop(_ESTIMATE, ""))
    details = "; ".join(f"{name}: {_text(value)}" for name, value in told.items() if value)
    return PlanStep(
        depth=depth,
        name=str(node.get("name", "")).strip(),
        ms=_MS * _number(node, "timing"),
        rows=int(_number(node, "intermediate_rows")) if "intermediate_rows" in node else None,
        estimated=int(estimated) if estimated.isdecimal() else None,
        details=details,
    )


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).replace("\n", ", ")


def _number(told: dict[str, Any], name: str) -> float:
    value = told.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0
