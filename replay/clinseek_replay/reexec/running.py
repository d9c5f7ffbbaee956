"""A run's EHR calls run again without a model, and what that says of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from clinseek_core.case import Policy
from clinseek_core.tools import Toolbox, ToolResult
from clinseek_replay.evidence.matching import Matcher
from clinseek_replay.reexec.comparing import Change
from clinseek_replay.reexec.grading import GradedCall, grade_call
from clinseek_replay.reexec.verdicts import Verdict, drifts, worst
from clinseek_replay.trajectory import Call, Result, Trajectory

__all__ = ["Reexecution", "SnapshotState", "reexecute"]

SnapshotState = Literal["same", "changed", "other policy", "not recorded"]
"""Whether the cells that the tools can see are those that the recorded run could see."""


class Reexecution(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run, run again."""

    run_id: str
    source: str
    qid: str
    subject_id: int
    prediction_time: datetime
    policy: Policy
    """Under which it was run again."""
    recorded_policy: Policy | None
    """Under which it was recorded; None where the recording does not say."""
    snapshot: SnapshotState
    verdict: Verdict
    """That of its worst call."""
    counts: dict[str, int]
    """Calls per verdict."""
    calls: tuple[GradedCall, ...]
    vanished_support: tuple[str, ...] = ()
    """Items of the answer that the recorded results name and no result names now."""

    @property
    def drift(self) -> bool:
        """Whether any call says something else than it had."""
        return drifts(self.verdict)


def reexecute(  # noqa: PLR0917 -- all but the first say where and how the run is opened
    trajectory: Trajectory,
    toolbox: Toolbox,
    subject_id: int,
    prediction_time: datetime,
    policy: Policy,
    digest: str = "",
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Reexecution:
    """Run the recorded calls of `trajectory` again on `toolbox`, one after another, and grade them.

    `toolbox` answers for `subject_id` at `prediction_time` under `policy`; `digest` is of its snapshot.
    `on_progress` gets how many calls are done, and of how many.
    """
    total = sum(len(step.calls) for step in trajectory.steps)
    ours = bool(trajectory.engine_version)
    support = _Support(trajectory.answer or ())
    calls: list[GradedCall] = []
    for step in trajectory.steps:
        for call in step.calls:
            on_progress(len(calls), total)
            graded, result = grade_call(
                call,
                toolbox,
                ours=ours,
                same_policy=trajectory.policy == policy,
                max_characters=trajectory.max_result_characters,
            )
            support.look(call, result)
            calls.append(support.named_in(graded))
    on_progress(total, total)
    verdicts = tuple(call.verdict for call in calls)
    return Reexecution(
        run_id=trajectory.run_id,
        source=trajectory.source,
        qid=trajectory.qid,
        subject_id=subject_id,
        prediction_time=prediction_time,
        policy=policy,
        recorded_policy=trajectory.policy,
        snapshot=_snapshot(trajectory, policy, digest),
        verdict=worst(verdicts),
        counts=dict(Counter(verdicts)),
        calls=tuple(calls),
        vanished_support=support.vanished(),
    )


def _snapshot(trajectory: Trajectory, policy: Policy, digest: str) -> SnapshotState:
    if trajectory.policy is not None and trajectory.policy != policy:
        return "other policy"
    if trajectory.data is None or not digest:
        return "not recorded"
    return "same" if trajectory.data.digest == digest else "changed"


class _Support:
    """Which items of the answer the patient's data name, as recorded and now."""

    def __init__(self, answer: tuple[str, ...]) -> None:
        self._matcher = Matcher(answer)
        self._then: set[str] = set()
        self._now: set[str] = set()

    def look(self, call: Call, result: ToolResult | None) -> None:
        """Take a call's two results into account; a lookup of candidates supports nothing."""
        if result is None or call.result is None or "candidates" in call.name:
            return
        again = Result(
            status=result.status, text=result.text, full_characters=len(result.text), table=result.table
        )
        # Another anchor: the matcher keeps what it found by it.
        now = msgspec.structs.replace(call, anchor=f"{call.anchor}.now", result=again)
        for of, found in ((call, self._then), (now, self._now)):
            # An empty or failed result names what was asked for.
            if of.status == "ok":
                found.update(hit.name for hit in self._matcher.in_call(of))

    def named_in(self, graded: GradedCall) -> GradedCall:
        """The same with the items that each change's recorded cells name."""
        if not graded.changes or not self._matcher.names:
            return graded
        changes = tuple(msgspec.structs.replace(c, names=self._names(c)) for c in graded.changes)
        return msgspec.structs.replace(graded, changes=changes)

    def _names(self, change: Change) -> tuple[str, ...]:
        gone = (cell.before for cell in change.cells if cell.before is not None)
        return tuple(dict.fromkeys(hit.name for text in gone for hit in self._matcher.in_text(text)))

    def vanished(self) -> tuple[str, ...]:
        """Items that the recorded results name and none of those now."""
        return tuple(name for name in self._matcher.names if name in self._then - self._now)
