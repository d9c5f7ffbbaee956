"""Opening large recordings: a file of many runs, and one run of many steps, beside small ones and `wc -l`.

    python benchmarks/recordings.py                    2 GB of 2,000 runs, and 100 MB of 10,000 steps
    python benchmarks/recordings.py --runs 200 --megabytes 200

The files are made in a temporary folder and removed. They are warm, in the system's cache, in every figure.
`first` is without a kept index, `indexed` with one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import Times, announce, memory_of, print_table, timed

from clinseek_replay.index import cache
from clinseek_replay.recordings import Recordings, open_recordings

TURNS = 5
LOOKS = 1_000
"""Steps looked at, drawn by a seed."""
ROW = (
    "9000{n:04d}  2150-03-02 {n:02d}:36:00  50813  Lactate               {n}.9  mmol/L  0.5  2.0  abnormal\n"
)


def run_line(qid: str, calls: int, size: int) -> bytes:
    """One run as a line of `results.jsonl`: so many calls, and about so many bytes."""
    rows = "".join(ROW.format(n=n % 24) for n in range(max((size // calls - 350) // len(ROW), 1)))
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "You look for evidence in a patient's record."},
        {"role": "user", "content": "Which laboratory test comes next?"},
    ]
    for number in range(1, calls + 1):
        asked = {"sql_query": f"SELECT * FROM labevents WHERE itemid = {50800 + number % 90}"}
        function = {"name": "ehr.run_sql_query", "arguments": json.dumps(asked)}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": "Next I look at this.", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{number}", "content": rows})
    finish = {"name": "ehr.finish", "arguments": json.dumps({"response": ["Lactate"]})}
    messages.append(
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_end", "type": "function", "function": finish}],
        }
    )
    record = {
        "qid": qid,
        "run_index": 1,
        "session_id": f"{qid}__run_1",
        "question": "Which laboratory test comes next?",
        "messages": messages,
        "completed": True,
        "status": "success",
        "stop_reason": "finish_tool_call",
        "label": ["Lactate"],
        "prediction_time": "2150-03-03 06:00:00",
        "subject_id": 90000001,
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def write(path: Path, runs: int, calls: int, size: int) -> Path:
    """A file of so many runs of about `size` bytes each."""
    name = "case-00000"
    line = run_line(name, calls, size)
    with path.open("wb") as file:
        for number in range(runs):
            file.write(line.replace(name.encode(), b"case-%05d" % number))
    print(f"{path.name}: {path.stat().st_size / 1e6:,.0f} MB, {runs:,} runs of {calls:,} calls", flush=True)
    return path


def forget_index() -> None:
    """Remove what is kept of indexes; the folder is this benchmark's own."""
    for kept in cache.folder().glob("*"):
        kept.unlink()


def first_step(path: Path) -> None:
    """What has to be done for the first screen to show a step."""
    recordings = open_recordings([path])
    assert recordings.run(0).steps[0].calls


def indexing(path: Path) -> Sequence[object]:
    """The index beside `wc -l`, in turns."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        forget_index()
        theirs += timed(
            lambda: subprocess.run(["wc", "-l", path], check=True, stdout=subprocess.DEVNULL), 1
        ).ms
        ours += timed(lambda: open_recordings([path]), 1).ms
    ratio = min(ours) / min(theirs)
    return path.name, Times(tuple(theirs)), Times(tuple(ours)), f"{ratio:.2f}x", "<= 2x"


def opening(label: str, small: Path, large: Path, before: Callable[[], object]) -> Sequence[object]:
    """The time until the first step of a small and a large file is there, in turns."""
    taken: dict[Path, list[float]] = {small: [], large: []}
    for path in (small, large):
        first_step(path)
    for _ in range(TURNS):
        for path, ms in taken.items():
            before()
            ms.extend(timed(lambda path=path: first_step(path), 1).ms)  # type: ignore[misc]
    one, other = (Times(tuple(ms)) for ms in taken.values())
    return label, one, other, f"{other.median / one.median:.2f}x"


def looking(path: Path, by_run: bool) -> Sequence[object]:
    """Looks at steps drawn by a seed: of any run, which is opened for it, or of one run that is open."""
    recordings = open_recordings([path])
    draw = random.Random(4)
    run = recordings.run(0)
    taken = []
    for _ in range(LOOKS):
        place = draw.randrange(len(recordings.entries))
        begin = time.perf_counter()
        steps = recordings.run(place).steps if by_run else run.steps
        step = steps[draw.randrange(len(steps))]
        taken.append(1000 * (time.perf_counter() - begin))
        assert step.number
    taken.sort()
    p50, p99 = taken[LOOKS // 2], taken[LOOKS * 99 // 100]
    return path.name, "any run" if by_run else "one run", f"{p50:.2f}", f"{p99:.2f}", "< 16 ms"


def memory(path: Path, work: str) -> Sequence[object]:
    """What a process of its own holds after that work, and held at most."""
    told = subprocess.run(
        [sys.executable, __file__, "--probe", str(path), work], check=True, capture_output=True, text=True
    ).stdout.split()
    megabytes = [f"{int(word) / 1e6:,.0f}" for word in told]
    return path.name, work, *megabytes, "< 200 MB"


def probe(path: Path, work: str) -> None:
    """Do the work and print what this process holds, and held at most."""
    recordings = open_recordings([path])
    WORK[work](recordings)
    held = memory_of(os.getpid())
    print(held.rss, held.peak)


def _random_steps(recordings: Recordings) -> None:
    draw = random.Random(4)
    for _ in range(300):
        steps = recordings.run(draw.randrange(len(recordings.entries))).steps
        assert steps[draw.randrange(len(steps))]


def _all_labels(recordings: Recordings) -> None:
    assert all(entry.label for entry in recordings.entries)


def _all_steps(recordings: Recordings) -> None:
    assert all(step.number for step in recordings.run(0).steps)


WORK: dict[str, Callable[[Recordings], None]] = {
    "indexing it, and every label": _all_labels,
    "300 random steps": _random_steps,
    "every step of the first run": _all_steps,
}


def main() -> None:
    """Make the files, measure, and remove them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--megabytes", type=int, default=2_000, help="of the file of many runs")
    parser.add_argument("--probe", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        probe(Path(options.probe[0]), options.probe[1])
        return
    announce("Opening large recordings")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = str(Path(scratch) / "cache")
        measure(Path(scratch), options.runs, options.megabytes)


def measure(folder: Path, runs: int, megabytes: int) -> None:
    """Make the files in `folder`, and print every table."""
    size = megabytes * 1_000_000 // runs
    small = write(folder / "small.jsonl", 2, 60, size)
    many = write(folder / "many.jsonl", runs, 60, size)
    long = write(folder / "long.jsonl", 1, 10_000, 100_000_000)
    print()
    heading = ("file", "wc -l ms", "index ms", "fastest / fastest", "wanted")
    print_table(heading, [indexing(many)])
    print()
    rows = [
        (*opening("many runs, first", small, many, forget_index), "< 1 s + the index"),
        (*opening("many runs, indexed", small, many, lambda: None), "<= 1.5x"),
        (*opening("one long run, first", small, long, forget_index), "< 1 s + the index"),
        (*opening("one long run, indexed", small, long, lambda: None), "<= 1.5x"),
    ]
    print_table(("until the first step", "2 small runs ms", "large ms", "ratio", "wanted"), rows)
    print()
    heading = ("a step", "of", "p50 ms", "p99 ms", "wanted")
    print_table(heading, [looking(many, by_run=True), looking(long, by_run=False)])
    print()
    forget_index()
    rows = [memory(path, work) for path in (many, long) for work in WORK]
    print_table(("memory", "after", "held MB", "at most MB", "wanted"), rows)


if __name__ == "__main__":
    main()
