"""Calls made again and statements of one's own, on the bundled record."""

from __future__ import annotations

import json
import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Region

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import InputError
from clinseek_core.journal.events import DataInfo
from clinseek_core.tools.spec import ToolResult
from clinseek_fixtures import world_store_path
from clinseek_tui.query_history import QueryHistory
from clinseek_tui.running.desk import Desk, Made, data_path
from clinseek_tui.view.again import made_content

PATIENT, CUTOFF = 90000001, datetime(2150, 3, 2, 17, 20)
SQL = "SELECT count(*) AS rows FROM labevents"
ASKED = {"subject_id": str(PATIENT), "sql_query": SQL}


@pytest.fixture(scope="module")
def recorded() -> tuple[ToolResult, str]:
    """What the query gives, and the digest of the snapshot it is asked of."""
    with EhrSession(world_store_path(), PATIENT, CUTOFF, Policy()) as session:
        return session.call("ehr.run_sql_query", ASKED), session.digest


@pytest.fixture
def run_of(build: Any, recorded: tuple[ToolResult, str]) -> Any:
    result, digest = recorded

    def make(text: str = result.text, **fields: Any) -> Any:
        call = build.call("ehr.run_sql_query", ASKED, text, table=result.table)
        known = {"prediction_time": CUTOFF, "data": DataInfo(source="bundled", digest=digest)}
        return build.run(build.step(1, call), status="stopped", **(known | fields))

    return make


def test_a_call_is_made_again_and_another_statement_too_and_both_stay_at_hand(
    app_of: Any, run_of: Any, drive: Any, look: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        at = partial(look, pilot)

        screen = await at("x")
        assert "s1.c1 again: ehr.run_sql_query · " in screen
        assert "✓ the same as the run was given" in screen
        assert "ctrl+r F5 run" in await at("i")
        editor = pilot.app.screen.query_one("Editor")
        assert editor.area.text == "SELECT count(*) AS rows\nFROM labevents"
        editor.area.text = "SELECT 7 AS seven, q FROM nothing"
        assert "nothing" in await at("f5")
        assert "✗ error" in shows(pilot.app)
        assert "another call than the run made" in shows(pilot.app)
        await at("i")
        pilot.app.screen.query_one("Editor").area.text = "SELECT 7 AS seven"
        screen = await at("ctrl+r")
        assert "3 of 3 made" in screen
        assert "seven" in screen
        assert "2 of 3 made" in await at("[")
        assert "3 of 3 made" in await at("]")
        assert "count(*)" not in await at("i", "escape"), "leaving runs nothing"
        assert "3 of 3 made" in shows(pilot.app)
        assert "again" not in (await at("escape")).split("\n")[1]

    drive(app_of(run_of()), story)


def test_a_plan_tells_how_a_query_was_answered_and_closing_it_goes_back(
    app_of: Any, run_of: Any, build: Any, drive: Any, look: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        at = partial(look, pilot)

        screen = await at("P")
        assert "s1.c1 plan · " in screen
        assert "in the engine, " in screen
        assert "SELECT count(*) AS rows" in screen
        assert "operator" in screen
        assert "s1.c1 plan, row 1 in full" in await at("enter"), "an operator in full"
        assert "operator" in shows(pilot.app)
        assert "s1.c1 plan · " in await at("escape")
        await at("i")
        pilot.app.screen.query_one("Editor").area.text = "SELECT 7 AS seven"
        assert "seven" in await at("f5")
        assert "again, row 1 in full" in await at("enter"), "a row of what was made, not of what was recorded"
        assert "seven  7" in shows(pilot.app)
        await at("escape")
        assert "SELECT 7 AS seven" in await at("P")
        assert "s1.c1 again: " in await at("escape"), "closing goes back to what the query gave"
        assert "again" not in (await at("escape")).split("\n")[1]
        await at("i")
        pilot.app.screen.query_one("Editor").area.text = "SELECT FROM WHERE"
        await at("f5")
        await at("P")
        told = [notification.message for notification in pilot.app._notifications]
        assert "syntax error" in told[-1]
        assert "again" in shows(pilot.app).split("\n")[1], "what was shown stays"
        assert "s2" in await at("l"), "a step closes it"
        before = shows(pilot.app)
        assert await at("P") == before, "there is nothing to plan where no query is"

    run = run_of()
    drive(
        app_of(build.run(*run.steps, build.step(2, text="s2 said"), data=run.data, prediction_time=CUTOFF)),
        story,
    )


def test_statements_that_were_run_are_recalled_here_and_in_the_next_session(
    app_of: Any, run_of: Any, drive: Any, shows: Any
) -> None:
    async def write(pilot: Any, text: str, *keys: str) -> str:
        await pilot.press("i")
        area = pilot.app.screen.query_one("Editor").area
        area.text = text
        await pilot.press(*keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        return area.text

    async def first(pilot: Any) -> None:
        await write(pilot, "SELECT 1 AS one", "f5")
        await write(pilot, "SELECT 2 AS two", "f5")
        await write(pilot, "SELECT 1 AS one", "f5")

    async def later(pilot: Any) -> None:
        assert await write(pilot, "my draft", "ctrl+p") == "SELECT 1 AS one"
        screen = shows(pilot.app)
        assert "2 of 2 that were run" in screen
        area = pilot.app.screen.query_one("Editor").area
        await pilot.press("ctrl+p", "ctrl+p")
        assert area.text == "SELECT 2 AS two", (
            "what is run twice is kept once, and before the first is nothing"
        )
        await pilot.press("x", "ctrl+n", "ctrl+n", "ctrl+n")
        assert area.text == "my draft"
        await pilot.press("ctrl+p", "ctrl+p")
        assert area.text == "SELECT 2 AS twox", "what was changed is there while the editor is open"
        area.text = "select a, b from t where c=1 order by d"
        await pilot.press("ctrl+l")
        assert area.text == "select a, b\nfrom t\nwhere c=1\norder by d"
        await pilot.press("escape")

    drive(app_of(run_of()), first)
    kept = Path(os.environ["XDG_STATE_HOME"]) / "clinseek-tui" / "queries.jsonl"
    assert kept.stat().st_mode & 0o077 == 0, "for its owner alone"
    drive(app_of(run_of()), later)


def test_a_history_that_is_damaged_or_can_not_be_written_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    long = json.dumps("SELECT '" + "x" * 30_000 + "'")
    path.write_bytes(
        b'"SELECT 1"\n{"a": 1}\n\xff\xfe broken\n' + b"[" * 99_999 + b"\n" + long.encode() + b"\n7\n"
    )
    history = QueryHistory(path)
    assert history.texts == ("SELECT 1",)
    for number in range(300):
        history.add(f"SELECT {number}")
    history.add(" \n")
    again = QueryHistory(path)
    assert again.texts == history.texts
    assert len(again.texts) == 200
    assert again.texts[-1] == "SELECT 299"
    nowhere = QueryHistory(Path("/proc/nowhere/queries.jsonl"))
    nowhere.add("SELECT 1")
    assert nowhere.texts == ("SELECT 1",)


def test_the_words_of_sql_are_told_apart_while_it_is_written(app_of: Any, run_of: Any, drive: Any) -> None:
    text = "select '水' as w, 1.5 -- note\nfrom labevents /* over\ntwo lines */ where 'é' is not null"

    async def story(pilot: Any) -> None:
        await pilot.press("i")
        area = pilot.app.screen.query_one("Editor").area
        assert len(area._highlights) == 2, "what it begins with is marked at once"
        area.text = text
        await pilot.pause()
        lines = text.split("\n")
        found = {
            lines[row].encode()[start:end].decode()
            for row, marks in area._highlights.items()
            for start, end, _ in marks
        }
        assert {"select", "'水'", "1.5", "from", "/* over", "two lines */", "where", "'é'"} <= found
        strips = area.render_lines(Region(0, 0, 60, 3))
        styles = {segment.text: segment.style for segment in strips[1]}
        assert styles["from"].bold
        assert not styles[" labevents "].bold
        assert styles["from"].color != styles[" labevents "].color
        await pilot.press("escape")

    drive(app_of(run_of()), story)


def test_what_differs_from_the_recording_is_said(run_of: Any, recorded: tuple[ToolResult, str]) -> None:
    result, _ = recorded
    made = Made(
        run_id="r1",
        anchor="s1.c1",
        name="ehr.run_sql_query",
        arguments=ASKED,
        result=result,
        ms=3,
        same_data=False,
    )
    other = made_content(made, run_of("other text").steps[0].calls[0], 1, 1)
    told = [block.text for block in other.asked]
    assert "± not what the run was given" in told
    assert "the record there is not the one that the run read" in told
    head = run_of(result.text[:4]).steps[0].calls[0]
    assert "± not what the run was given" in [b.text for b in made_content(made, head, 1, 1).asked]


def test_the_record_is_the_one_named_or_the_one_that_the_recording_names(build: Any, tmp_path: Path) -> None:
    run = build.run(data=DataInfo(source="bundled", digest=""))
    assert data_path(run) == world_store_path()
    assert data_path(run, tmp_path) == tmp_path
    assert data_path(build.run(data=DataInfo(source=str(tmp_path), digest=""))) == tmp_path
    with pytest.raises(InputError, match="is not there: open it with --ehr"):
        data_path(build.run(data=DataInfo(source=str(tmp_path / "gone"), digest="")))
    with pytest.raises(InputError, match="does not say what record it read: open it with --ehr"):
        data_path(build.run())


def test_without_the_record_it_is_told_what_is_missing(
    app_of: Any, run_of: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        await pilot.press("x")
        await pilot.app.workers.wait_for_complete()
        told = [notification.message for notification in pilot.app._notifications]
        assert "does not say what record it read: open it with --ehr PATH" in told[-1]

    drive(app_of(run_of(data=None)), story)
    with pytest.raises(InputError, match="whose record it is"):
        Desk().call(run_of(subject_id=None), "s1.c1", "ehr.run_sql_query", ASKED)


def test_giving_up_ends_the_process_and_the_next_call_has_a_new_one(run_of: Any) -> None:
    desk = Desk()
    told: list[str] = []
    try:
        first = desk.call(run_of(), "s1.c1", "ehr.run_sql_query", ASKED, told.append)
        desk.close()
        again = desk.call(run_of(), "s1.c1", "ehr.run_sql_query", ASKED, told.append)
        assert first.result == again.result
        assert first.same_data
        assert sum(text.startswith("opening the record") for text in told) == 2
    finally:
        desk.close()
