"""A program on a terminal of its own, and what Textual itself costs: what the benchmarks of the app share."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["COLOURS", "HELLO", "Screen", "middle", "on_a_terminal", "print_keys"]

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
"""What figures are held beside: Textual with one widget, whose text a key changes."""
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
        self._read_until(sign)
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

    def press_until(self, key: str, sign: bytes) -> float:
        """The milliseconds from a key to a sign on the screen, which may go on changing."""
        begin = time.perf_counter()
        os.write(self.terminal, key.encode())
        self._read_until(sign)
        return 1000 * (time.perf_counter() - begin)

    def settle(self, quiet_s: float = 1.0) -> None:
        """Read until nothing comes any more."""
        while select.select([self.terminal], [], [], quiet_s)[0]:
            os.read(self.terminal, 1 << 16)

    def _read_until(self, sign: bytes) -> None:
        seen = b""
        while sign not in seen:
            if not select.select([self.terminal], [], [], PATIENCE_S)[0]:
                raise TimeoutError(f"{sign!r} has not come: {seen[-300:]!r}")
            seen += os.read(self.terminal, 1 << 16)


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


def middle(taken: list[float]) -> str:
    """The median of milliseconds, with the range."""
    return f"{statistics.median(taken):7.0f} ms [{min(taken):.0f}-{max(taken):.0f}] n={len(taken)}"


def print_keys(name: str, taken: list[tuple[float, int]]) -> None:
    """A line of a key's times, and bytes where they were counted."""
    ms = sorted(time for time, _ in taken)
    late = ms[min(int(0.99 * len(ms)), len(ms) - 1)]
    size = statistics.median(size for _, size in taken) / 1000
    written = f"   {size:6.1f} kB" if size else ""
    print(f"{name:34} p50 {statistics.median(ms):6.1f} ms   p99 {late:6.1f} ms{written}")
