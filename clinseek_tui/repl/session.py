"""Where a person is in some runs, and what is set there: the state of `repl`, without a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.cursor import Breakpoint, Cursor, Found
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Call, Step, Trajectory

if TYPE_CHECKING:
    from clinseek_replay.cursor.marks import Mark

__all__ = ["Search", "Session"]


class Search(msgspec.Struct, frozen=True):
    """A text that is looked for, the hit come to last, and where that led."""

    text: str
    found: Found | None = None
    at: Cursor | None = None


class Session:
    """A place in some recordings, breakpoints, and a search."""

    def __init__(self, recordings: Recordings, run: int, author: str) -> None:
        self.recordings = recordings
        self.author = author
        """Who sets marks."""
        self.cursor = Cursor(run=run)
        self.breakpoints: list[Breakpoint] = []
        self.search: Search | None = None
        self.ended = False
        self._read: tuple[int, Trajectory] | None = None

    @property
    def run(self) -> Trajectory:
        """The run that the cursor is in; InputError where it can't be read."""
        return self.run_at(self.cursor.run)

    def run_at(self, index: int) -> Trajectory:
        """The run at that index; the one looked at last is kept."""
        if self._read is None or self._read[0] != index:
            self._read = index, self.recordings.run(index)
        return self._read[1]

    @property
    def recording(self) -> Path:
        """The file of the run that the cursor is in."""
        return self.recordings.entries[self.cursor.run].path

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The places of the run that were named; InputError where the file of marks can't be read."""
        from clinseek_replay.cursor.marks import marks_of, read_marks  # noqa: PLC0415 -- brings the triage

        return marks_of(self.run, read_marks(self.recording))

    @property
    def step(self) -> Step:
        """The step at the cursor; InputError in a run without steps."""
        steps = self.run.steps
        if not steps:
            raise InputError("this run has no step; `answer` tells how it ended")
        return steps[self.cursor.step]

    @property
    def call(self) -> Call | None:
        """The call at the cursor; None at a turn."""
        return None if self.cursor.call is None else self.step.calls[self.cursor.call]

    @property
    def anchor(self) -> str:
        """Of the call or the turn; `s0` in a run without steps."""
        if not self.run.steps:
            return "s0"
        return self.step.anchor if self.cursor.call is None else f"{self.step.anchor}.c{self.cursor.call + 1}"

    @property
    def prompt(self) -> str:
        """What stands before a line that is typed: the run where there are several, and the place in it."""
        count = len(self.recordings.entries)
        run = f"run {self.cursor.run + 1}/{count} " if count > 1 else ""
        try:
            return f"{run}{self.anchor} of s{len(self.run.steps)}> "
        except InputError:
            return f"{run}unreadable> "
