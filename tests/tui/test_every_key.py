"""Every key of the debugger does something where it is offered: what is on the screen changes.

What exactly it does is told by the other tests; this one sees that none is dead, and that a new one gets a
row.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import pytest

from clinseek_tui.keys import COMMANDS

_PATIENCE_S, _REST_S = 10.0, 0.05


class Press(NamedTuple):
    """A key in the state in which it is offered: which app, and the keys that lead there."""

    app: str = "story"
    before: tuple[str, ...] = ()


FOUND = ("/", *"renal", "enter")
STOPPED = ("b", *"error", "enter")
QUERY = ("l", "l")
"""To the query of the run on films, which reads the bundled record."""
ROWS: dict[str, Press] = {
    "h": Press(), "left": Press(), "l": Press(), "right": Press(), "0": Press(), "$": Press(),
    "L": Press("two"), "H": Press("two", ("L",)),
    "g": Press(), "m": Press(), "'": Press(before=("m", "a", "enter")),
    "j": Press(), "down": Press(), "k": Press(before=("j", "j")), "up": Press(before=("j", "j")),
    "pagedown": Press(), "pageup": Press(before=("pagedown",)),
    "end": Press(), "home": Press(before=("end",)),
    "enter": Press(before=("j",)), "tab": Press(), "shift+tab": Press(),
    "1": Press(before=("2",)), "2": Press(), "5": Press(), "6": Press(), "e": Press(), "7": Press(),
    "/": Press(), "n": Press(before=FOUND), "N": Press(before=(*FOUND, "n")), "f": Press(), "b": Press(),
    "c": Press(before=("0", *STOPPED)), "C": Press(before=("$", *STOPPED)),
    "f1": Press(), "=": Press(), "t": Press(), "w": Press(before=("f1", "tab")),
    "escape": Press(before=("?",)), ":": Press(), "ctrl+p": Press(), "?": Press(), "i": Press(),
    "+": Press("film"), "-": Press("film", ("+",)), "(": Press("film"), ")": Press("film"),
    "{": Press("film"), "}": Press("film"), "r": Press("film", ("+",)), "v": Press("film"),
    "p": Press("film"),
    "comma": Press("film"), ".": Press("film", ("comma",)), "3": Press("film", ("7",)),
    "x": Press("film", QUERY), "P": Press("film", QUERY),
}  # fmt: skip
ELSEWHERE = {
    "4": "test_panes.py", "<": "test_keys.py", ">": "test_keys.py", "[": "test_desk.py", "]": "test_desk.py",
    "space": "test_live.py", "s": "test_live.py", "F": "test_forking.py", "A": "test_approving.py",
    "a": "test_approving.py", "E": "test_approving.py", "d": "test_approving.py", "y": "test_taking_out.py",
    "o": "test_tmux.py", "O": "test_taking_out.py", "ctrl+z": "test_tmux.py", "q": "test_keys.py",
}  # fmt: skip
"""Keys that need a live run, a terminal of their own or an end: the test that presses them."""


def every_key() -> list[str]:
    return [key for command in COMMANDS for keys in command.keys for key in keys.split(",")]


def test_every_key_has_a_row() -> None:
    assert sorted(set(every_key())) == sorted({*ROWS, *ELSEWHERE})


@pytest.mark.slow
@pytest.mark.parametrize("key", ROWS)
def test_a_key_changes_what_is_seen(
    key: str, app_of: Any, build: Any, coloured: Any, films_run: Any, drive: Any
) -> None:
    row = ROWS[key]
    made = {
        "story": lambda: app_of(build.story(), step=4),
        "two": lambda: app_of(build.story(), build.story()),
        "film": lambda: coloured(films_run()),
    }
    app = made[row.app]()

    async def story(pilot: Any) -> None:
        await pilot.press(*row.before)
        before = await still(pilot)
        await pilot.press(key)
        end = time.monotonic() + _PATIENCE_S
        while painted(pilot.app) == before:
            assert time.monotonic() < end, f"{key} changes nothing"
            await pilot.pause(_REST_S)

    drive(app, story)


async def still(pilot: Any) -> list[str]:
    """What is painted once nothing changes any more."""
    seen: list[str] = []
    while (now := painted(pilot.app)) != seen:
        seen = now
        await pilot.pause(6 * _REST_S)
    return seen


def painted(app: Any) -> list[str]:
    return [repr([(segment.text, str(segment.style)) for segment in strip]) for strip in strips(app)]


def strips(app: Any) -> Any:
    return app.screen._compositor.render_strips()
