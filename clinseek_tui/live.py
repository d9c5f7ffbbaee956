"""What the debugger needs of a run that is going on, beside its journal."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import msgspec

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

    def stop(self) -> None:
        """End the run after what it is doing now; returns at once."""
        ...
