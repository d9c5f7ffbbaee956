"""Every screen at three sizes, dark and light: its text as stored, its colours by their digest.

`pytest --snapshot-update tests/tui/test_matrix.py -m "slow or not slow"` stores them anew. The text is
readable: what changed is seen in the diff. test_snapshots.py has pictures of the main screens, films
among them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_core.agent.approval import AskedCall
from clinseek_core.journal import CallRequest
from clinseek_core.web.pages import document_page, page_view
from clinseek_core.web.port import Document
from clinseek_replay.recordings import open_recordings
from clinseek_tui.app import DebuggerApp, ScreenApp
from clinseek_tui.live import Progress
from clinseek_tui.screens.inbox import InboxScreen
from clinseek_tui.screens.runs import RunsScreen

STORED = Path(__file__).parent / "__snapshots__" / "test_matrix"
SIZES = ((80, 24), (120, 40), (200, 60))
THEMES = ("clinseek-dark", "clinseek-light")
_PATIENCE_S, _REST_S = 10.0, 0.3


class Shown(msgspec.Struct, frozen=True):
    """A screen: its app, the keys that lead there, and what is true when it is there."""

    app: Callable[..., Any]
    keys: tuple[str, ...] = ()
    has: str = ""


def records(path: Path) -> Path:
    """A results file of two runs of a case and one of another, which repeats a statement that fails."""
    lines = []
    for qid, run, failing in (("case-a", 1, 0), ("case-a", 2, 1), ("case-b", 1, 3)):
        asked = [("ehr.run_sql_query", {"sql_query": "SELECT dose FROM labs"})] * failing
        messages: list[dict[str, Any]] = [{"role": "user", "content": "Which drugs?"}]
        for number, (name, arguments) in enumerate([*asked, ("ehr.finish", {"response": ["Heparin"]})]):
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {"id": f"c{number}", "type": "function", "function": function}
            text = "done" if name == "ehr.finish" else "Error: no such column: dose"
            messages += [
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "content": text},
            ]
        fields = {
            "qid": qid,
            "run_index": run,
            "task": "Pharmacy",
            "model": "qwen",
            "messages": messages,
            "status": "success",
        }
        lines.append(json.dumps({**fields, "label": ["Heparin", "Furosemide"]}) + "\n")
    path.write_text("".join(lines))
    return path


def debugger(build: Any, app_of: Any, **_: Any) -> DebuggerApp:
    app: DebuggerApp = app_of(build.story(), step=4)
    return app


def live(build: Any, source_of: Any, port_of: Any, **_: Any) -> DebuggerApp:
    story = build.story()
    young = msgspec.structs.replace(story, steps=story.steps[:5], status="", answer=None)
    port = port_of(Progress(state="waiting", text="waiting for the model", anchor="s6"), paused=True)
    return DebuggerApp(source_of(young, mode="live"), port, ascii_only=False)


def asked(build: Any, source_of: Any, port_of: Any, **_: Any) -> DebuggerApp:
    """A live run whose next call waits for a person."""
    port = port_of()
    request = CallRequest(id="x", name="ehr.run_sql_query", arguments={"sql_query": "SELECT 1"})
    port.waiting_call = AskedCall(6, 1, request)
    story = build.story()
    pending = build.step(6, build.call(request.name, request.arguments, status="pending"))
    young = msgspec.structs.replace(story, steps=(*story.steps[:5], pending), status="", answer=None)
    return DebuggerApp(source_of(young, mode="live"), port, ascii_only=False)


def page(build: Any, app_of: Any, **_: Any) -> DebuggerApp:
    article = Document(
        "https://a.org/sepsis", "Sepsis care", "# Sepsis\n\nMeasure [lactate](https://b.org/x).\n"
    )
    text = page_view(document_page(article, "offline"), 3)
    app: DebuggerApp = app_of(build.run(build.step(1, build.call("browser.open", {"id": 0}, text))), step=1)
    return app


def film(coloured: Any, films_run: Any, **_: Any) -> DebuggerApp:
    app: DebuggerApp = coloured(films_run())
    return app


def runs(**_: Any) -> ScreenApp:
    path = records(Path("results.jsonl"))
    opened = open_recordings([path])
    return ScreenApp(RunsScreen(opened, [path], lambda: open_recordings([path])), ascii_only=False)


def inbox(**_: Any) -> ScreenApp:
    opened = open_recordings([records(Path("results.jsonl"))])
    return ScreenApp(InboxScreen(opened, "Dr B"), ascii_only=False)


SCREENS: dict[str, Shown] = {
    "table": Shown(debugger, has="charttime"),
    "case": Shown(debugger, ("0",), "Pharmacy"),
    "error": Shown(debugger, ("l",), "5"),
    "sql": Shown(debugger, ("2",), "SELECT"),
    "reasoning": Shown(debugger, ("5",)),
    "context": Shown(debugger, ("e",)),
    "raw": Shown(debugger, ("7",)),
    "record": Shown(debugger, ("j", "enter"), "charttime"),
    "answer": Shown(debugger, ("f1",), "F1"),
    "lens": Shown(debugger, ("t",)),
    "help": Shown(debugger, ("?",), "quit"),
    "search": Shown(debugger, ("/", *"renal", "enter")),
    "command line": Shown(debugger, (":", "r", "u"), "ru"),
    "why": Shown(debugger, ("f1", "w"), "where it comes from"),
    "page": Shown(page),
    "film": Shown(film, has="▀"),
    "films": Shown(film, ("p",), "▀"),
    "scores": Shown(film, ("l",), "Cardiomegaly"),
    "editor": Shown(film, ("l", "l", "i"), "F5"),
    "live": Shown(live),
    "asked": Shown(asked, has="waits for you"),
    "change": Shown(asked, ("E",)),
    "runs": Shown(runs, has="case-b"),
    "diff": Shown(runs, ("space", "j", "space", "d"), "calls"),
    "side by side": Shown(runs, ("m",)),
    "inbox": Shown(inbox, has="suggested"),
}
BY_DEFAULT = {("table", (200, 60)), ("answer", (80, 24)), ("inbox", (120, 40))}


def cases() -> list[Any]:
    return [
        pytest.param(
            name,
            size,
            id=f"{name}-{size[0]}x{size[1]}",
            marks=() if (name, size) in BY_DEFAULT else pytest.mark.slow,
        )
        for name in SCREENS
        for size in SIZES
    ]


def painted(app: Any) -> tuple[str, str]:
    """(the screen's lines, a digest of how its cells are painted)."""
    strips = app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    styles = [[(len(segment.text), str(segment.style)) for segment in strip] for strip in strips]
    return "\n".join(lines), hashlib.sha256(repr(styles).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("name", "size"), cases())
def test_a_screen_looks_as_it_did(
    name: str,
    size: tuple[int, int],
    drive: Any,
    shows: Any,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    screen = SCREENS[name]
    wanted = ("build", "app_of", "source_of", "port_of", "coloured", "films_run")
    app = screen.app(**{fixture: request.getfixturevalue(fixture) for fixture in wanted})
    seen: dict[str, tuple[str, str]] = {}

    async def story(pilot: Any) -> None:
        await pilot.pause(_REST_S)
        await pilot.press(*screen.keys)
        end = time.monotonic() + _PATIENCE_S
        while screen.has not in shows(pilot.app):
            assert time.monotonic() < end, "did not come in time"
            await pilot.pause(_REST_S)
        await pilot.pause(_REST_S)
        for theme in THEMES:
            pilot.app.theme = theme
            await pilot.pause()
            seen[theme] = painted(pilot.app)

    drive(app, story, size)
    dark, light = (seen[theme] for theme in THEMES)
    assert dark[0] == light[0], "a theme changes colours alone"
    assert dark[1] != light[1]
    assert all(len(line) <= size[0] for line in dark[0].splitlines())
    told = f"{dark[0]}\n\ndark {dark[1]}, light {light[1]}\n"
    path = STORED / f"{name.replace(' ', '-')}-{size[0]}x{size[1]}.txt"
    if request.config.getoption("update_snapshots"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8"), f"see {path}"
