"""Who is connected: for each session its own run of its own case, opened with its first request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from clinseek_core.errors import InputError
from clinseek_tui.mcp_server.served_run import ServedRun
from clinseek_tui.running.plan import Plan

__all__ = ["Connections"]

_MAX_CLIENT = 80


class Connections:
    """The runs of sessions, by a session's id. `plan_for` plans the run of a case by its name, or None's."""

    def __init__(self, plan_for: Callable[[str | None], Plan], *, at_most: int, idle_s: float) -> None:
        self._plan_for = plan_for
        self._at_most = at_most
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._runs: dict[str, tuple[str | None, ServedRun]] = {}
        self._used: dict[str, float] = {}

    def run_of(self, session: str, case: str | None, client: str) -> ServedRun:
        """The session's run; InputError where it can't be opened, or where the session names another case."""
        with self._lock:
            self._used[session] = time.monotonic()
            if session in self._runs:
                named, run = self._runs[session]
                if case != named:
                    raise InputError("a session has one case; connect again for another")
                return run
            if len(self._runs) >= self._at_most:
                raise InputError(f"{self._at_most} agents are connected, which is all that are let in")
            run = ServedRun(self._plan_for(case), client[:_MAX_CLIENT] or "unnamed client")
            self._runs[session] = (case, run)
            return run

    def end(self, session: str) -> None:
        """Close a session's run, if it has one."""
        with self._lock:
            _, run = self._runs.pop(session, (None, None))
            self._used.pop(session, None)
        if run is not None:
            run.close()

    def end_idle(self) -> None:
        """Close the runs of sessions that asked nothing for long."""
        before = time.monotonic() - self._idle_s
        for session in [session for session, used in list(self._used.items()) if used < before]:
            self.end(session)

    def close(self) -> None:
        """Close all runs."""
        for session in list(self._runs):
            self.end(session)
