"""How long until something is seen: `just bench` starts each command several times, on a terminal of its own.

Prints the fastest and the middle of the times in milliseconds: on a busy machine the fastest is what the
program costs.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import termios
import time
from pathlib import Path

JOURNAL = Path(__file__).parents[1] / "tests" / "golden" / "journal-1.jsonl"
STARTS = 7
PATIENCE_S = 30
COMMANDS = {
    "--version": (["--version"], b"clinseek-tui"),
    "replay --plain": (["replay", str(JOURNAL), "--plain"], b"answer"),
    "replay": (["replay", str(JOURNAL)], b"Timeline"),
}
"""What is started, and the words whose coming ends the time."""


def seconds_until(arguments: list[str], sign: bytes) -> float:
    """Start the command on a terminal of 120×40 and wait until it has written `sign`."""
    begin = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.executable, [sys.executable, "-m", "clinseek_tui", *arguments])
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
        os.waitpid(child, 0)


def main() -> None:
    """Time every command, and print a line for each."""
    print(f"{'':16} fastest  middle   (ms, of {STARTS})")
    for name, (arguments, sign) in COMMANDS.items():
        times = [1000 * seconds_until(arguments, sign) for _ in range(STARTS)]
        print(f"{name:16} {min(times):7.0f} {statistics.median(times):7.0f}")


if __name__ == "__main__":
    main()
