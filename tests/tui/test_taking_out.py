"""What leaves the screen: copied, opened in other programs, or in other colours."""

from __future__ import annotations

from typing import Any

import pytest

from clinseek_core.errors import InputError
from clinseek_tui.app import DebuggerApp
from clinseek_tui.configuration import Configuration
from clinseek_tui.screens.outside_screen import MOST_COPIED, program_of


async def settled(pilot: Any, *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def test_y_copies_a_whole_table_with_tabs_and_a_text_pane_as_it_reads(
    app_of: Any, build: Any, drive: Any
) -> None:
    async def story(pilot: Any) -> None:
        await settled(pilot, "y")
        lines = pilot.app.clipboard.splitlines()
        assert lines[0] == "charttime\tknown_at\tlabel\tvaluenum"
        assert len(lines) == 38, "the rows that are out of view too"
        await settled(pilot, "2", "y")
        assert "SELECT" in pilot.app.clipboard
        await settled(pilot, "t")
        await settled(pilot, "y")
        assert "cutoff" in pilot.app.clipboard

    drive(app_of(build.story(), step=4), story)


def test_nothing_that_acts_on_a_terminal_is_copied(app_of: Any, build: Any, drive: Any) -> None:
    text = "\x1b[31mred\x1b]52;c;eA==\x07 \u202egnp \x00 a\tb\nnext"
    table = build.table("a\x1b[1m b", (text, None))
    calls = [build.call("x", {}, "…", table=table), build.call("browser.open", {}, text)]

    async def story(pilot: Any) -> None:
        for keys in (("y",), ("l", "y"), ("7", "y"), ("0", "y")):
            await settled(pilot, *keys)
            copied = pilot.app.clipboard
            assert copied
            assert not set(copied) & {"\x1b", "\x07", "\x00", "\u202e"}
        await settled(pilot, "h", "1", "y")
        assert all(line.count("\t") <= 1 for line in pilot.app.clipboard.splitlines())

    drive(app_of(build.run(build.step(1, *calls), task=text)), story)


def test_more_than_a_terminal_takes_is_refused_and_told(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    run = build.run(build.step(1, build.call("x", {}, "é" * MOST_COPIED)))

    async def story(pilot: Any) -> None:
        await settled(pilot, "y")
        assert pilot.app.clipboard == ""
        assert "terminals copy 74,994 at" in shows(pilot.app)

    drive(app_of(run), story)


def test_a_clipboard_that_is_off_stays_as_it_is(build: Any, source_of: Any, drive: Any, shows: Any) -> None:
    app = DebuggerApp(
        source_of(build.story()), ascii_only=False, configuration=Configuration(clipboard="off")
    )

    async def story(pilot: Any) -> None:
        await settled(pilot, "y")
        assert pilot.app.clipboard == ""
        assert "clipboard is off" in shows(pilot.app)

    drive(app, story)


def test_without_a_terminal_of_its_own_the_pager_is_told_to_be_out_of_reach(
    app_of: Any, build: Any, drive: Any, shows: Any
) -> None:
    async def story(pilot: Any) -> None:
        await settled(pilot, "o")
        assert "the pager needs a terminal" in shows(pilot.app)

    drive(app_of(build.story()), story)


def test_colours_change_by_command(app_of: Any, build: Any, drive: Any, shows: Any) -> None:
    async def story(pilot: Any) -> None:
        await settled(pilot, ":", *"theme", "space", *"contrast", "enter")
        assert pilot.app.theme == "clinseek-contrast"
        await settled(pilot, ":", *"theme", "space", *"pink", "enter")
        assert pilot.app.theme == "clinseek-contrast"
        assert "is no theme" in shows(pilot.app)

    drive(app_of(build.story()), story)


def test_the_settings_go_before_the_environment_and_defaults_come_last() -> None:
    mine = Configuration(pager="less -S 'a b'", editor="ed")
    assert program_of("pager", mine, {"PAGER": "more"}) == ["less", "-S", "a b"]
    assert program_of("pager", Configuration(), {"PAGER": "more"}) == ["more"]
    assert program_of("pager", Configuration(), {}) == ["less"]
    assert program_of("editor", Configuration(), {"EDITOR": "nano", "VISUAL": "vim"}) == ["vim"]
    assert program_of("editor", Configuration(), {}) == ["vi"]
    with pytest.raises(InputError, match="mend its quotes"):
        program_of("pager", Configuration(pager="less '"), {})
    with pytest.raises(InputError, match="names no program"):
        program_of("pager", Configuration(pager="  "), {})
