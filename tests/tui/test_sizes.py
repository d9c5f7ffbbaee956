"""Every pane at every size and theme with hostile content: all stays in place, nothing acts on a terminal."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from clinseek_tui.app import DebuggerApp
from clinseek_tui.configuration import THEME_NAMES, Configuration

SIZES = ((80, 24), (120, 40), (200, 60))
HOSTILE = (
    "\x1b[31mred\x1b]52;c;eA==\x07\x1b]8;;x\x1b\\ \u202egnp\u202c [bold]no[/bold] a\u200bb 水 e\u0301 "
    "\U0001f469\u200d\u2695\ufe0f \x9b2J\r\x00\n"
)
KEYS = (
    "1",
    "2",
    "4",
    "5",
    "6",
    "7",
    "f1",
    "escape",
    "t",
    "escape",
    "?",
    "escape",
    "enter",
    "escape",
    "l",
    "$",
    "0",
)
ACTING = set("\x1b\x07\x9b\x00\r\u202e\u200b")


def hostile_run(build: Any, long: str = "") -> Any:
    table = build.table("a [b]c[/b]", (HOSTILE + long, 1), (None, HOSTILE))
    calls = (
        build.call(f"ehr.{HOSTILE}", {"sql_query": f"select '{HOSTILE}'"}, HOSTILE * 9 + long, table=table),
        build.call("browser.open", {"url": HOSTILE}, HOSTILE * 9 + long),
    )
    step = build.step(1, *calls, text=HOSTILE, reasoning=HOSTILE + long)
    return build.run(
        step, task=HOSTILE, qid=HOSTILE, gold=(HOSTILE, "x"), answer=(HOSTILE,), question=HOSTILE
    )


def holds(run: Any, source_of: Any, drive: Any, size: tuple[int, int], theme: str) -> None:
    async def story(pilot: Any) -> None:
        for key in KEYS:
            await pilot.press(key)
            strips = pilot.app.screen._compositor.render_strips()
            lines = [strip.text for strip in strips]
            assert len(lines) == size[1], key
            assert {cell_len(line) for line in lines} == {size[0]}, key
            assert not ACTING & set("".join(lines)), key
        await pilot.app.workers.wait_for_complete()

    app = DebuggerApp(source_of(run), ascii_only=False, configuration=Configuration(theme=theme))
    drive(app, story, size)
    assert app.return_code in (0, None)


@pytest.mark.parametrize(
    ("size", "theme"), [(SIZES[0], "light"), (SIZES[2], "dark")], ids=["80x24-light", "200x60-dark"]
)
def test_hostile_content_keeps_every_pane_in_its_place(
    build: Any, source_of: Any, drive: Any, size: tuple[int, int], theme: str
) -> None:
    holds(hostile_run(build), source_of, drive, size, theme)


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEME_NAMES)
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_hostile_content_keeps_every_pane_in_its_place_in_every_theme(
    build: Any, source_of: Any, drive: Any, size: tuple[int, int], theme: str
) -> None:
    holds(hostile_run(build), source_of, drive, size, theme)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_lines_of_five_megabytes_keep_every_pane_in_its_place(
    build: Any, source_of: Any, drive: Any, size: tuple[int, int]
) -> None:
    holds(hostile_run(build, "y水" * 1_250_000), source_of, drive, size, "dark")
