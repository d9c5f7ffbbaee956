"""Analyses beside the keys: each in a thread of its own, given up at once when nobody waits any more.

The threads are daemons and no executor's: one that does not come to an end does not hold up quitting. They
must not run native code that lets other threads run meanwhile, as DuckDB does: a thread that is ended in the
midst of it takes the process down. What needs that is asked of a worker process.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload
from weakref import WeakSet

import msgspec

from clinseek_core.errors import ClinseekError
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["AnalysisError", "Turn", "apart", "made", "streamed"]

_REST = 10
"""How many times as long as an analysis took a run may grow before it is made again."""
_GATHER_S = 0.1
"""Seconds over which what streams in is gathered, so that the screen is not drawn for each of it."""

_PATIENCE_S = 2.0
"""Seconds that the end of the program waits for analyses that were given up to come to their next step."""
_THREADS: WeakSet[threading.Thread] = WeakSet()

T = TypeVar("T")


class AnalysisError(ClinseekError):
    """An analysis that failed where it should not: its place on the screen says so, the app goes on."""


class Turn:
    """When an analysis of a run that may grow is due: not while it is under way, nor all the time."""

    def __init__(self) -> None:
        self._of: Trajectory | None = None
        self._begun = 0.0
        self._due = 0.0

    def forget(self) -> None:
        """Another run is looked at: what was made or is being made is of no use."""
        self._of, self._due = None, 0.0

    def due(self, run: Trajectory) -> bool:
        """Whether this run has not been analysed yet, and it is time to."""
        return run is not self._of and time.monotonic() >= self._due

    def begin(self) -> None:
        """It is under way."""
        self._begun, self._due = time.monotonic(), math.inf

    def end(self, run: Trajectory) -> None:
        """It is done for this run, or can't be."""
        self._of, now = run, time.monotonic()
        self._due = now + _REST * (now - self._begun)


class _GivenUpError(Exception):
    """Nobody waits for the analysis any more."""


class _Steps(Sequence[Step]):
    """The steps of a run until `given_up` is set: then the next step that is asked for ends the analysis."""

    def __init__(self, steps: Sequence[Step], given_up: threading.Event) -> None:
        self._steps = steps
        self._given_up = given_up

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if self._given_up.is_set():
            raise _GivenUpError
        return self._steps[index]

    def __iter__(self) -> Iterator[Step]:
        return (self[place] for place in range(len(self._steps)))


class _Belt(Generic[T]):
    """What a thread has found so far, on its way to the event loop; the loop is woken once for all of it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._found: list[T] = []
        self._ended = False
        self._error: ClinseekError | None = None
        self._news = asyncio.Event()

    def put(self, one: T) -> None:
        """Called by the thread."""
        with self._lock:
            first = not self._found
            self._found.append(one)
        if first:
            self._wake()

    def end(self, error: ClinseekError | None = None) -> None:
        """Called by the thread: nothing more will come."""
        with self._lock:
            self._ended, self._error = True, error
        self._wake()

    async def take(self) -> tuple[list[T], bool]:
        """What was found since the last call, once there is anything, and whether that is all."""
        await self._news.wait()
        self._news.clear()
        with self._lock:
            found, self._found = self._found, []
            if self._ended and self._error is not None and not found:
                raise self._error
            if self._error is not None:
                self._news.set()
            return found, self._ended and self._error is None

    def _wake(self) -> None:
        # A loop that has closed has nobody left who would be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._news.set)


async def made(analysis: Callable[[Trajectory], T], run: Trajectory) -> T:
    """What an analysis makes of a run. Raises ClinseekError where it can't; cancelled, the analysis ends."""
    async with contextlib.aclosing(streamed(lambda watched: iter((analysis(watched),)), run)) as results:
        async for [result] in results:
            return result
    raise AnalysisError("an analysis ended without a result")


async def apart(work: Callable[[], T]) -> T:
    """What `work` gives; cancelled, it goes on and what it gives is forgotten. Raises as `made` does."""
    return await made(lambda _: work(), Trajectory(run_id="", source="", format=""))


async def streamed(
    analysis: Callable[[Trajectory], Iterator[T]], run: Trajectory
) -> AsyncGenerator[list[T], None]:
    """What an analysis finds in a run, some at a time as it comes. Raises as `made` does."""
    belt: _Belt[T] = _Belt()
    given_up = threading.Event()
    watched = msgspec.structs.replace(run, steps=_Steps(run.steps, given_up))
    thread = threading.Thread(target=_work, args=(analysis, watched, belt), name="analysis", daemon=True)
    _THREADS.add(thread)
    thread.start()
    try:
        ended = False
        while not ended:
            found, ended = await belt.take()
            if found:
                yield found
            if not ended:
                await asyncio.sleep(_GATHER_S)
    finally:
        given_up.set()


def _let_end() -> None:
    """Let analyses that were given up end by themselves, where they do so soon."""
    until = time.monotonic() + _PATIENCE_S
    for thread in list(_THREADS):
        thread.join(max(until - time.monotonic(), 0))


atexit.register(_let_end)


def _work(analysis: Callable[[Trajectory], Iterator[T]], watched: Trajectory, belt: _Belt[T]) -> None:
    try:
        for one in analysis(watched):
            belt.put(one)
    except _GivenUpError:
        return
    except ClinseekError as error:
        belt.end(error)
    except Exception as error:  # noqa: BLE001 - a person goes on with the run, whatever an analysis meets
        belt.end(AnalysisError(f"an analysis failed ({type(error).__name__}: {error})"))
    else:
        belt.end()
