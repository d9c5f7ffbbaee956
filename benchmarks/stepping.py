"""How long a key of the debugger takes, from its press to the last byte of what it changes, and its memory.

A run of 2,000 steps and 50 MB is stepped and paged through, then one of 20,000 steps for its memory, then a
live one whose model streams 200 tokens a second, over HTTP on this machine, while keys are pressed. Beside
them stands a hello-world app of Textual whose key repaints its whole screen with other text.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import measure
from terminal import COLOURS, HELLO, Screen, on_a_terminal, print_keys

SIZES = ((120, 40), (160, 48))
PAGE_DOWN, PAGE_UP = "\x1b[6~", "\x1b[5~"
PAGES = 5
"""Pages of a result that are gone down, and up again."""
LATE_STEP = 200
TOKENS_A_SECOND = 200
ROUNDS_FIRST = 3
"""Rounds of the live run before its model streams without an end."""


def recording(path: Path, steps: int, characters: int) -> Path:
    """A run of OpenAI chat messages: so many queries with results of so many characters."""
    row = "2150-03-01 05:55:00,Creatinine,1.4,mg/dL,a comment of the laboratory\n"
    text = "charttime,label,valuenum,unit,comments\n" + row * (characters // len(row))
    with path.open("w") as file:
        file.write('{"qid": "long", "status": "success", "messages": [{"role": "user", "content": "Which?"}')
        for number in range(steps):
            query = (
                f"SELECT charttime, label, valuenum FROM labevents WHERE itemid = {number} ORDER BY charttime"
            )
            function = {"name": "ehr.run_sql_query", "arguments": json.dumps({"sql_query": query})}
            call = {"id": f"c{number}", "type": "function", "function": function}
            asked = {"role": "assistant", "content": f"Look {number}.", "tool_calls": [call]}
            answered = {"role": "tool", "tool_call_id": call["id"], "content": f"{number}\n{text}"}
            file.write("".join(f", {json.dumps(message)}" for message in (asked, answered)))
        file.write("]}\n")
    return path


@contextmanager
def replayed(path: Path, size: tuple[int, int]) -> Iterator[Screen]:
    """The app on a recording, once nothing goes on in it any more."""
    with on_a_terminal(["-m", "clinseek_tui", "replay", str(path)], size, COLOURS["24-bit"]) as screen:
        screen.until(b"Timeline")
        screen.settle(3.0)
        yield screen


def keys(path: Path, size: tuple[int, int], presses: int) -> None:
    """Steps and pages, beside a hello world that repaints all."""
    with on_a_terminal(["-c", HELLO], size, COLOURS["24-bit"]) as screen:
        screen.until(b"Hello, world")
        screen.settle()
        print_keys("hello world, all text anew", [screen.press("x") for _ in range(presses)])
    with replayed(path, size) as screen:
        for _ in range(LATE_STEP):
            screen.press("l")
        print_keys("step, 2,000 steps of 25 kB", [screen.press("l") for _ in range(presses)])
        print_keys("step back", [screen.press("h") for _ in range(presses)])
        pages = (*[PAGE_DOWN] * PAGES, *[PAGE_UP] * PAGES)
        print_keys(
            "page down or up in a result", [screen.press(pages[n % len(pages)]) for n in range(presses)]
        )
        print_keys("a pane and back (raw, result)", [screen.press("71"[n % 2]) for n in range(presses)])


def memory(path: Path, steps: int) -> None:
    """Resident memory while all of a run's steps are looked at, in bursts of keys."""
    with replayed(path, SIZES[0]) as screen:
        marks = {0, steps // 20, steps // 4, steps // 2, 3 * steps // 4, steps}
        for step in range(0, steps + 1, steps // 100):
            if step in marks:
                used = measure.memory_of(screen.child)
                print(f"step {step:6,}: {used.rss / 2**20:5.0f} MiB resident, peak {used.peak / 2**20:.0f}")
            screen.press("l" * (steps // 100))


class _Streaming(BaseHTTPRequestHandler):
    """An OpenAI chat endpoint: some rounds that think, then text without an end."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        messages = json.loads(self.rfile.read(length))["messages"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        done = sum(message["role"] == "assistant" for message in messages)
        if done < ROUNDS_FIRST:
            function = {"name": "ehr.think", "arguments": json.dumps({"response": f"thought {done}"})}
            call = {"index": 0, "id": f"c{done}", "type": "function", "function": function}
            self._send({"role": "assistant", "tool_calls": [call]}, "tool_calls")
            self.wfile.write(b"data: [DONE]\n\n")
            return
        begun, sent = time.monotonic(), 0
        while True:
            self._send({"content": f"token{sent} " if sent % 12 else "\n"}, None)
            sent += 1
            time.sleep(max(begun + sent / TOKENS_A_SECOND - time.monotonic(), 0))

    def _send(self, delta: dict[str, object], reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
        self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """A client that leaves is no error."""
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()


def live(folder: Path, presses: int) -> None:
    """Steps between two calls of a run while its model streams."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Streaming)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    command = ["-m", "clinseek_tui", "run", "--model", "m", "--base-url", url, "--web", "off"]
    out = ["--out", str(folder / "live.jsonl")]
    with on_a_terminal([*command, *out], SIZES[0], COLOURS["24-bit"]) as screen:
        screen.until(b"token15")
        taken = []
        for _ in range(presses):
            for number in (2, 1):
                key = "h" if number == 1 else "l" if taken else f"gs{number}\r"
                taken.append((screen.press_until(key, f"s{number}.c1 ehr.think".encode()), 0))
                time.sleep(0.05)
        print_keys(f"step while {TOKENS_A_SECOND} tokens/s come", taken[2:])
    server.shutdown()


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--presses", type=int, default=100, help="of each key; 100 by default")
    parser.add_argument("--steps", type=int, default=20_000, help="of the run whose memory is told; 20,000")
    args = parser.parse_args()
    measure.announce("stepping")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long = recording(folder / "long.jsonl", 2_000, 25_000)
        for size in SIZES:
            print(f"\n{size[0]}x{size[1]}")
            keys(long, size, args.presses)
        print()
        live(folder, args.presses)
        print()
        memory(recording(folder / "longer.jsonl", args.steps, 500), args.steps)


if __name__ == "__main__":
    main()
