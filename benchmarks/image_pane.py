"""How long a film takes to come, the first one and by a key, in the app on a terminal of its own.

Each key is timed from its press to the last byte of what it changes. Beside them stands a hello-world app of
Textual whose key repaints its whole screen with other text, in the same rounds.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import measure

CASE = "cxr_change_comparison_90000102_21521010T185300_consolidation"
"""A bundled case with two films."""
PATIENCE_S, QUIET_S = 30.0, 0.12
HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    BINDINGS = [("x", "turn", "")]
    texts = ["Hello, world " * 400, "HELLO, WORLD " * 400]
    def compose(self):
        yield Static(self.texts[0])
    def action_turn(self):
        self.texts.reverse()
        self.query_one(Static).update(self.texts[0])

Hello().run()
"""
COLOURS = {
    "24-bit": {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    "256": {"TERM": "xterm-256color", "COLORTERM": ""},
}


class Screen:
    """A program on a terminal."""

    def __init__(self, arguments: list[str], size: tuple[int, int], colours: dict[str, str]) -> None:
        self.begun = time.perf_counter()
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            environ = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "TMUX")}
            os.execvpe(sys.executable, [sys.executable, *arguments], environ | colours)
        packed = struct.pack("HHHH", size[1], size[0], 0, 0)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, packed)

    def until(self, sign: bytes) -> float:
        """The milliseconds since the start when `sign` came."""
        seen = b""
        while sign not in seen:
            if not select.select([self.terminal], [], [], PATIENCE_S)[0]:
                raise TimeoutError(f"{sign!r} has not come: {seen[-300:]!r}")
            seen += os.read(self.terminal, 1 << 16)
        return 1000 * (time.perf_counter() - self.begun)

    def press(self, key: str) -> tuple[float, int]:
        """The milliseconds from a key to the last byte of its repaint, and the bytes."""
        begin = time.perf_counter()
        os.write(self.terminal, key.encode())
        last, written = begin, 0
        while select.select([self.terminal], [], [], QUIET_S if written else PATIENCE_S)[0]:
            written += len(os.read(self.terminal, 1 << 16))
            last = time.perf_counter()
        return 1000 * (last - begin), written

    def settle(self) -> None:
        """Read until nothing comes any more."""
        while select.select([self.terminal], [], [], 1.0)[0]:
            os.read(self.terminal, 1 << 16)


@contextmanager
def on_a_terminal(arguments: list[str], size: tuple[int, int], colours: dict[str, str]) -> Iterator[Screen]:
    """The program while the block lasts."""
    screen = Screen(arguments, size, colours)
    try:
        yield screen
    finally:
        os.kill(screen.child, signal.SIGKILL)
        os.waitpid(screen.child, 0)
        os.close(screen.terminal)


def first_frames(journal: Path, size: tuple[int, int], rounds: int) -> None:
    """From the start to the first film, beside the start of hello world."""
    hello, film = [], []
    for _ in range(rounds):
        with on_a_terminal(["-c", HELLO], size, COLOURS["24-bit"]) as screen:
            hello.append(screen.until(b"Hello, world"))
        with on_a_terminal(["-m", "clinseek_tui", "replay", str(journal)], size, COLOURS["24-bit"]) as screen:
            screen.until(b"Timeline")
            screen.settle()
            # The first film of a program: its process starts and loads what decodes films.
            film.append(screen.press("3")[0])
    print(f"{'hello world, first frame':34} {_middle(hello)}")
    print(f"{'key 3: the first film of a program':34} {_middle(film)}")


def keys(journal: Path, size: tuple[int, int], presses: int) -> None:
    """Each key's repaint, beside hello world's."""
    with on_a_terminal(["-c", HELLO], size, COLOURS["24-bit"]) as screen:
        screen.until(b"Hello, world")
        screen.settle()
        _print("hello world, all text anew", [screen.press("x") for _ in range(presses)])
    for colours, environ in COLOURS.items():
        command = ["-m", "clinseek_tui", "replay", str(journal)]
        with on_a_terminal(command, size, environ) as screen:
            screen.until(b"Timeline")
            screen.press("3")
            screen.settle()
            # Both films are decoded once before: a swap is between films that were looked at.
            for key in ",.":
                screen.press(key)
            for name, pair in (
                ("swap of two films", ",."),
                ("contrast", "()"),
                ("closer, further", "+-"),
                ("the film before at its side", "pp"),
            ):
                taken = [screen.press(pair[press % 2]) for press in range(presses)]
                _print(f"{name}, {colours}", taken)


def _middle(taken: list[float]) -> str:
    return f"{statistics.median(taken):7.0f} ms [{min(taken):.0f}-{max(taken):.0f}] n={len(taken)}"


def _print(name: str, taken: list[tuple[float, int]]) -> None:
    ms = sorted(time for time, _ in taken)
    late = ms[min(int(0.99 * len(ms)), len(ms) - 1)]
    size = statistics.median(size for _, size in taken) / 1000
    print(f"{name:34} p50 {statistics.median(ms):6.1f} ms   p99 {late:6.1f} ms   {size:6.1f} kB")


def main() -> None:
    """Make a run on a case with two films, and look at them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--presses", type=int, default=100, help="of each key; 100 by default")
    parser.add_argument("--rounds", type=int, default=5, help="of starts; 5 by default")
    args = parser.parse_args()
    measure.announce("image_pane")
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "films.jsonl"
        command = [sys.executable, "-m", "clinseek_tui", "run", CASE, "--headless", "--web", "off"]
        subprocess.run([*command, "--out", str(journal)], check=True, capture_output=True)
        for size in ((120, 40), (160, 44)):
            print(f"\n{size[0]}x{size[1]}")
            first_frames(journal, size, args.rounds)
            keys(journal, size, args.presses)


if __name__ == "__main__":
    main()
