"""Makes the README's picture from a real run: `just screenshot`.

The seeker runs on the first bundled case, and the app opens its journal at the query that gave the most rows
of those that can be read at a glance. How long things took is left out, so that the same code always makes
the same picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from msgspec.structs import replace

from clinseek_replay.recordings import open_recordings
from clinseek_replay.source import RecordedSource
from clinseek_replay.sql import laid_out
from clinseek_replay.trajectory import Call, Step, Trajectory
from clinseek_tui.app import DebuggerApp
from clinseek_tui.cli import main as clinseek_tui

_SIZE = (120, 40)
_PANE = (86, 15)
"""Columns and lines of the pane with the SQL, at that size."""


class Timeless(RecordedSource):
    """Recorded runs that do not say how long anything took."""

    def select(self, index: int) -> Trajectory:
        """The run at `index`, read now."""
        run = super().select(index)
        return replace(run, steps=tuple(map(_timeless_step, run.steps)))


def _timeless_step(step: Step) -> Step:
    return replace(step, ms=None, calls=tuple(map(_timeless_call, step.calls)))


def _timeless_call(call: Call) -> Call:
    return call if call.result is None else replace(call, result=replace(call.result, ms=None))


def _rows(call: Call) -> int:
    """Rows that a query gave; none for one whose statement does not fit its pane."""
    table = call.result.table if call.result else None
    lines = laid_out(call.sql).splitlines() if call.sql else []
    fits = 0 < len(lines) <= _PANE[1] and max(map(len, lines)) <= _PANE[0]
    return table.total if table and fits else 0


async def _picture(source: Timeless) -> str:
    """The app at 120×40, with the keys pressed that lead to the query."""
    steps = source.select(0).steps
    step = max(steps, key=lambda step: max(map(_rows, step.calls), default=0))
    before = step.calls.index(max(step.calls, key=_rows))
    app = DebuggerApp(source, step=step.number, ascii_only=False)
    async with app.run_test(size=_SIZE) as pilot:
        await pilot.press(*["l"] * before)
        # The marks of the timeline come from an analysis.
        await app.workers.wait_for_complete()
        await pilot.pause()
        return app.export_screenshot()


def main(picture: Path) -> None:
    """Run the seeker, and write the picture."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        journal = Path(folder) / "traj.jsonl"
        clinseek_tui(["run", "--headless", "--out", str(journal)])
        picture.write_text(asyncio.run(_picture(Timeless(open_recordings([journal])))), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
