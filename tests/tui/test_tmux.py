"""The keys of `replay`, typed into a real terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
TMUX = shutil.which("tmux")
DEADLINE_S = 20

pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed: no real terminal to type into")


class Terminal:
    """A tmux server of its own with one window, in which a command runs and its end is told."""

    def __init__(self, socket: Path, command: list[str]) -> None:
        self._tmux = [TMUX or "tmux", "-S", str(socket), "-f", "/dev/null"]
        told = ["sh", "-c", '"$@"; echo "left with $?"; read end', "sh", *command]
        self._run("new-session", "-d", "-x", "120", "-y", "40", *told)

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.screen()}"
            time.sleep(0.02)

    def shows(self, text: str) -> None:
        self.until(lambda: text in self.screen(), repr(text))

    def hides(self, text: str) -> None:
        self.until(lambda: text not in self.screen(), f"the end of {text!r}")

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)

    def _run(self, *words: str) -> str:
        environment = os.environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*self._tmux, *words],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
            encoding="utf-8",
        )
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    runs = tmp_path / "runs"
    for name in ("a", "b"):
        shutil.copytree(GOLDEN.parent / f"{GOLDEN.name}.bodies", runs / f"{name}.jsonl.bodies")
        shutil.copy(GOLDEN, runs / f"{name}.jsonl")
    command = [sys.executable, "-m", "clinseek_tui", "replay", str(runs)]
    # The path of a socket must be short, which tmp_path is not everywhere.
    with tempfile.TemporaryDirectory(prefix="tmux") as folder:
        opened = Terminal(Path(folder) / "s", command)
        yield opened
        opened.close()


def test_the_keys_in_a_real_terminal(terminal: Terminal) -> None:
    terminal.shows("primary fa")
    terminal.shows("enter open")
    terminal.press("Enter")
    terminal.shows("s1.c1")
    terminal.shows("run 1/2")
    terminal.press("l")
    terminal.shows("s2.c1 ehr.run_sql_query")
    terminal.shows("ORDER BY charttime DESC")
    terminal.press("h")
    terminal.shows("s1.c1")
    terminal.press("L")
    terminal.shows("run 2/2")
    terminal.press("H")
    terminal.shows("run 1/2")
    terminal.press("$")
    terminal.shows("✓ hit")
    terminal.press("0")
    terminal.shows("question")
    terminal.press("/")
    terminal.shows("search tools")
    terminal.press("ondansetron", "Enter")
    terminal.shows("1/")
    terminal.shows("n N hits")
    terminal.press("?")
    terminal.shows("the call before, the call after")
    terminal.press("Escape")
    terminal.hides("the call before, the call after")
    terminal.press("F1")
    terminal.shows("answer against gold")
    terminal.press("=")
    terminal.hides("answer against gold")
    terminal.press("q")
    terminal.shows("primary fa")
    terminal.press("q")
    terminal.shows("left with 0")


def test_the_pager_takes_the_terminal_and_gives_it_back(tmp_path: Path) -> None:
    pager = 'sh -c "head -n 2 \\$0; echo in-the-pager; read end"'
    settings = tmp_path / "clinseek-tui" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(f"pager = '{pager}'\n")
    command = [
        "env",
        f"XDG_CONFIG_HOME={tmp_path}",
        *(sys.executable, "-m", "clinseek_tui", "replay", str(GOLDEN), "--step", "2"),
    ]
    with tempfile.TemporaryDirectory(prefix="tmux") as folder:
        terminal = Terminal(Path(folder) / "s", command)
        try:
            terminal.shows("s2.c1 ehr.run_sql_query")
            terminal.press("o")
            terminal.shows("in-the-pager")
            terminal.hides("s2.c1 ehr.run_sql_query")
            terminal.press("Enter")
            terminal.shows("s2.c1 ehr.run_sql_query")
            terminal.press("q")
            terminal.shows("left with 0")
        finally:
            terminal.close()
