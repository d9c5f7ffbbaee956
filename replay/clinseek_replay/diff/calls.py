"""The calls of a run as the diff needs them: which they are and what they came to, without their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from clinseek_replay.cursor.signature import asked_digest, call_digest
from clinseek_replay.trajectory import Call, CallStatus, Trajectory

__all__ = ["CallRef", "calls_at", "calls_of"]


class CallRef(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a run."""

    step: int
    call: int
    """Indexes of the step and of the call in it."""
    anchor: str
    tool: str
    status: CallStatus
    asked: str
    """Digest of the tool and its arguments, in whatever order they were written."""
    whole: str
    """Digest of these and of the result."""


def calls_of(trajectory: Trajectory) -> tuple[CallRef, ...]:
    """Every call of a run, in order; each step is read once."""
    return tuple(
        CallRef(
            step=index,
            call=number,
            anchor=call.anchor,
            tool=call.name,
            status=call.status,
            asked=asked_digest(call).hex(),
            whole=call_digest(call).hex(),
        )
        for index, step in enumerate(trajectory.steps)
        for number, call in enumerate(step.calls)
    )


def calls_at(trajectory: Trajectory, wanted: Iterable[CallRef]) -> Iterator[tuple[CallRef, Call]]:
    """The calls behind some references, in the order of the run; each step is read once, and only those."""
    read, step = -1, None
    for ref in sorted(wanted, key=lambda ref: (ref.step, ref.call)):
        if ref.step != read or step is None:
            read, step = ref.step, trajectory.steps[ref.step]
        yield ref, step.calls[ref.call]
