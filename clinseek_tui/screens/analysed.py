"""The analyses of the run looked at: begun when they are wanted, shown as they come, never in a key's way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace
from textual import work

from clinseek_core.errors import ClinseekError
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.background import Turn, made, streamed
from clinseek_tui.screens.run_screen import RunScreen
from clinseek_tui.view.answer import items_of
from clinseek_tui.view.blocks import Block
from clinseek_tui.view.filtering import shown_rows
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.marking import NO_SIGNS, marked

if TYPE_CHECKING:
    from clinseek_replay.context import SeenMessage
    from clinseek_replay.evidence.provenance import ItemState
    from clinseek_replay.evidence.report import Evidence, Examined
    from clinseek_replay.signs import Sign
    from clinseek_replay.source import RunSource

__all__ = ["AnalysedScreen"]

_GROUPS = ("signs", "evidence", "why", "messages", "lens")


class AnalysedScreen(RunScreen):
    """Marks the timeline, and finds where the items of the answer come from."""

    def __init__(self, source: RunSource, step: int | None = None, ehr: Path | None = None) -> None:
        super().__init__(source, step, ehr)
        self._signs = Turn()
        self._signs.begin()
        self._evidence = Turn()
        self._messages = Turn()
        self._lens = Turn()
        self._examined: Examined | None = None
        """The run as its evidence was read from it, for the way back from an item."""

    def begin_analyses(self) -> None:
        """Look through a run that has just been opened; what was made of another is given up."""
        for group in _GROUPS:
            self.workers.cancel_group(self, group)
        self._evidence.forget()
        self._messages.forget()
        self._lens.forget()
        self._examined = None
        self._look_for_signs()

    def go_on_analysing(self) -> None:
        """Look through what has grown, where that is due."""
        if self._signs.due(self.run):
            self._look_for_signs()
        if self.looking.page == "answer" and self._evidence.due(self.run):
            self._look_for_evidence()
        self.gather_what_is_shown()

    def gather_what_is_shown(self) -> None:
        """Begin what the open pane needs of the whole run."""
        if self.looking.pane == "context" and self._messages.due(self.run):
            self._messages.begin()
            self._gather()
        if self.looking.page == "lens" and self._lens.due(self.run):
            self._lens.begin()
            self._gather_times()

    @work(group="messages", exclusive=True)
    async def _gather(self) -> None:
        """Gather the conversation for the context pane."""
        run = self.run
        try:
            self.looking = self.looking._replace(messages=await made(_messages, run))
        except ClinseekError as error:
            self.tell(error)
        self._messages.end(run)

    @work(group="lens", exclusive=True)
    async def _gather_times(self) -> None:
        """Gather the run's times: what was looked at, then with what leaked, then with the record itself."""
        run = self.run
        try:
            async with contextlib.aclosing(streamed(self.times_of, run)) as passes:
                async for found in passes:
                    self._show_lens(found[-1])
        except ClinseekError as error:
            self.tell(error)
        self._lens.end(run)

    def times_of(self, run: Trajectory) -> Iterator[LensPage]:
        """Each as it can be told; called in a thread."""
        from clinseek_replay.audit import audit  # noqa: PLC0415 -- see _signs_of
        from clinseek_replay.lens import lens_of  # noqa: PLC0415
        from clinseek_replay.lens_lines import fitting_span  # noqa: PLC0415

        seen = lens_of(run)
        yield LensPage(seen, fitting_span(seen))
        yield LensPage(lens_of(run, audit(run).leaks), fitting_span(seen))

    def _show_lens(self, page: LensPage) -> None:
        # How far back one looks stays as it was chosen.
        before = self.looking.lens
        self.looking = self.looking._replace(lens=page._replace(span=before.span) if before else page)

    def action_lens(self) -> None:
        """The time lens, or back."""
        self.open_page("lens")

    def action_zoom(self, by: int) -> None:
        """Look closer at the time before the cutoff, or further back."""
        self.looking = self.looking.zoomed(by)

    def open_message(self, row: int) -> None:
        """Show a message of the context in full."""
        from clinseek_tui.view.seen import message_page  # noqa: PLC0415 -- loads with the pane

        message = self.looking.seen[row]
        page = message_page(self.run, message)
        self.looking = self.looking.telling(" ".join((message.role, message.anchor, message.tool)), page)

    def _look_for_signs(self) -> None:
        self._signs.begin()
        self._mark()

    @work(group="signs", exclusive=True)
    async def _mark(self) -> None:
        """Mark leaks, gold and repeats as they are found; what an earlier look found stays until then."""
        run, before = self.run, self.looking.signs
        found = NO_SIGNS
        self.looking = self.looking._replace(signs_under_way=True)
        try:
            async with contextlib.aclosing(streamed(_signs_of, run)) as batches:
                async for some in batches:
                    found = marked(found, some)
                    self.looking = self.looking._replace(signs={**before, **found})
        except ClinseekError as error:
            self.tell(error)
        self._signs.end(run)
        self.looking = self.looking._replace(signs=found, signs_under_way=False)
        wanted = self.looking.filter
        if wanted is not None and wanted.by_signs:
            rows = await made(lambda run: shown_rows(run, wanted, found), run)
            self.looking = self.looking.filtered(wanted, rows)

    def _look_for_evidence(self) -> None:
        self._evidence.begin()
        self._examine()

    @work(group="evidence", exclusive=True)
    async def _examine(self) -> None:
        """Find where each item of gold and answer comes from."""
        run = self.run
        self.looking = self.looking._replace(evidence_under_way=True)
        try:
            self._show_evidence(run, await made(_examined, run))
        except ClinseekError as error:
            self.tell(error)
        self._evidence.end(run)
        self.looking = self.looking._replace(evidence_under_way=False)

    def _show_evidence(self, run: Trajectory, found: _Found) -> None:
        self._examined = found.of(run)
        row = self.frame.call.table.row
        self.looking = self.looking._replace(evidence=found.evidence)
        if self.looking.page == "answer" and self.frame.table is not None:
            self.frame.table.row = row

    def action_answer(self) -> None:
        """The answer against gold, or back."""
        self.open_page("answer")
        if self.looking.page == "answer" and self._evidence.due(self.run):
            self._look_for_evidence()

    def action_why(self) -> None:
        """Why the call is marked; on the page of the answer, where its item comes from."""
        item = self.item()
        if item is None:
            if self.looking.anchor:
                self.open_page("signs")
        elif self._examined is not None:
            self._ask_why(self._examined, item.item)

    def item(self) -> ItemState | None:
        """The item that is selected on the page of the answer."""
        found, table = self.looking.evidence, self.frame.table
        if self.looking.page != "answer" or found is None or table is None:
            return None
        return items_of(found)[table.row]

    def go_to_item(self) -> None:
        """Go to where the selected item was decided."""
        item = self.item()
        if item is not None and item.places:
            self.go_to(item.places[0])
        elif item is not None:
            self.notify("nothing in the run shows it", markup=False)

    @work(group="why", exclusive=True)
    async def _ask_why(self, examined: Examined, item: str) -> None:
        lines = await self.waited_for("finding the way back", lambda run: _why(examined, run, item))
        if lines is not None and self.looking.page == "answer":
            self.looking = self.looking.telling("where it comes from", tuple(map(Block, lines)))


class _Found(NamedTuple):
    """A run's evidence, and what it was told from."""

    examined: Examined
    evidence: Evidence

    def of(self, run: Trajectory) -> Examined:
        """What was read, of the run itself: its analysis has ended, and with it the steps that it read."""
        return replace(self.examined, trajectory=run)


def _signs_of(run: Trajectory) -> Iterator[Sign]:
    from clinseek_replay.signs import signs_of  # noqa: PLC0415 -- the audit loads after the first paint

    return signs_of(run)


def _messages(run: Trajectory) -> tuple[SeenMessage, ...]:
    from clinseek_replay.context import messages_of  # noqa: PLC0415 -- see _signs_of

    return tuple(messages_of(run))


def _examined(run: Trajectory) -> _Found:
    """The evidence by the recording alone.

    The record is not asked here: that runs native code in this process, which a thread that is ended while it
    runs it takes down with it. `why --ehr` asks it.
    """
    from clinseek_replay.evidence.report import evidence_of, examined  # noqa: PLC0415 -- see _signs_of

    read = examined(run)
    return _Found(read, evidence_of(read))


def _why(examined: Examined, run: Trajectory, item: str) -> tuple[str, ...]:
    from clinseek_replay.evidence.why import why, why_lines  # noqa: PLC0415 -- see _signs_of

    return tuple(why_lines(why(replace(examined, trajectory=run), item)))
