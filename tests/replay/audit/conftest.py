"""Real runs of the seeker on the bundled world, once for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from clinseek_tui.cli import main

SeekerRun = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def seeker_run(tmp_path_factory: pytest.TempPathFactory) -> SeekerRun:
    """The journal of a run of a bundled case under a basis."""
    folder = tmp_path_factory.mktemp("runs")

    @cache
    def run(qid: str, basis: str) -> Path:
        journal = folder / f"{qid}-{basis}.jsonl"
        assert main(["run", qid, "--headless", "--basis", basis, "--out", str(journal)]) == 0
        return journal

    return run
