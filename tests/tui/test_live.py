"""A run that goes on: followed, paused, stepped, left."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from clinseek_core.agent import Asking, CallState, Control
from clinseek_core.errors import InputError
from clinseek_core.models import CallDelta, ReasoningDelta, Retrying, TextDelta
from clinseek_tui.app import DebuggerApp
from clinseek_tui.live import Progress
from clinseek_tui.running.live_run import LiveRun


def young(story: Any, steps: int) -> Any:
    """The run as it was after so many steps."""
    return msgspec.structs.replace(story, steps=story.steps[:steps], status="", answer=None)


def look_now(pilot: Any) -> None:
    """What the timer does ten times a second."""
    pilot.app.screen._look_again()


def test_a_growing_run_is_followed_from_its_end_and_left_alone_elsewhere(
    build: Any, drive: Any, shows: Any, source_of: Any
) -> None:
    story = build.story()
    source = source_of(young(story, 2), mode="follow")

    async def grows(pilot: Any) -> None:
        async def after(run: Any, *keys: str) -> str:
            source.grow(run)
            look_now(pilot)
            await pilot.pause()
            return shows(pilot.app)

        assert "s2.c1" in shows(pilot.app), "a growing run opens at its end"
        assert "A renal cause is likely" in await after(young(story, 3))
        await pilot.press("h")
        screen = await after(young(story, 5))
        assert "s2.c1" in screen, "one who looks at a step is not torn away from it"
        assert " 5 ⌗ run_sql_query" in screen
        await pilot.press("$")
        screen = await after(story)
        assert "✗ missed" in screen, "the end of the run shows how it went"
        assert "follow · ended" in screen

    drive(DebuggerApp(source, ascii_only=False), grows)


def test_a_result_that_arrives_replaces_the_wait_for_it(
    build: Any, drive: Any, shows: Any, source_of: Any
) -> None:
    waiting = build.run(build.step(1, build.call("browser.open", {}, status="pending")))
    source = source_of(waiting, mode="live")

    async def arrives(pilot: Any) -> None:
        assert "no result yet" in shows(pilot.app)
        assert "◌" in shows(pilot.app)
        source.grow(build.run(build.step(1, build.call("browser.open", {}, "the page"))))
        look_now(pilot)
        await pilot.pause()
        assert "the page" in shows(pilot.app)
        assert "◌" not in shows(pilot.app)
        wide = build.table(" ".join(f"column_{n}" for n in range(40)), tuple(range(40)))
        source.grow(build.run(build.step(1, build.call("browser.open", {}, "…", table=wide))))
        look_now(pilot)
        await pilot.pause()
        assert "row 1/1 · columns 1–9/40" in shows(pilot.app), "the first table of all"

    drive(DebuggerApp(source, ascii_only=False), arrives)


def test_pause_resume_and_single_step(
    build: Any, drive: Any, shows: Any, source_of: Any, port_of: Any
) -> None:
    port = port_of()

    async def steer(pilot: Any) -> None:
        assert "space pause/go  s step once" in shows(pilot.app)
        await pilot.press("space")
        assert "live · paused" in shows(pilot.app)
        await pilot.press("s", "space")
        assert "paused" not in shows(pilot.app).split("\n")[0]
        assert port.asked == ["pause", "step", "resume"]

    drive(DebuggerApp(source_of(young(build.story(), 2), mode="live"), port, ascii_only=False), steer)


def test_an_ended_run_can_not_be_paused(
    build: Any, drive: Any, shows: Any, source_of: Any, port_of: Any
) -> None:
    port = port_of(Progress(state="waiting", text="waiting for the model", anchor="s8"))

    async def press(pilot: Any) -> None:
        await pilot.press("space", "s")
        look_now(pilot)
        await pilot.pause()
        assert port.asked == []
        assert "space" not in shows(pilot.app)
        assert "waiting" not in shows(pilot.app), "what the loop told last is over"

    drive(DebuggerApp(source_of(build.story(), mode="live"), port, ascii_only=False), press)


def test_leaving_stops_the_run(build: Any, drive: Any, source_of: Any, port_of: Any) -> None:
    port = port_of()
    app = DebuggerApp(source_of(young(build.story(), 2), mode="live"), port, ascii_only=False)

    async def leave(pilot: Any) -> None:
        await pilot.press("?", "q")
        assert port.asked == []
        await pilot.press("q")

    drive(app, leave)
    assert port.asked == ["stop"]
    assert app.return_code == 0


def test_what_goes_on_is_shown_dim_below_the_last_row(
    build: Any, drive: Any, shows: Any, source_of: Any, port_of: Any
) -> None:
    port = port_of(Progress(state="streaming", text="I shall look at the cultures next", anchor="s3"))
    pending = build.call("browser.open", {}, status="pending")
    run = build.run(build.step(1, text="t"), build.step(2, build.call("x", {}, "r"), pending))

    async def goes_on(pilot: Any) -> None:
        look_now(pilot)
        await pilot.pause()
        assert "the cultures next" in shows(pilot.app), "the newest words are shown"
        port.progress = (
            Progress(state="running", text="browser.open", anchor="s2.c2"),
            Progress(state="queued", text="ehr.run_sql_query", anchor="s2.c3"),
        )
        look_now(pilot)
        await pilot.pause()
        screen = shows(pilot.app)
        assert re.search(r"└ ⌕ browser.open +◍", screen), "a call with a row of its own is marked there"
        assert "◌ ehr.run_sql_query" in screen
        await pilot.press("$")
        assert "s2.c2 browser.open" in shows(pilot.app), "what has no row yet can't be selected"

    drive(DebuggerApp(source_of(run, mode="live"), port, ascii_only=False), goes_on)


def test_a_journal_that_can_not_be_read_any_more_is_told_of_once(
    build: Any, drive: Any, shows: Any, source_of: Any
) -> None:
    source = source_of(build.story(), mode="follow")

    def poll() -> None:
        raise InputError("run.traj.jsonl: can't be read any more (gone)")

    source.poll = poll

    async def fails(pilot: Any) -> None:
        look_now(pilot)
        await pilot.pause()
        assert "can't be read any more" in shows(pilot.app)
        assert pilot.app.screen._polling is None, "it is not asked again"
        assert "s1.c1" in shows(pilot.app) or "✗ missed" in shows(pilot.app), "what was read stays"

    drive(DebuggerApp(source, ascii_only=False), fails)


@pytest.mark.parametrize(("state", "words"), [("gone", "follow · writer gone"), ("growing", "follow")])
def test_a_writer_that_left_is_told_of(
    build: Any, drive: Any, shows: Any, source_of: Any, state: str, words: str
) -> None:
    async def look(pilot: Any) -> None:
        assert f"   {words}  " in shows(pilot.app).split("\n")[0]

    drive(DebuggerApp(source_of(young(build.story(), 2), mode="follow", state=state), ascii_only=False), look)


def test_a_run_that_hangs_says_for_how_long(build: Any, drive: Any, shows: Any, source_of: Any) -> None:
    async def hangs(pilot: Any) -> None:
        pilot.app.screen._grew_at -= 47
        look_now(pilot)
        await pilot.pause()
        assert "follow · quiet for 40 s" in shows(pilot.app)

    drive(DebuggerApp(source_of(young(build.story(), 2), mode="follow"), ascii_only=False), hangs)


def test_the_progress_of_a_loop_is_folded_into_lines() -> None:
    run = LiveRun(Control())
    told: list[tuple[tuple[str, str, str], ...]] = []
    for event in (
        Asking(3),
        ReasoningDelta("I "),
        TextDelta("look"),
        CallDelta(0, "ehr.x", '{"a'),
        Retrying("429", 12.0),
        TextDelta("again"),
        CallState(3, 1, "ehr.x", "queued"),
        CallState(3, 2, "ehr.y", "queued"),
        CallState(3, 1, "ehr.x", "running"),
        Asking(4),
    ):
        run.tell(event)
        told.append(tuple((p.state, p.text, p.anchor) for p in run.progress))
    assert told == [
        (("waiting", "waiting for the model", "s3"),),
        (("streaming", "I ", "s3"),),
        (("streaming", "I look", "s3"),),
        (("streaming", 'I look{"a', "s3"),),
        (("waiting", "429 · again in 12 s", "s3"),),
        (("streaming", "again", "s3"),),
        (("queued", "ehr.x", "s3.c1"),),
        (("queued", "ehr.x", "s3.c1"), ("queued", "ehr.y", "s3.c2")),
        (("queued", "ehr.y", "s3.c2"), ("running", "ehr.x", "s3.c1")),
        (("waiting", "waiting for the model", "s4"),),
    ]


def test_the_keys_reach_the_loops_control() -> None:
    control = Control()
    run = LiveRun(control)
    run.pause()
    assert run.paused
    run.step()
    assert run.paused
    run.resume()
    assert not run.paused
    run.stop()
    assert control.stopped
