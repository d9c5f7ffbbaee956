from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

from clinseek_core.case import Case, Policy
from clinseek_core.journal import DataInfo, JournalWriter, Limits, ModelInfo, ToolsInfo


class Start(Protocol):
    def __call__(self, path: Path | None = None) -> JournalWriter: ...


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a journal, by default `traj.jsonl` in the test's folder."""

    def create(path: Path | None = None) -> JournalWriter:
        return JournalWriter.create(
            path or tmp_path / "traj.jsonl",
            case=Case(qid="q1", subject_id=1, prediction_time=datetime(2150, 3, 3), question="What next?"),
            policy=Policy(),
            model=ModelInfo(name="seeker", kind="builtin"),
            limits=Limits(),
            tools=ToolsInfo(names=("ehr.finish",), digest="0" * 64),
            data=DataInfo(source="bundled", digest="0" * 64),
        )

    return create
