"""Where one looks: a run, a row of its timeline, a pane. Every key makes a new one of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from clinseek_core.journal.events import Table
from clinseek_replay.filtering import Filter
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.keys import COMMANDS, Command
from clinseek_tui.view.blocks import Document
from clinseek_tui.view.filtering import is_shown
from clinseek_tui.view.finding import Finding
from clinseek_tui.view.lens import LensPage
from clinseek_tui.view.marking import NO_SIGNS, Signs
from clinseek_tui.view.panes import Content, Pane, content, opening, panes_of
from clinseek_tui.view.rows import Kind, Row, opening_row, place, row_for, row_of_step, rows_of
from clinseek_tui.view.showing import shown

if TYPE_CHECKING:
    from clinseek_replay.context import SeenMessage
    from clinseek_replay.evidence.report import Evidence
    from clinseek_replay.finding import Place
    from clinseek_replay.trajectory import Call
    from clinseek_tui.running.desk import Made
    from clinseek_tui.view.query_plan import PlanPage

__all__ = ["Again", "Looking", "Page", "look"]

Page = Literal["answer", "help", "record", "signs", "told", "again", "plan", "lens"]
"""What may lie over a row's pane; a step closes it."""


class Again(NamedTuple):
    """A call that was made anew, and the run's own call that it began from."""

    made: Made
    recorded: Call | None


class Told(NamedTuple):
    """A text that a command made."""

    title: str = ""
    document: Document = ()


class Looking(NamedTuple):
    """One run and where one is in it; a value, so that nothing on the screen can disagree."""

    trajectory: Trajectory
    rows: list[Row]
    """The run's timeline."""
    selected: int
    """The selected row."""
    wished: Pane | None = None
    """The pane that a key chose; None where each row opens its own."""
    page: Page | None = None
    below: Page | None = None
    """The page under it, to which closing goes back."""
    record: int = 0
    """The row of the table that the `record` page shows."""
    finding: Finding = Finding()
    signs: Signs = NO_SIGNS
    """What an analysis has found so far, by the anchor that it is marked at."""
    signs_under_way: bool = False
    """Whether more of them may come."""
    evidence: Evidence | None = None
    """Where the items of gold and answer come from, once that has been looked for."""
    evidence_under_way: bool = False
    told: Told = Told()
    """What the `told` page says."""
    messages: tuple[SeenMessage, ...] | None = None
    """The conversation, once it has been gathered for the context pane."""
    lens: LensPage | None = None
    """The run's times, once they have been gathered."""
    made: tuple[Again, ...] = ()
    """The calls that were made anew, in their order."""
    made_at: int = 0
    """Which of them the `again` page shows."""
    plan: PlanPage | None = None
    """What the `plan` page shows."""
    filter: Filter | None = None
    """What the timeline shows; None where it shows all."""
    waiting: str = ""
    """What is waited for; untrusted where it quotes what was asked."""
    stop: str = ""
    """Why one has stopped here; untrusted where it quotes the run."""
    commands: tuple[Command, ...] = COMMANDS
    """With the keys that are in force."""
    quoted: str = ""
    """What stands at the place that one has gone to; it is marked there."""

    @property
    def row(self) -> Row:
        """The selected row."""
        return self.rows[self.selected]

    @property
    def at_end(self) -> bool:
        """Whether the last row is selected: then one follows a run that grows."""
        return self.selected == len(self.rows) - 1

    @property
    def is_open(self) -> bool:
        """Whether there is anything to be closed."""
        return bool(self.page or self.wished or self.finding.needle or self.stop or self.waiting)

    @property
    def pane(self) -> Pane | None:
        """The pane that is open; None at the case and the end, and under a page."""
        return None if self.page else opening(self.trajectory, self.row, self.wished)

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes that the row has."""
        return panes_of(self.trajectory, self.row)

    @property
    def content(self) -> Content:
        """What the middle of the screen shows."""
        return shown(self)

    @property
    def seen(self) -> tuple[SeenMessage, ...]:
        """The messages in the order in which the context pane shows them."""
        from clinseek_tui.view.seen import seen_before  # noqa: PLC0415 -- loads with the pane

        return seen_before(self.trajectory, self.messages or (), self.row.step)

    @property
    def anchor(self) -> str:
        """Of the call or the turn selected: `s12.c1`; empty at the case and the end."""
        step, call = place(self.trajectory, self.row)
        return call.anchor if call else step.anchor if step else ""

    def at(self, row: int) -> Looking:
        """The same run at another row, or at the nearest there is."""
        return self._replace(selected=min(max(row, 0), len(self.rows) - 1), page=None, quoted="", stop="")

    def at_place(self, place: Place, step: int) -> Looking:
        """At a place of a run, whose step has this index; its pane is open."""
        kind: Kind = "case" if place.step == 0 else "call"
        there = self._at_row(kind, step, (place.call or 1) - 1)
        pane: Pane | None = None if place.call is None and place.start is None else "result"
        if place.field in ("reasoning", "text") and place.start is not None:
            pane = "reasoning"
        shows_table = isinstance(content(there.trajectory, there.row, "result").body, Table)
        if place.field == "result" and place.row is None and place.start is not None and shows_table:
            pane = "raw"
        return there._replace(wished=pane, quoted=place.quote)

    def zoomed(self, by: int) -> Looking:
        """With the time lens looking further back, or closer."""
        from clinseek_replay.lens_lines import SPANS  # noqa: PLC0415 -- loads with the page

        if self.lens is None:
            return self
        return self._replace(lens=self.lens._replace(span=min(max(self.lens.span + by, 0), len(SPANS) - 1)))

    @property
    def again(self) -> Again | None:
        """The call made anew that is shown, or would be."""
        return self.made[self.made_at] if self.made else None

    def with_made(self, again: Again) -> Looking:
        """With one more call made anew, which is shown."""
        return self._replace(
            page="again", below=None, made=(*self.made, again), made_at=len(self.made), waiting=""
        )

    def with_plan(self, plan: PlanPage) -> Looking:
        """With how a statement was answered; closing goes back to what that statement gave."""
        below = self.page if self.page == "again" else self.below
        return self._replace(page="plan", below=below, plan=plan, waiting="")

    @property
    def sql(self) -> str | None:
        """The statement that is looked at: that of the page, else that of the call."""
        if self.page == "plan" and self.plan is not None:
            return self.plan.sql
        if self.page == "again" and self.again is not None:
            return self.again.made.sql
        call = place(self.trajectory, self.row)[1]
        return call.sql if call is not None else None

    def at_made(self, by: int) -> Looking:
        """Showing the call that was made before or after."""
        return self._replace(page="again", made_at=min(max(self.made_at + by, 0), len(self.made) - 1))

    def stopped(self, step: int, call: int | None, why: str) -> Looking:
        """At a call, or at a turn, where one has stopped for a reason."""
        return self._at_row("call", step, call)._replace(stop=why)

    def _at_row(self, kind: Kind, step: int, call: int | None) -> Looking:
        """At a row; a filter that hides it is dropped."""
        index = row_for(self.rows, kind, step, call)
        if index is None and self.filter is not None:
            return self.filtered(None, rows_of(self.trajectory))._at_row(kind, step, call)
        return self.at(index or 0)

    def filtered(self, wanted: Filter | None, rows: list[Row]) -> Looking:
        """With only these rows in the timeline, at the selected one or the one before it."""
        here = max((index for index, row in enumerate(rows) if row.order <= self.row.order), default=0)
        return self._replace(filter=wanted, rows=rows, selected=here)

    def grown(self, trajectory: Trajectory) -> Looking:
        """The run with what was appended: the last row is followed, any other stays selected."""
        rows = rows_of(trajectory)
        if self.filter is not None:
            rows = self._still_shown(trajectory, rows, self.filter)
        selected = len(rows) - 1 if self.at_end else min(self.selected, len(rows) - 1)
        return self._replace(trajectory=trajectory, rows=rows, selected=selected)

    def opened(self, page: Page, row: int = 0) -> Looking:
        """With a page over the pane, or without it where it was there already.

        A row in full lies over the table that it is of, which may be a page itself.
        """
        below = self.page if page == "record" else None
        return self._replace(page=None if self.page == page else page, below=below, record=row)

    def _still_shown(self, trajectory: Trajectory, rows: list[Row], wanted: Filter) -> list[Row]:
        """Of the rows of a run that has grown those that a filter shows: only what is new is looked at."""
        shown = {row.order for row in self.rows}
        first_new = len(self.trajectory.steps) - 1
        return [
            row
            for row in rows
            if row.order in shown or (row.step >= first_new and is_shown(trajectory, row, wanted, self.signs))
        ]

    def telling(self, title: str, document: Document) -> Looking:
        """With a text over the page that is open."""
        below = self.below if self.page == "told" else self.page
        return self._replace(page="told", below=below, told=Told(title, document))

    def wishing(self, pane: Pane) -> Looking:
        """With a pane chosen, for this row and all that have it."""
        return self._replace(wished=pane, page=None)

    def closed(self) -> Looking:
        """With the page closed; where none is open, with neither a chosen pane nor a search."""
        if self.page:
            return self._replace(page=self.below, below=None)
        return self._replace(wished=None, finding=Finding(), quoted="", stop="")

    def searching(self, needle: str) -> Looking:
        """With a search under way."""
        return self._replace(finding=Finding(needle, under_way=bool(needle)))

    def found(self, finding: Finding) -> Looking:
        """With what a search found, at its hit."""
        return self._replace(finding=finding)._at_hit()

    def hit(self, by: int) -> Looking:
        """At the next hit, or at the one before."""
        return self._replace(finding=self.finding.moved(by))._at_hit()

    def _at_hit(self) -> Looking:
        if not self.finding.hits:
            return self
        there = self._at_row(*self.finding.row)
        shows_table = isinstance(content(there.trajectory, there.row, "result").body, Table)
        return there._replace(wished=self.finding.pane(shows_table))


def look(trajectory: Trajectory, at_end: bool = False, step: int | None = None) -> Looking:
    """A run from where one begins: at a step where one is named, else at its first step or at its end."""
    rows = rows_of(trajectory)
    if step is not None:
        return Looking(trajectory, rows, row_of_step(rows, trajectory, step))
    return Looking(trajectory, rows, len(rows) - 1 if at_end else opening_row(rows))
