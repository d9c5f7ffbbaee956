"""One run made into an example, or the reason why it is none."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

import msgspec

from clinseek_core.scoring import score
from clinseek_replay.audit import audit
from clinseek_replay.training.cleaning import marked, without_marked
from clinseek_replay.training.rendering import Form, as_text, definition, messages_of, tools_of
from clinseek_replay.training.selection import Selection, reason_against
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import triage

__all__ = ["Example", "Wish", "example_of"]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How runs are to be made into examples."""

    selection: Selection
    form: Form = "messages"
    drop_marked: bool = False


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one run."""

    source: str
    qid: str
    task: str
    model: str
    format: str
    subject_id: int | None
    reason: str | None
    """The key in REASONS of why it was left out."""
    f1: float | None = None
    leaks: int = 0
    """Leaks that the audit found, whether or not the answer rests on them."""
    not_verified: int = 0
    """Rules of the audit that could not be decided."""
    calls: dict[str, int] = {}
    """Calls of each tool in the example."""
    marks: dict[str, str] = {}
    """Marked calls by their places, with the key in MARKS."""
    messages: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []
    text: str = ""
    """The run as one text: what its tokens are counted of."""
    digest: str = ""
    """Of the messages: equal examples are taken once."""


def example_of(trajectory: Trajectory, wish: Wish) -> Example:
    """Select, clean and render one run; a pure function of it."""
    report = audit(trajectory)
    triaged = triage(trajectory, leaks=(report.findings, report.not_verified))
    graded = score(trajectory.answer, trajectory.gold)
    example = Example(
        source=trajectory.source,
        qid=trajectory.qid,
        task=trajectory.task,
        model=trajectory.model,
        format=trajectory.format,
        subject_id=trajectory.subject_id,
        reason=reason_against(trajectory, report, triaged, wish.selection),
        f1=None if graded is None else graded.f1,
        leaks=len(report.leaks),
        not_verified=len(report.not_verified),
    )
    if example.reason is not None:
        return example
    tools = tools_of(trajectory)
    marks = marked(trajectory, triaged, [spec.name for spec in tools])
    steps = without_marked(trajectory.steps, marks) if wish.drop_marked else list(trajectory.steps)
    messages = messages_of(trajectory, steps, tools)
    calls = Counter(call.name for step in steps for call in step.calls)
    text = as_text(messages, tools, "xml" if wish.form == "xml" else "json")
    return msgspec.structs.replace(
        example,
        calls=dict(sorted(calls.items())),
        marks=marks,
        messages=messages,
        tools=[definition(spec) for spec in tools],
        text=text,
        digest=hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest(),
    )
