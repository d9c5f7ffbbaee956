"""Keys of a live run whose calls wait for a person, and what the header says it has used."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from clinseek_core.agent.approval import AskedCall, Decision
from clinseek_core.journal import CallRequest, Usage
from clinseek_tui.app import DebuggerApp
from clinseek_tui.cli import main
from clinseek_tui.view.budget import Price, budget_words, price_in

CALL = AskedCall(2, 1, CallRequest(id="x", name="ehr.think", arguments={"response": "hm"}))


@pytest.fixture
def waiting(build: Any, source_of: Any, port_of: Any) -> Any:
    port = port_of()
    port.waiting_call = CALL
    run = build.run(build.step(1, build.call("ehr.think", {}, "ok")))
    return port, DebuggerApp(source_of(run, mode="live"), port, ascii_only=False)


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (["a"], Decision(what="run")),
        (["d", *"too broad".replace(" ", "_"), "enter"], Decision(what="refuse", why="too_broad")),
        (["E", "ctrl+u", *'{"response":"x"}', "enter"], Decision(what="edit", arguments={"response": "x"})),
    ],
    ids=["allow", "refuse", "change"],
)
def test_a_key_says_what_becomes_of_the_call(
    waiting: Any, drive: Any, shows: Any, keys: list[str], decision: Decision
) -> None:
    port, app = waiting

    async def story(pilot: Any) -> None:
        assert "s2.c1 waits for you" in shows(pilot.app)
        await pilot.press(*keys)
        await pilot.pause()
        assert port.decisions == [decision]

    drive(app, story)


def test_arguments_that_are_no_object_are_told_and_the_call_still_waits(
    waiting: Any, drive: Any, shows: Any
) -> None:
    port, app = waiting

    async def story(pilot: Any) -> None:
        await pilot.press("E", "ctrl+u", "7", "enter")
        await pilot.pause()
        assert "JSON object" in shows(pilot.app)
        assert port.decisions == []

    drive(app, story)


def test_the_call_that_waits_is_looked_at_and_its_keys_are_named_first(
    build: Any, source_of: Any, port_of: Any, drive: Any, shows: Any
) -> None:
    port = port_of()
    first, second = (build.call(f"ehr.{name}", {"n": 1}, status="pending") for name in ("one", "two"))
    source = source_of(build.run(build.step(1, build.call("ehr.think", {}, "ok"))), mode="live")
    app = DebuggerApp(source, port, ascii_only=False)

    async def comes(pilot: Any, text: str) -> str:
        end = time.monotonic() + 10
        while text not in shows(pilot.app):
            assert time.monotonic() < end, text
            await pilot.pause(0.02)
        screen: str = shows(pilot.app)
        return screen

    async def story(pilot: Any) -> None:
        source.grow(build.run(build.step(1, build.call("ehr.think", {}, "ok")), build.step(2, first, second)))
        await comes(pilot, "s2.c2 ehr.two")
        port.waiting_call = CALL
        screen = await comes(pilot, "s2.c1 ehr.one")
        assert screen.splitlines()[-1].startswith(" a allow  E change  d refuse")
        await pilot.press("h")
        await pilot.pause(0.3)
        assert "s1.c1 ehr.think" in shows(pilot.app), "one may look elsewhere while it waits"
        port.waiting_call = msgspec.structs.replace(CALL, call=2)
        await comes(pilot, "s2.c2 ehr.two")

    drive(app, story, (80, 24))


def test_a_call_is_changed_from_the_arguments_it_has(waiting: Any, drive: Any, shows: Any) -> None:
    port, app = waiting

    async def story(pilot: Any) -> None:
        await pilot.press("E")
        assert '{"response": "hm"}' in shows(pilot.app)
        await pilot.press("backspace", "backspace", *'m"}', "enter")
        assert port.decisions == [Decision(what="edit", arguments={"response": "hmm"})]

    drive(app, story)


def test_who_is_not_there_can_not_be_asked(capsys: Any) -> None:
    assert main(["run", "--headless", "--approve"]) == 2
    assert "asks on the screen" in capsys.readouterr().err


def test_asking_before_calls_is_switched_by_a_key(waiting: Any, drive: Any) -> None:
    port, app = waiting

    async def story(pilot: Any) -> None:
        await pilot.press("A")
        await pilot.press("A")
        assert port.asked == ["approve True", "approve False"]

    drive(app, story)


def text(run: Any, price: Price | None = None) -> str:
    return "".join(words for words, _ in budget_words(run, price))


def test_the_budget_is_told_as_far_as_it_is_known(build: Any) -> None:
    def step(size: int, usage: Usage | None) -> Any:
        return msgspec.structs.replace(build.step(1, build.call("ehr.think", {}, "x" * size)), usage=usage)

    run = build.run(step(1500, None), max_rounds=200)
    assert text(run) == "█░░░░░░░ 1/200 rounds · 1.5k characters"
    used = build.run(step(1, Usage(input_tokens=2_000_000, output_tokens=1_000_000)), max_rounds=None)
    assert text(used, Price(3.0, 15.0)) == " 1 rounds · 3.0M tokens · 1 characters · cost 21.00"


@pytest.mark.parametrize(
    ("written", "price"),
    [("3,15", Price(3, 15)), ("", None), ("3", None), ("a,b", None), ("-1,2", None), ("nan,1", None)],
)
def test_a_price_is_two_numbers(written: str, price: Price | None) -> None:
    assert price_in({"CLINSEEK_PRICE": written}) == price
