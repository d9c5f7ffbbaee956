"""The debugger: a run step by step, live or recorded."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.reactive import var
from textual.screen import Screen

from clinseek_core.errors import InputError
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.keys import COMMANDS, Need, command_of
from clinseek_tui.live import LivePort, Watched
from clinseek_tui.view.looking import Looking, look
from clinseek_tui.view.panes import PANES, Pane
from clinseek_tui.view.standing import Standing, mode_words, position
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.call_view import CallView
from clinseek_tui.widgets.footer import Footer
from clinseek_tui.widgets.grid import Grid
from clinseek_tui.widgets.header import Header
from clinseek_tui.widgets.painted import Painted
from clinseek_tui.widgets.rule import Part, Rule
from clinseek_tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from clinseek_replay.source import RunSource
    from clinseek_tui.widgets.prompt import Prompt

__all__ = ["DebuggerScreen"]

_POLLS = 1 / 10
"""Seconds between looks at a growing run."""
_TIMELINE = 30
"""Cells of the timeline with its line, where it stands beside the call."""

_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
"""Below 100 columns, one pane at a time."""

_NOWHERE = look(Trajectory(run_id="", source="", format=""))


class DebuggerScreen(Screen[None]):
    """One run of a source at a time, one row of it selected, one pane of that row open."""

    HORIZONTAL_BREAKPOINTS = _BREAKPOINTS

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, command.name, show=False)
        for command in COMMANDS
        for keys, action in command.keys.items()
    ]

    DEFAULT_CSS = """
    DebuggerScreen {
        background: $background;
        #body { height: 1fr; }
        Timeline { width: 30; border-left: solid $foreground 25%; }
        .-read { border-left: solid $accent 60%; }
        CallView { width: 1fr; }
        &.-narrow {
            Header { height: 2; }
            Timeline { display: none; width: 1fr; border-right: solid $foreground 25%; }
            &.-timeline Timeline { display: block; }
            &.-timeline CallView { display: none; }
        }
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
        self._title: Words = ()
        self._grew_at = time.monotonic()

    def compose(self) -> ComposeResult:
        """Header, frame, timeline and call, keys."""
        yield Header()
        yield Rule(("┌", "┬", "┐"), id="top")
        with Horizontal(id="body"):
            yield Timeline()
            yield CallView()
        yield Rule(("└", "┴", "┘"), id="bottom")
        yield Footer()

    def on_mount(self) -> None:
        """Show the run, and look for more where it may grow."""
        # A long run is millions of objects that never form a cycle: the collector need not look at them.
        gc.freeze()
        self.watch_looking()
        self._read(self._call.body)
        if self.source.mode != "replay":
            self.set_interval(_POLLS, self._look_again)

    @property
    def run(self) -> Trajectory:
        """The run looked at."""
        return self.looking.trajectory

    @property
    def _timeline(self) -> Timeline:
        return self.query_one(Timeline)

    @property
    def _call(self) -> CallView:
        return self.query_one(CallView)

    @property
    def _panes(self) -> tuple[Painted, ...]:
        """The panes that show something, in the order in which one goes through them."""
        return (self._timeline, *self._call.panes)

    @property
    def _reading(self) -> Painted:
        """The pane that reading keys go to."""
        return next((pane for pane in self._panes if pane.has_class("-read")), self._call.body)

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        table = self._call.body is self._call.table
        look = self.looking
        there: dict[Need, bool] = {
            "live": self.live is not None and not self.run.ended,
            "runs": len(self.source.labels) > 1,
            "table": table,
            "item": table or self._reading is self._timeline,
            "found": bool(look.finding.hits),
            "open": bool(look.page or look.wished or look.finding.needle or self._prompt),
        }
        return {need for need, is_there in there.items() if is_there}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether a key does anything now: what its command needs must be there."""
        command = command_of(action)
        return command is None or command.enabled(self.has())

    def watch_looking(self) -> None:
        """Show what is looked at, in every widget."""
        look = self.looking
        shown = look.content
        self._title = shown.title
        self._timeline.show(look.trajectory, look.rows, look.selected)
        self._call.show(shown)
        self._call.mark(look.finding.needle)
        header = self.query_one(Header)
        header.trajectory = look.trajectory
        self._show_standing()
        self._show_frame()

    def _show_standing(self) -> None:
        total = len(self.source.labels)
        state = "ended" if self.run.ended else self.source.state if isinstance(self.source, Watched) else ""
        quiet = time.monotonic() - self._grew_at
        self.query_one(Header).standing = Standing(
            mode=mode_words(self.source.mode, state, self.live is not None and self.live.paused, quiet),
            position=position(self.run, self.looking.row),
            run=f"run {self.source.position + 1}/{total}" if total > 1 else "",
        )
        self.query_one(Footer).commands = tuple(c for c in COMMANDS if c.footer and c.enabled(self.has()))

    def _show_frame(self) -> None:
        on_timeline, look = self._reading is self._timeline, self.looking
        name: Words = (("Timeline", "accent" if on_timeline else "dim"),)
        found: Words = ((str(look.finding), "accent" if look.finding.hits else "dim"),)
        row: Words = ((self._row_words(), "dim"),)
        tabs = tuple(
            piece
            for pane, key, word in PANES
            if pane in look.panes
            for piece in ((f"  {key} ", "dim"), (word, "accent" if pane == look.pane else "dim"))
        )
        top, bottom = self.query_one("#top", Rule), self.query_one("#bottom", Rule)
        if self.has_class("-narrow"):
            top.parts = (Part(name if on_timeline else self._title),)
            bottom.parts = (Part(found if look.finding.needle else row, tabs),)
        else:
            top.parts = (Part(name, width=_TIMELINE), Part(self._title))
            bottom.parts = (Part(found, width=_TIMELINE), Part(row, tabs))

    def _row_words(self) -> str:
        grid = self._call.table
        shown = self._call.body is grid and grid.table.rows and self._reading is not self._timeline
        return f"row {grid.row + 1:,}/{len(grid.table.rows):,}" if shown else ""

    @on(Grid.Moved)
    def _show_row(self) -> None:
        self._show_frame()

    @on(events.Click)
    def _read_clicked(self, event: events.Click) -> None:
        if isinstance(event.widget, Painted):
            self._read(event.widget)

    @on(events.Resize)
    def _refit_frame(self) -> None:
        self.call_after_refresh(self._show_frame)

    @on(Timeline.Chosen)
    def _choose(self, message: Timeline.Chosen) -> None:
        self.looking = self.looking.at(message.row)

    def _look_again(self) -> None:
        """Take over what was appended to a growing run, and what goes on in a live one."""
        try:
            grown = self.source.poll()
        except InputError as error:
            self._tell(error)
            return
        if grown is not None:
            self._grew_at = time.monotonic()
            self.looking = self.looking.grown(grown)
        if self.live is not None:
            self._timeline.show_progress(() if self.run.ended else self.live.progress)
        self._show_standing()

    def _tell(self, error: InputError) -> None:
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
        except InputError as error:
            self._tell(error)

    def action_read(self, by: int) -> None:
        """A line; a step where one reads the timeline."""
        if self._reading is self._timeline:
            self.action_step(by)
        else:
            self._reading.go(by)

    def action_read_page(self, by: int) -> None:
        """A page."""
        if self._reading is self._timeline:
            self.action_step(by * max(self._timeline.room.height - 1, 1))
        else:
            self._reading.go_pages(by)

    def action_read_end(self, direction: int) -> None:
        """The first line or the last."""
        if self._reading is self._timeline:
            self.action_end(direction)
        else:
            self._reading.go_end(direction)

    def action_columns(self, by: int) -> None:
        """The columns further left or right."""
        self._call.table.go_columns(by)

    def action_open(self) -> None:
        """From the timeline to the call; from a table to its selected row in full."""
        if self._reading is self._timeline:
            self._read(self._call.body)
        elif self._call.table.table.rows:
            self.looking = self.looking.opened("record", self._call.table.row)

    def action_go_to_pane(self, by: int) -> None:
        """The next pane that shows something."""
        panes = self._panes
        self._read(panes[(panes.index(self._reading) + by) % len(panes)])

    def _read(self, pane: Painted) -> None:
        """Let reading keys go to a pane from now on; where there is room for one pane, show it."""
        bodies = (self._call.text, self._call.table)
        for each in (self._timeline, self._call.asked, *bodies):
            each.set_class(each is pane or (pane in bodies and each in bodies), "-read")
        self.set_class(pane is self._timeline, "-timeline")
        self._show_frame()
        self._show_standing()

    def action_pane(self, pane: Pane) -> None:
        """Open a pane; the next rows open it too where they have it."""
        self.looking = self.looking.wishing(pane)

    def action_answer(self) -> None:
        """The answer against gold, or back."""
        self.looking = self.looking.opened("answer")

    def action_help(self) -> None:
        """The keys, or back."""
        self.looking = self.looking.opened("help")

    def action_search(self) -> None:
        """Ask what to search."""
        from clinseek_tui.widgets.prompt import Prompt  # noqa: PLC0415 -- Input loads only when it is needed

        if self._prompt is None:
            self._prompt = Prompt("search tools, arguments, texts, results")
            self.query_one(Footer).display = False
            self.mount(self._prompt)
            self._prompt.focus()

    def on_prompt_asked(self, message: Prompt.Asked) -> None:
        """Search what was asked."""
        self._close_prompt()
        self.looking = self.looking.searched(message.text)
        self._reveal()

    def action_hit(self, by: int) -> None:
        """The next hit or the one before."""
        self.looking = self.looking.hit(by)
        self._reveal()

    def _reveal(self) -> None:
        if self.looking.finding.hits:
            self.call_after_refresh(self._call.reveal, self.looking.finding)

    def _close_prompt(self) -> None:
        if self._prompt is not None:
            self._prompt.remove()
            self._prompt = None
            self.query_one(Footer).display = True
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
