"""Breakpoints, marks, anchors, filters and the command line, typed in the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_tui.app import DebuggerApp
from clinseek_tui.widgets.prompt import Prompt


class Typist:
    """Types keys, waits for what they began, and reads the screen."""

    def __init__(self, pilot: Any, shows: Any) -> None:
        self.pilot, self.shows = pilot, shows

    async def __call__(self, *keys: str) -> str:
        await self.pilot.press(*keys)
        await self.pilot.app.workers.wait_for_complete()
        await self.pilot.pause()
        return self.shows(self.pilot.app)

    async def line(self, key: str, text: str) -> str:
        return await self(key, *("space" if c == " " else c for c in text), "enter")


@pytest.fixture
def typed(drive: Any, shows: Any) -> Any:
    def run(app: DebuggerApp, story: Any, size: tuple[int, int] = (120, 40)) -> None:
        async def main(pilot: Any) -> None:
            await story(Typist(pilot, shows))

        drive(app, main, size)

    return run


def test_breakpoints_stop_forward_and_backward_and_say_why(app_of: Any, build: Any, typed: Any) -> None:
    async def story(typist: Typist) -> None:
        assert "to break" not in typist.shows(typist.pilot.app)
        await typist.line("b", "error")
        screen = await typist.line("b", "gold:first")
        assert "c C to break" in screen
        assert "s5.c1 ehr.run_sql_query ✗ error" in await typist("c")
        assert "● error: error: Catalog Error" in typist.shows(typist.pilot.app)
        assert "s6.c1" in await typist("c")
        assert "● gold:first: gold Piperacillin-Tazobactam" in typist.shows(typist.pilot.app)
        assert "no stop after this place" in await typist("c")
        assert "s5.c1" in await typist("C")
        assert "no stop before this place" in await typist("C")
        assert "s5.c1" in typist.shows(typist.pilot.app)
        await typist("0", "c")
        assert typist.pilot.app.screen.looking.anchor == "s5.c1", "from the case on to the first"
        await typist("$", "C")
        assert typist.pilot.app.screen.looking.anchor == "s6.c1", "from the end back to the last"
        await typist.line("b", "error")
        assert [each.text for each in typist.pilot.app.screen.breakpoints] == ["gold:first"]
        page = await typist("b", "enter")
        assert "●  " in page
        assert "tool:NAME" in page
        assert "a call that ended in an error" in page

    typed(app_of(build.story()), story)


def test_a_breakpoint_at_a_turn_is_left_backward(app_of: Any, build: Any, typed: Any) -> None:
    steps = [build.step(n, build.call("x", {}, "r"), reasoning="lactate") for n in (1, 2, 3)]

    async def story(typist: Typist) -> None:
        await typist.line("b", "reasoning:/lactate/")
        await typist("$", "C", "C")
        assert typist.pilot.app.screen.looking.anchor == "s2.c1"
        await typist("c")
        assert typist.pilot.app.screen.looking.anchor == "s3.c1"

    typed(app_of(build.run(*steps, status="answered")), story)


def test_what_can_not_be_decided_is_said_when_the_breakpoint_is_set(
    app_of: Any, build: Any, typed: Any
) -> None:
    async def story(typist: Typist) -> None:
        assert "there is no gold" in await typist.line("b", "gold")
        assert "is no breakpoint; there are tool:NAME" in await typist.line("b", "nonsense")

    typed(app_of(build.run(build.step(1, build.call("x", {}, "r")))), story)


def test_an_anchor_leads_to_its_step_call_and_row(app_of: Any, build: Any, typed: Any) -> None:
    async def story(typist: Typist) -> None:
        assert "s6.c2 browser.search" in await typist.line("g", "s6.c2")
        assert "row 20/37" in await typist.line("g", "s4.c1.r20")
        assert "there is no step 99" in await typist.line("g", "s99")
        assert "is no anchor" in await typist.line("g", "somewhere")
        assert "s4.c1" in typist.shows(typist.pilot.app)

    typed(app_of(build.story()), story)


def test_a_place_gets_a_name_that_stays_beside_the_recording(
    build: Any, typed: Any, source_of: Any, tmp_path: Path
) -> None:
    recording = tmp_path / "run.jsonl"
    recording.write_text("{}\n")
    run = msgspec.structs.replace(build.story(), source=f"{recording}:1")

    async def first(typist: Typist) -> None:
        await typist.line("g", "s6.c2")
        assert "dose is s6.c2" in await typist.line("m", "dose")
        assert "a call or a turn can be marked" in await typist("0", "m", "x", "enter")

    async def later(typist: Typist) -> None:
        assert "s6.c2 browser.search" in await typist.line("'", "dose")
        assert "there is no mark 'other'" in await typist.line("'", "other")
        assert "dose  s6.c2" in await typist("'", "enter")
        await typist.line(":", "unmark dose")
        assert "no place of this run has a name" in await typist("'", "enter")

    typed(DebuggerApp(source_of(run), ascii_only=False), first)
    assert "dose" in (tmp_path / "run.jsonl.findings.jsonl").read_text()
    typed(DebuggerApp(source_of(run), ascii_only=False), later)


def test_a_filter_leaves_its_rows_and_going_elsewhere_drops_it(app_of: Any, build: Any, typed: Any) -> None:
    async def story(typist: Typist) -> None:
        screen = await typist.line("f", "sql error")
        assert "Timeline · sql error" in screen
        assert " 4 ⌗ run_sql_query" in screen
        assert "load_ehr" not in screen
        assert "§ case" in screen
        assert "s5.c1" in await typist("l", "l"), "steps go over what is shown"
        assert "'sqll' filters nothing" in await typist.line("f", "sqll")
        screen = await typist.line("g", "s2")
        assert "s2.c1" in screen
        assert "Timeline · " not in screen
        await typist.line("f", "!ehr !web leak")
        assert "Timeline · " not in await typist("f", "enter")

    typed(app_of(build.story()), story)


def test_a_filter_follows_a_run_that_grows(build: Any, typed: Any, source_of: Any) -> None:
    whole = build.story()
    young = msgspec.structs.replace(whole, steps=whole.steps[:4], status="", answer=None)
    source = source_of(young, mode="follow")

    async def story(typist: Typist) -> None:
        await typist.line("f", "sql")
        source.grow(whole)
        typist.pilot.app.screen._look_again()
        screen = await typist()
        assert " 5 ⌗ run_sql_query   ✗" in screen
        assert "candidates_by" not in screen

    typed(DebuggerApp(source, ascii_only=False), story)


def test_the_command_line_completes_chooses_and_remembers(app_of: Any, build: Any, typed: Any) -> None:
    async def story(typist: Typist) -> None:
        screen = await typist(":", "g", "o")
        assert "goto ANCHOR" in screen
        assert "s12.c1.r3" in screen, "and what it does stands beside it"
        prompt = typist.pilot.app.screen.query_one(Prompt)
        await typist("tab")
        assert prompt.field.value == "goto "
        assert "s4.c1" in await typist("s", "4", "enter")
        await typist(":", "up")
        assert typist.pilot.app.screen.query_one(Prompt).field.value == "goto s4"
        assert "s4.c1" in await typist("escape")
        await typist(":", *"break", "space", *"err", "down", "enter")
        assert [each.text for each in typist.pilot.app.screen.breakpoints] == ["error"]
        assert "'nonsense' is no command" in await typist.line(":", "nonsense")
        assert "run: there is nothing for it to do here" in await typist.line(":", "run 2")
        assert "question" in await typist.line(":", "first")
        screen = await typist("ctrl+p")
        assert "▸" not in screen.split("\n")[-3]
        await typist("escape")
        await typist.pilot.press(":", *"quit", "enter")

    app = app_of(build.story())
    typed(app, story)
    assert app.return_code == 0


def test_a_choice_can_be_clicked(app_of: Any, build: Any, typed: Any) -> None:
    async def story(typist: Typist) -> None:
        await typist(":", *"las")
        await typist.pilot.click("_Choices", offset=(4, 0))
        assert "✗ missed" in await typist()

    typed(app_of(build.story()), story)


def test_runs_are_gone_to_by_number_and_qid(app_of: Any, build: Any, typed: Any) -> None:
    runs = [build.run(build.step(1, text=f"turn of run {n}"), qid=f"case_{n}") for n in (1, 2, 3)]

    async def story(typist: Typist) -> None:
        assert "turn of run 3" in await typist.line(":", "run 3")
        assert "turn of run 2" in await typist.line(":", "run case_2")
        assert "is no run; there are 3" in await typist.line(":", "run 9")

    typed(app_of(*runs), story)


def test_the_screen_is_written_as_a_picture_or_text_and_nothing_is_written_over(
    app_of: Any, build: Any, typed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(typist: Typist) -> None:
        assert "written to bundled_01-s1.c1.txt" in await typist.line(":", "export text")
        assert "written to a b.svg" in await typist.line(":", "export svg a b.svg")
        assert "can't be written (File exists)" in await typist.line(":", "export text")
        assert "write export svg or export text" in await typist.line(":", "export png")

    typed(app_of(build.story()), story)
    assert "s1.c1 ehr.load_ehr" in (tmp_path / "bundled_01-s1.c1.txt").read_text()
    assert (tmp_path / "a b.svg").read_text().startswith("<svg")


def test_all_of_it_works_in_a_narrow_terminal(app_of: Any, build: Any, typed: Any) -> None:
    async def story(typist: Typist) -> None:
        screen = await typist(":")
        assert len(screen.split("\n")) == 24
        assert "next" in screen
        await typist("escape")
        assert "s5.c1" in await typist.line(":", "goto s5")

    typed(app_of(build.story()), story, (80, 24))
