"""The control port of a running loop: what a screen or a signal handler may ask of it, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clinseek_core.agent.approval import RUN_IT, AskedCall, Decision

__all__ = ["Control", "StoppedError"]


class StoppedError(Exception):
    """The run is to stop here: somebody asked for it."""


class Control:
    """Pauses, steps and stops a loop (a StopSignal too). Every method may be called from any thread."""

    def __init__(self, *, paused: bool = False, pace_s: float = 0.0) -> None:
        """With `paused` the loop waits before its first step; `pace_s` slows it for a person to watch."""
        self._pace_s = pace_s
        self._changed = threading.Condition()
        self._paused = paused
        self._steps = 0
        self._stopped = False
        self._at_stop: list[Callable[[], None]] = []
        self._approving = False
        self._asked: AskedCall | None = None
        self._decision: Decision | None = None

    @property
    def paused(self) -> bool:
        """Whether the loop is to wait before its next step."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """Whether the run is to stop."""
        return self._stopped

    @property
    def approving(self) -> bool:
        """Whether each call waits for a person."""
        return self._approving

    @property
    def asked(self) -> AskedCall | None:
        """The call that waits now."""
        return self._asked

    def ask_before_calls(self, on: bool) -> None:
        """From the next call on, wait for `decide`; switched off, one that waits is run."""
        with self._changed:
            self._approving = on
            self._changed.notify_all()

    def decide(self, decision: Decision) -> None:
        """Say what becomes of the call that waits; nothing where none does."""
        with self._changed:
            if self._asked is not None:
                self._decision = decision
                self._changed.notify_all()

    def approve(self, asked: AskedCall) -> Decision:
        """Called by the loop before each call: what a person says of it; raises StoppedError after a stop."""
        with self._changed:
            if not self._approving:
                return RUN_IT
            self._asked, self._decision = asked, None
            self._changed.wait_for(lambda: self._stopped or self._decision is not None or not self._approving)
            self._asked = None
            if self._stopped:
                raise StoppedError
            return self._decision or RUN_IT

    def pause(self) -> None:
        """Wait before the next step; the one that runs is finished."""
        with self._changed:
            self._paused, self._steps = True, 0
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on, without a pause between steps."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def step(self) -> None:
        """Do one step, then pause."""
        with self._changed:
            self._steps = self._steps + 1 if self._paused else 0
            self._paused = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End the run as soon as it can: a request to a model is dropped, a tool call is finished."""
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            self._changed.notify_all()
            # Under the lock, so that none is called after its context was left.
            for callback in self._at_stop:
                callback()

    def checkpoint(self) -> None:
        """Called by the loop before each step: waits while paused; raises StoppedError after a stop."""
        with self._changed:
            if not self._paused:
                self._changed.wait_for(lambda: self._stopped or self._paused, self._pace_s)
            self._changed.wait_for(lambda: self._stopped or not self._paused or self._steps > 0)
            if self._stopped:
                raise StoppedError
            self._steps = max(self._steps - 1, 0)

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until the stop; True where it came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped, seconds)

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Inside the context, `callback` is called once at the stop (see StopSignal.calling)."""
        with self._changed:
            self._at_stop.append(callback)
            if self._stopped:
                callback()
        try:
            yield
        finally:
            with self._changed:
                self._at_stop.remove(callback)
