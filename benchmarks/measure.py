"""Times, memory and how they are printed: what the benchmarks share."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

__all__ = [
    "Memory",
    "Times",
    "announce",
    "children_of",
    "cpu_of",
    "memory_of",
    "print_table",
    "ratios",
    "timed",
]

_BUSY = 0.5
"""Other processes' load, in cores, from which figures are called unfair."""


class Times(msgspec.Struct, frozen=True):
    """Wall times of the same call, in milliseconds."""

    ms: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.ms)

    def __str__(self) -> str:
        low, high = _digits(min(self.ms)), _digits(max(self.ms))
        return f"{_digits(self.median)} [{low}-{high}] n={len(self.ms)}"


class Memory(msgspec.Struct, frozen=True):
    """What a process holds, in bytes; `pss` shares out pages that processes share, `private` omits them."""

    rss: int
    pss: int
    private: int
    peak: int


def timed(call: Callable[[], object], times: int) -> Times:
    """Time a call so many times."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begin))
    return Times(tuple(taken))


def ratios(slow: Times | None, fast: Times | None) -> tuple[str, str, str]:
    """How many times longer: by the medians, by the fastest of each, and by its fastest over our slowest.

    Where other processes are busy, the fastest of each are what the programs cost.
    """
    if slow is None or fast is None:
        return "-", "-", "-"
    pairs = (slow.median, fast.median), (min(slow.ms), min(fast.ms)), (min(slow.ms), max(fast.ms))
    median, fastest, least = (f"{theirs / ours:.1f}x" for theirs, ours in pairs)
    return median, fastest, least


def cpu_of(pid: int) -> float:
    """The milliseconds of cores that a process has used so far (Linux)."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return 1000 * (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> Memory:
    """Read a process's memory from /proc (Linux)."""
    kilobytes: dict[str, int] = {}
    for name in ("status", "smaps_rollup"):
        for line in Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                kilobytes[words[0].rstrip(":")] = int(words[1])
    private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return Memory(
        *(1024 * value for value in (kilobytes["Rss"], kilobytes["Pss"], private, kilobytes["VmHWM"]))
    )


def children_of(pid: int) -> list[int]:
    """A process's children and theirs (Linux); those that end meanwhile are left out."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(word) for word in task.read_text(encoding="utf-8").split()]
        except OSError:
            continue
        for child in direct:
            found += [child, *children_of(child)]
    return found


def announce(title: str) -> None:
    """Say what is measured, on what, and whether something else is running."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("duckdb", "pandas", "numpy")
    )
    cores, memory = os.cpu_count() or 1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(
        f"{title}\n{platform.machine()}, {cores} cores, {memory:.0f} GiB,"
        f" {platform.system()} {platform.release()}"
    )
    print(f"Python {sys.version.split()[0]}, {versions}")
    busy = _others_load()
    if busy > _BUSY:
        print(f"UNFAIR: other processes use {busy:.1f} of {cores} cores now; read ratios, not times.")
    print(flush=True)


def _others_load(seconds: float = 1.0) -> float:
    """Cores in use while this process sleeps."""

    def busy() -> int:
        ticks = [
            int(word) for word in Path("/proc/stat").read_text(encoding="utf-8").split("\n")[0].split()[1:9]
        ]
        return sum(ticks) - ticks[3] - ticks[4]

    if not Path("/proc/stat").exists():
        return 0.0
    before = busy()
    time.sleep(seconds)
    return (busy() - before) / os.sysconf("SC_CLK_TCK") / seconds


def print_table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, its columns aligned."""
    cells = [[str(cell) for cell in row] for row in (heading, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heading))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    print("\n".join((lines[0], rule, *lines[1:])), end="\n\n", flush=True)


def _digits(ms: float) -> str:
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 1 else f"{ms:.2f}"
