"""`replay` in a real terminal: what it shows, key by key, is what the app means to show."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.color import ColorSystem

from clinseek_replay.recordings import open_recordings
from clinseek_tui.app import ScreenApp
from clinseek_tui.screens.runs import RunsScreen

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
TMUX = shutil.which("tmux")
DEADLINE_S, REST_S = 20, 0.1
COLOURS = {"TERM": "tmux-256color", "COLORTERM": "truecolor"}
SIZES = ((120, 40), (80, 24))
TOUR = (
    *("Enter", "l", "l", "2", "P", "Escape", "1", "Enter", "j", "Escape", "5", "e", "j", "7", "h", "L", "H"),
    *("$", "Tab", "0", "NPage", "PPage", "End", "Home", "/", "ondansetron", "Enter", "n", "N", "Escape"),
    *("F1", "j", "w", "Escape", "=", "=", "t", "l", "Escape", "t", "m", "a", "Enter", "$", "'", "a", "Enter"),
    *(":", "b err", "Tab", "Escape", "f", "Escape", "?", "NPage", "Escape", "q", "j", "q"),
)
"""Keys as tmux names them, and words that are typed; after each the screen is compared."""
NAMES = {"NPage": "pagedown", "PPage": "pageup"}
"""Keys that Textual names otherwise than in small letters."""

pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed: no real terminal to type into")


class Terminal:
    """A tmux server of its own with one window, in which a command runs and its end is told."""

    def __init__(self, socket: Path, command: list[str], size: tuple[int, int] = SIZES[0]) -> None:
        self._tmux = [TMUX or "tmux", "-S", str(socket), "-f", "/dev/null"]
        told = ["sh", "-c", '"$@"; echo "left with $?"; read end', "sh", *command]
        self._run("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), *told)

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

    def still(self) -> str:
        """The screen once nothing changes any more."""
        before = ""
        while (now := self.screen()) != before:
            before = now
            time.sleep(5 * REST_S)
        return now

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen().splitlines()]

    def resize(self, width: int, height: int) -> None:
        self._run("resize-window", "-x", str(width), "-y", str(height))

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


@contextmanager
def terminal(command: list[str], size: tuple[int, int] = SIZES[0]) -> Iterator[Terminal]:
    """The command in a terminal while the block lasts."""
    # The path of a socket must be short, which tmp_path is not everywhere.
    with tempfile.TemporaryDirectory(prefix="tmux") as folder:
        opened = Terminal(Path(folder) / "s", command, size)
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of two runs."""
    folder = tmp_path / "runs"
    for name in ("a", "b"):
        shutil.copytree(GOLDEN.parent / f"{GOLDEN.name}.bodies", folder / f"{name}.jsonl.bodies")
        shutil.copy(GOLDEN, folder / f"{name}.jsonl")
    return folder


def replay(*words: str, **environment: str) -> list[str]:
    given = [f"{name}={text}" for name, text in (COLOURS | environment).items()]
    return ["env", *given, sys.executable, "-m", "clinseek_tui", "replay", *words]


def textual_keys(key: str) -> list[str]:
    named = NAMES.get(key, key.lower())
    return [named] if key[0].isupper() and len(key) > 1 else list(key)


@pytest.mark.parametrize(
    "size", [pytest.param(SIZES[0], marks=pytest.mark.slow), SIZES[1]], ids=["120x40", "80x24"]
)
def test_a_tour_of_the_keys_shows_what_the_app_composes(
    size: tuple[int, int], runs: Path, drive: Any, shows: Any
) -> None:
    opened = open_recordings([runs])
    meant = ScreenApp(RunsScreen(opened, [runs], lambda: open_recordings([runs])), ascii_only=False)
    meant.console._color_system = ColorSystem.TRUECOLOR

    async def story(pilot: Any) -> None:
        async def same(after: str) -> None:
            deadline = time.monotonic() + DEADLINE_S
            while (composed := shows(meant).splitlines()) != (seen := shown.lines()):
                told = "\n".join(["after " + after, *composed, "-- but the terminal has", *seen])
                assert time.monotonic() < deadline, told
                await pilot.pause(0.02)
            # A key that comes at once after Escape is taken for Alt and that key, as in every terminal.
            await pilot.pause(REST_S if after == "Escape" else 0)

        await same("the start")
        for key in TOUR[:-1]:
            await pilot.press(*textual_keys(key))
            shown.press(key)
            await same(key)

    with terminal(replay(str(runs)), size) as shown:
        drive(meant, story, size)
        shown.press(TOUR[-1])
        shown.shows("left with 0")


def test_the_shell_takes_the_terminal_by_ctrl_z_and_fg_gives_it_back() -> None:
    with terminal(["env", "PS1=in-the-shell> ", "bash", "--norc", "--noprofile", "-i"]) as shown:
        shown.shows("in-the-shell>")
        shown.press(shlex.join(replay(str(GOLDEN), "--step", "2")), "Enter")
        shown.shows("s2.c1 ehr.run_sql_query")
        before = shown.still()
        shown.press("C-z")
        shown.shows("Stopped")
        shown.hides("s2.c1 ehr.run_sql_query")
        shown.press("echo typed | tr a-z A-Z", "Enter")
        shown.shows("TYPED")
        shown.press("fg", "Enter")
        shown.until(lambda: shown.screen() == before, "the app as it was")
        shown.press("l")
        shown.shows("s2.c2 ehr.run_sql_query")
        shown.press("q")
        shown.shows("echo typed")
        shown.press("exit", "Enter")
        shown.shows("left with 0")


def test_a_window_made_smaller_and_larger_again_shows_the_same() -> None:
    with terminal(replay(str(GOLDEN), "--step", "2")) as shown:
        shown.shows("s2.c1 ehr.run_sql_query")
        before = shown.still()
        shown.resize(80, 24)
        shown.hides("load_ehr")
        shown.shows("ORDER BY charttime DESC")
        shown.resize(*SIZES[0])
        shown.until(lambda: shown.screen() == before, "the app as it was")
        shown.press("q")
        shown.shows("left with 0")


def test_the_pager_takes_the_terminal_and_gives_it_back(tmp_path: Path) -> None:
    pager = 'sh -c "head -n 2 \\$0; echo in-the-pager; read end"'
    settings = tmp_path / "clinseek-tui" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(f"pager = '{pager}'\n")
    with terminal(replay(str(GOLDEN), "--step", "2", XDG_CONFIG_HOME=str(tmp_path))) as shown:
        shown.shows("s2.c1 ehr.run_sql_query")
        shown.press("o")
        shown.shows("in-the-pager")
        shown.hides("s2.c1 ehr.run_sql_query")
        shown.press("Enter")
        shown.shows("s2.c1 ehr.run_sql_query")
        shown.press("q")
        shown.shows("left with 0")
