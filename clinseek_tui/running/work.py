"""The run at work: its record open, its journal locked, its loop in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from clinseek_core.agent import Control, run
from clinseek_core.journal import End
from clinseek_tui.running.case_tools import CaseTools
from clinseek_tui.running.live_run import LiveRun
from clinseek_tui.running.plan import Plan

__all__ = ["Work"]

_WATCHED_STEP_S = 0.4


class Work:
    """Opens what a plan needs, then runs it in the background; a context manager that stops and closes.

    Opening raises InputError for data that is not there, and for a resumed run whose data has changed.
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None], *, watched: bool = False) -> None:
        """`tell` gets what is being read; with `watched`, rules that need no time are slowed to be seen."""
        pace_s = _WATCHED_STEP_S if watched and plan.model.info.kind == "builtin" else 0.0
        self.control = Control(pace_s=pace_s)
        self.live = LiveRun(self.control)
        self.end: End | None = None
        """How the run ended; None while it goes on, and where `error` says why it could not."""
        self.error: Exception | None = None
        self._plan = plan
        self._tools = CaseTools(plan, tell)
        try:
            self._journal = self._tools.open_journal()
        except BaseException:
            self._tools.close()
            raise
        self._thread = threading.Thread(target=self._work, name="agent", daemon=True)

    @property
    def notices(self) -> tuple[str, ...]:
        """What was noticed in the data, and who looks at films."""
        return self._tools.notices

    def __enter__(self) -> Work:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.stop()
        self._thread.join()
        self._journal.close()
        self._tools.close()

    def ended_within(self, seconds: float) -> bool:
        """Wait so long at most for the run to end; whether it has, by an end or an error."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self.end = run(
                self._journal,
                self._plan.model,
                self._tools.toolbox,
                self.control,
                on_progress=self.live.tell,
                case_folder=self._plan.case_folder,
            )
        except Exception as error:  # noqa: BLE001 - raised again where the command can show it
            self.error = error
        finally:
            # A follower tells by the lock that nothing more will come.
            self._journal.close()
