"""Our EHR engine beside the baseline of `peer.py`: the same generated patients, the same calls.

    python benchmarks/engine.py --sizes 10k,200k,2m

The baseline is timed inside its own process, without a transport. Ours is timed as a run uses it: through
the pipe to the worker process, with the sandbox on, from a store made by `ingest` (or `--raw`, from the
tree). Both take turns, so that other processes slow both alike. Ratios are of this run: of the medians, of
the fastest of each, and of the baseline's fastest over our slowest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from itertools import cycle
from pathlib import Path

import msgspec
from engine_calls import LOAD_WANTED, SIZES, Call, calls_at
from measure import (
    Memory,
    Times,
    announce,
    children_of,
    cpu_of,
    memory_of,
    print_table,
    ratios,
    timed,
)
from patients import Block, bytes_of, cutoff_of, subject_id, write_tree
from peer_files import build

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.worker import Worker

PATIENT = 0
WORKER = "clinseek_core.ehr.worker"
OUR_TIMES = 20
HEADING = ("call", "baseline ms: median [min-max]", "ours ms", "ratio", "of fastest", "at least", "wanted")


class Baseline:
    """The baseline's process."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("peer.py")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started, self.memory = self._answer()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def call(self, tool: str, arguments: list[str]) -> Times:
        """Call it once, timed in its process; `memory` is what it holds then."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([tool, [arguments]]) + "\n")
        self._process.stdin.flush()
        taken, self.memory = self._answer()
        return taken

    def _answer(self) -> tuple[Times, Memory]:
        assert self._process.stdout
        answer = json.loads(self._process.stdout.readline())
        return Times(tuple(answer["ms"])), Memory(*answer["memory"])

    def __enter__(self) -> Baseline:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def measure(name: str, folder: Path, raw: bool) -> None:
    """Make a patient of that size, call both, and print their times and memory."""
    size, block = SIZES[name], Block(PATIENT, 1, SIZES[name].rows)
    tree, cutoff, subject = folder / "tree", cutoff_of(block), subject_id(PATIENT)
    write_tree(tree, [block], drug_names=True)
    build(tree, folder / "peer", subject)
    path = tree if raw else folder / "store"
    if not raw:
        ingested(tree, path)
    print(
        f"## {name}: {size.rows:,} rows, {bytes_of(tree) / 1e6:,.0f} MB of CSV with dictionaries;"
        f" cutoff {cutoff}\n"
    )
    with ExitStack() as open_things:
        peer = open_things.enter_context(Baseline(folder / "peer"))
        peer_idle = peer.memory
        opened = opened_in_turns(peer, path, subject, cutoff, size.times)
        peer_open = peer.memory
        session = open_things.enter_context(EhrSession(path, subject, cutoff, Policy()))
        ours_open = memory_of(worker_process())
        rows = [(*row, wanted(LOAD_WANTED, name)) for row in opened]
        rows += [compared(call, name, peer, session) for call in calls_at(cutoff)]
        print_table(HEADING, rows)
        print_memory(peer_idle, peer_open, peer.memory, ours_open, memory_of(worker_process()))


def opened_in_turns(
    peer: Baseline, path: Path, subject: int, cutoff: datetime, rounds: int
) -> list[tuple[object, ...]]:
    """Rows of the table: opening the patient in both, by the clock and by the cores' time."""
    request = (str(path.resolve()), subject, cutoff.isoformat(), msgspec.to_builtins(Policy()))
    worker = Worker(WORKER, memory_bytes=4 * 1024**3)
    theirs: list[float] = []
    running: list[float] = []
    starting: list[float] = []

    def spent(who: int, times: int, call: Callable[[], Times]) -> Times:
        before = cpu_of(who)
        taken = call()
        cpu[who] += [(cpu_of(who) - before) / times]
        return taken

    def open_ours() -> object:
        return worker.call("open", *request, deadline_s=3600.0)

    open_ours()
    pid = worker_process()
    cpu: dict[int, list[float]] = {peer.pid: [], pid: []}
    for _ in range(rounds):
        theirs += spent(peer.pid, 1, lambda: peer.call("load_ehr", [str(subject), str(cutoff)])).ms
        running += spent(pid, 6, lambda: timed(open_ours, 6)).ms
        starting += timed(lambda: EhrSession(path, subject, cutoff, Policy()).close(), 3).ms
    worker.close()
    slow, cores = Times(tuple(theirs)), (Times(tuple(cpu[peer.pid])), Times(tuple(cpu[pid])))
    clocks = {
        "worker running": (slow, Times(tuple(running))),
        "process start": (slow, Times(tuple(starting))),
    }
    clocks["worker running, CPU"] = cores
    return [(f"load_ehr, {label}", *both, *ratios(*both)) for label, both in clocks.items()]


def compared(call: Call, size: str, peer: Baseline, session: EhrSession) -> tuple[object, ...]:
    """A row of the table: the call in both, in turn."""
    counts = call.tool == "get_event_counts_by_time"
    rounds = SIZES[size].count_times if counts else max(SIZES[size].times, len(call.peer))
    subject = {"subject_id": str(subject_id(PATIENT))} if "candidates" not in call.tool else {}
    theirs, ours = cycle(call.peer), cycle(call.ours)

    def ask() -> None:
        result = session.call(f"ehr.{call.tool}", subject | next(ours))
        if result.status != "ok":
            raise ValueError(f"{result.status}: {result.text}")

    slow: list[float] = []
    fast: list[float] = []
    ask()
    for _ in range(max(1, rounds)):
        if rounds:
            slow += peer.call(call.tool, next(theirs)).ms
        fast += timed(ask, max(4, OUR_TIMES // max(1, rounds))).ms
    both = Times(tuple(slow)) if slow else None, Times(tuple(fast))
    return call.label, both[0] or "not run: 0.2 ms a row", both[1], *ratios(*both), wanted(call.wanted, size)


def wanted(least: dict[str, int], size: str) -> str:
    """The least ratio wanted, or nothing."""
    return f">= {least[size]}x" if size in least else ""


def worker_process() -> int:
    """The id of our only worker process."""
    for pid in children_of(os.getpid()):
        if WORKER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise LookupError("no worker process is running")


def print_memory(
    peer_idle: Memory, peer_open: Memory, peer_after: Memory, ours_open: Memory, ours_after: Memory
) -> None:
    """Print what each process holds, and what the open patient takes."""

    def megabytes(memory: Memory) -> list[str]:
        return [f"{value / 2**20:,.0f}" for value in (memory.rss, memory.pss, memory.private, memory.peak)]

    print_table(
        ("MiB", "RSS", "PSS", "private", "peak RSS"),
        [
            ["baseline, started", *megabytes(peer_idle)],
            ["baseline, patient loaded", *megabytes(peer_open)],
            ["baseline, after all calls", *megabytes(peer_after)],
            ["ours, patient open", *megabytes(ours_open)],
            ["ours, after all calls", *megabytes(ours_after)],
        ],
    )
    growth = peer_open.rss - peer_idle.rss
    print(
        f"process with one open patient: {peer_open.rss / ours_open.rss:.1f}x by RSS, at the peak"
        f" {peer_after.peak / ours_after.peak:.1f}x (wanted >= 5x)\n"
        f"what loading added to the baseline's process, over our whole worker:"
        f" {growth / ours_open.rss:.1f}x by RSS, {growth / ours_open.pss:.1f}x by PSS\n"
    )


def ingested(tree: Path, store: Path) -> None:
    """Make the store, and say how long that took."""
    from clinseek_core.ehr.store import ingest  # noqa: PLC0415 - the raw tree needs none

    begin = time.perf_counter()
    ingest(tree, store)
    print(f"ingest: {time.perf_counter() - begin:.1f} s, store {bytes_of(store) / 1e6:,.1f} MB")


def main() -> None:
    """Measure the sizes asked for, in folders of their own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10k,200k", help="of " + ",".join(SIZES))
    parser.add_argument("--raw", action="store_true", help="open the CSV tree, not a store")
    parser.add_argument("--keep", type=Path, help="folder to make the data in, and leave it there")
    options = parser.parse_args()
    announce("Our EHR engine and the baseline")
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.sizes.split(","):
            measure(name, (options.keep or Path(scratch)) / name, options.raw)


if __name__ == "__main__":
    main()
