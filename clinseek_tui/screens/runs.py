"""The table of runs: sorted, filtered, filled in while one reads, and live while others write."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult

from clinseek_core.errors import ClinseekError, InputError
from clinseek_replay.recordings import Recordings
from clinseek_replay.runs import (
    COLUMNS,
    RunFacts,
    RunRow,
    column_named,
    facts_of,
    filtered,
    rows_of,
    sorted_rows,
    with_deltas,
    with_outcome,
)
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.watching import run_keys, stamp
from clinseek_tui.background import apart
from clinseek_tui.keys import Command, Need
from clinseek_tui.list_keys import RUNS
from clinseek_tui.screens.listed import REST, ListedScreen, lines_page
from clinseek_tui.widgets.line import Said
from clinseek_tui.widgets.runs_table import RunsHead, RunsTable

if TYPE_CHECKING:
    from clinseek_tui.widgets.prompt import Prompt

__all__ = ["RunsScreen"]

_POLL_S = 1.0
_IN_MATRIX = 30
"""Runs of a case that are set side by side."""

Outcome = RunFacts | InputError


class RunsScreen(ListedScreen):
    """The runs of `recordings`; `reopen` opens them again when something under `paths` has changed."""

    COMMANDS_HERE: ClassVar[tuple[Command, ...]] = RUNS

    def __init__(
        self,
        recordings: Recordings,
        paths: Sequence[Path] = (),
        reopen: Callable[[], Recordings] | None = None,
        ehr: Path | None = None,
    ) -> None:
        super().__init__(recordings, ehr)
        self._paths = tuple(paths)
        self._reopen = reopen
        self._outcomes: dict[tuple[str, int], Outcome] = {}
        self._rows = rows_of(recordings)
        self._shown: list[RunRow] = list(self._rows)
        self._order = ("number", False)
        self._filter = ""
        self._marked: tuple[int, ...] = ()
        self._first = 0
        self._title = Said()
        self._head = RunsHead(classes="content")
        self._table = RunsTable(classes="content")
        self._cases: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        """Title, table, keys."""
        yield self._title
        yield self._head
        yield self._table
        yield self.page
        yield self.footer

    def on_mount(self) -> None:
        """Show what is known, then look into each run."""
        self._show()
        self.call_after_refresh(self._look_into)
        if self._reopen is not None:
            self._watch()

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        row = self._row
        there: dict[Need, bool] = {
            "run": row is not None and row.number > 0 and not self.page_open,
            "two": len(self._marked) == 2 and not self.page_open,
            "case": row is not None and self._cases.get(row.case, 0) > 1 and not self.page_open,
            "open": self.page_open or self.prompt is not None or bool(self._filter),
        }
        return {need for need, is_there in there.items() if is_there}

    @property
    def _row(self) -> RunRow | None:
        selected = self._table.selected
        return self._shown[selected] if selected < len(self._shown) else None

    def _show(self) -> None:
        """Sort and filter anew; the selected run stays selected."""
        row = self._row
        rows = filtered(self._rows, self._filter) if self._filter else self._rows
        name, reverse = self._order
        as_they_come = name == "number" and not reverse
        self._shown = list(rows) if as_they_come else sorted_rows(rows, column_named(name), reverse=reverse)
        self._cases = {}
        for each in self._rows:
            if each.case and each.number:
                self._cases[each.case] = self._cases.get(each.case, 0) + 1
        self._head.first, self._head.order = self._first, self._order
        self._table.show(self._shown, frozenset(self._marked), self._first)
        place = None if row is None else (row.number, row.place)
        at = next((at for at, each in enumerate(self._shown) if (each.number, each.place) == place), None)
        self._table.select(self._table.selected if at is None else at)
        self._say()

    def _say(self) -> None:
        runs = len(self.recordings.entries)
        known = len(self._outcomes)
        name = ", ".join(path.name or str(path) for path in self._paths[:3]) or "runs"
        words: list[tuple[str, str]] = [(name, "accent"), (f"  {runs} runs", "strong")]
        damaged = len(self._rows) - runs
        if damaged:
            words.append((f"  ✗ {damaged} not used", "error"))
        if self._filter:
            words.append((f"  {len(self._shown)} fit {self._filter}", "strong"))
        if known < runs:
            words.append((f"  looked into {known}", "dim"))
        self._title.say(tuple(words))
        self.show_keys()

    def _keys(self) -> list[tuple[str, int]]:
        return run_keys(self.recordings, range(len(self.recordings.entries)))

    @work(group="analyse", exclusive=True)
    async def _look_into(self) -> None:
        """Look into every run that was not yet, beside the keys."""
        keys = self._keys()
        self._outcomes = {key: self._outcomes[key] for key in keys if key in self._outcomes}
        left = [at for at, key in enumerate(keys) if key not in self._outcomes]
        for at, key in enumerate(keys):
            if key in self._outcomes:
                self._rows[at] = with_outcome(self._rows[at], self._outcomes[key])
        async with contextlib.aclosing(self.looked_into(left, facts_of)) as found:
            async for some in found:
                for at, outcome in some:
                    self._outcomes[keys[at]] = outcome
                    self._rows[at] = with_outcome(self._rows[at], outcome)
                self._rows = with_deltas(self._rows)
                self._show()
        self._rows = with_deltas(self._rows)
        self._show()

    @work(group="watch", exclusive=True)
    async def _watch(self) -> None:
        """Take over what others write."""
        before = await apart(lambda: stamp(self._paths))
        while self._reopen is not None:
            begun = time.monotonic()
            now = await apart(lambda: stamp(self._paths))
            if now != before:
                before = now
                await self._take_over(self._reopen)
            await asyncio.sleep(max(_POLL_S, REST * (time.monotonic() - begun)))

    async def _take_over(self, reopen: Callable[[], Recordings]) -> None:
        try:
            self.recordings = await apart(reopen)
        except ClinseekError as error:
            self.tell(error)
            return
        self._rows = rows_of(self.recordings)
        self._marked = tuple(number for number in self._marked if number <= len(self.recordings.entries))
        # Rows that were looked into before keep their figures: they are put back by `_look_into`.
        self._look_into()

    @on(RunsTable.Chosen)
    def _choose(self, message: RunsTable.Chosen) -> None:
        self._table.select(message.row)
        self.show_keys()
        if message.twice:
            self.action_open()

    def action_go(self, by: int) -> None:
        """The run below or above; on a page, a line."""
        if self.page_open:
            self.page.go(by)
        else:
            self._table.select(self._table.selected + by)
            self.show_keys()

    def action_page(self, by: int) -> None:
        """A page of runs, or of the page."""
        if self.page_open:
            self.page.go_pages(by)
        else:
            self.action_go(by * max(self._table.room.height - 1, 1))

    def action_end(self, direction: int) -> None:
        """The last run or the first."""
        if self.page_open:
            self.page.go_end(direction)
        else:
            self.action_go(direction * len(self._shown))

    def action_columns(self, by: int) -> None:
        """The columns further left or right."""
        self._first = min(max(self._first + by, 0), len(COLUMNS) - 4)
        self._show()

    def action_sort(self) -> None:
        """By the next column."""
        names = [column.name for column in COLUMNS]
        self._order = (names[(names.index(self._order[0]) + 1) % len(names)], False)
        self._show()

    def action_turn_round(self) -> None:
        """The other way round."""
        self._order = (self._order[0], not self._order[1])
        self._show()

    async def action_ask(self) -> None:
        """Ask which runs to show."""
        await self.ask("a text, model:qwen, f1<0.5, leaks>0, !word; nothing shows all")

    def on_prompt_asked(self, message: Prompt.Asked) -> None:
        """Show the runs that fit."""
        self.close_prompt()
        before, self._filter = self._filter, message.text.strip()
        try:
            self._show()
        except InputError as error:
            self._filter = before
            self.tell(error)

    def action_mark(self) -> None:
        """Mark the run, or take the mark away; of three the first gives way."""
        row = self._row
        if row is None:
            return
        if row.number in self._marked:
            self._marked = tuple(number for number in self._marked if number != row.number)
        else:
            self._marked = (*self._marked[-1:], row.number)
        self._show()

    def action_open(self) -> None:
        """Look into the run."""
        row = self._row
        if row is not None and row.number:
            self.open_run(row.number - 1)

    def action_diff(self) -> None:
        """The two marked runs side by side."""
        if len(self._marked) == 2:
            one, other = self._marked
            self._compare((one - 1, other - 1), _diffed)

    def action_matrix(self) -> None:
        """All runs of the case side by side."""
        row = self._row
        if row is not None:
            of_case = [each.number - 1 for each in self._rows if each.number and each.case == row.case]
            self._compare(of_case[:_IN_MATRIX], _matrixed)

    @work(group="compare", exclusive=True)
    async def _compare(
        self, positions: Sequence[int], compared: Callable[[list[Trajectory]], list[str]]
    ) -> None:
        recordings = self.recordings
        self.open_page(lines_page(("reading the runs; esc ends it",)))
        try:
            lines = await apart(lambda: compared([recordings.run(at) for at in positions]))
        except ClinseekError as error:
            self.close_page()
            self.tell(error)
            return
        self.open_page(lines_page(lines))

    def action_close(self) -> None:
        """Close what was opened last; else show all runs."""
        if self.prompt is not None:
            self.close_prompt()
        elif self.page_open:
            self.workers.cancel_group(self, "compare")
            self.close_page()
        elif self._filter:
            self._filter = ""
            self._show()

    def action_quit(self) -> None:
        """Close the page that is open; else leave."""
        if self.page_open:
            self.action_close()
        else:
            self.app.exit()


def _diffed(runs: list[Trajectory]) -> list[str]:
    from clinseek_replay.diff import diff  # noqa: PLC0415 -- loads where two runs are compared
    from clinseek_replay.diff.telling import diff_lines  # noqa: PLC0415 -- as above

    other = [f"these runs are of different cases: {runs[0].qid} and {runs[1].qid}", ""]
    return [*(other if runs[0].qid != runs[1].qid else ()), *diff_lines(diff(runs[0], runs[1]))]


def _matrixed(runs: list[Trajectory]) -> list[str]:
    from clinseek_replay.diff import matrix  # noqa: PLC0415 -- loads where runs are compared
    from clinseek_replay.diff.telling import matrix_lines  # noqa: PLC0415 -- as above

    return list(matrix_lines(matrix(runs)))
