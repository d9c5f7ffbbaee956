"""One function over many runs, on all cores: results in order, progress told, an end at any moment.

The runs are read in processes of their own. Each is a fresh interpreter, never a fork, so that this works
from an app with threads; it lives no longer than the iteration, and a run that kills it costs only that run.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from typing import TypeVar, cast

import msgspec

from clinseek_core.errors import InputError, WorkerError
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory

__all__ = ["OnProgress", "map_runs", "serve"]

R = TypeVar("R")

OnProgress = Callable[[int, int], None]
"""Gets how many runs are done, and how many there are."""

_TRIED_S = 0.1
"""The first runs are done here for this long, to see how long all would take."""
_WORTH_S = 1.0
"""Work that takes longer than this is given to processes, which take some tenths of a second to start."""
_PART_BYTES = 256 * 1024
_PART_RUNS = 32
"""A process is given this much at a time, or this many small runs."""
_PARTS_AHEAD = 2
"""Parts that a process has been given, so that it never waits for the next."""
_PARTS_HELD = 8
"""Parts for each process that may be begun behind the first that is not finished: it bounds what is held."""
_SERVE = f"import sys; from {__name__} import serve; serve(int(sys.argv[1]))"


_Task = tuple[int, int]
"""A run's place in the work, and its position in the recordings."""
_Part = list[_Task]


def map_runs(
    recordings: Recordings,
    positions: Iterable[int],
    function: Callable[[Trajectory], R],
    on_progress: OnProgress | None = None,
    jobs: int | None = None,
) -> Iterator[tuple[int, R | InputError]]:
    """`(position, function(run))` for each position, in their order.

    `function` is a callable that pickles: a function of a module, or a partial of one. A run that can't be
    read gives its InputError as the value. `jobs` is the number of processes, 1 for none but this one; left
    out, the cores and the work decide. Closing the iterator ends the processes at once. What else `function`
    raises is raised here.
    """
    wanted = list(positions)
    tell = _Telling(on_progress, len(wanted))
    done = 0
    if jobs is None or jobs == 1:
        for position, outcome in _here(recordings, wanted, function, measured=jobs is None):
            done += 1
            tell.one()
            yield position, outcome
    if done < len(wanted):
        pool = _Pool(recordings, wanted[done:], function, tell.one)
        yield from cast("Iterator[tuple[int, R | InputError]]", pool.outcomes(jobs or _cores()))


class _Telling:
    """Counts the runs that are done."""

    def __init__(self, on_progress: OnProgress | None, total: int) -> None:
        self._on_progress = on_progress
        self._done, self._total = 0, total

    def one(self) -> None:
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(self._done, self._total)


def _here(
    recordings: Recordings, positions: Sequence[int], function: Callable[[Trajectory], R], *, measured: bool
) -> Iterator[tuple[int, R | InputError]]:
    """The runs done in this process: all, or as many as it takes to see that processes are worth while."""
    sizes = [recordings.bytes_of(position) for position in positions]
    left, seen, taken = sum(sizes), 0, 0.0
    several = _cores() > 1
    for number, position in enumerate(positions):
        worth = taken > _TRIED_S and taken / max(seen, 1) * left > _WORTH_S
        if measured and several and worth and number < len(positions) - 1:
            return
        begin = time.monotonic()
        outcome = _outcome(recordings, position, function)
        taken += time.monotonic() - begin
        seen += sizes[number]
        left -= sizes[number]
        yield position, outcome


def _outcome(recordings: Recordings, position: int, function: Callable[[Trajectory], R]) -> R | InputError:
    try:
        return function(recordings.run(position))
    except InputError as error:
        return error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Process:
    """One process at work, and what it has been given."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is for this process alone, which then ends the others
            )
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()
        self.given: deque[_Task] = deque()
        """Runs it has not finished, in the order in which it will."""
        self.parts: deque[int] = deque()
        """The index of the last run of each part that is not finished."""
        self.ready = False
        """Whether it has begun to work."""

    def begin(self, setting: bytes) -> None:
        """Send it what all its work has in common; it waits here until the interpreter has started."""
        with contextlib.suppress(OSError):  # where it has died, receiving says so
            self.connection.send(sys.path)
            self.connection.send_bytes(setting)

    def give(self, part: _Part) -> None:
        """Add to its work."""
        self.given += part
        self.parts.append(part[-1][0])
        with contextlib.suppress(OSError):
            self.connection.send(part)

    def finished(self) -> int:
        """Count the run that was under way as done; its index."""
        index, _ = self.given.popleft()
        if index == self.parts[0]:
            self.parts.popleft()
        return index

    def end(self) -> int:
        """End it, whatever it does; its exit code."""
        self.connection.close()
        self._process.kill()
        return self._process.wait()


class _Pool:
    """The processes of one iteration."""

    def __init__(
        self,
        recordings: Recordings,
        positions: Sequence[int],
        function: Callable[[Trajectory], object],
        on_done: Callable[[], None],
    ) -> None:
        self._recordings = recordings
        self._positions = positions
        self._setting = pickle.dumps((recordings, function))
        self._on_done = on_done
        self._parts = deque(_parts(recordings, positions))
        """What no process has been given yet."""
        self._ends: deque[int] = deque()
        """Of the parts given and not yet handed on whole: the index that follows each."""
        self._processes: list[_Process] = []
        self._held: dict[int, object] = {}
        """Outcomes that came before their turn, by index."""
        self._next = 0

    def outcomes(self, jobs: int) -> Iterator[tuple[int, object]]:
        """Each position and its outcome, in order."""
        try:
            for _ in range(jobs):
                self._processes.append(_Process())
            for process in self._processes:
                process.begin(self._setting)
            while self._next < len(self._positions):
                self._hand_out()
                self._receive()
                while self._next in self._held:
                    outcome = self._held.pop(self._next)
                    if isinstance(outcome, _Raised):
                        raise outcome.error
                    self._next += 1
                    yield self._positions[self._next - 1], outcome
        finally:
            for process in self._processes:
                process.end()

    def _hand_out(self) -> None:
        while self._ends and self._ends[0] <= self._next:
            self._ends.popleft()
        for _ in range(_PARTS_AHEAD):
            for process in self._processes:
                if not self._parts or len(self._ends) >= _PARTS_HELD * len(self._processes):
                    return
                if len(process.parts) < _PARTS_AHEAD:
                    part = self._parts.popleft()
                    self._ends.append(part[-1][0] + 1)
                    process.give(part)

    def _receive(self) -> None:
        """Wait for news, and take one piece from each process that has some."""
        news = wait([process.connection for process in self._processes])
        for place, process in enumerate(self._processes):
            if process.connection not in news:
                continue
            try:
                outcome = process.connection.recv()
            except (EOFError, OSError):
                self._processes[place] = self._replaced(process)
                continue
            if process.ready:
                self._finished(process, outcome)
            elif isinstance(outcome, _Raised):
                raise outcome.error
            process.ready = True

    def _finished(self, process: _Process, outcome: object) -> None:
        self._held[process.finished()] = outcome
        self._on_done()

    def _replaced(self, dead: _Process) -> _Process:
        """A process to go on with what another had been given when it died; the run it died of is lost."""
        code = dead.end()
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        if not dead.ready:
            raise WorkerError(f"a process to read recordings in could not start ({ending})")
        process = _Process()
        if dead.given:
            place = self._recordings.entries[dead.given[0][1]].place
            why = f"{place}: the process that read it ended ({ending}); it may need more memory than there is"
            self._finished(dead, InputError(why))
        process.begin(self._setting)
        if dead.given:
            process.give(list(dead.given))
        return process


def _parts(recordings: Recordings, positions: Sequence[int]) -> Iterator[_Part]:
    part: _Part = []
    size = 0
    for index, position in enumerate(positions):
        part.append((index, position))
        size += recordings.bytes_of(position)
        if size >= _PART_BYTES or len(part) == _PART_RUNS:
            yield part
            part, size = [], 0
    if part:
        yield part


class _Raised(msgspec.Struct):
    """What the function raised in a process, for this one to raise."""

    error: Exception


def serve(descriptor: int) -> None:
    """Be a process of a pool, until the pool closes its end of the connection."""
    with Connection(descriptor) as connection, contextlib.suppress(EOFError, ConnectionError):
        sys.path[:] = connection.recv()
        setting = connection.recv_bytes()
        try:
            recordings, function = pickle.loads(setting)  # noqa: S301 -- our parent's
        except Exception as error:  # noqa: BLE001 -- it is raised where the work was asked for
            connection.send(_Raised(_that_travels(error)))
            return
        connection.send(None)
        while True:
            for _, position in connection.recv():
                _send(connection, _outcome_or_error(recordings, position, function))


def _send(connection: Connection, outcome: object) -> None:
    try:
        connection.send(outcome)
    except ConnectionError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever the outcome's class does when it is pickled
        connection.send(_Raised(_that_travels(error)))


def _outcome_or_error(
    recordings: Recordings, position: int, function: Callable[[Trajectory], object]
) -> object:
    try:
        return _outcome(recordings, position, function)
    except Exception as error:  # noqa: BLE001 -- it is raised where the work was asked for
        return _Raised(_that_travels(error))


def _that_travels(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own
    except Exception:  # noqa: BLE001 -- whatever its class does when it is pickled
        return WorkerError(f"{type(error).__name__}: {error}")
    error.add_note("".join(traceback.format_tb(error.__traceback__)))
    return error
