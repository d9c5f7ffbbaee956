"""A foreign agent's run: each call it makes is answered by a case's tools and written to a journal."""

from __future__ import annotations

import threading
import time
from typing import Any

from clinseek_core.agent.calls import answer_call
from clinseek_core.agent.finish import FINISH, read_answer
from clinseek_core.agent.prompt import opening
from clinseek_core.agent.results import capped, stored
from clinseek_core.journal import CallRequest, End, Message, ModelInfo, Observation, Prompt, Turn
from clinseek_core.models.tool_names import canonical
from clinseek_core.tools import ToolResult, ToolSpec
from clinseek_tui.running.case_tools import CaseTools
from clinseek_tui.running.plan import Plan

__all__ = ["ServedRun"]

_ENDED = "Error: this run has ended with its answer; connect again for another"
_EXHAUSTED = "Error: the limit of {} calls is reached; answer by `finish`"


class ServedRun:
    """One connection's run, from its first request to its answer or its end; safe to use from threads.

    A step is one call: how the agent came to it stays with the agent. Raises InputError where the case's
    data can't be opened.
    """

    def __init__(self, plan: Plan, client: str) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._step = 0
        self._ended = False
        self._closed = False
        self._tools = CaseTools(plan, lambda _: None)
        try:
            self._journal = self._tools.create_journal(ModelInfo(name=client, kind="mcp"))
        except BaseException:
            self._tools.close()
            raise
        self.question: tuple[Message, ...] = opening(plan.case, self.specs, ())
        """The messages that our own agent would open with."""
        self._journal.append(Prompt, messages=self.question)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, by their names with namespace."""
        return self._tools.toolbox.specs

    def call(self, written: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer a call as an agent of ours would have it answered, and write both down."""
        with self._lock:
            if self._ended:
                return ToolResult(status="error", text=_ENDED)
            name = canonical(written, [spec.name for spec in self.specs])
            if self._step >= self._plan.limits.max_rounds and name != FINISH:
                return ToolResult(status="error", text=_EXHAUSTED.format(self._plan.limits.max_rounds))
            return self._answered(name, written, arguments)

    def close(self) -> None:
        """End the run, if it has no answer, and the processes behind its tools."""
        with self._lock:
            if self._closed:
                return
            if not self._ended:
                self._journal.append(End, status="stopped", stop_reason="disconnected")
            self._ended = self._closed = True
            self._journal.close()
            self._tools.close()

    def _answered(self, name: str, written: str, arguments: dict[str, Any]) -> ToolResult:
        self._step += 1
        asked = CallRequest(
            id=f"mcp_{self._step}",
            name=name,
            arguments=arguments,
            wire_name="" if written in {name, name.rpartition(".")[2]} else written,
        )
        self._journal.append(Turn, step=self._step, calls=(asked,))
        begin = time.perf_counter()
        result = answer_call(asked, self._tools.toolbox)
        limit = self._plan.limits.max_result_characters
        self._journal.append(
            Observation,
            step=self._step,
            call=1,
            tool_call_id=asked.id,
            name=name,
            ms=round((time.perf_counter() - begin) * 1000, 1),
            **stored(result, limit, self._journal),
        )
        if name == FINISH and result.status == "ok":
            self._ended = True
            self._journal.append(
                End, status="answered", stop_reason="finish", answer=tuple(read_answer(arguments))
            )
        return ToolResult(status=result.status, text=capped(result.text, limit))
