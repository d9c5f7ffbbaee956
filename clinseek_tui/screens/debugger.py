"""The debugger: a run step by step, live or recorded."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from msgspec.structs import replace
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import var
from textual.screen import Screen

from clinseek_core.errors import ClinseekError, InputError
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.background import Turn, made, streamed
from clinseek_tui.keys import COMMANDS, Need, command_of
from clinseek_tui.live import LivePort, Watched
from clinseek_tui.view.answer import items_of
from clinseek_tui.view.blocks import Block
from clinseek_tui.view.finding import Finding, find
from clinseek_tui.view.looking import Looking, Page, look
from clinseek_tui.view.marking import NO_SIGNS, marked
from clinseek_tui.view.panes import Pane
from clinseek_tui.view.standing import Standing, mode_words, position
from clinseek_tui.widgets.footer import Footer
from clinseek_tui.widgets.frame import Frame
from clinseek_tui.widgets.header import Header
from clinseek_tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual.timer import Timer

    from clinseek_replay.evidence.provenance import ItemState
    from clinseek_replay.evidence.report import Evidence, Examined
    from clinseek_replay.finding import Place
    from clinseek_replay.signs import Sign
    from clinseek_replay.source import RunSource
    from clinseek_tui.widgets.prompt import Prompt

__all__ = ["DebuggerScreen"]

_POLLS = 1 / 10
"""Seconds between looks at a growing run."""
_NARROW = 100
"""Columns below which one pane is shown at a time."""
_NOWHERE = look(Trajectory(run_id="", source="", format=""))


class DebuggerScreen(Screen[None]):
    """One run of a source at a time, one row of it selected, one pane of that row open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, command.name, show=False)
        for command in COMMANDS
        for keys, action in command.keys.items()
    ]

    DEFAULT_CSS = """
    DebuggerScreen {
        background: $background;
        &.-narrow Header { height: 2; }
    }
    """

    looking: var[Looking] = var(_NOWHERE, init=False)
    """Where one looks; what the screen shows follows from it."""

    def __init__(self, source: RunSource, live: LivePort | None = None, step: int | None = None) -> None:
        super().__init__()
        self.source = source
        """Where runs come from."""
        self.live = live
        """The run of this process, where there is one."""
        run = source.select(source.position)
        self.set_reactive(DebuggerScreen.looking, look(run, source.mode != "replay", step))
        self._prompt: Prompt | None = None
        self._header = Header()
        self._frame = Frame()
        self._footer = Footer()
        self._polling: Timer | None = None
        self._grew_at = time.monotonic()
        self._signs = Turn()
        self._signs.begin()
        self._evidence = Turn()
        self._examined: Examined | None = None
        """The run as its evidence was read from it, for the way back from an item."""

    def compose(self) -> ComposeResult:
        """Header, panes, keys."""
        yield self._header
        yield self._frame
        yield self._footer

    def on_mount(self) -> None:
        """Show the run, and look for more where it may grow."""
        # A long run is millions of objects that never form a cycle: the collector need not look at them.
        gc.freeze()
        self.watch_looking()
        if self.source.mode != "replay":
            self._polling = self.set_interval(_POLLS, self._look_again)
        self.call_after_refresh(self._look_for_signs)

    @on(events.Resize)
    def _fit(self, event: events.Resize) -> None:
        narrow = event.size.width < _NARROW
        self.set_class(narrow, "-narrow")
        self._frame.narrow(narrow)

    @property
    def run(self) -> Trajectory:
        """The run looked at."""
        return self.looking.trajectory

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        look, table = self.looking, self._frame.table is not None
        there: dict[Need, bool] = {
            "live": self.live is not None and not self.run.ended,
            "runs": len(self.source.labels) > 1,
            "table": table,
            "item": table or self._frame.on_timeline,
            "found": bool(look.finding.hits),
            "marked": look.anchor in look.signs or (look.page == "answer" and look.evidence is not None),
            "open": bool(look.page or look.wished or look.finding.needle or self._prompt),
        }
        return {need for need, is_there in there.items() if is_there}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether a key does anything now: what its command needs must be there."""
        command = command_of(action)
        return command is None or command.enabled(self.has())

    def watch_looking(self) -> None:
        """Show what is looked at."""
        self._header.trajectory = self.run
        self._frame.show(self.looking)
        self._show_standing()

    @on(Frame.Turned)
    def _show_standing(self) -> None:
        total = len(self.source.labels)
        state = "ended" if self.run.ended else self.source.state if isinstance(self.source, Watched) else ""
        quiet = time.monotonic() - self._grew_at
        self._header.standing = Standing(
            mode=mode_words(self.source.mode, state, self.live is not None and self.live.paused, quiet),
            position=position(self.run, self.looking.row),
            run=f"run {self.source.position + 1}/{total}" if total > 1 else "",
        )
        self._footer.commands = tuple(c for c in COMMANDS if c.footer and c.enabled(self.has()))

    @on(Timeline.Chosen)
    def _choose(self, message: Timeline.Chosen) -> None:
        self.looking = self.looking.at(message.row)

    def _look_again(self) -> None:
        """Take over what was appended to a growing run, and what goes on in a live one."""
        try:
            grown = self.source.poll()
        except InputError as error:
            self._tell(error)
            if self._polling is not None:
                self._polling.stop()
                self._polling = None
            return
        if grown is not None:
            self._grew_at = time.monotonic()
            self.looking = self.looking.grown(grown)
        if self._signs.due(self.run):
            self._look_for_signs()
        if self.looking.page == "answer" and self._evidence.due(self.run):
            self._look_for_evidence()
        if self.live is not None:
            self._frame.timeline.show_progress(() if self.run.ended else self.live.progress)
        self._show_standing()

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
            self._tell(error)
        self._signs.end(run)
        self.looking = self.looking._replace(signs=found, signs_under_way=False)

    def _look_for_evidence(self) -> None:
        self._evidence.begin()
        self._examine()

    @work(group="evidence", exclusive=True)
    async def _examine(self) -> None:
        """Find where each item of gold and answer comes from."""
        run = self.run
        self.looking = self.looking._replace(evidence_under_way=True)
        try:
            found = await made(_examined, run)
        except ClinseekError as error:
            self._tell(error)
        else:
            self._examined = found.of(run)
            row = self._frame.call.table.row
            self.looking = self.looking._replace(evidence=found.evidence)
            if self.looking.page == "answer" and self._frame.table is not None:
                self._frame.table.row = row
        self._evidence.end(run)
        self.looking = self.looking._replace(evidence_under_way=False)

    def _tell(self, error: ClinseekError) -> None:
        self.notify(str(error), severity="error", markup=False)

    def action_step(self, by: int) -> None:
        """The call before or after."""
        self.looking = self.looking.at(self.looking.selected + by)

    def action_end(self, direction: int) -> None:
        """The first row or the last."""
        self.looking = self.looking.at(0 if direction < 0 else len(self.looking.rows) - 1)

    def action_run(self, by: int) -> None:
        """The run before or after."""
        index = self.source.position + by
        if not 0 <= index < len(self.source.labels):
            return
        try:
            self.looking = look(self.source.select(index), self.source.mode != "replay")
            gc.freeze()
            self._look_for_signs()
        except InputError as error:
            self._tell(error)

    def action_read(self, by: int) -> None:
        """A line; a step where one reads the timeline."""
        if self._frame.on_timeline:
            self.action_step(by)
        else:
            self._frame.reading.go(by)

    def action_read_page(self, by: int) -> None:
        """A page."""
        if self._frame.on_timeline:
            self.action_step(by * max(self._frame.timeline.room.height - 1, 1))
        else:
            self._frame.reading.go_pages(by)

    def action_read_end(self, direction: int) -> None:
        """The first line or the last."""
        if self._frame.on_timeline:
            self.action_end(direction)
        else:
            self._frame.reading.go_end(direction)

    def action_columns(self, by: int) -> None:
        """The columns further left or right."""
        if self._frame.table is not None:
            self._frame.table.go_columns(by)

    def action_open(self) -> None:
        """From the timeline to the call; from a table to its selected row in full."""
        if self._frame.on_timeline:
            self._frame.read(self._frame.call.body)
        elif self.looking.page == "answer":
            if item := self._item():
                self._go_to(item.places[0] if item.places else None)
        elif self._frame.table is not None and self._frame.table.table.rows:
            self.looking = self.looking.opened("record", self._frame.table.row)

    def action_go_to_pane(self, by: int) -> None:
        """The next pane that shows something."""
        self._frame.turn(by)

    def action_pane(self, pane: Pane) -> None:
        """Open a pane; the next rows open it too where they have it."""
        self.looking = self.looking.wishing(pane)

    def action_answer(self) -> None:
        """The answer against gold, or back."""
        self._open("answer")
        if self.looking.page == "answer" and self._evidence.due(self.run):
            self._look_for_evidence()

    def action_help(self) -> None:
        """The keys, or back."""
        self._open("help")

    def _open(self, page: Page) -> None:
        self.looking = self.looking.opened(page)
        if self.looking.page:
            self._frame.read(self._frame.call.body)

    def action_why(self) -> None:
        """Why the call is marked; on the page of the answer, where its item comes from."""
        item = self._item()
        if item is None:
            if self.looking.anchor:
                self._open("signs")
        elif self._examined is not None:
            self._ask_why(self._examined, item.item)

    def _item(self) -> ItemState | None:
        """The item that is selected on the page of the answer."""
        found, table = self.looking.evidence, self._frame.table
        if self.looking.page != "answer" or found is None or table is None:
            return None
        return items_of(found)[table.row]

    @work(group="why", exclusive=True)
    async def _ask_why(self, examined: Examined, item: str) -> None:
        try:
            lines = await made(lambda run: _why(examined, run, item), self.run)
        except ClinseekError as error:
            self._tell(error)
            return
        if self.looking.page == "answer":
            self.looking = self.looking.asking(tuple(map(Block, lines)))

    def _go_to(self, place: Place | None) -> None:
        """Go to a place of the run and bring it into view."""
        if place is None:
            self.notify("nothing in the run shows it", markup=False)
            return
        from clinseek_replay.cursor import at_place  # noqa: PLC0415 -- loads where one first goes to a place

        try:
            cursor = at_place(self.run, place)
        except InputError as error:
            self._tell(error)
            return
        self.looking = self.looking.at_place(place, cursor.step)
        self._frame.read(self._frame.call.body)
        self.call_after_refresh(self._frame.call.go_to, place)

    def action_search(self) -> None:
        """Ask what to search."""
        from clinseek_tui.widgets.prompt import Prompt  # noqa: PLC0415 -- Input loads only when it is needed

        if self._prompt is None:
            self._prompt = Prompt("search tools, arguments, texts, results")
            self._footer.display = False
            self.mount(self._prompt)
            self._prompt.focus()

    def on_prompt_asked(self, message: Prompt.Asked) -> None:
        """Search what was asked."""
        self._close_prompt()
        self.looking = self.looking.searching(message.text)
        if message.text:
            self._search(message.text)

    @work(group="search", exclusive=True)
    async def _search(self, needle: str) -> None:
        row = self.looking.row
        try:
            self._found(await made(lambda run: find(run, needle, row), self.run))
        except ClinseekError as error:
            self._tell(error)

    def _found(self, finding: Finding) -> None:
        """Go to what was found, unless the search was closed in the meantime."""
        if self.looking.finding == Finding(finding.needle, under_way=True):
            self.looking = self.looking.found(finding)
            self._reveal()

    def action_hit(self, by: int) -> None:
        """The next hit or the one before."""
        self.looking = self.looking.hit(by)
        self._reveal()

    def _reveal(self) -> None:
        if self.looking.finding.hits:
            self.call_after_refresh(self._frame.call.reveal, self.looking.finding)

    def _close_prompt(self) -> None:
        if self._prompt is not None:
            self._prompt.remove()
            self._prompt = None
            self._footer.display = True
            self.set_focus(None)

    def action_close(self) -> None:
        """Close what was opened last."""
        if self._prompt is not None:
            self._close_prompt()
        else:
            self.looking = self.looking.closed()

    def action_quit(self) -> None:
        """Close the page that is open; else leave, and stop a live run (its journal stays whole)."""
        if self.looking.page:
            self.looking = self.looking.closed()
            return
        if self.live is not None:
            self.live.stop()
        self.app.exit()

    def action_pause(self) -> None:
        """Pause after this step, or go on."""
        if self.live is not None:
            (self.live.resume if self.live.paused else self.live.pause)()
            self._show_standing()

    def action_single_step(self) -> None:
        """Take one step, then pause."""
        if self.live is not None:
            self.live.step()
            self._show_standing()


def _signs_of(run: Trajectory) -> Iterator[Sign]:
    from clinseek_replay.signs import signs_of  # noqa: PLC0415 -- the audit loads after the first paint

    return signs_of(run)


class _Found(NamedTuple):
    """A run's evidence, and what it was told from."""

    examined: Examined
    evidence: Evidence

    def of(self, run: Trajectory) -> Examined:
        """What was read, of the run itself: its analysis has ended, and with it the steps that it read."""
        return replace(self.examined, trajectory=run)


def _examined(run: Trajectory) -> _Found:
    from clinseek_replay.evidence.report import evidence_of, examined  # noqa: PLC0415 -- see _signs_of

    read = examined(run)
    return _Found(read, evidence_of(read))


def _why(examined: Examined, run: Trajectory, item: str) -> tuple[str, ...]:
    from clinseek_replay.evidence.why import why, why_lines  # noqa: PLC0415 -- see _signs_of

    return tuple(why_lines(why(replace(examined, trajectory=run), item)))
