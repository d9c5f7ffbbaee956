"""The worker process of one open patient: it holds the snapshot and runs the EHR tools on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.traces import traces_of
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.errors import WorkerError
from clinseek_core.tools.arguments import encodable
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.worker import serve

_OPEN: dict[str, tuple[Snapshot, EhrTools]] = {}


def _open(
    on_progress: Callable[[str], None], path: str, subject_id: int, cutoff: str, policy: dict[str, Any]
) -> dict[str, Any]:
    """Open the snapshot; what was noticed in the source."""
    snapshot = open_snapshot(
        Path(path),
        subject_id,
        datetime.fromisoformat(cutoff),
        msgspec.convert(policy, Policy),
        on_progress,
    )
    _OPEN["patient"] = snapshot, EhrTools(snapshot)
    return {"notices": snapshot.notices}


def _call(_: Callable[[str], None], call: str) -> Any:
    name, arguments = json.loads(call)
    return msgspec.to_builtins(_opened()[1].call(name, arguments))


def _plan(_: Callable[[str], None], sql: str) -> Any:
    return msgspec.to_builtins(_opened()[1].plan(encodable(json.loads(sql))))


def _digest(_: Callable[[str], None]) -> str:
    return _opened()[0].digest()


def _traces(_: Callable[[str], None]) -> Any:
    return msgspec.to_builtins(traces_of(_opened()[0]))


def _opened() -> tuple[Snapshot, EhrTools]:
    if "patient" not in _OPEN:
        raise WorkerError("no snapshot is open")
    return _OPEN["patient"]


if __name__ == "__main__":
    serve({"open": _open, "call": _call, "plan": _plan, "digest": _digest, "traces": _traces})
