"""Following a journal while it grows: each poll reads only what was appended since the last."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Literal

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import FORMAT, read_body, read_journal, writer_alive
from clinseek_replay.fold import fold
from clinseek_replay.trajectory import Trajectory

__all__ = ["FollowState", "JournalFollower"]

FollowState = Literal["growing", "ended", "gone"]
"""`gone`: the writer left without an end, so the run was killed or its machine went down."""


class JournalFollower:
    """One journal, read as far as it has been written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"{path}: there is no such journal to follow")
        self._start_over()

    def _start_over(self) -> None:
        self.trajectory = Trajectory(run_id="", source=str(self.path), format=FORMAT)
        """The run as of the last poll."""
        self._end = 0
        self._lines = 0
        self._seen: tuple[int, int] | None = None

    def poll(self) -> Trajectory | None:
        """The run with what was appended since the last poll, or None where nothing was.

        Raises InputError where the file can't be read any more or is of a newer major version.
        """
        try:
            now = os.stat(self.path)
        except OSError as error:
            raise InputError(f"{self.path}: can't be read any more ({error.strerror})") from error
        seen = (now.st_ino, now.st_size)
        if seen == self._seen:
            return None
        if self._seen is not None and (now.st_ino != self._seen[0] or now.st_size < self._end):
            self._start_over()
        journal = read_journal(self.path, self._end, self._lines)
        self._seen, self._end, self._lines = seen, journal.end, journal.lines
        if not journal.records and not journal.damage:
            return None
        bodies = functools.partial(read_body, self.path)
        grown = fold(self.trajectory, journal.records, bodies, journal.places)
        self.trajectory = msgspec.structs.replace(grown, damage=(*grown.damage, *journal.damage))
        return self.trajectory

    @property
    def state(self) -> FollowState:
        """Whether the run goes on, has ended, or its writer left without an end."""
        if self.trajectory.ended:
            return "ended"
        return "growing" if writer_alive(self.path) else "gone"
