"""The default executor: runs wait for endpoints and worker processes, so threads of an event loop do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from clinseek_core.agent import Control
from clinseek_tui.benching.carrying import Outcome
from clinseek_tui.benching.jobs import Job

__all__ = ["run_in_threads"]


def run_in_threads(
    jobs: Iterable[Job],
    carry: Callable[[Job], Outcome],
    at_once: int,
    control: Control,
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Carry all jobs, `at_once` of them at a time; `on_outcome` is called in this thread, one by one.

    After a stop none is begun, and those under way end by it.
    """
    asyncio.run(_all_lanes(iter(jobs), carry, at_once, control, on_outcome))


async def _all_lanes(
    jobs: Iterator[Job],
    carry: Callable[[Job], Outcome],
    at_once: int,
    control: Control,
    on_outcome: Callable[[Outcome], None],
) -> None:
    with ThreadPoolExecutor(at_once, thread_name_prefix="bench") as threads:

        async def lane() -> None:
            for job in jobs:
                if control.stopped:
                    return
                on_outcome(await asyncio.get_running_loop().run_in_executor(threads, carry, job))

        await asyncio.gather(*(lane() for _ in range(at_once)))
