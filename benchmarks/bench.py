"""What `bench` costs beside its tools, and its memory over thousands of runs, with the built-in seeker.

The same calls are made twice in turns, as many runs at a time: by `clinseek-tui bench`, and by a bare loop
that opens each case's record from the same store and calls its tools, without model, journal or command.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import measure
import msgspec

from clinseek_core.case import BenchCase, Policy
from clinseek_core.case_files import load_bench_cases
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.store import ingest
from clinseek_core.journal import Header, Turn, read_journal
from clinseek_fixtures import bench_cases_path, world_path

Calls = list[tuple[str, dict[str, object]]]
LOOKS = 10
"""How often memory is looked at in the long bench."""


def bench(cases: Path, store: Path, out: Path, jobs: int) -> list[str]:
    """The command line of a bench."""
    command = [sys.executable, "-m", "clinseek_tui", "bench", str(cases), "--ehr", str(store)]
    return [*command, "--out", str(out), "--jobs", str(jobs), "--json"]


def calls_in(journal: Path) -> tuple[str, Calls]:
    """The question of a run, and the calls that its record's tools answered."""
    header, *records = read_journal(journal).records
    assert isinstance(header, Header)
    turns = (record for record in records if isinstance(record, Turn))
    made = [(call.name, call.arguments) for turn in turns for call in turn.calls]
    return header.case.qid, [(name, given) for name, given in made if isinstance(given, dict)]


def bare(case: BenchCase, store: Path, calls: Calls) -> None:
    """Open a case's record and make the calls."""
    with EhrSession(store, case.case.subject_id, case.case.prediction_time, Policy()) as session:
        for name, arguments in calls:
            session.call(name, arguments)


def beside_the_tools(room: Path, store: Path, cases: Sequence[BenchCase], jobs: int, rounds: int) -> None:
    """Calls per second of both, in turns."""
    path = room / "some.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines_of(cases)))
    rows, shares = [], []
    for number in range(rounds):
        out = room / f"round-{number}"
        begin = time.perf_counter()
        done = subprocess.run(bench(path, store, out, jobs), capture_output=True, text=True, check=True)
        ours = time.perf_counter() - begin
        by_qid = dict(map(calls_in, out.glob("*.jsonl")))
        calls = [by_qid[case.case.qid] for case in cases]
        begin = time.perf_counter()
        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(bare, cases, repeat(store), calls))
        theirs = time.perf_counter() - begin
        shares.append(theirs / ours)
        told = json.loads(done.stdout)["calls"]
        rows.append((number + 1, told, f"{told / ours:.0f}", f"{told / theirs:.0f}", f"{shares[-1]:.0%}"))
    print(f"{len(cases)} runs, {jobs} at a time, the start of the command included:")
    measure.print_table(("round", "calls", "bench, calls/s", "bare tools, calls/s", "share"), rows)


def lines_of(cases: Sequence[BenchCase], copies: int = 1) -> Iterator[dict[str, object]]:
    """The bundled cases' own lines, some copies of each with other ids."""
    wanted = {case.case.qid for case in cases}
    lines = [json.loads(line) for line in bench_cases_path().read_text(encoding="utf-8").splitlines()]
    for copy in range(copies):
        yield from ({**line, "qid": f"{line['qid']}-{copy}"} if copies > 1 else line
                    for line in lines if line["qid"] in wanted)  # fmt: skip


def over_many_runs(room: Path, store: Path, cases: Sequence[BenchCase], jobs: int, runs: int) -> None:
    """The command's own memory at each tenth of a long bench; its worker processes end with their runs."""
    path, out = room / "many.jsonl", room / "many"
    lines = list(lines_of(cases, -(-runs // len(cases))))[:runs]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    rows = []
    begin = time.perf_counter()
    with subprocess.Popen(
        bench(path, store, out, jobs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        for look in range(1, LOOKS + 1):
            wanted = max(look * runs // LOOKS - jobs, 1)
            while process.poll() is None and begun(out) < wanted:
                time.sleep(0.5)
            if process.poll() is not None:
                break
            memory = measure.memory_of(process.pid)
            minutes = (time.perf_counter() - begin) / 60
            rows.append(
                (begun(out), f"{memory.rss / 2**20:.0f}", f"{memory.peak / 2**20:.0f}", f"{minutes:.1f}")
            )
            print(rows[-1], file=sys.stderr, flush=True)
    print(f"{runs} runs, {jobs} at a time, exit {process.returncode}:")
    measure.print_table(("runs begun", "resident MiB", "peak MiB", "minutes"), rows)


def begun(out: Path) -> int:
    """How many runs have a journal."""
    return sum(1 for _ in out.glob("*.jsonl")) if out.exists() else 0


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=56, metavar="N", help="cases of a round; %(default)s")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="%(default)s")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="runs at a time; %(default)s")
    parser.add_argument("--runs", type=int, default=500, metavar="N", help="of the long bench; %(default)s")
    args = parser.parse_args()
    measure.announce("bench")
    # Films are looked for beside the cases file, and these lie elsewhere.
    every = [case for case in load_bench_cases(bench_cases_path()) if not case.case.images]
    spread = every[:: max(len(every) // args.cases, 1)][: args.cases]
    with tempfile.TemporaryDirectory(prefix="clinseek-bench-") as name:
        room = Path(name)
        ingest(world_path(), room / "store")
        if args.rounds:
            beside_the_tools(room, room / "store", spread, args.jobs, args.rounds)
        if args.runs:
            over_many_runs(room, room / "store", every, args.jobs, args.runs)


if __name__ == "__main__":
    main()
