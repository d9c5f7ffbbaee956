"""`repl` and `sql` at a real terminal: what is typed, completed, repeated, interrupted and kept."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
DEADLINE_S = 20
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Typist:
    """A command at a terminal of its own, and what it has written."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process, self._terminal = pty.fork()
        if not self._process:
            os.execve(sys.executable, [sys.executable, "-m", "clinseek_tui", *command], environ)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._written = b""
        self._read = 0
        self._code: int | None = None

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def told(self, wanted: str) -> str:
        """What is written up to and with a text, from where the text before ended."""
        deadline = time.monotonic() + DEADLINE_S
        while (end := (seen := self._seen()).find(wanted, self._read)) < 0:
            ready, _, _ = select.select([self._terminal], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"{wanted!r} did not come:\n{seen[self._read :]}"
            self._written += os.read(self._terminal, 1 << 16)
        begin, self._read = self._read, end + len(wanted)
        return seen[begin : self._read]

    def left(self) -> int:
        """The exit code, once it has ended."""
        deadline = time.monotonic() + DEADLINE_S
        while self._code is None:
            assert time.monotonic() < deadline, self._seen()
            ended, status = os.waitpid(self._process, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
            time.sleep(0.02)
        return self._code

    def close(self) -> None:
        if self._code is None:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._terminal)

    def _seen(self) -> str:
        return _CONTROL.sub("", self._written.decode(errors="ignore"))


@pytest.fixture
def at_terminal(tmp_path: Path) -> Iterator[Callable[..., Typist]]:
    typists: list[Typist] = []

    def start(*command: str, **environ: str) -> Typist:
        # A terminal that answers where its cursor is would need a program that answers.
        own = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PROMPT_TOOLKIT_NO_CPR": "1"}
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        state = {"XDG_STATE_HOME": str(tmp_path)}
        typists.append(Typist(list(command), clean | own | state | environ))
        return typists[-1]

    yield start
    for typist in typists:
        typist.close()


def test_lines_are_completed_repeated_and_kept(at_terminal: Callable[..., Typist], tmp_path: Path) -> None:
    typist = at_terminal("repl", str(GOLDEN))
    assert "`help` lists the commands" in typist.told("s1 of s5>")
    typist.type("goto s3.c\t\t")
    assert "s3.c4" in typist.told("s3.c4")
    typist.type("4\r")
    typist.told("s3.c4 of s5>")
    typist.type("n\r")
    typist.told("s4 of s5>")
    typist.type("\r")
    typist.told("s5.c1 of s5>")
    typist.type("nonsense\r")
    assert "line " not in typist.told("'nonsense' is no command")
    typist.told("s5.c1 of s5>")
    typist.type("\x03")
    typist.told("interrupted")
    typist.type("q\r")
    assert typist.left() == 0, "what could not be done at a prompt is no failure of the session"
    kept = tmp_path / "clinseek-tui" / "repl_history"
    assert [line for line in kept.read_text().splitlines() if line.startswith("+")] == [
        "+goto s3.c4",
        "+n",
        "+nonsense",
        "+q",
    ]
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_query_that_takes_too_long_is_stopped_and_the_record_opens_again(
    at_terminal: Callable[..., Typist],
) -> None:
    typist = at_terminal("sql")
    typist.told("sql>")
    typist.type("SELECT count(*) FROM range(100000000) a,\r")
    typist.told("...>")
    typist.type("range(100000) b;\r")
    time.sleep(0.5)
    typist.type("\x03")
    typist.told("stopped")
    typist.told("sql>")
    typist.type("SELECT 6 * 7 AS answer\r")
    typist.told("...>")
    typist.type("\r")
    assert "42" in typist.told("1 row")
    typist.told("sql>")
    typist.type("\x04")
    assert typist.left() == 0


def test_a_dumb_terminal_is_read_line_by_line(at_terminal: Callable[..., Typist]) -> None:
    typist = at_terminal("repl", str(GOLDEN), TERM="dumb")
    typist.told("s1 of s5>")
    typist.type("last\n")
    typist.told("s5.c1 of s5>")
    typist.type("quit\n")
    assert typist.left() == 0


@pytest.mark.parametrize("keys", ["\n", "q\n"], ids=["on", "leaves"])
def test_the_tour_waits_for_a_key(at_terminal: Callable[..., Typist], keys: str) -> None:
    typist = at_terminal("tour")
    typist.told("Enter goes on, q leaves: ")
    typist.type(keys)
    if keys == "\n":
        typist.told("2 of 9: A run")
        typist.told("Enter goes on, q leaves: ")
        typist.type("q\n")
    removed = typist.told(" (`tour --out FOLDER` keeps it): ")
    folder = Path(re.search(r"Enter removes (\S+)", removed)[1])
    assert folder.is_dir()
    typist.type("\n")
    assert typist.left() == 0
    assert not folder.exists()
