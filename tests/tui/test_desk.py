"""Calls made again and statements of one's own, on the bundled record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import InputError
from clinseek_core.journal.events import DataInfo
from clinseek_core.tools.spec import ToolResult
from clinseek_fixtures import world_path
from clinseek_tui.running.desk import Desk, Made, data_path
from clinseek_tui.view.again import made_content

PATIENT, CUTOFF = 90000001, datetime(2150, 3, 2, 17, 20)
SQL = "SELECT count(*) AS rows FROM labevents"
ASKED = {"subject_id": str(PATIENT), "sql_query": SQL}


@pytest.fixture(scope="module")
def recorded() -> tuple[ToolResult, str]:
    """What the query gives, and the digest of the snapshot it is asked of."""
    with EhrSession(world_path(), PATIENT, CUTOFF, Policy()) as session:
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
    app_of: Any, run_of: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            return shows(pilot.app)

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
    assert data_path(run) == world_path()
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
