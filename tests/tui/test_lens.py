"""The time lens in the app."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from clinseek_core.journal.events import DataInfo
from clinseek_tui.cli import main

ROWS = (("charttime", "valuenum"), ("2150-03-02 23:00:00", "1.7"), ("2150-03-03 18:10:00", "7.7"))
LATE = "\n".join(f"{at:>19} {value:>8}" for at, value in ROWS)


def story_of(build: Any, **fields: Any) -> Any:
    calls = [
        build.call("ehr.get_latest_records", {"table_name": "omr"}, "2150-03-02 21:00:00"),
        build.call("ehr.run_sql_query", {"sql_query": "SELECT * FROM labevents"}, LATE),
    ]
    return build.run(*(build.step(n, each) for n, each in enumerate(calls, 1)), status="stopped", **fields)


def test_the_lens_opens_zooms_and_leads_to_a_call(
    app_of: Any, build: Any, drive: Any, look: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        at = partial(look, pilot)

        screen = await at("t")
        assert "time lens · 12 hours before the cutoff" in screen
        assert "cutoff 2150-03-03 06:00 │" in screen
        assert "⚑ s2.c1 ⌗ labevents" in screen
        assert "+ - closer" in screen
        assert "time lens · 2 days before the cutoff" in await at("-")
        assert "time lens · 12 hours before the cutoff" in await at("+", "+")
        screen = await at("j", "enter")
        assert "s2.c1 ehr.run_sql_query" in screen
        assert "time lens" not in screen
        assert "▸ ⚑ s2.c1" in await at("t"), "one is where one was"
        await at("end", "enter")
        assert pilot.app.screen.looking.anchor == "s2.c1", "a leak leads to its call"
        assert "time lens" not in await at("t", "escape")

    drive(app_of(story_of(build)), story)


def test_the_lens_fits_a_narrow_screen_and_ascii(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        await pilot.press("t")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        lines = shows(pilot.app).split("\n")
        assert len(lines) == 24
        assert max(map(len, lines)) <= 80
        assert any("L s2.c1" in line for line in lines)
        assert all(line.isascii() for line in lines)

    drive(app_of(story_of(build), ascii_only=True), story, (80, 24))


def test_the_record_itself_is_shown_where_it_is_at_hand(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    data = DataInfo(source="bundled", digest="")
    run = story_of(build, prediction_time=datetime(2150, 3, 2, 17, 20), data=data)

    async def story(pilot: Any) -> None:
        await pilot.press("t")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        screen = shows(pilot.app)
        assert "the record, by table" in screen
        assert "labevents 108" in screen
        assert "└ known" in screen

    drive(app_of(run), story)


def test_the_lens_as_text_and_as_json(capsys: Any) -> None:
    golden = str(Path(__file__).parents[1] / "golden" / "journal-1.jsonl")
    assert main(["replay", golden, "--plain", "--time"]) == 0
    out = capsys.readouterr().out
    assert "cutoff 2150-03-03 06:00 │" in out
    assert "what each call looked at" in out
    assert max(map(len, out.splitlines())) <= 100
    assert main(["replay", golden, "--json", "--time"]) == 0
    assert json.loads(capsys.readouterr().out)["cutoff"]
