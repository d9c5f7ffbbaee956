"""The debugger: a run step by step, live or recorded. Keys are routed here; others do what they say."""

from __future__ import annotations

import gc
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult

from clinseek_core.agent.approval import RUN_IT, AskedCall, Decision
from clinseek_core.errors import InputError
from clinseek_tui.keys import COMMANDS, Command, Need, command_of
from clinseek_tui.live import LivePort, Watched
from clinseek_tui.screens.film_screen import FilmScreen
from clinseek_tui.view.budget import budget_words, price_in
from clinseek_tui.view.looking import look
from clinseek_tui.view.panes import Pane
from clinseek_tui.view.standing import Standing, mode_words, position
from clinseek_tui.widgets.footer import Footer
from clinseek_tui.widgets.frame import Frame
from clinseek_tui.widgets.header import Header
from clinseek_tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual.timer import Timer

    from clinseek_replay.source import RunSource

__all__ = ["DebuggerScreen"]

_POLLS = 1 / 10
"""Seconds between looks at a growing run."""
_NARROW = 100
"""Columns below which one pane is shown at a time."""
_LONGEST_LINE = 20_000
"""Characters of arguments that are still edited in a line."""


class DebuggerScreen(FilmScreen):
    """One run of a source at a time, one row of it selected, one pane of that row open."""

    DEFAULT_CSS = """
    DebuggerScreen {
        background: $background;
        layers: base over;
        &.-narrow Header, &.-live Header { height: 2; }
    }
    """

    def __init__(
        self,
        source: RunSource,
        live: LivePort | None = None,
        step: int | None = None,
        ehr: Path | None = None,
        commands: tuple[Command, ...] = COMMANDS,
    ) -> None:
        super().__init__(source, step, ehr)
        self.use_keys(commands)
        self.live = live
        """The run of this process, where there is one."""
        self._header = Header()
        self._footer = Footer()
        self._polling: Timer | None = None
        self._price = price_in(os.environ)
        self._grew_at = time.monotonic()
        self._shown_waiting = ""

    def compose(self) -> ComposeResult:
        """Header, panes, keys."""
        yield self._header
        yield self.frame
        yield self._footer

    def on_mount(self) -> None:
        """Show the run, and look for more where it may grow."""
        self.set_class(self.live is not None, "-live")
        # A long run is millions of objects that never form a cycle: the collector need not look at them.
        gc.freeze()
        self.watch_looking()
        if self.source.mode != "replay":
            self._polling = self.set_interval(_POLLS, self._look_again)
        self.call_after_refresh(self.begin_analyses)

    @on(events.Resize)
    def _fit(self, event: events.Resize) -> None:
        narrow = event.size.width < _NARROW
        self.set_class(narrow, "-narrow")
        self.frame.narrow(narrow)

    @property
    def waiting(self) -> AskedCall | None:
        """The call that waits for a person, where one does."""
        return self.live.waiting_call if self.live is not None else None

    def has(self) -> set[Need]:
        """What there is now for commands to work on."""
        look, table, film = self.looking, self.frame.table is not None, self.frame.film
        there: dict[Need, bool] = {
            "live": self.live is not None and not self.run.ended,
            "waiting": self.waiting is not None,
            "runs": len(self.source.labels) > 1,
            "item": table or self.frame.on_timeline or look.page == "lens",
            "found": bool(look.finding.hits),
            "ehr": self.can_ask_again,
            "made": bool(look.made),
            "query": look.sql is not None,
            "scale": look.page == "lens" or film is not None,
            "wide": table or film is not None,
            "film": film is not None,
            "films": film is not None and film.count > 1,
            "breaks": bool(self.breakpoints),
            "marked": look.anchor in look.signs or (look.page == "answer" and look.evidence is not None),
            "open": look.is_open or self.prompt is not None,
        }
        return {need for need, is_there in there.items() if is_there}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether a key does anything now: what its command needs must be there."""
        command = command_of(action)
        return command is None or command.enabled(self.has())

    def watch_looking(self) -> None:
        """Show what is looked at."""
        self._header.trajectory = self.run
        self.frame.show(self.looking)
        self.show_standing()
        self.gather_what_is_shown()

    @on(Frame.Turned)
    def show_standing(self) -> None:
        """Show where one stands, and which keys do something there."""
        total = len(self.source.labels)
        state = "ended" if self.run.ended else self.source.state if isinstance(self.source, Watched) else ""
        quiet = time.monotonic() - self._grew_at
        live = self.live
        waits = self.waiting.anchor if self.waiting is not None else ""
        self._header.standing = Standing(
            mode=mode_words(self.source.mode, state, live is not None and live.paused, quiet, waits),
            budget=() if live is None else budget_words(self.run, self._price),
            position=position(self.run, self.looking.row),
            run=f"run {self.source.position + 1}/{total}" if total > 1 else "",
        )
        offered = (c for c in self.commands if c.footer and c.enabled(self.has()))
        # What a call waits for is said first: where there is little room, others are left away.
        self._footer.commands = tuple(sorted(offered, key=lambda c: "waiting" not in c.needs))

    @on(Timeline.Chosen)
    def _choose(self, message: Timeline.Chosen) -> None:
        self.looking = self.looking.at(message.row)

    def _look_again(self) -> None:
        """Take over what was appended to a growing run, and what goes on in a live one."""
        try:
            grown = self.source.poll()
        except InputError as error:
            self.tell(error)
            if self._polling is not None:
                self._polling.stop()
                self._polling = None
            return
        if grown is not None:
            self._grew_at = time.monotonic()
            self.looking = self.looking.grown(grown)
        self.go_on_analysing()
        if self.live is not None:
            self.frame.timeline.show_progress(() if self.run.ended else self.live.progress)
        self._show_waiting()
        self.show_standing()

    def _show_waiting(self) -> None:
        """Look at a call that begins to wait: what a key decides is what one sees."""
        asked = self.waiting
        if (
            asked is None
            or asked.anchor == self._shown_waiting
            or self.looking.page
            or self.prompt is not None
        ):
            return
        if asked.step <= len(self.run.steps):
            self._shown_waiting = asked.anchor
            self.action_go_to(asked.anchor)

    def open_run(self, index: int) -> None:
        """Look at another run."""
        try:
            opened = look(self.source.select(index), self.source.mode != "replay")
            self.looking = opened._replace(commands=self.commands)
        except InputError as error:
            self.tell(error)
            return
        self.give_up_waiting()
        gc.freeze()
        self.begin_analyses()

    def action_step(self, by: int) -> None:
        """The call before or after."""
        self.looking = self.looking.at(self.looking.selected + by)

    def action_end(self, direction: int) -> None:
        """The first row or the last."""
        self.looking = self.looking.at(0 if direction < 0 else len(self.looking.rows) - 1)

    def action_run(self, by: int) -> None:
        """The run before or after."""
        index = self.source.position + by
        if 0 <= index < len(self.source.labels):
            self.open_run(index)

    def action_read(self, by: int) -> None:
        """A line; a step where one reads the timeline."""
        if self.frame.on_timeline:
            self.action_step(by)
        else:
            self.frame.reading.go(by)

    def action_read_page(self, by: int) -> None:
        """A page."""
        if self.frame.on_timeline:
            self.action_step(by * max(self.frame.timeline.room.height - 1, 1))
        else:
            self.frame.reading.go_pages(by)

    def action_read_end(self, direction: int) -> None:
        """The first line or the last."""
        if self.frame.on_timeline:
            self.action_end(direction)
        else:
            self.frame.reading.go_end(direction)

    def action_columns(self, by: int) -> None:
        """Further left or right: by columns, or over a film."""
        if self.frame.table is not None:
            self.frame.table.go_columns(by)
        elif self.frame.film is not None:
            self.frame.film.move(by, 0)

    def action_open(self) -> None:
        """From the timeline to the call; from a table to what its selected row stands for."""
        table = self.frame.table
        if self.frame.on_timeline:
            self.frame.read(self.frame.call.body)
        elif self.looking.page == "answer":
            self.go_to_item()
        elif self.frame.lens is not None:
            self.action_go_to(self.frame.lens.selected)
        elif self.looking.pane == "context" and table is not None:
            self.open_message(table.row)
        elif table is not None and table.table.rows:
            self.looking = self.looking.opened("record", table.row)

    def action_go_to_pane(self, by: int) -> None:
        """The next pane that shows something."""
        self.frame.turn(by)

    def action_pane(self, pane: Pane) -> None:
        """Open a pane; the next rows open it too where they have it."""
        self.looking = self.looking.wishing(pane)

    def action_help(self) -> None:
        """The keys, or back."""
        self.open_page("help")

    def action_close(self) -> None:
        """Close what was opened last."""
        if self.prompt is not None:
            self.close_prompt()
        elif self.looking.waiting:
            self.give_up_waiting()
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
            self.show_standing()

    def action_approve_calls(self) -> None:
        """Let each call wait for a person, or no longer."""
        if self.live is not None:
            self.live.ask_before_calls(not self.live.approving)
            self.show_standing()

    def action_allow_call(self) -> None:
        """Run the call that waits."""
        self._decide(RUN_IT)

    def action_change_call(self, written: str) -> None:
        """Run the call that waits with other arguments."""
        try:
            arguments = json.loads(written)
        except (ValueError, RecursionError) as error:
            raise InputError(f"these arguments are not JSON ({error}); the call still waits") from error
        if not isinstance(arguments, dict):
            raise InputError('arguments are a JSON object, such as {"table_name": "labevents"}')
        self._decide(Decision(what="edit", arguments=arguments))

    def begun_line(self, word: str) -> str:
        """Arguments are changed from what they are."""
        if word != "change" or self.waiting is None:
            return ""
        arguments = self.waiting.request.arguments or {}
        text = json.dumps(arguments, ensure_ascii=False)
        # What can't be seen in a line is written as its escape, which JSON reads back.
        text = text if text.isprintable() else json.dumps(arguments)
        return text if len(text) <= _LONGEST_LINE else ""

    def action_refuse_call(self, why: str = "") -> None:
        """Do not run the call that waits, and tell the model."""
        self._decide(Decision(what="refuse", why=why))

    def _decide(self, decision: Decision) -> None:
        if self.live is not None:
            self.live.decide(decision)
            self.show_standing()

    def action_single_step(self) -> None:
        """Take one step, then pause."""
        if self.live is not None:
            self.live.step()
            self.show_standing()
