"""How long until something is seen: `just bench` starts each command several times, on a terminal of its own.

Prints the fastest and the middle of the times in milliseconds: on a busy machine the fastest is what the
program costs.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

JOURNAL = Path(__file__).parents[1] / "tests" / "golden" / "journal-1.jsonl"
STARTS = 7
PATIENCE_S = 30
RUNS_IN_FOLDER = 500
RESULTS_BYTES = 500_000_000
HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("Hello, world")

Hello().run()
"""
"""What every figure is held beside: Textual itself, with one line of text."""


def commands(folder: Path) -> dict[str, tuple[list[str], bytes]]:
    """What is started, by name, and the words whose coming ends the time; recordings go into `folder`."""
    app = ["-m", "clinseek_tui"]
    return {
        "hello world": (["-c", HELLO], b"Hello, world"),
        "--version": ([*app, "--version"], b"clinseek-tui"),
        "replay --plain": ([*app, "replay", str(JOURNAL), "--plain"], b"answer"),
        "replay": ([*app, "replay", str(JOURNAL)], b"Timeline"),
        "folder of 500": ([*app, "replay", str(_folder(folder / "runs"))], b"primary failure"),
        "results of 500 MB": ([*app, "replay", str(_results(folder / "results.jsonl"))], b"primary failure"),
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


def seconds_until(arguments: list[str], sign: bytes) -> float:
    """Start the command on a terminal of 120×40 and wait until it has written `sign`."""
    begin = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.executable, [sys.executable, *arguments])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while sign not in seen:
            if not select.select([terminal], [], [], PATIENCE_S)[0]:
                raise TimeoutError(f"{arguments} has not written {sign!r}: {seen[-400:]!r}")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - begin
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def main() -> None:
    """Time every command in turn, round by round, and print a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        started = commands(Path(folder))
        times: dict[str, list[float]] = {name: [] for name in started}
        for _ in range(STARTS):
            for name, (arguments, sign) in started.items():
                times[name].append(1000 * seconds_until(arguments, sign))
    hello = statistics.median(times["hello world"])
    print(f"{'':18} fastest  middle   (ms, of {STARTS})   middle beside hello world")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"{name:18} {min(taken):7.0f} {middle:7.0f} {middle / hello:30.2f}")


if __name__ == "__main__":
    main()
