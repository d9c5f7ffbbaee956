"""The triage inbox: every key, what it keeps beside the recording, and where it goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinseek_replay.recordings import open_recordings
from clinseek_replay.triage import read_labels, triage
from clinseek_replay.triage.inbox import suggestions
from clinseek_tui.app import ScreenApp
from clinseek_tui.cli import main
from clinseek_tui.screens.inbox import InboxScreen
from clinseek_tui.screens.opened_run import OpenedRun


def _record(qid: str, *answer: str, bad: bool = True) -> dict[str, Any]:
    """A run that answers beside the gold; a bad one repeats a statement that fails."""
    calls = [("ehr.run_sql_query", {"query": "SELECT dose FROM labs"})] * 3 if bad else []
    calls = [*calls, ("ehr.finish", {"response": list(answer)})]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Which drugs?"}]
    for number, (name, arguments) in enumerate(calls):
        call = {"id": f"c{number}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        text = "Error: no such column: dose" if name == "ehr.run_sql_query" else "done"
        messages += [
            {"role": "assistant", "content": "", "tool_calls": [call | {"type": "function"}]},
            {"role": "tool", "tool_call_id": call["id"], "content": text},
        ]
    return {
        "qid": qid,
        "session_id": f"{qid}-run",
        "task": "Pharmacy",
        "messages": messages,
        "status": "success",
        "label": ["Heparin", "Furosemide"],
    }


RECORDS = (
    _record("case-a", "Heparin"),
    _record("case-b", "Aspirin"),
    _record("case-c", "Heparin", bad=False),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return path


def inbox(path: Path) -> ScreenApp:
    return ScreenApp(InboxScreen(open_recordings([path]), "Dr B"), ascii_only=False)


async def until(pilot: Any, holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not come in time"
        await pilot.pause(0.05)


def kept(path: Path) -> list[tuple[str, str, str]]:
    labels = read_labels(path).labels
    return [(each.run, each.verdict, each.instead or each.code) for each in labels]


def suggested(path: Path) -> list[str]:
    return [each.code for each in suggestions(triage(open_recordings([path]).run(0)))]


def test_accept_undo_note_and_resume(path: Path, drive: Any, shows: Any) -> None:
    first = suggested(path)[0]

    async def story(pilot: Any) -> None:
        await until(pilot, lambda: " read" not in shows(pilot.app).splitlines()[-2])
        assert "run 1/3" in shows(pilot.app)
        assert f"1  {first}" in shows(pilot.app)
        assert "u undo" not in shows(pilot.app)
        await pilot.press("i", *"seen", "enter")
        assert "seen" in shows(pilot.app)
        await pilot.press("enter")
        assert "run 2/3" in shows(pilot.app)
        assert "1 of 3 done" in shows(pilot.app)
        assert kept(path) == [("case-a-run", "accept", first), ("case-a-run", "reviewed", "")]
        assert read_labels(path).labels[0].text == "seen"
        await pilot.press("u")
        assert "run 1/3" in shows(pilot.app)
        assert "0 of 3 done" in shows(pilot.app)
        assert kept(path) == []
        await pilot.press("enter")

    drive(inbox(path), story)

    async def later(pilot: Any) -> None:
        await until(pilot, lambda: "run 2/3" in shows(pilot.app))
        assert "1 of 3 done" in shows(pilot.app)
        await pilot.press("u")
        assert "run 1/3" in shows(pilot.app), "what was said in another session can be taken back too"

    drive(inbox(path), later)


def test_override_split_reject_and_codes(path: Path, drive: Any, shows: Any) -> None:
    codes = suggested(path)
    assert len(codes) > 2, "the made-up run fails in several ways"

    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "run 1/3" in shows(pilot.app) and "suggested" in shows(pilot.app))
        await pilot.press("2")
        assert kept(path)[:2] == [("case-a-run", "reject", codes[0]), ("case-a-run", "accept", codes[1])]
        await until(pilot, lambda: "run 2/3" in shows(pilot.app) and "suggested" in shows(pilot.app))
        await pilot.press("s")
        screen = shows(pilot.app)
        assert "run 2/3" in screen, "the run is not done yet"
        assert "said of this run" in screen
        assert f"1  {codes[1]}" in screen, "the next finding is suggested"
        await pilot.press("o", *"Q9", "enter")
        await until(pilot, lambda: "is no code" in shows(pilot.app))
        await pilot.press("o", *"H1", "enter")
        assert [each for each in kept(path) if each[0] == "case-b-run"] == [
            ("case-b-run", "accept", codes[0]),
            ("case-b-run", "override", "H1"),
            ("case-b-run", "reviewed", ""),
        ]
        await until(pilot, lambda: "run 3/3" in shows(pilot.app))
        await pilot.press("r")
        assert "all runs are labelled" in shows(pilot.app)
        assert "kappa" in shows(pilot.app)

    drive(inbox(path), story, (100, 30))


def test_moving_reading_and_looking_into_a_run(path: Path, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        await until(pilot, lambda: " read" not in shows(pilot.app).splitlines()[-2])
        await pilot.press("n")
        assert "run 2/3" in shows(pilot.app)
        await pilot.press("N", "N")
        assert "run 3/3" in shows(pilot.app)
        await pilot.press("n")
        top = shows(pilot.app)
        await pilot.press("end")
        assert shows(pilot.app) != top
        await pilot.press("home")
        assert shows(pilot.app) == top
        await pilot.press("j", "k", "pagedown", "pageup")
        assert shows(pilot.app) == top
        await pilot.press("v")
        assert isinstance(pilot.app.screen, OpenedRun)
        await pilot.press("escape", "?")
        assert "scroll the findings" in shows(pilot.app)
        await pilot.press("escape", "i", "escape")
        assert shows(pilot.app) == top

    drive(inbox(path), story, (80, 12))


def test_a_run_that_can_t_be_read_and_a_folder_that_can_t_be_written(
    path: Path, drive: Any, shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = inbox(path)
    path.write_text(path.read_text()[:-40])
    monkeypatch.setattr("os.open", _no_appending)

    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "suggested" in shows(pilot.app))
        await until(pilot, lambda: "0 of 2 done" in shows(pilot.app))
        assert "written" not in shows(pilot.app)
        await pilot.press("enter")
        # The path before it may break the line anywhere.
        await until(pilot, lambda: "written" in shows(pilot.app))
        assert "run 1/3" in shows(pilot.app), "what was not kept is not done"

    drive(app, story)


def _no_appending(path: Any, flags: int, *more: Any, opening: Any = os.open, **named: Any) -> int:
    if flags & os.O_APPEND:
        raise PermissionError(13, "Permission denied", str(path))
    return int(opening(path, flags, *more, **named))


def test_the_labels_as_json(path: Path, drive: Any, shows: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(pilot: Any) -> None:
        await until(pilot, lambda: "suggested" in shows(pilot.app))
        await pilot.press("enter")

    drive(inbox(path), story)
    assert main(["triage", str(path), "--inbox", "--json"]) == 0
    *labels, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [each["label"]["verdict"] for each in labels] == ["accept", "reviewed"]
    assert last["runs"] == 3
    assert last["agreement"]["overall"]["both_yes"] == 1
    assert main(["triage", str(path), "--inbox", "--plain"]) == 0
    assert "Dr B" in capsys.readouterr().out


def test_the_inbox_looks_as_it_did(path: Path, snap_compare: Any) -> None:
    async def read(pilot: Any) -> None:
        await until(pilot, lambda: len(pilot.app.screen._runs) == len(RECORDS))
        await pilot.press("s")

    assert snap_compare(inbox(path), terminal_size=(100, 24), run_before=read)
