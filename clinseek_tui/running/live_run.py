"""A run of this process as the debugger sees it: the loop's control, and its progress folded into lines."""

from __future__ import annotations

from clinseek_core.agent import Asking, CallState, Control
from clinseek_core.agent import Progress as Event
from clinseek_core.agent.approval import AskedCall, Decision
from clinseek_core.models import CallDelta, Retrying
from clinseek_tui.live import Progress

__all__ = ["LiveRun"]

_KEPT = 2_000
"""Characters of a streaming answer that are kept for the screen."""


class LiveRun:
    """Gives `tell` to the loop as its `on_progress`, and itself to the debugger as its LivePort."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._progress: tuple[Progress, ...] = ()
        self._step = ""

    @property
    def paused(self) -> bool:
        """Whether the run stops before its next step."""
        return self._control.paused

    @property
    def progress(self) -> tuple[Progress, ...]:
        """What the loop told last; replaced as a whole, so that any thread may read it."""
        return self._progress

    def pause(self) -> None:
        """Stop before the next step."""
        self._control.pause()

    def resume(self) -> None:
        """Go on."""
        self._control.resume()

    def step(self) -> None:
        """Take one step, then stop again."""
        self._control.step()

    @property
    def approving(self) -> bool:
        """Whether each call waits for a person."""
        return self._control.approving

    @property
    def waiting_call(self) -> AskedCall | None:
        """The call that waits for a person."""
        return self._control.asked

    def ask_before_calls(self, on: bool) -> None:
        """Let each call wait, or none."""
        self._control.ask_before_calls(on)

    def decide(self, decision: Decision) -> None:
        """Say what becomes of the call that waits."""
        self._control.decide(decision)

    def stop(self) -> None:
        """End the run after what it is doing now."""
        self._control.stop()

    def tell(self, event: Event) -> None:
        """Called by the loop, from its own thread."""
        if isinstance(event, CallState):
            self._call(event)
        elif isinstance(event, Asking):
            self._step = f"s{event.step}"
            self._set("waiting for the model")
        elif isinstance(event, Retrying):
            wait = f" · again in {event.wait_s:.0f} s" if event.wait_s else ""
            self._set(event.reason + wait)
        else:
            new = event.arguments if isinstance(event, CallDelta) else event.text
            before = self._progress[-1].text if self._streaming() else ""
            text = (before + new)[-_KEPT:]
            self._progress = (Progress(state="streaming", text=text, anchor=self._step),)

    def _streaming(self) -> bool:
        return bool(self._progress) and self._progress[-1].state == "streaming"

    def _set(self, waiting_for: str) -> None:
        self._progress = (Progress(state="waiting", text=waiting_for, anchor=self._step),)

    def _call(self, event: CallState) -> None:
        anchor = f"s{event.step}.c{event.call}"
        others = (p for p in self._progress if p.state in ("queued", "running") and p.anchor != anchor)
        same_step = tuple(p for p in others if p.anchor.startswith(f"s{event.step}."))
        self._progress = (*same_step, Progress(state=event.state, text=event.name, anchor=anchor))
