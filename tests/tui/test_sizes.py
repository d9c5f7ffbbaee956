"""Every pane at every size and theme with hostile content: all stays in place, nothing acts on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from clinseek_core.agent.approval import AskedCall
from clinseek_core.journal import CallRequest
from clinseek_replay.recordings import open_recordings
from clinseek_tui.app import DebuggerApp, ScreenApp
from clinseek_tui.configuration import THEME_NAMES, Configuration
from clinseek_tui.live import Progress
from clinseek_tui.screens.inbox import InboxScreen
from clinseek_tui.screens.runs import RunsScreen

SIZES = ((80, 24), (120, 40), (200, 60))
IDS = ["80x24", "120x40", "200x60"]
HOSTILE = (
    "\x1b[31mred\x1b]52;c;eA==\x07\x1b]8;;x\x1b\\ \u202egnp\u202c [bold]no[/bold] a\u200bb 水 e\u0301 "
    "\U0001f469\u200d\u2695\ufe0f \x9b2J\r\x00\n"
)
PANES = (
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


def in_place(
    app: Any, keys: tuple[str, ...], drive: Any, size: tuple[int, int], *, waits: bool = False
) -> None:
    """The app at a size: whatever is pressed, each line has the screen's width and nothing acts.

    With `waits`, what a key asks of a worker is awaited; a list's workers end with it alone.
    """

    async def story(pilot: Any) -> None:
        for key in ("", *keys):
            await pilot.press(*([key] if key else []))
            if waits:
                await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            strips = pilot.app.screen._compositor.render_strips()
            lines = [strip.text for strip in strips]
            assert len(lines) == size[1], key
            assert {cell_len(line) for line in lines} == {size[0]}, key
            assert not ACTING & set("".join(lines)), key

    drive(app, story, size)
    assert app.return_code in (0, None)


def holds(run: Any, source_of: Any, drive: Any, size: tuple[int, int], theme: str) -> None:
    app = DebuggerApp(source_of(run), ascii_only=False, configuration=Configuration(theme=theme))
    in_place(app, PANES, drive, size, waits=True)


@pytest.mark.parametrize(
    ("size", "theme"), [(SIZES[0], "light"), (SIZES[2], "dark")], ids=["80x24-light", "200x60-dark"]
)
def test_hostile_content_keeps_every_pane_in_its_place(
    build: Any, source_of: Any, drive: Any, size: tuple[int, int], theme: str
) -> None:
    holds(hostile_run(build), source_of, drive, size, theme)


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEME_NAMES)
@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_hostile_content_keeps_every_pane_in_its_place_in_every_theme(
    build: Any, source_of: Any, drive: Any, size: tuple[int, int], theme: str
) -> None:
    holds(hostile_run(build), source_of, drive, size, theme)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_lines_of_five_megabytes_keep_every_pane_in_its_place(
    build: Any, source_of: Any, drive: Any, size: tuple[int, int]
) -> None:
    holds(hostile_run(build, "y水" * 1_250_000), source_of, drive, size, "dark")


def recorded(path: Path) -> Path:
    """A results file of two runs of a case, and of a line that is none, whose every text is hostile."""
    call = {
        "id": HOSTILE,
        "type": "function",
        "function": {"name": f"ehr.{HOSTILE}", "arguments": json.dumps({HOSTILE: HOSTILE})},
    }
    messages = [
        {"role": "user", "content": HOSTILE},
        *(
            {"role": "assistant", "content": HOSTILE, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": HOSTILE, "content": f"Error: {HOSTILE}"},
        )
        * 3,
    ]
    record = {
        "qid": HOSTILE,
        "task": HOSTILE,
        "model": HOSTILE,
        "messages": messages,
        "status": HOSTILE,
        "label": [HOSTILE, "x"],
        "predictions": [HOSTILE],
        "error": HOSTILE,
    }
    lines = [json.dumps(record | {"run_index": number, "session_id": f"{number}"}) for number in (1, 2)]
    path.write_text("\n".join([*lines, HOSTILE.replace("\n", ""), ""]), encoding="utf-8")
    return path


def of_runs(path: Path) -> ScreenApp:
    path = recorded(path)
    return ScreenApp(
        RunsScreen(open_recordings([path]), [path], lambda: open_recordings([path])), ascii_only=False
    )


def of_inbox(path: Path) -> ScreenApp:
    return ScreenApp(InboxScreen(open_recordings([recorded(path)]), HOSTILE), ascii_only=False)


LISTS: dict[str, tuple[Callable[[Path], ScreenApp], tuple[str, ...]]] = {
    "runs": (
        of_runs,
        (
            "space",
            "j",
            "space",
            "m",
            "escape",
            "d",
            "escape",
            "s",
            "end",
            "home",
            "?",
            "escape",
            "/",
            *"red",
            "enter",
            "enter",
        ),
    ),
    "inbox": (
        of_inbox,
        ("j", "j", "enter", "u", "i", *"red", "enter", "?", "escape", "o", "escape", "1", "u"),
    ),
}


@pytest.mark.parametrize(
    "size",
    [(40, 12), SIZES[0], *(pytest.param(size, marks=pytest.mark.slow) for size in SIZES[1:])],
    ids=["40x12", *IDS],
)
@pytest.mark.parametrize("name", LISTS)
def test_hostile_recordings_keep_every_list_in_its_place(
    name: str, tmp_path: Path, drive: Any, size: tuple[int, int]
) -> None:
    made, keys = LISTS[name]
    in_place(made(tmp_path / "results.jsonl"), keys, drive, size)


def test_a_hostile_statement_keeps_its_plan_and_what_it_gives_again_in_place(
    coloured: Any, films_run: Any, build: Any, drive: Any
) -> None:
    quoted = HOSTILE.replace("\x00", "")
    odd = build.call(
        "ehr.run_sql_query", {"sql_query": f"SELECT '{quoted}' AS \"{quoted}\" FROM labevents"}, "1"
    )
    keys = (
        "$",
        "P",
        "j",
        "enter",
        "escape",
        "escape",
        "x",
        "enter",
        "escape",
        "i",
        "f5",
        "P",
        "escape",
        "F",
        "escape",
    )
    in_place(coloured(films_run(odd)), keys, drive, SIZES[0], waits=True)


def test_a_hostile_live_run_keeps_what_goes_on_and_what_is_asked_in_place(
    build: Any, source_of: Any, port_of: Any, drive: Any
) -> None:
    young = msgspec.structs.replace(hostile_run(build), answer=None, status="")
    for size in SIZES[::2]:
        port = port_of(Progress(state="waiting", text=HOSTILE * 50, anchor="s2"), paused=True)
        request = CallRequest(id=HOSTILE, name=f"ehr.{HOSTILE}", arguments={HOSTILE: HOSTILE})
        port.waiting_call = AskedCall(2, 1, request)
        app = DebuggerApp(source_of(young, mode="live"), port, ascii_only=False)
        in_place(app, ("$", "E", "escape", "A", "s", "space", "l", "d", "escape", "a"), drive, size)
