"""The main screens, compared with stored pictures (`pytest --snapshot-update` stores them anew)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clinseek_core.case import Policy
from clinseek_tui.app import DebuggerApp
from clinseek_tui.live import Progress

WIDE, NARROW = (120, 40), (80, 24)


async def settled(pilot: Any) -> None:
    pilot.app.screen._look_again()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.fixture
def matches(snap_compare: Any) -> Any:
    def compare(app: DebuggerApp, *keys: str, size: tuple[int, int] = WIDE) -> bool:
        same: bool = snap_compare(app, press=keys, terminal_size=size, run_before=settled)
        return same

    return compare


def test_a_query_and_its_table(app_of: Any, build: Any, matches: Any) -> None:
    assert matches(app_of(build.story(), step=4), "j", "j")


def test_light(app_of: Any, build: Any, matches: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", "clinseek-light")
    assert matches(app_of(build.story(), step=4))


@pytest.mark.parametrize("keys", [(), ("shift+tab", "shift+tab")], ids=["call", "timeline"])
def test_narrow(app_of: Any, build: Any, matches: Any, keys: tuple[str, ...]) -> None:
    assert matches(app_of(build.story(), step=4), *keys, size=NARROW)


@pytest.mark.parametrize(
    "keys",
    [("0",), ("7",), ("l",), ("f1",), ("?",), ("j", "enter"), ("/", *"renal", "enter"), ("t",), ("e",)],
    ids=["case", "raw", "error", "answer", "help", "record", "search", "lens", "context"],
)
def test_pages(app_of: Any, build: Any, matches: Any, keys: tuple[str, ...]) -> None:
    assert matches(app_of(build.story(), step=4), *keys)


def test_ascii(app_of: Any, build: Any, matches: Any) -> None:
    assert matches(app_of(build.story(), step=6, ascii_only=True), size=NARROW)


def test_several_runs_the_last_without_an_end_under_the_upstream_cutoff(
    app_of: Any, build: Any, matches: Any
) -> None:
    upstream = build.run(build.step(1, text="I look."), policy=Policy(basis="upstream", boundary="inclusive"))
    assert matches(app_of(build.story(), upstream), "L")


def test_nothing_yet(app_of: Any, build: Any, matches: Any) -> None:
    assert matches(app_of(build.run()))


def test_an_error_alone(app_of: Any, build: Any, matches: Any) -> None:
    run = build.run(status="error", stop_reason="exception", message="RateLimitError: 429 after 5 tries")
    assert matches(app_of(run))


def test_hostile_text(app_of: Any, build: Any, matches: Any) -> None:
    text = "\x1b[31mred\x1b]8;;x\x1b\\link \u202egnp\u202c [bold]plain[/bold] zero\u200bwidth 水 e\u0301\n"
    table = build.table("a [b]c[/b]", (text, 1), (None, 2))
    call = build.call(f"ehr.{text}", {"sql_query": f"select '{text}'"}, text * 9, table=table)
    assert matches(app_of(build.run(build.step(1, call, reasoning=text), task=text)))


def test_a_paused_run(build: Any, matches: Any, source_of: Any, port_of: Any) -> None:
    story = build.story()
    young = msgspec.structs.replace(story, steps=story.steps[:5], status="", answer=None)
    port = port_of(Progress(state="waiting", text="waiting for the model", anchor="s6"), paused=True)
    assert matches(DebuggerApp(source_of(young, mode="live"), port, ascii_only=False))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_command_line(app_of: Any, build: Any, matches: Any, size: tuple[int, int]) -> None:
    assert matches(app_of(build.story(), step=4), ":", "r", "u", "down", size=size)


def test_a_stop(app_of: Any, build: Any, matches: Any) -> None:
    assert matches(app_of(build.story()), "b", *"error", "enter", "c")


async def with_key(pilot: Any, key: str) -> None:
    """Press a key that lets a film be read, and wait for it."""
    await settled(pilot)
    await pilot.press(key)
    await settled(pilot)


def test_a_film(coloured: Any, films_run: Any, snap_compare: Any) -> None:
    app = coloured(films_run())
    assert snap_compare(app, terminal_size=NARROW, run_before=lambda pilot: with_key(pilot, "p"))


def test_a_film_in_characters(coloured: Any, films_run: Any, snap_compare: Any) -> None:
    app = coloured(films_run(), ascii_only=True)
    assert snap_compare(app, terminal_size=NARROW, run_before=lambda pilot: with_key(pilot, "l"))
