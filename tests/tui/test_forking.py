"""A fork from the debugger: from the step one looks at, live in a screen of its own, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_core.journal import Header, read_journal
from clinseek_fixtures import bundled_cases
from clinseek_replay.recordings import open_recordings
from clinseek_replay.source import RecordedSource
from clinseek_tui.app import DebuggerApp
from clinseek_tui.cli import main
from clinseek_tui.screens.forking_screen import wish_of

CASE = bundled_cases()[0]


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fork") / "parent.jsonl"
    main(["run", CASE.qid, "--headless", "--web", "off", "--basis", "upstream", "--out", str(out)])
    return out


def forks(parent: Path) -> list[Path]:
    return sorted(parent.parent.glob("parent.fork-*.jsonl"))


def test_a_run_without_its_leaks_goes_on_in_a_screen_of_its_own(parent: Path, drive: Any, shows: Any) -> None:
    app = DebuggerApp(RecordedSource(open_recordings([parent])), ascii_only=False)

    async def story(pilot: Any) -> None:
        await pilot.press("g", *"s4", "enter")
        await pilot.press("F", *"leak", "enter")
        for _ in range(400):
            await pilot.pause(0.05)
            if len(pilot.app.screen_stack) > 1 and "ended" in shows(pilot.app):
                break
        assert "available" in shows(pilot.app)
        (made,) = forks(parent)
        header = read_journal(made).records[0]
        assert isinstance(header, Header)
        assert header.parent.endswith("#s4") or header.parent.endswith("#s4.c1")
        await pilot.press("q")
        assert len(pilot.app.screen_stack) == 1

    drive(app, story)


@pytest.mark.parametrize(
    ("written", "result", "prompt", "leak", "model"),
    [
        ("", None, None, False, None),
        ("leak", None, None, True, None),
        ("result Lactate 6.1", "Lactate 6.1", None, False, None),
        ("prompt Why?", None, "Why?", False, None),
        ("model m http://localhost:1/v1", None, None, False, "m"),
    ],
)
def test_what_is_written_is_what_is_changed(
    written: str, result: str | None, prompt: str | None, leak: bool, model: str | None
) -> None:
    wish = wish_of(written, None)
    assert (wish.result, wish.prompt, wish.without_leaks, wish.options.model) == (result, prompt, leak, model)


@pytest.mark.parametrize("written", ["result", "other x", "model"])
def test_anything_else_is_told(written: str) -> None:
    with pytest.raises(InputError, match="write leak, result TEXT"):
        wish_of(written, None)
