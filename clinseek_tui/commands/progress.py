"""How far a command is, on one line of stderr that is rewritten and is there only on a terminal."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TextIO

from clinseek_core.text import one_line

__all__ = ["OpeningLine", "ProgressLine"]

_FIRST_AFTER_S = 0.3
"""What is done sooner than this never shows a line."""
_EVERY_S = 0.1
_ERASE = "\r\x1b[K"


class ProgressLine:
    """A line such as `audit: 120 of 500 runs, about 12 s more`; it is gone when its `with` block ends.

        with ProgressLine("audit") as progress:
            for position, report in map_runs(recordings, where, audit, progress):
                progress.clear()
                say(...)

    Where stderr is no terminal nothing is ever written.
    """

    def __init__(self, label: str, unit: str = "runs", stream: TextIO | None = None) -> None:
        self._label = label
        self._unit = unit
        self._stream = stream or sys.stderr
        self._on_terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._begin = time.monotonic()
        self._next = self._begin + _FIRST_AFTER_S
        self._shown = False

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` are finished, at most ten times a second; `note` says what else."""
        now = time.monotonic()
        if not self._on_terminal or now < self._next:
            return
        self._next = now + _EVERY_S
        text = (
            f"{self._label}: {done:,} of {total:,} {self._unit}{_rest(now - self._begin, done, total)}{note}"
        )
        self._write(_ERASE + text[: self._width() - 1])
        self._shown = True

    def clear(self) -> None:
        """Take the line away, for something else to be printed; the next call shows it again."""
        if self._shown:
            self._write(_ERASE)
            self._shown = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80


class OpeningLine:
    """A line that says what is being read; it is gone when its `with` block ends."""

    def __enter__(self) -> OpeningLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Say something else; nothing where stderr is a file."""
        if sys.stderr.isatty():
            print(f"{_ERASE}{one_line(text, 79)}", end="", file=sys.stderr, flush=True)


def _rest(taken: float, done: int, total: int) -> str:
    """How long the others will take at this speed; nothing as long as that can't be said."""
    if not 0 < done < total:
        return ""
    seconds = taken / done * (total - done)
    return f", about {seconds:.0f} s more" if seconds < 100 else f", about {seconds / 60:.0f} min more"
