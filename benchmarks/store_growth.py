"""What a larger store costs a patient: the same patient opened in a store of 100 and of 100,000 patients.

    python benchmarks/store_growth.py

The patient, of the same rows in both, stands in the middle of the files. Openings in the two stores take
turns. `first look` drops the store's pages from the system's cache before each opening, as after a restart.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from measure import Times, announce, print_table, timed
from patients import Block, bytes_of, cutoff_of, subject_id, write_tree

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.store import ingest
from clinseek_core.worker import Worker

PROBE = 500_000
"""The number of the patient that is opened; others stand on both sides of it."""
TURNS = 15
WANTED = 1.5


def make(folder: Path, patients: int, rows: int, probe: Block) -> Path:
    """Make a store of so many patients, the probe among them, and say what it took."""
    before = patients // 2
    after = patients - before - 1
    blocks = [Block(PROBE - before, before, rows), probe, Block(PROBE + 1, after, rows)]
    written = write_tree(folder / "tree", blocks)
    begin = time.perf_counter()
    ingest(folder / "tree", folder / "store")
    taken = time.perf_counter() - begin
    tree, store = bytes_of(folder / "tree"), bytes_of(folder / "store")
    print(
        f"{patients:,} patients, {written:,} rows: {tree / 1e6:,.0f} MB of CSV,"
        f" {store / 1e6:,.0f} MB of store, ingested in {taken:.1f} s",
        flush=True,
    )
    return folder / "store"


def forget(store: Path) -> None:
    """Drop a store's pages from the system's cache."""
    for path in store.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def in_fresh_turns(opens: list[Callable[[], object]], before: Callable[[], object]) -> list[Times]:
    """Time each of the openings once a turn; `before` runs ahead of each and is not timed."""
    taken: list[list[float]] = [[] for _ in opens]
    for turn in range(TURNS + 1):
        for ms, opening in zip(taken, opens, strict=True):
            before()
            if turn:  # the first only warms up
                ms.extend(timed(opening, 1).ms)
            else:
                opening()
    return [Times(tuple(ms)) for ms in taken]


def compare(stores: list[Path], cutoff: datetime) -> None:
    """Open the patient in both stores in turn, and print the times and their ratio."""
    worker = Worker("clinseek_core.ehr.worker", memory_bytes=4 * 1024**3)

    def running(store: Path) -> Callable[[], object]:
        request = (str(store.resolve()), subject_id(PROBE), cutoff.isoformat(), msgspec.to_builtins(Policy()))
        return lambda: worker.call("open", *request, deadline_s=600.0)

    def starting(store: Path) -> Callable[[], object]:
        return lambda: EhrSession(store, subject_id(PROBE), cutoff, Policy()).close()

    rows = []
    for label, opens, before in (
        ("worker running", [running(store) for store in stores], lambda: None),
        ("worker running, first look", [running(store) for store in stores], lambda: [*map(forget, stores)]),
        ("process start", [starting(store) for store in stores], lambda: None),
    ):
        small, large = in_fresh_turns(opens, before)
        rows.append((label, small, large, f"{large.median / small.median:.2f}x", f"<= {WANTED}x"))
    worker.close()
    print_table(("opening", "small store ms", "large store ms", "ratio", "wanted"), rows)


def main() -> None:
    """Make the two stores, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", default="100,100000")
    parser.add_argument("--rows", type=int, default=150, help="of each other patient, about")
    parser.add_argument("--probe-rows", type=int, default=10_000, help="of the patient opened, about")
    parser.add_argument("--keep", type=Path, help="folder to make the data in, and leave it there")
    options = parser.parse_args()
    announce("The same patient in a small and in a large store")
    probe = Block(PROBE, 1, options.probe_rows)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        sizes = [int(size) for size in options.patients.split(",")]
        stores = [make(folder / f"growth-{size}", size, options.rows, probe) for size in sizes]
        print()
        compare(stores, cutoff_of(probe))


if __name__ == "__main__":
    main()
