"""The frame with its panes: timeline left, the call right; one of them is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from clinseek_tui.view.looking import Looking
from clinseek_tui.view.panes import PANES
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.call_view import CallView
from clinseek_tui.widgets.grid import Grid
from clinseek_tui.widgets.painted import Painted
from clinseek_tui.widgets.rule import Part, Rule
from clinseek_tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from clinseek_tui.widgets.film import FilmPane
    from clinseek_tui.widgets.lens import LensPane

__all__ = ["Frame"]

_TIMELINE = 30
"""Cells of the timeline with its line, where it stands beside the call."""


class Frame(Vertical):
    """Shows a Looking; on a narrow screen the timeline or the call, whichever is read."""

    DEFAULT_CSS = """
    Frame {
        height: 1fr;
        #panes { height: 1fr; }
        CallView { width: 1fr; }
        Timeline { width: 30; border-left: solid $foreground 25%; }
        Timeline.-read { border-left: solid $accent 60%; }
        &.-narrow {
            Timeline { display: none; width: 1fr; border-right: solid $foreground 25%; }
            &.-timeline Timeline { display: block; }
            &.-timeline CallView { display: none; }
        }
    }
    """

    @dataclass
    class Turned(Message):
        """One turned to another pane."""

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline()
        self.call = CallView()
        self._top = Rule(("┌", "┬", "┐"))
        self._bottom = Rule(("└", "┴", "┘"))
        self._looking: Looking | None = None
        self._title: Words = ()

    def compose(self) -> ComposeResult:
        """The panes between two lines of the frame."""
        yield self._top
        with Horizontal(id="panes"):
            yield self.timeline
            yield self.call
        yield self._bottom

    def on_mount(self) -> None:
        """Begin with what came back."""
        self.read(self.call.body)

    @property
    def panes(self) -> tuple[Painted, ...]:
        """The panes that show something, in the order in which one goes through them."""
        return (self.timeline, *self.call.panes)

    @property
    def reading(self) -> Painted:
        """The pane that reading keys go to."""
        return next((pane for pane in self.panes if pane.has_class("-read")), self.call.body)

    @property
    def on_timeline(self) -> bool:
        """Whether one reads the timeline."""
        return self.reading is self.timeline

    @property
    def table(self) -> Grid | None:
        """The table that is shown, if one is."""
        return self.call.table if self.call.body is self.call.table else None

    @property
    def lens(self) -> LensPane | None:
        """The time lens that is shown, if one is."""
        return self.call.lens if self.call.body is self.call.lens else None

    @property
    def film(self) -> FilmPane | None:
        """The films that are shown, if any are."""
        return self.call.film if self.call.body is self.call.film else None

    def read(self, pane: Painted) -> None:
        """Let reading keys go to a pane from now on."""
        bodies = self.call.bodies
        for each in (self.timeline, self.call.asked, *bodies):
            each.set_class(each is pane or (pane in bodies and each in bodies), "-read")
        self.set_class(pane is self.timeline, "-timeline")
        self._label()
        self.post_message(self.Turned())

    def turn(self, by: int) -> None:
        """Read the next pane, or the one before."""
        panes = self.panes
        self.read(panes[(panes.index(self.reading) + by) % len(panes)])

    def show(self, looking: Looking) -> None:
        """Show what is looked at."""
        self._looking = looking
        shown = looking.content
        self._title = shown.title
        self.timeline.show(looking.trajectory, looking.rows, looking.selected)
        self.timeline.show_signs(looking.signs)
        self.call.show(shown)
        self.call.mark(looking.quoted or looking.finding.needle)
        self._label()

    def narrow(self, narrow: bool) -> None:
        """Show one pane at a time, or timeline and call side by side."""
        self.set_class(narrow, "-narrow")
        self._label()

    @on(Grid.Moved)
    def _label(self) -> None:
        """Say on the lines of the frame what is in the panes, and which others there are."""
        if self._looking is None:
            return
        finding = self._looking.finding
        wanted = self._looking.filter
        name: Words = (("Timeline", "accent" if self.on_timeline else "dim"),)
        if wanted is not None:
            name = (*name, (f" · {wanted.text}", "accent"))
        waiting = self._looking.waiting
        found: Words = ((waiting or str(finding), "accent" if finding.hits and not waiting else "dim"),)
        row: Words = ((self.table.place if self.table and not self.on_timeline else "", "dim"),)
        tabs = _tabs(self._looking)
        if self.has_class("-narrow"):
            self._top.parts = (Part(name if self.on_timeline else self._title),)
            self._bottom.parts = (Part(found if finding.needle or waiting else row, tabs),)
        else:
            self._top.parts = (Part(name, width=_TIMELINE), Part(self._title))
            self._bottom.parts = (Part(found, width=_TIMELINE), Part(row, tabs))

    @on(events.Click)
    def _read_clicked(self, event: events.Click) -> None:
        if isinstance(event.widget, Painted):
            self.read(event.widget)


def _tabs(looking: Looking) -> Words:
    """The panes of the row with their keys, the open one in the accent's colour."""
    return tuple(
        piece
        for pane, key, word in PANES
        if pane in looking.panes
        for piece in ((f"  {key} ", "dim"), (word, "accent" if pane == looking.pane else "dim"))
    )
