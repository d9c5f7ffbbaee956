"""The panes of the number keys: pages, the context, the bytes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.web.pages import document_page, page_view
from clinseek_core.web.port import Document
from clinseek_replay.recordings import open_recordings
from clinseek_replay.source import RecordedSource
from clinseek_tui.app import DebuggerApp
from clinseek_tui.view.page import is_page, page

GOLDEN = Path(__file__).parents[1] / "golden"


def unwrapped(screen: str) -> str:
    """What the call's pane shows, without blanks and lines."""
    return "".join("".join(line.split("│")[-2:]) for line in screen.split("\n")).replace(" ", "")


@pytest.fixture
def web_page() -> str:
    text = "# Sepsis\n\nGive [antibiotics](https://b.org/x) early.\n"
    return page_view(document_page(Document("https://a.org/sepsis", "Sepsis care", text), "offline"), 3)


def test_a_page_of_our_browser_tools_is_read_as_one(build: Any, web_page: str) -> None:
    call = build.call("browser.open", {"id": 1}, web_page)
    assert is_page(call)
    blocks = page(call)
    assert [block.text for block in blocks[:2]] == ["Sepsis care", "https://a.org/sepsis"]
    linked = next(block for block in blocks if "early" in block.text)
    assert linked.label.startswith("L")
    [mark] = linked.marks
    assert linked.text[mark.start : mark.end] == "【0†antibiotics†b.org】"
    assert next(block for block in blocks if block.text == "# Sepsis").style == "heading"
    assert not is_page(build.call("browser.open", {}, "plain text"))
    assert not is_page(build.call("ehr.x", {}, web_page))
    assert not is_page(build.call("browser.open", {}, web_page, status="error"))
    assert not is_page(build.call("browser.open", {}, status="pending"))


def test_a_page_opens_by_itself_and_is_searched(
    app_of: Any, build: Any, drive: Any, shows: Any, web_page: str
) -> None:
    run = build.run(build.step(1, build.call("browser.open", {"id": 1}, web_page)), build.step(2))

    async def story(pilot: Any) -> None:
        screen = shows(pilot.app)
        assert "4 page" in screen
        assert "Sepsis care" in screen
        assert "viewing lines" in screen
        await pilot.press("1")
        assert "[3] Sepsis care (https://a.org/sepsis)" in shows(pilot.app)
        await pilot.press("escape")
        assert "[3] Sepsis care" not in shows(pilot.app)

    drive(app_of(run), story)


def test_the_context_lists_what_came_before_and_opens_each_message(
    app_of: Any, build: Any, drive: Any, look: Any, shows: Any
) -> None:
    prompt = (("system", "You seek evidence."), ("user", "Which drugs?"))
    run = build.run(*build.story().steps, prompt=prompt, tools=("a", "b"), status="stopped")

    async def story(pilot: Any) -> None:
        at = partial(look, pilot)

        screen = await at("e")
        assert "s1.c1 · what the model had before it" in screen
        assert "2 messages, 30 characters" in screen
        assert "exact: the journal holds every message as it was sent" in screen
        assert "row 2/2" in screen
        assert "You seek evidence." in await at("k", "enter")
        assert "row 1/2" in await at("escape")
        screen = await at("$", "h")
        assert "✂ of 1 results it got only the head" in screen
        assert "browser.search" in await at("k", "enter")
        assert "Surviving Sepsis" in shows(pilot.app)
        assert "of 52,100 characters" in shows(pilot.app)

    drive(app_of(run), story)


def test_a_context_that_is_put_together_says_so(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    run = build.run(*build.story().steps, format="openai.chat")

    async def story(pilot: Any) -> None:
        await pilot.press("l", "6")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "reconstructed: these are the messages that the recording holds" in shows(pilot.app)

    drive(app_of(run), story)


def test_the_bytes_of_a_step_stand_under_its_call_and_their_loss_is_told_in_place(
    drive: Any, shows: Any, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    shutil.copy(GOLDEN / "journal-1.jsonl", path)
    shutil.copytree(GOLDEN / "journal-1.jsonl.bodies", tmp_path / "run.jsonl.bodies")
    source = RecordedSource(open_recordings([path]))

    async def story(pilot: Any) -> None:
        await pilot.press("7", "end")
        screen = shows(pilot.app)
        assert "in the file:" in screen
        assert '"type":"observation"' in unwrapped(screen)
        path.unlink()
        await pilot.press("l", "end")
        assert "thereisnosuchfilenow" in unwrapped(shows(pilot.app))

    drive(DebuggerApp(source, ascii_only=False), story)
