"""A bench on a Ray cluster of two nodes, one of which dies on the way: no run is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.journal import End, Header, read_journal

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        yield made
    finally:
        made.shutdown()


def bench(out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "clinseek_tui", "bench", "--per-task", "1", "--out", str(out), *options]
    kinds = ["--tasks", "risk_prediction,agentehr,multimodal"]
    return subprocess.Popen(
        [*command, *(kinds if "--tasks" not in options else ()), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(out: Path) -> Counter[str]:
    """How many finished runs there are of each case."""
    found: Counter[str] = Counter()
    for journal in out.glob("*.jsonl"):
        records = read_journal(journal).records
        assert isinstance(records[0], Header)
        found[records[0].case.qid] += isinstance(records[-1], End)
    return found


def test_a_node_that_dies_costs_no_run(cluster: Any, tmp_path: Path) -> None:
    second = cluster.add_node(num_cpus=1)
    out = tmp_path / "out"
    process = bench(out, "--executor", "ray", "--ray-address", cluster.address)
    until = time.monotonic() + 240
    while sum(finished(out).values()) < 4:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    cluster.remove_node(second, allow_graceful=False)
    killed_at = sum(finished(out).values())
    said, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    result = json.loads(said)
    assert result["left"] == 0
    assert killed_at < result["runs"]
    assert set(finished(out).values()) == {1}
    assert len(finished(out)) == result["runs"]


def test_what_a_stopped_bench_had_done_stays(cluster: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    few = ("--tasks", "risk_prediction", "--executor", "ray", "--ray-address", cluster.address)
    process = bench(out, *few)
    while sum(finished(out).values()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    before = {path.name: path.read_bytes() for path in out.glob("*.jsonl")}
    assert 2 <= len(before) < 18
    process = bench(out, *few)
    said, err = process.communicate(timeout=400)
    assert (process.returncode, json.loads(said)["left"]) == (0, 0), err
    assert all((out / name).read_bytes() == data for name, data in before.items())
