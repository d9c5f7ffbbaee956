"""Small MIMIC-IV trees made in a test, the bundled patients, and the modules that tests here share."""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.source import Tree, attach_record
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.mimic import table
from clinseek_fixtures import world_path


def _shared(name: str) -> ModuleType:
    """A module beside this file, for tests to import: they are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generated_record, *_ = map(_shared, ("generated_record", "generated_calls", "two_worlds", "naive_record"))

Rows = list[dict[str, Any]]
SUBJECT = 90000001


@pytest.fixture
def write_tree(tmp_path: Path) -> Callable[..., Path]:
    """Write a tree of the given tables; a patient row is added where none is given."""

    def write(**tables: Rows) -> Path:
        tables.setdefault("patients", [{"gender": "F", "anchor_age": 70, "anchor_year": 2150}])
        for name, rows in tables.items():
            info = table(name)
            folder = tmp_path / "tree" / info.module
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{info.file}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, [column.name for column in info.columns], restval="")
                writer.writeheader()
                subject = {"subject_id": SUBJECT} if info.kind == "patient" else {}
                writer.writerows([subject | row for row in rows])
        return tmp_path / "tree"

    return write


@pytest.fixture
def known_at(write_tree: Callable[..., Path]) -> Callable[..., Snapshot]:
    """The snapshot of a small tree at a time, under a policy."""

    def take(cutoff: str, policy: dict[str, Any] | None = None, **tables: Rows) -> Snapshot:
        root = write_tree(**tables)
        return open_snapshot(root, SUBJECT, datetime.fromisoformat(cutoff), Policy(**(policy or {})))

    return take


@pytest.fixture(scope="session")
def worlds() -> Callable[[int], dict[str, Rows]]:
    """The dated record of each bundled patient, read once."""

    @cache
    def of(subject_id: int) -> dict[str, Rows]:
        con = attach_record()
        Tree(world_path()).record(con, subject_id, lambda _: None)
        rows: dict[str, Rows] = generated_record.dated_rows(con)
        con.close()
        return rows

    return of
