"""What the debugger needs of a run that is going on, beside its journal."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import msgspec

from clinseek_core.agent.approval import AskedCall, Decision

__all__ = ["LivePort", "Progress", "Watched"]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is happening now and is in no journal yet."""

    state: Literal["waiting", "streaming", "queued", "running"]
    """`waiting` for an answer or a rate limit; `streaming` an answer; a call `queued` or `running`."""
    text: str
    """What is waited for, the text so far, or the tool's name. Untrusted."""
    anchor: str = ""
    """The step or call it belongs to, where that is known."""


@runtime_checkable
class Watched(Protocol):
    """A source that knows whether its run still grows."""

    @property
    def state(self) -> str:
        """`growing`, `ended`, or `gone` where the writer left without an end."""
        ...


class LivePort(Protocol):
    """Steers a run between its steps and tells what it is doing."""

    @property
    def paused(self) -> bool:
        """Whether the run stops before its next step."""
        ...

    @property
    def progress(self) -> tuple[Progress, ...]:
        """What is happening now, in the order in which it began; empty once the run has ended."""
        ...

    def pause(self) -> None:
        """Stop before the next step."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def step(self) -> None:
        """Take one step, then stop again."""
        ...

    @property
    def approving(self) -> bool:
        """Whether each call waits for a person."""
        ...

    @property
    def waiting_call(self) -> AskedCall | None:
        """The call that waits for a person."""
        ...

    def ask_before_calls(self, on: bool) -> None:
        """Let each call wait, or none."""
        ...

    def decide(self, decision: Decision) -> None:
        """Say what becomes of the call that waits."""
        ...

    def stop(self) -> None:
        """End the run after what it is doing now; returns at once."""
        ...
