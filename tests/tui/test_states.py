"""States that must look right: empty, broken, hostile, huge, narrow, plain."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rich.cells import cell_len

from clinseek_core.case import Policy
from clinseek_replay.trajectory import Damage
from clinseek_tui.view import showing
from clinseek_tui.view.panes import content
from clinseek_tui.widgets.grid import Grid

HOSTILE = (
    "\x1b[31mred \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b]52;c;aGk=\x07 \x9b2J "
    "[bold]plain[/bold] [@click=app.exit]x[/] \u202egnp.exe\u202c \u2066i\u2069 zero\u200bwidth "
    "水水 e\u0301 👩\u200d⚕\ufe0f \t tab \x00\x7f \ud800 end"
)


def test_a_run_of_nothing_shows_its_case(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        screen = shows(pilot.app)
        assert "which drugs will be ordered" in screen
        assert "no step" in screen
        assert "0/0" in screen
        await pilot.press("l", "h", "j", "$", "0", "1", "2", "5", "7", "enter", "n", "f1", "escape", "?")
        assert "keys" in shows(pilot.app)

    drive(app_of(build.run()), story)


def test_a_record_with_an_error_alone_shows_it(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    run = build.run(status="error", stop_reason="exception", message="RateLimitError: 429 after 5 tries")

    async def story(pilot: Any) -> None:
        assert "message  RateLimitError: 429 after 5 tries" in shows(pilot.app)
        assert "✗ error" in shows(pilot.app)

    drive(app_of(run), story)


def test_what_a_recording_does_not_say_is_unknown(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    run = build.run(
        build.step(1, build.call("ehr.load_ehr", {}, "x")),
        subject_id=None,
        prediction_time=None,
        policy=None,
        damage=(Damage(17, "cut off"),),
    )

    async def story(pilot: Any) -> None:
        header = shows(pilot.app).split("\n")[0]
        assert "patient unknown  cutoff unknown (policy unknown)" in header
        assert "replay · no end" in header
        assert "1 damaged line" in header
        await pilot.press("0")
        assert "line 17    cut off" in shows(pilot.app)

    drive(app_of(run), story)


def test_the_header_is_red_where_the_cutoff_is_upstreams(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    run = build.run(policy=Policy(basis="upstream", boundary="inclusive"))

    async def red(pilot: Any) -> None:
        assert "(upstream, inclusive)" in shows(pilot.app)
        background = pilot.app.screen.query_one("Header").styles.background
        assert background.hex.lower() == pilot.app.theme_variables["error"].lower()

    drive(app_of(run), red)


def test_an_empty_result_and_one_cell(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    run = build.run(
        build.step(1, build.call("x", {}, "no rows", status="empty", table=build.table("name value"))),
        build.step(2, build.call("x", {}, "1", table=build.table("count", (1,)))),
        build.step(3, build.call("x", {}, "…", table=build.table("n", (1,), total=5000))),
    )

    async def story(pilot: Any) -> None:
        assert "∅ no rows" in shows(pilot.app)
        assert "x ∅ empty · 4 ms · 0 rows" in shows(pilot.app)
        await pilot.press("enter", "j", "end", "l")
        assert "row 1/1" in shows(pilot.app)
        await pilot.press("l")
        assert "✂ 4,999 more rows: not in the recording" in shows(pilot.app)

    drive(app_of(run), story)


def test_what_meets_a_fault_of_ours_says_so_in_its_place_and_the_run_goes_on(
    app_of: Any, build: Any, drive: Any, shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(run: Any, row: Any, pane: Any) -> Any:
        if row.step == 0:
            raise ZeroDivisionError("no\x1bne")
        return content(run, row, pane)

    monkeypatch.setattr(showing, "content", faulty)
    odd = build.call("odd.tool", {}, "text", table=build.table("odd column", ("odd", 1)))
    run = build.run(build.step(1, odd), build.step(2, build.call("ehr.think", {}, "the next one")))

    async def story(pilot: Any) -> None:
        await pilot.press("0", "l")
        assert "this can't be shown (ZeroDivisionError: no␛ne)" in shows(pilot.app)
        await pilot.press("l")
        assert "the next one" in shows(pilot.app)
        await pilot.press("h", "enter", "escape", "/", *"odd", "enter", "t", "escape", "f1")

    drive(app_of(run), story)


def test_a_line_that_meets_a_fault_of_ours_costs_no_other_line(
    app_of: Any, build: Any, drive: Any, shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = Grid.paint

    def faulty(self: Grid, y: int) -> Any:
        if y == 1:
            raise ZeroDivisionError
        return paint(self, y)

    monkeypatch.setattr(Grid, "paint", faulty)
    run = build.run(build.step(1, build.call("x", {}, "", table=build.table("a", ("r1",), ("r2",), ("r3",)))))

    async def story(pilot: Any) -> None:
        assert "✗ ZeroDivisionError: this line can't be drawn" in shows(pilot.app)
        assert "r1" in shows(pilot.app)
        assert "r3" in shows(pilot.app)

    drive(app_of(run, step=1), story)


@pytest.mark.parametrize("size", [(120, 40), (40, 12)])
def test_nothing_in_a_recording_acts_on_the_terminal_or_breaks_the_layout(
    app_of: Any, build: Any, drive: Any, shows: Any, size: tuple[int, int]
) -> None:
    table = build.table("a b\x1b[31m", (HOSTILE, HOSTILE), (1, "x" * 5000))
    run = build.run(
        build.step(
            1,
            build.call(
                f"ehr.{HOSTILE}",
                {HOSTILE: HOSTILE, "sql_query": f"select '{HOSTILE}'"},
                HOSTILE * 9,
                table=table,
            ),
            build.call("browser.open", {"url": HOSTILE}, (HOSTILE + "\n") * 50),
            build.call("x", None, "", raw=HOSTILE, status="error"),
            reasoning=HOSTILE,
            text=HOSTILE,
        ),
        qid=HOSTILE,
        task=HOSTILE,
        question=HOSTILE,
        model=HOSTILE,
        candidates=(HOSTILE,),
        gold=(HOSTILE, "b"),
        answer=(HOSTILE,),
        status="answered",
        stop_reason=HOSTILE,
        message=HOSTILE,
    )

    async def story(pilot: Any) -> None:
        def check() -> None:
            for line in shows(pilot.app).split("\n"):
                assert cell_len(line) <= size[0]
                assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in line)
                assert not set(line) & set("\u202e\u202c\u2066\u200b\u200d\ud800")
            frame = [line for line in shows(pilot.app).split("\n") if line[-1:] in "│┐┤┘"]
            assert {cell_len(line) for line in frame} <= {size[0]}, "the frame stands straight"
            assert len(frame) >= size[1] - 4

        pages = ("f1", "w", "escape", "escape", "e", "enter", "escape", "6", "w", "t", "j", "escape", "4")
        for key in ("0", "l", "2", "5", "7", "1", "enter", "l", "7", "l", "escape", "$", *pages):
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
            check()
        await pilot.press(":", *"break error", "enter", ":", *"filter sql", "enter", "0", "c")
        await pilot.app.workers.wait_for_complete()
        check()
        await pilot.press("escape", "escape", "0", "l", "i")
        for line in shows(pilot.app).split("\n"):
            assert cell_len(line) <= size[0]
            assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in line)
        await pilot.press("escape", "/", *"gnp", "enter")
        await pilot.app.workers.wait_for_complete()
        check()
        if size[0] >= 80:
            assert "␛[31mred" in shows(pilot.app)
            assert "[bold]plain[/bold]" in shows(pilot.app)

    drive(app_of(run), story, size)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        ("lorem ipsum dolor sit amet " * 20 + "\n") * 9_300,
        "水" * 500_000,
        "\x1b[31m" * 200_000,
    ],
    ids=["one line", "many lines", "wide", "escapes"],
)
def test_megabytes_open_and_scroll_at_once(
    app_of: Any, build: Any, drive: Any, shows: Any, text: str
) -> None:
    run = build.run(
        build.step(1, build.call("browser.open", {"id": text}, text)), build.step(2, text="after")
    )

    async def story(pilot: Any) -> None:
        body = pilot.app.screen.query_one("#text")
        began = time.perf_counter()
        body.render_line(10)
        body.go(20)
        body.render_line(10)
        assert time.perf_counter() - began < 0.1
        await pilot.press("end")
        assert "│" in shows(pilot.app)
        await pilot.press("l")
        assert "after" in shows(pilot.app)

    began = time.perf_counter()
    app = app_of(run)
    assert time.perf_counter() - began < 0.5, "nothing is laid out before it is looked at"
    drive(app, story)


def test_ten_thousand_steps_are_one_list(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    steps = [build.step(n, build.call("ehr.load_ehr", {"n": n}, f"result {n}")) for n in range(1, 10_001)]

    async def story(pilot: Any) -> None:
        await pilot.press("$")
        screen = shows(pilot.app)
        assert "▸10000 ▤ load_ehr" in screen
        assert "result 10000" in screen
        await pilot.press("h")
        assert "9999/10000" in shows(pilot.app)
        timeline = pilot.app.screen.query_one("Timeline")
        assert len(timeline._lines) < 512, "only rows that were in view are painted"

    drive(app_of(build.run(*steps)), story)


def test_a_narrow_screen_shows_one_pane_and_tab_goes_to_the_others(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        screen = shows(pilot.app)
        assert "s4.c1 ehr.run_sql_query" in screen
        assert "Timeline" not in screen
        for word in ("90000001", "2150-03-03 06:00 (available, exclusive)", "replay", "4/7", "F1 0.50"):
            assert word in screen, "the header says it all, on two lines"
        await pilot.press("tab")
        screen = shows(pilot.app)
        assert "Timeline" in screen
        assert "candidates_by_semantic_similarity" in screen, "with room for whole names"
        await pilot.press("j", "enter")
        assert "Catalog Error" in shows(pilot.app)
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        screen = shows(pilot.app)
        assert "Timeline" in screen
        assert "Catalog Error" in screen
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "Timeline" not in shows(pilot.app)

    drive(app_of(build.story(), step=4), story, (80, 24))


def test_a_terminal_without_utf8_gets_ascii_alone(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        for key in ("0", "l", "l", "l", "l", "5", "escape", "l", "$", "?"):
            await pilot.press(key)
            assert shows(pilot.app).isascii()
        await pilot.press("escape")
        screen = shows(pilot.app)
        assert "1 T load_ehr" in screen
        assert "> + answered" in screen.replace("   ", " ")
        assert "x missed" in screen

    drive(app_of(build.story(), ascii_only=True), story)


def test_without_colour_every_state_is_still_a_sign(
    app_of: Any, build: Any, drive: Any, shows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(pilot: Any) -> None:
        strips = pilot.app.screen._compositor.render_strips()
        colours = {s.style.color.triplet for strip in strips for s in strip if s.style and s.style.color}
        assert all(colour is None or len(set(colour)) == 1 for colour in colours), "greys alone"
        screen = shows(pilot.app)
        assert "▸ 5" in screen
        assert "✗" in screen

    drive(app_of(build.story(), step=5), story)
