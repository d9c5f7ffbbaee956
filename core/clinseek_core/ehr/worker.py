"""The worker process of one open patient: it holds the snapshot and runs the EHR tools on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.errors import WorkerError
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.worker import serve

_OPEN: dict[str, EhrTools] = {}


def _open(
    on_progress: Callable[[str], None], root: str, subject_id: int, cutoff: str, policy: dict[str, Any]
) -> dict[str, Any]:
    """Open the snapshot; its digest and what was noticed in the source."""
    snapshot = open_snapshot(
        Path(root),
        subject_id,
        datetime.fromisoformat(cutoff),
        msgspec.convert(policy, Policy),
        on_progress,
    )
    _OPEN["tools"] = EhrTools(snapshot)
    return {"digest": snapshot.digest(), "notices": snapshot.notices}


def _call(_: Callable[[str], None], call: str) -> Any:
    if "tools" not in _OPEN:
        raise WorkerError("no snapshot is open")
    name, arguments = json.loads(call)
    return msgspec.to_builtins(_OPEN["tools"].call(name, arguments))


if __name__ == "__main__":
    serve({"open": _open, "call": _call})
