"""How long until something is seen: `just bench` starts each command several times, on a terminal of its own.

Prints the fastest and the middle of the times in milliseconds, and the memory that is resident then: on a
busy machine the fastest is what the program costs. What loads no Textual stands beside a bare Python.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

import measure
from stepping import recording
from terminal import COLOURS, HELLO, on_a_terminal

JOURNAL = Path(__file__).parents[1] / "tests" / "golden" / "journal-1.jsonl"
STARTS = 7
RUNS_IN_FOLDER = 500
RESULTS_BYTES = 500_000_000
HELLO_NAME = "hello world"
APP = ["-m", "clinseek_tui"]


class Start(NamedTuple):
    """What is started, the words whose coming ends the time, and beside what it stands."""

    arguments: list[str]
    sign: bytes
    beside: str = HELLO_NAME


def starts(folder: Path) -> dict[str, Start]:
    """By name; recordings go into `folder`."""
    long = recording(folder / "long.jsonl", 2_000, 25_000)
    return {
        "bare python": Start(["-c", "print('here')"], b"here", "bare python"),
        "--version": Start([*APP, "--version"], b"clinseek-tui", "bare python"),
        "--help": Start([*APP, "--help"], b"replay", "bare python"),
        **{
            f"export --to {form}": Start(
                [*APP, "export", str(JOURNAL), "--to", form, "--out", str(folder / form), "--force"],
                b"written as",
                "bare python",
            )
            for form in ("openai", "atif", "html")
        },
        "replay --plain": Start([*APP, "replay", str(JOURNAL), "--plain"], b"answer", "bare python"),
        HELLO_NAME: Start(["-c", HELLO], b"Hello, world"),
        "replay": Start([*APP, "replay", str(JOURNAL)], b"Timeline"),
        "2,000 steps, 50 MB": Start([*APP, "replay", str(long)], b"Timeline"),
        "folder of 500": Start([*APP, "replay", str(_folder(folder / "runs"))], b"primary failure"),
        "results of 500 MB": Start(
            [*APP, "replay", str(_results(folder / "results.jsonl"))], b"primary failure"
        ),
    }


def _folder(folder: Path) -> Path:
    folder.mkdir()
    for number in range(RUNS_IN_FOLDER):
        (folder / f"{number:03}.jsonl").write_bytes(JOURNAL.read_bytes())
    return folder


def _results(path: Path) -> Path:
    """A file as the reference's driver writes it: two runs of each case, of 40 calls and half a megabyte."""
    messages: list[dict[str, object]] = [{"role": "user", "content": "Which drugs?"}]
    for number in range(40):
        function = {"name": "ehr.run_sql_query", "arguments": json.dumps({"query": f"SELECT {number}"})}
        call = {"id": f"c{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        text = "value\n" + "12345 some row of text\n" * 500
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    with path.open("w") as file:
        number = 0
        while file.tell() < RESULTS_BYTES:
            record = {"qid": f"case-{number // 2}", "run_index": number % 2 + 1, "messages": messages}
            file.write(json.dumps(record | {"status": "success", "label": ["Heparin"]}) + "\n")
            number += 1
    return path


def main() -> None:
    """Start every command in turn, round by round, and print a line for each."""
    measure.announce("first_paint")
    with tempfile.TemporaryDirectory() as folder:
        started = starts(Path(folder))
        times: dict[str, list[float]] = {name: [] for name in started}
        held: dict[str, list[float]] = {name: [] for name in started}
        for _ in range(STARTS):
            for name, start in started.items():
                with on_a_terminal(start.arguments, (120, 40), COLOURS["24-bit"]) as screen:
                    times[name].append(screen.until(start.sign))
                    if start.beside == HELLO_NAME:
                        held[name].append(measure.memory_of(screen.child).rss / 2**20)
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"{'':18} fastest  middle   (ms, of {STARTS})   middle beside          MiB resident")
    for name, taken in times.items():
        beside = started[name].beside
        ratio = f"{middle[name] / middle[beside]:.2f} × {beside}"
        memory = f"{max(held[name]):7.0f}" if held[name] else ""
        print(f"{name:18} {min(taken):7.0f} {middle[name]:7.0f} {'':12} {ratio:22} {memory}".rstrip())


if __name__ == "__main__":
    main()
