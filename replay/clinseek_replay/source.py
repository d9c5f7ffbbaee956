"""Where a screen gets its runs from: recordings, or a journal that grows.

A screen reads only `RunSource`; it never knows who wrote the run or whether it still goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from clinseek_replay.follow import FollowState, JournalFollower
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Mode, Trajectory

__all__ = ["FollowSource", "RecordedSource", "RunSource"]


class RunSource(Protocol):
    """One or more runs, one of which is looked at."""

    @property
    def mode(self) -> Mode:
        """`live`, `replay` or `follow`."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """One line for each run: qid, run, status."""
        ...

    @property
    def position(self) -> int:
        """Index of the run looked at."""
        ...

    def select(self, index: int) -> Trajectory:
        """Look at another run; raises InputError where it can't be read any more."""
        ...

    def poll(self) -> Trajectory | None:
        """The run looked at as it is now, or None where nothing changed since the last call."""
        ...


class RecordedSource:
    """Runs that have been recorded: nothing changes any more."""

    mode: Mode = "replay"

    def __init__(self, recordings: Recordings, start: int = 0) -> None:
        self._recordings = recordings
        self.position = start
        self.labels = tuple(entry.label for entry in recordings.entries)

    def select(self, index: int) -> Trajectory:
        """The run at `index`, read now."""
        trajectory = self._recordings.run(index)
        self.position = index
        return trajectory

    def poll(self) -> Trajectory | None:
        """None: a recording does not change."""
        return None


class FollowSource:
    """One journal that may still grow, written by this process (`live`) or another (`follow`)."""

    def __init__(self, path: Path, mode: Mode = "follow") -> None:
        self.mode: Mode = mode
        self.position = 0
        self.path = path
        self._follower = JournalFollower(path)

    @property
    def labels(self) -> tuple[str, ...]:
        """The qid, once the header is there."""
        return (self._follower.trajectory.qid or "…",)

    @property
    def state(self) -> FollowState:
        """`growing`, `ended`, or `gone` where the writer left without an end."""
        return self._follower.state

    def select(self, index: int) -> Trajectory:
        """The journal's one run as read so far."""
        if index:
            raise IndexError(index)
        self._follower.poll()
        return self._follower.trajectory

    def poll(self) -> Trajectory | None:
        """The run with what was appended since the last call, or None."""
        return self._follower.poll()
