"""How fast and in what memory a MIMIC-IV tree becomes a store, beside pandas that loads the same files.

    python benchmarks/ingest.py --sizes 0.5,1,2,4

Sizes are GB of uncompressed CSV, of generated patients of 2,000 rows. Each run has a process of its own,
whose peak of resident memory is read at its end. pandas reads one file at a time and forgets it, and sorts
and writes nothing: `typed` gives every column the type that the store gives it, `plain` is `read_csv(path)`.
`reference` does what the reference implementation does to be able to open a patient: load a file with pandas
and put its rows into one SQLite file a patient. The files have just been written, so all read from the
system's cache.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from measure import announce, memory_of, print_table
from patients import Block, bytes_of, patients_for, write_tree

from clinseek_core.mimic import TableInfo, tables

ROWS = 2000
OTHERS = ("typed", "plain", "reference")
WANTED_RATIO = 5
WANTED_MIB = 2048


class Run(msgspec.Struct, frozen=True):
    """What one process took."""

    seconds: float
    cpu: float
    """Seconds of all its cores: what other processes slow down least."""
    peak: int
    """Bytes, of the process or of the largest of its own, whichever is more."""
    phases: dict[str, float] = {}
    """Seconds of each phase of an ingest."""


def in_a_process(what: str, tree: Path, store: Path, memory: int = 0) -> Run:
    """Run this script's child in a process of its own."""
    command = [sys.executable, __file__, "--child", what, str(tree), str(store), str(memory)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return msgspec.json.decode(answer.splitlines()[-1], type=Run)


def child(what: str, tree: Path, store: Path, memory: int) -> None:
    """Ingest, with so many bytes of memory, or load the tree, and print a Run."""
    begin = time.perf_counter()
    phases: dict[str, float] = {}
    if what == "store":
        ingest_in_phases(tree, store, memory, phases)
    elif what == "reference":
        from peer_files import build_patients  # noqa: PLC0415 - pandas, not in the processes of ours

        build_patients(tree, store)
    else:
        load_with_pandas(tree, typed=what == "typed")
    seconds = time.perf_counter() - begin
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = max(memory_of(os.getpid()).peak, used[1].ru_maxrss * 1024)
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    print(msgspec.json.encode(Run(seconds, cpu, peak, phases)).decode())


def ingest_in_phases(tree: Path, store: Path, memory: int, phases: dict[str, float]) -> None:
    """Make the store, and note how long each of its phases took."""
    from clinseek_core.ehr.store import Progress, ingest  # noqa: PLC0415 - not in the processes of pandas

    last = time.perf_counter()

    def note(progress: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        phases[progress.phase] = phases.get(progress.phase, 0.0) + now - last
        last = now

    ingest(tree, store, memory_bytes=memory, on_progress=note)


def load_with_pandas(tree: Path, typed: bool) -> None:
    """Load every file of the tree, one at a time."""
    import pandas as pd  # noqa: PLC0415 - not in the processes of ours

    for info in tables().values():
        for path in (tree / info.module).glob(f"{info.file}.csv*"):
            options = options_for(info) if typed else {"low_memory": False}
            pd.read_csv(path, **options)


def options_for(info: TableInfo) -> dict[str, object]:
    """What makes pandas type a table as the store does."""
    kinds = {
        "INTEGER": "Int64",
        "BIGINT": "Int64",
        "SMALLINT": "Int64",
        "DOUBLE": "float64",
        "VARCHAR": "str",
    }
    return {
        "dtype": {column.name: kinds[column.type] for column in info.columns if column.type in kinds},
        "parse_dates": [column.name for column in info.columns if column.type not in kinds],
        "date_format": "ISO8601",
    }


def measure(
    folder: Path, gigabytes: float, gzip: bool, memory: int, others: list[str]
) -> tuple[list[object], Run]:
    """Make a tree of that size, ingest it, and load it in other ways; a row of the table, and our run."""
    tree, store = folder / "tree", folder / "store"
    rows = write_tree(tree, [Block(0, patients_for(int(gigabytes * 1e9), ROWS), ROWS)], gzip)
    size = bytes_of(tree)
    ours = in_a_process("store", tree, store, memory)
    theirs = {what: in_a_process(what, tree, folder / what) for what in others}
    row: list[object] = [
        f"{gigabytes:g} GB{' gzip' if gzip else ''}",
        f"{rows / 1e6:.1f} M",
        f"{size / 1e6:,.0f} MB",
        f"{bytes_of(store) / 1e6:,.0f} MB",
        f"{ours.seconds:.1f} s ({', '.join(f'{name} {spent:.1f}' for name, spent in ours.phases.items())})",
        f"{ours.cpu:.1f} s",
        f"{gigabytes * 1e3 / ours.seconds:.0f} MB/s",
        f"{rows / ours.seconds / 1e6:.2f} M/s",
        f"{ours.peak / 2**20:,.0f} MiB",
    ]
    return [*row, *(beside(theirs.get(what), ours) for what in OTHERS)], ours


def beside(run: Run | None, ours: Run) -> str:
    """Another's time and memory, and how many times longer it took."""
    if run is None:
        return "not run"
    ratio = f"{run.seconds / ours.seconds:.1f}x"
    return f"{run.seconds:.1f} s, CPU {run.cpu:.1f} s, {run.peak / 2**20:,.0f} MiB: {ratio}"


def main() -> None:
    """Measure the sizes asked for, and the slope of memory over size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="0.5,1,2", help="GB of CSV")
    parser.add_argument("--pandas", default="0.5,1", help="the sizes that pandas loads too")
    parser.add_argument("--reference", default="", help="the sizes that the reference's way is done of too")
    parser.add_argument("--gzip", default="0.5", help="the sizes that are also done as .csv.gz")
    parser.add_argument("--memory", type=float, default=2, help="GB that ingest is told to stay under")
    parser.add_argument("--keep", type=Path, help="folder to make the data in")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, tree, store, memory = options.child
        child(what, Path(tree), Path(store), int(memory))
        return
    announce("Ingest, and pandas on the same files")
    sizes, pandas, reference, zipped = (
        [float(size) for size in text.split(",") if size]
        for text in (options.sizes, options.pandas, options.reference, options.gzip)
    )
    rows, peaks = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.keep or Path(scratch)) / "ingest"
        for size, gzip in [(size, False) for size in sizes] + [(size, True) for size in zipped]:
            others = ["typed", "plain"] if size in pandas else []
            others += ["reference"] if size in reference else []
            row, ours = measure(folder, size, gzip, int(options.memory * 1e9), others)
            print(*row, sep=" | ", flush=True)
            rows.append(row)
            if not gzip:
                peaks[size] = ours.peak / 2**20
            shutil.rmtree(folder)
    print()
    heading = ["CSV", "rows", "files", "store", "ours", "our CPU", "speed", "rows", "peak"]
    print_table((*heading, *(f"{what}: ratio" for what in OTHERS)), rows)
    print(f"wanted: at least {WANTED_RATIO}x, at most {WANTED_MIB} MiB at any size")
    if len(peaks) > 1:
        least, most = min(peaks), max(peaks)
        slope = (peaks[most] - peaks[least]) / (most - least)
        print(f"peak memory grows by {slope:+.0f} MiB a GB here; ingest was told to stay under", end=" ")
        print(f"{options.memory:g} GB: a lower --memory shows that the growth ends where it is told to")


if __name__ == "__main__":
    main()
