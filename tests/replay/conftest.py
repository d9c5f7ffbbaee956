import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.case import Case, Policy
from clinseek_core.journal import DataInfo, JournalWriter, Limits, ModelInfo, ToolsInfo


def _provide(name: str) -> None:
    """Make a file beside this one importable by its name in the tests of this folder and those below."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_provide("recorded_zips")
_provide("recorded")

Start = Callable[..., JournalWriter]
WriteRuns = Callable[..., Path]


@pytest.fixture
def golden() -> Path:
    return Path(__file__).parents[1] / "golden" / "journal-1.jsonl"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a journal, by default `traj.jsonl` in the test's folder."""

    def create(path: Path | None = None) -> JournalWriter:
        case = Case(
            qid="q1",
            subject_id=1,
            prediction_time=datetime(2150, 3, 3),
            question="What next?",
            gold=("a", "b"),
        )
        return JournalWriter.create(
            path or tmp_path / "traj.jsonl",
            case=case,
            policy=Policy(),
            model=ModelInfo(name="seeker", kind="builtin"),
            limits=Limits(),
            tools=ToolsInfo(names=("ehr.finish",), digest="0" * 64),
            data=DataInfo(source="bundled", digest="0" * 64),
        )

    return create


@pytest.fixture
def write_runs(tmp_path: Path) -> WriteRuns:
    """Writes records to a `results.jsonl`, as the reference implementation's driver does."""

    def write(*records: dict[str, Any], name: str = "results.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
        return path

    return write
