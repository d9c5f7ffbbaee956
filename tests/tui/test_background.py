"""Analyses in threads: what they find comes in order, and nobody waits for one that was given up."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from clinseek_core.errors import ClinseekError, InputError
from clinseek_replay.trajectory import Step, Trajectory
from clinseek_tui.background import AnalysisError, apart, made, streamed

RUN = Trajectory(run_id="r", source="", format="", steps=tuple(Step(number=n) for n in range(1, 1001)))


def test_an_analysis_sees_the_run_and_gives_what_it_makes() -> None:
    assert asyncio.run(made(lambda run: sum(step.number for step in run.steps), RUN)) == 500_500
    assert asyncio.run(apart(lambda: threading.current_thread().name)) == "analysis"


def test_what_streams_in_is_gathered_and_nothing_is_lost_or_turned_round() -> None:
    async def story() -> list[list[int]]:
        return [some async for some in streamed(lambda run: (step.number for step in run.steps), RUN)]

    batches = asyncio.run(story())
    assert [number for batch in batches for number in batch] == list(range(1, 1001))
    assert len(batches) < 100


@pytest.mark.parametrize(
    ("raised", "shown"), [(InputError("the file has changed"), InputError), (KeyError("x"), AnalysisError)]
)
def test_an_analysis_that_fails_says_so_after_what_it_had_found(
    raised: Exception, shown: type[ClinseekError]
) -> None:
    def fails(run: Trajectory) -> Iterator[int]:
        yield 1
        raise raised

    async def story() -> list[int]:
        got: list[int] = []

        async def listen() -> None:
            async for some in streamed(fails, RUN):
                got.extend(some)

        with pytest.raises(shown):
            await listen()
        return got

    assert asyncio.run(story()) == [1]


def test_an_analysis_that_nobody_waits_for_ends_at_its_next_step() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(run: Trajectory) -> Iterator[int]:
        try:
            for step in run.steps:
                begun.set()
                go_on.wait(10)
                yield step.number
        finally:
            ended.set()

    async def story() -> Any:
        task = asyncio.ensure_future(made(lambda run: list(slow(run)), RUN))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        go_on.set()
        return await asyncio.to_thread(ended.wait, 10)

    assert asyncio.run(story())


def test_quitting_does_not_wait_for_an_analysis() -> None:
    forever = threading.Event()

    async def story() -> None:
        task = asyncio.ensure_future(apart(forever.wait))
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(story())
    assert any(thread.name == "analysis" and thread.daemon for thread in threading.enumerate())
    forever.set()


LEAVING = """
import asyncio, time
from clinseek_replay.trajectory import Step, Trajectory
from clinseek_tui.background import apart, made

run = Trajectory(run_id="r", source="", format="", steps=tuple(Step(number=n) for n in range(1, 100)))

async def main():
    tasks = [
        asyncio.ensure_future(made(lambda run: [time.sleep(0.05) for _ in run.steps], run)),
        asyncio.ensure_future(apart(lambda: time.sleep(60))),
    ]
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()

asyncio.run(main())
"""


def test_the_program_ends_well_and_soon_though_analyses_are_under_way() -> None:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", LEAVING], check=False, capture_output=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, b"")
    assert time.monotonic() - began < 30, "it did not wait for the one that sleeps for a minute"
