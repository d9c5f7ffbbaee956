"""The table of runs: its keys, what it shows of damaged runs, and files that grow under it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color

from clinseek_replay.recordings import open_recordings
from clinseek_tui.app import ScreenApp
from clinseek_tui.screens import runs as runs_module
from clinseek_tui.screens.opened_run import OpenedRun
from clinseek_tui.screens.runs import RunsScreen
from clinseek_tui.widgets.runs_table import RunsHead, RunsTable


def _record(qid: str, *answer: str, run: int = 1, model: str = "qwen") -> dict[str, Any]:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "ehr.finish", "arguments": json.dumps({"response": list(answer)})},
    }
    return {
        "qid": qid,
        "run_index": run,
        "task": "Pharmacy",
        "model": model,
        "messages": [
            {"role": "user", "content": "Which drugs?"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
        ],
        "status": "success",
        "label": ["Heparin", "Furosemide"],
    }


RECORDS = (
    _record("case-a", "Heparin", "Furosemide"),
    _record("case-a", "Heparin", run=2, model="llama"),
    _record("case-b", "Aspirin"),
)


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def app_at() -> Callable[..., ScreenApp]:
    def make(path: Path, *, ascii_only: bool = False) -> ScreenApp:
        screen = RunsScreen(open_recordings([path]), [path], lambda: open_recordings([path]))
        return ScreenApp(screen, ascii_only=ascii_only)

    return make


async def until(pilot: Any, holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not come in time"
        await pilot.pause(0.05)


def selected(screen: str) -> str:
    (line,) = (line for line in screen.splitlines() if line.startswith("▸"))
    return line


def test_every_key(tmp_path: Path, app_at: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        await until(pilot, lambda: "looked into" not in shows(pilot.app))
        screen = shows(pilot.app)
        assert "1.00" in selected(screen)
        assert "-0.33" in screen
        assert "llama" in selected(await at("j"))
        assert "case-b" in selected(await at("end"))
        assert "case-b" in selected(await at("down")), "there is no row below the last"
        assert "qwen" in selected(await at("home"))
        assert "case-b" in selected(await at("pagedown"))
        assert "qwen" in selected(await at("pageup", "k", "up"))
        # By F1, from the lowest; the selected run stays selected.
        screen = await at("s", "s")
        assert "▴F1" in screen
        assert "1.00" in selected(screen)
        rows = [line[2:] for line in screen.splitlines() if "case-" in line]
        assert "case-b" in rows[0]
        assert "▾F1" in await at("S")
        screen = await at("/", *"model", ":", *"llama", "enter")
        assert "1 fit model:llama" in screen
        assert "case-b" not in screen
        assert "case-b" in await at("escape")
        assert "is no column" in await at("/", *"colour", ":", *"red", "enter")
        assert " delta " not in (await at("l", "l")).splitlines()[1]
        assert " delta " in (await at("h", "h")).splitlines()[1]

    drive(app_at(write(tmp_path / "results.jsonl", *RECORDS)), story)


def test_two_marked_runs_are_compared_and_all_of_a_case_set_side_by_side(
    tmp_path: Path, app_at: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "looked into" not in shows(pilot.app))
        await pilot.press("d")
        assert "case-b" in shows(pilot.app), "nothing is marked, so there is nothing to compare"
        await pilot.press("space", "j", "space")
        assert shows(pilot.app).count("●") == 2
        await pilot.press("d")
        await until(pilot, lambda: "reading the runs" not in shows(pilot.app))
        assert "F1 0.67" in shows(pilot.app)
        assert "case-b" not in shows(pilot.app)
        await pilot.press("escape", "m")
        await until(pilot, lambda: "F1 0.67" in shows(pilot.app))
        await pilot.press("q", "end", "space")
        assert shows(pilot.app).count("●") == 2, "the first mark gives way"
        assert "m matrix" not in shows(pilot.app), "case-b has one run"

    drive(app_at(write(tmp_path / "results.jsonl", *RECORDS)), story)


def test_a_run_opens_in_the_debugger_and_escape_comes_back(
    tmp_path: Path, app_at: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        await pilot.press("j", "enter")
        assert isinstance(pilot.app.screen, OpenedRun)
        assert "run 2/3" in shows(pilot.app)
        await pilot.press("?", "escape")
        assert isinstance(pilot.app.screen, OpenedRun), "escape closes the page first"
        await pilot.press("escape")
        assert "llama" in selected(shows(pilot.app))
        await pilot.press("enter", "q")
        assert isinstance(pilot.app.screen, RunsScreen)
        await pilot.press("?")
        assert "set the two marked runs side by side" in shows(pilot.app)

    drive(app_at(write(tmp_path / "results.jsonl", *RECORDS)), story)


def test_a_file_that_grows_is_shown_as_it_grows(
    tmp_path: Path, app_at: Any, drive: Any, shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "_POLL_S", 0.05)
    path = write(tmp_path / "results.jsonl", *RECORDS[:2])

    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "looked into" not in shows(pilot.app))
        await pilot.press("j")
        with path.open("a") as file:
            file.write(json.dumps(RECORDS[2])[:100])
            file.flush()
            await pilot.pause(0.3)
            file.write(json.dumps(RECORDS[2])[100:] + "\n")
        await until(pilot, lambda: "3 runs" in shows(pilot.app) and "looked into" not in shows(pilot.app))
        assert "0.00" in shows(pilot.app)
        assert "llama" in selected(shows(pilot.app)), "the selected run stays selected"
        path.unlink()
        await until(pilot, lambda: "can't be read" in shows(pilot.app))
        await pilot.press("j")
        assert "case-b" in selected(shows(pilot.app)), "what was there is still shown"

    drive(app_at(path), story)


def test_damaged_runs_are_rows_with_their_error(tmp_path: Path, app_at: Any, drive: Any, shows: Any) -> None:
    path = write(tmp_path / "results.jsonl", RECORDS[0])
    with path.open("a") as file:
        file.write("{broken\n")
    hostile = "\x1b[31m\u202eevil\n"
    write(tmp_path / "other.jsonl", _record(hostile, "Heparin", model=hostile))

    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "looked into" not in shows(pilot.app))
        screen = shows(pilot.app)
        assert "1 not used" in screen
        assert screen.count("✗") == 2
        assert "results.jsonl:2" in screen
        assert "\x1b" not in screen
        assert "\u202e" not in screen
        await pilot.press("end")
        assert "enter open" not in shows(pilot.app), "a line that holds no run can't be opened"
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, RunsScreen)

    drive(app_at(tmp_path), story, (80, 24))


def test_ten_thousand_rows_are_sorted_and_scrolled_without_lag(
    tmp_path: Path, app_at: Any, drive: Any, shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    line = json.dumps(RECORDS[0])
    path.write_text("".join(line.replace("case-a", f"case-{n}") + "\n" for n in range(10_000)))
    monkeypatch.setattr(RunsScreen, "_look_into", lambda _: None)

    async def story(pilot: Any) -> None:
        begun = time.monotonic()
        await pilot.press("end")
        assert "10000 case-9999" in selected(shows(pilot.app))
        await pilot.press("pageup", "pagedown", "k")
        assert "9999 case-9998" in selected(shows(pilot.app))
        await pilot.press("s", "home")
        assert "case-0" in selected(shows(pilot.app))
        assert time.monotonic() - begun < 5

    drive(app_at(path), story)


def test_an_ascii_terminal_gets_ascii(tmp_path: Path, app_at: Any, drive: Any, shows: Any) -> None:
    app = app_at(write(tmp_path / "results.jsonl", *RECORDS), ascii_only=True)

    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "looked into" not in shows(pilot.app))
        table = pilot.app.screen.query_one(RunsTable)
        head = pilot.app.screen.query_one(RunsHead)
        lines = [head.render_line(0), *(table.render_line(y) for y in range(3))]
        strips = [line.apply_filter(app._ascii[0], Color(0, 0, 0)) for line in lines]
        text = "".join(segment.text for strip in strips for segment in strip)
        assert "case-b" in text
        assert text.isascii()

    drive(app, story, (80, 24))


def test_the_table_looks_as_it_did(tmp_path: Path, app_at: Any, snap_compare: Any) -> None:
    path = write(tmp_path / "results.jsonl", *RECORDS)
    with path.open("a") as file:
        file.write("{broken\n")

    async def looked_into(pilot: Any) -> None:
        await until(pilot, lambda: len(pilot.app.screen._outcomes) == len(RECORDS))
        await pilot.press("j", "space")

    assert snap_compare(app_at(path), terminal_size=(100, 14), run_before=looked_into)
