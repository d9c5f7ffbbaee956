"""Signs in the timeline: they come after the first paint, from a thread, and follow a run that grows."""

from __future__ import annotations

from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.index import LazySteps
from clinseek_tui.app import DebuggerApp
from clinseek_tui.view.looking import look

LATE = f"{'charttime':>19} {'valuenum':>8}\n{'2150-03-04 06:10:00':>19} {'7.7':>8}"


async def settled(pilot: Any) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def test_leaks_gold_and_repeats_are_marked_and_w_says_why(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    late = build.call("ehr.run_sql_query", {"sql_query": "SELECT * FROM labevents"}, LATE)
    gold = build.call("ehr.get_latest_records", {"table_name": "emar"}, "Furosemide 20 mg")
    again = build.call("ehr.run_sql_query", {"sql_query": "SELECT * FROM labevents"}, LATE)
    run = build.run(
        build.step(1, late), build.step(2, gold), build.step(3, again), gold=("Furosemide",), answer=()
    )

    async def story(pilot: Any) -> None:
        await settled(pilot)
        screen = shows(pilot.app)
        assert " 1 ⌗ run_sql_query   ⚑" in screen
        assert " 2 ▤ latest_records  ★" in screen
        assert " 3 ⌗ run_sql_query  ⚑↻" in screen, "two signs take the room of the name"
        assert "s1.c1 ehr.run_sql_query · 4 ms · 57 B ⚑ leak" in screen
        await pilot.press("w")
        assert "⚑ leak  T2 future_timestamp" in shows(pilot.app)
        await pilot.press("l", "w")
        assert "★ gold first seen  gold Furosemide first seen" in shows(pilot.app)
        await pilot.press("w")
        assert "Furosemide 20 mg" in shows(pilot.app)
        await pilot.press("0", "w")
        assert "question" in shows(pilot.app), "the case is not marked"

    drive(app_of(run), story)


def test_a_run_that_grows_is_looked_through_again(build: Any, drive: Any, shows: Any, source_of: Any) -> None:
    late = build.call("ehr.run_sql_query", {"sql_query": "SELECT * FROM labevents"}, LATE)
    young = build.run(build.step(1, build.call("ehr.load_ehr", {}, "x")))
    source = source_of(young, mode="follow")

    async def story(pilot: Any) -> None:
        await settled(pilot)
        source.grow(msgspec.structs.replace(young, steps=(*young.steps, build.step(2, late))))
        pilot.app.screen._signs._due = 0
        pilot.app.screen._look_again()
        await settled(pilot)
        assert " 2 ⌗ run_sql_query   ⚑" in shows(pilot.app)

    drive(DebuggerApp(source, ascii_only=False), story)


def test_what_an_analysis_cannot_read_is_told_and_the_run_stays(
    build: Any, drive: Any, shows: Any, source_of: Any
) -> None:
    first = build.step(1, build.call("x", {}, "first"))

    def read(place: int) -> Any:
        if place:
            raise InputError("run.jsonl: at byte 77: the file may have changed, open it again")
        return first

    run = build.run(first)
    broken = msgspec.structs.replace(run, steps=LazySteps(read, [100], [1]), gold=("Furosemide",))
    longer = LazySteps(read, [100, 100], [1, 0])

    async def story(pilot: Any) -> None:
        await settled(pilot)
        pilot.app.screen.looking = look(msgspec.structs.replace(run, steps=longer))
        pilot.app.screen._look_for_signs()
        await settled(pilot)
        assert "the file may have changed" in shows(pilot.app)
        assert "first" in shows(pilot.app)
        await pilot.press("l")
        assert "unreadable  run.jsonl: at byte 77" in shows(pilot.app), "and told in its own place"

    drive(DebuggerApp(source_of(broken), ascii_only=False), story)
