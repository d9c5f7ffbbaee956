"""Every key of the debugger, pressed in the app."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.widgets import Input


def test_stepping(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        assert "s1.c1 ehr.load_ehr" in shows(pilot.app)
        assert "s2.c1 ehr.get_records_by_time" in await at("l")
        assert "A renal cause is likely" in await at("right")
        assert "s2.c1" in await at("h")
        assert "s1.c1" in await at("left")
        assert "1/7" in shows(pilot.app)
        screen = await at("$")
        assert "✗ missed" in screen
        assert "7/7" in screen
        assert "✗ missed" in await at("l")
        screen = await at("0")
        assert "question" in screen
        assert "0/7" in screen
        # Every call of a step is a stop of its own.
        assert "s6.c2 browser.search" in await at(*"lllllll")

    drive(app_of(build.story()), story)


def test_reading_a_table(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        assert "row 1/37" in await at("l", "l", "l")
        assert "row 3/37" in await at("j", "down")
        assert "row 2/37" in await at("k")
        assert "row 1/37" in await at("up", "up")
        assert "row 37/37" in await at("end")
        assert "row 1/37" in await at("home")
        paged = await at("pagedown")
        assert "row 1/37" not in paged
        assert "charttime" in paged, "the header stays"
        assert "row 1/37" in await at("pageup")
        full = await at("j", "enter")
        assert "s4.c1.r2 in full" in full
        assert "valuenum   1.88" in full
        back = await at("escape")
        assert "row 2/37" in back, "the row is still selected"

    drive(app_of(build.story()), story)


def test_columns_out_of_view(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    wide = build.table(" ".join(f"column_{n}" for n in range(400)), tuple(range(400)))
    run = build.run(build.step(1, build.call("ehr.run_sql_query", {}, "…", table=wide)))

    async def story(pilot: Any) -> None:
        assert "column_0" in shows(pilot.app)
        await pilot.press(">", ">")
        assert "column_0" not in shows(pilot.app)
        assert "  column_2" in shows(pilot.app)
        assert "row 1/1 · columns 3–11/400" in shows(pilot.app)
        await pilot.press("<", "<", "<")
        assert "column_0" in shows(pilot.app)

    drive(app_of(run), story)


def test_reading_text_and_turning_to_another_pane(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    page = "\n".join(f"line {n}" for n in range(200))
    sql = "select " + ", ".join(f"column_{n}" for n in range(200)) + " from t"
    run = build.run(
        build.step(1, build.call("x", {"sql_query": sql}, page)), build.step(2, build.call("x", {}, "second"))
    )

    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        assert "line 0\n" not in await at("j") + "\n"
        assert "line 199" in await at("end")
        assert "line 0" in await at("home")
        assert "line 30" in await at("pagedown")
        assert "column_199" not in shows(pilot.app)
        assert "column_199" in await at("shift+tab", "end"), "the query is read now"
        assert "▸ 2" in await at("shift+tab", "j"), "and now the timeline, where reading is stepping"
        assert "▸ 1" in await at("k")
        assert "▸ 2" in await at("pagedown")
        assert "▸   § case" in await at("home")
        assert "second" in await at("end", "enter")
        assert "line 1" in await at("h", "j"), "Enter went to the call"

    drive(app_of(run), story)


def test_panes(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        screen = await at("l", "l", "l", "2")
        assert "SELECT charttime" in screen
        assert "Creatinine  " not in screen
        assert "Only the values known before the cutoff count." in await at("5")
        raw = await at("7")
        assert '"sql_query": "SELECT' in raw
        assert "id      call_s1.c1" in raw
        assert "Creatinine  " in await at("1")
        assert "Catalog Error" in await at("7", "l"), "the chosen pane stays open"
        assert "arguments" in shows(pilot.app)
        assert "arguments" not in await at("escape"), "and now each row opens its own again"

    drive(app_of(build.story()), story)


def test_search(app_of: Any, build: Any, drive: Any, look: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        at = partial(look, pilot)

        assert "n N" not in shows(pilot.app)
        await pilot.press("/")
        assert pilot.app.screen.query_one(Input).has_focus
        screen = await at(*"renal", "enter")
        assert "1/2 renal" in screen
        assert "A renal cause" in screen
        assert "n N hits" in screen
        assert "2/2 renal" in await at("n")
        assert "s6.c2 browser.search" in shows(pilot.app)
        assert "1/2 renal" in await at("n"), "round and round"
        assert "2/2 renal" in await at("N")
        assert "nothing found: no such" in await at("/", *"no", "space", *"such", "enter")
        assert "nothing found" not in await at("escape")
        before = shows(pilot.app)
        assert await at("/", "q", "escape") == before, "Esc leaves the search as it was"
        assert "row 20/37" in await at("0", "/", *"1.52", "enter"), "a hit in a table selects its row"

    drive(app_of(build.story()), story)


def test_a_hit_far_down_a_text_comes_into_view(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    text = "filler line\n" * 3000 + "the needle is here\n" + "filler line\n" * 3000
    run = build.run(build.step(1, build.call("browser.open", {}, text)), build.step(2))

    async def story(pilot: Any) -> None:
        await pilot.press("/", *"needle", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "the needle is here" in shows(pilot.app)

    drive(app_of(run), story)


def test_answer_and_help_open_over_the_call_and_close_again(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        call = shows(pilot.app)
        screen = await at("f1")
        assert "answer against gold" in screen
        assert "precision 0.50   recall 0.50" in screen
        assert "▸ 1" in screen, "the step stays selected"
        assert await at("=") == call
        assert "answer against gold" in await at("=")
        assert await at("escape") == call
        assert "the call before, the call after" in await at("?")
        assert await at("?") == call
        assert await at("?", "q") == call, "q goes back before it leaves"
        assert "s2.c1" in await at("?", "l"), "a step closes the page"

    drive(app_of(build.story()), story)


def test_runs(build: Any, drive: Any, shows: Any, source_of: Any) -> None:
    from clinseek_tui.app import DebuggerApp

    runs = [build.run(build.step(1, text=f"turn of run {n}"), qid=f"case_{n}", task="") for n in (1, 2, 3)]
    source = source_of(*runs)
    source.unreadable = {2}

    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            return shows(pilot.app)

        assert "run 1/3" in shows(pilot.app)
        assert "H L run" in shows(pilot.app)
        screen = await at("L")
        assert "run 2/3" in screen
        assert "turn of run 2" in screen
        assert "case_2" in screen
        screen = await at("L")
        assert "the file has changed" in screen, "a run that can't be read is told of"
        assert "turn of run 2" in screen, "and the one before stays"
        assert "turn of run 1" in await at("H")
        assert "turn of run 1" in await at("H"), "there is none before the first"

    drive(DebuggerApp(source, ascii_only=False), story)


def test_one_run_has_no_key_for_runs_and_a_recording_none_for_live(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        before = shows(pilot.app)
        await pilot.press("L", "H", "space", "s")
        assert shows(pilot.app) == before
        assert "H L" not in before
        assert "space" not in before

    drive(app_of(build.story()), story)


def test_the_mouse_selects_a_row_of_the_timeline_and_of_a_table(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        await pilot.click("Timeline", offset=(8, 4))
        assert "s4.c1" in shows(pilot.app)
        await pilot.click("Grid", offset=(8, 3))
        assert "row 3/37" in shows(pilot.app)
        await pilot.press("j")
        assert "row 4/37" in shows(pilot.app), "the keys go where one clicked"
        await pilot.click("Timeline", offset=(8, 30))
        assert "s4.c1" in shows(pilot.app), "below the last row there is nothing to select"

    drive(app_of(build.story()), story)


def test_text_can_be_selected_and_wrapped_lines_are_copied_as_one(
    app_of: Any, build: Any, drive: Any
) -> None:
    text = "word " * 40 + "\nsecond line"
    run = build.run(build.step(1, build.call("browser.open", {}, text)))

    async def story(pilot: Any) -> None:
        reader = pilot.app.screen.query_one("#text")
        await pilot.mouse_down(reader, offset=(2, 0))
        await pilot.hover(reader, offset=(7, 3))
        await pilot.mouse_up(reader, offset=(7, 3))
        selected = pilot.app.screen.get_selected_text()
        assert selected == "word " * 40 + "\nsecond"

    drive(app_of(run), story)


def test_q_leaves(app_of: Any, build: Any, drive: Any) -> None:
    app = app_of(build.story())

    async def story(pilot: Any) -> None:
        await pilot.press("q")

    drive(app, story)
    assert app.return_code == 0
