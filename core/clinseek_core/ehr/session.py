"""An open patient: the EHR tools of one case, run in a worker process that can be killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.ehr.query_plan import QueryPlan
from clinseek_core.ehr.source import find_source
from clinseek_core.ehr.traces import Traces
from clinseek_core.errors import ClinseekError, InputError
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_core.tools.spec import ToolResult, ToolSpec
from clinseek_core.worker import Worker

__all__ = ["EhrSession"]

_MEMORY_BYTES = 4 * 1024**3
_OPEN_SECONDS = 3600.0
_CALL_SECONDS = 20.0
_WORKER_MODULE = "clinseek_core.ehr.worker"


class EhrSession:
    """A Toolbox of the EHR tools on the snapshot of (patient, cutoff, policy).

    Opening raises InputError for a source (see `find_source`) or a patient that is not there. A call that
    hangs, crashes or eats memory costs its worker and answers `limited`; the next call has a fresh one on the
    same snapshot.
    """

    def __init__(
        self,
        path: Path,
        subject_id: int,
        cutoff: datetime,
        policy: Policy,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        find_source(path)
        self._request = (str(path.resolve()), subject_id, cutoff.isoformat(), msgspec.to_builtins(policy))
        self._worker: Worker | None
        self._worker, opened = self._start(on_progress)
        self.notices: tuple[str, ...] = tuple(opened["notices"])
        """What was noticed in the source: columns left out, cells of the wrong type."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the snapshot's visible cells."""
        if self._worker is None:
            self._worker, _ = self._start()
        return str(self._worker.call("digest", deadline_s=_OPEN_SECONDS))

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The EHR tools."""
        return EHR_TOOLS

    def traces(self) -> Traces:
        """What of the record must not leave this machine; WorkerError where that can't be told."""
        if self._worker is None:
            self._worker, _ = self._start()
        return msgspec.convert(self._worker.call("traces", deadline_s=_OPEN_SECONDS), Traces)

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call in the worker."""
        try:
            # JSON carries what a model can write and MessagePack can't: lone surrogates, huge integers.
            call = json.dumps([name, arguments])
        except (ValueError, TypeError, RecursionError) as error:
            return ToolResult(status="error", text=f"Error: the arguments can't be read ({error})")
        try:
            if self._worker is None:
                self._worker, _ = self._start()
            answer = self._worker.call("call", call, deadline_s=_CALL_SECONDS)
        except ClinseekError as error:
            self.close()
            return ToolResult(
                status="limited",
                text=f"Error: the call was stopped ({error}); the record opens again with the next call.",
            )
        return msgspec.convert(answer, ToolResult)

    def plan(self, sql: str) -> QueryPlan:
        """How the engine answers a statement: see `Snapshot.plan_untrusted`.

        Raises InputError where the statement can't run, another ClinseekError where it cost its worker.
        """
        if self._worker is None:
            self._worker, _ = self._start()
        try:
            answer = self._worker.call("plan", json.dumps(sql), deadline_s=_CALL_SECONDS)
        except InputError:
            raise
        except ClinseekError:
            self.close()
            raise
        return msgspec.convert(answer, QueryPlan)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def __enter__(self) -> EhrSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, on_progress: Callable[[str], None] = lambda _: None) -> tuple[Worker, dict[str, Any]]:
        worker = Worker(_WORKER_MODULE, memory_bytes=_MEMORY_BYTES)
        try:
            opened = worker.call("open", *self._request, deadline_s=_OPEN_SECONDS, on_progress=on_progress)
        except BaseException:
            worker.close()
            raise
        return worker, opened
