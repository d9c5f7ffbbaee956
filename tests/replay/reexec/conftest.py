"""Real runs of the seeker on the bundled world, once for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_fixtures import world_store_path
from clinseek_replay.recordings import open_recordings
from clinseek_replay.reexec import Reexecution, reexecute
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.cli import main


@pytest.fixture(scope="session")
def seeker_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The journal of a run of the first bundled case under a basis."""
    folder = tmp_path_factory.mktemp("runs")

    @cache
    def run(basis: str) -> Path:
        journal = folder / f"{basis}.jsonl"
        assert main(["run", "--headless", "--basis", basis, "--out", str(journal)]) == 0
        return journal

    return run


Again = Callable[..., Reexecution]


@pytest.fixture(scope="session")
def again() -> Again:
    """Runs a recording again, by default on the bundled world under its own policy."""

    def run(recording: Path | Trajectory, root: Path | None = None, **policy: str) -> Reexecution:
        run = recording if isinstance(recording, Trajectory) else open_recordings([recording]).run(0)
        rule = Policy(**policy) if policy else run.policy or Policy()
        assert run.subject_id is not None
        assert run.prediction_time is not None
        with EhrSession(root or world_store_path(), run.subject_id, run.prediction_time, rule) as session:
            return reexecute(run, session, run.subject_id, run.prediction_time, rule, session.digest)

    return run
