"""The middle of the screen: what was asked above, what came back below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from clinseek_core.journal.events import Table
from clinseek_replay.finding import Place
from clinseek_tui.view.film_page import FilmPage
from clinseek_tui.view.finding import Finding
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.panes import Content
from clinseek_tui.widgets.grid import Grid
from clinseek_tui.widgets.painted import Painted
from clinseek_tui.widgets.reader import Reader
from clinseek_tui.widgets.rule import Rule

if TYPE_CHECKING:
    from clinseek_tui.widgets.film import FilmPane
    from clinseek_tui.widgets.lens import LensPane

__all__ = ["CallView"]


class CallView(Vertical):
    """Shows a Content; `body` is the pane that reading keys go to."""

    DEFAULT_CSS = """
    CallView {
        #asked, #text, #table {
            border-left: solid $foreground 25%;
            border-right: solid $foreground 25%;
        }
        #asked.-read, #text.-read, #table.-read { border-left: solid $accent 60%; }
        #asked { height: auto; max-height: 40%; }
        #text, #table { height: 1fr; }
        #lens { height: 1fr; border-left: solid $foreground 25%; border-right: solid $foreground 25%; }
        #lens.-read { border-left: solid $accent 60%; }
        #film { height: 1fr; border-left: solid $foreground 25%; border-right: solid $foreground 25%; }
        #film.-read { border-left: solid $accent 60%; }
        .hidden { display: none; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id)
        self.asked = Reader(id="asked")
        """What stands above: the SQL or the arguments of the call."""
        self.text = Reader(id="text")
        """The body where it is text."""
        self.table = Grid(id="table", classes="hidden")
        """The body where it is a table."""
        self.lens: LensPane | None = None
        """The body where it is the time lens, once that was opened."""
        self.film: FilmPane | None = None
        """The body where it is films, once one was looked at."""
        self._divider = Rule(("├", "┼", "┤"), id="divider")

    def compose(self) -> ComposeResult:
        """What was asked, a line, what came back."""
        yield self.asked
        yield self._divider
        yield self.text
        yield self.table

    @property
    def body(self) -> Painted:
        """The pane below: text, table, time lens or films."""
        return next((body for body in self.bodies if not body.has_class("hidden")), self.text)

    @property
    def bodies(self) -> tuple[Painted, ...]:
        """All that may be the pane below."""
        late = (self.lens, self.film)
        return (self.text, self.table, *(pane for pane in late if pane is not None))

    @property
    def panes(self) -> tuple[Painted, ...]:
        """The panes that show something, from above."""
        return (self.body,) if self.asked.has_class("hidden") else (self.asked, self.body)

    def show(self, content: Content) -> None:
        """Show another content; a body that stays the same stays where it was scrolled to."""
        body = self._body_of(content)
        for each in self.bodies:
            each.set_class(each is not body, "hidden")
        for widget in (self.asked, self._divider):
            widget.set_class(not content.asked, "hidden")
        self.asked.show(content.asked)
        if isinstance(content.body, Table):
            self.table.show(content.body, content.row)
        elif isinstance(content.body, LensPage):
            self._lens_pane().show(content.body)
        elif isinstance(content.body, FilmPage):
            self._film_pane().show(content.body)
        else:
            self.text.show(content.body)

    def _body_of(self, content: Content) -> Painted:
        if isinstance(content.body, Table):
            return self.table
        if isinstance(content.body, LensPage):
            return self._lens_pane()
        return self._film_pane() if isinstance(content.body, FilmPage) else self.text

    def _lens_pane(self) -> LensPane:
        if self.lens is None:
            from clinseek_tui.widgets.lens import LensPane  # noqa: PLC0415 -- loads when it is first opened

            self.lens = LensPane(id="lens", classes="-read" if self.text.has_class("-read") else "")
            self.mount(self.lens)
        return self.lens

    def _film_pane(self) -> FilmPane:
        if self.film is None:
            from clinseek_tui.widgets.film import FilmPane  # noqa: PLC0415 -- as the time lens

            self.film = FilmPane(id="film", classes="-read" if self.text.has_class("-read") else "")
            self.mount(self.film)
        return self.film

    def mark(self, needle: str) -> None:
        """Mark where `needle` occurs in all panes."""
        for pane in (self.asked, self.text, self.table):
            pane.mark(needle)

    def go_to(self, place: Place) -> None:
        """Bring a place of the call or the turn into view: the row of a table, or characters of a text."""
        if place.row is not None and self.body is self.table:
            self.table.row = min(place.row, len(self.table.table.rows)) - 1
        elif place.start is not None:
            for pane in (self.asked, self.text):
                pane.reveal_at(place.field, place.start)

    def reveal(self, finding: Finding) -> None:
        """Bring a hit into view: the row of a table, or the place in a text."""
        if finding.hit.field == "row" and self.body is self.table:
            self.table.row = finding.hit.offset
            return
        for pane in (self.asked, self.text):
            pane.reveal(finding.hit.field, finding.needle, finding.nth)
