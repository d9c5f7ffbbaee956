"""Where one looks: a run, a row of its timeline, a pane. Every key makes a new one of these."""

from __future__ import annotations

from typing import Literal, NamedTuple

from clinseek_core.journal.events import Table
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.keys import COMMANDS
from clinseek_tui.view.documents import about_end, record
from clinseek_tui.view.finding import Finding
from clinseek_tui.view.help import help_page
from clinseek_tui.view.marking import NO_SIGNS, Signs, sign_words, signs_page
from clinseek_tui.view.panes import Content, Pane, content, opening, panes_of
from clinseek_tui.view.rows import Row, opening_row, place, row_of_step, rows_of

__all__ = ["Looking", "Page", "look"]

Page = Literal["answer", "help", "record", "signs"]
"""What may lie over a row's pane; a step closes it."""


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
    record: int = 0
    """The row of the table that the `record` page shows."""
    finding: Finding = Finding()
    signs: Signs = NO_SIGNS
    """What an analysis has found so far, by the anchor that it is marked at."""
    signs_under_way: bool = False
    """Whether more of them may come."""

    @property
    def row(self) -> Row:
        """The selected row."""
        return self.rows[self.selected]

    @property
    def at_end(self) -> bool:
        """Whether the last row is selected: then one follows a run that grows."""
        return self.selected == len(self.rows) - 1

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
        below = content(
            self.trajectory, self.row, self.pane or opening(self.trajectory, self.row, self.wished)
        )
        if self.page == "answer":
            return Content((("answer against gold", "strong"),), about_end(self.trajectory))
        if self.page == "help":
            return Content((("keys", "strong"),), help_page(COMMANDS))
        if self.page == "signs" and self.anchor:
            page = signs_page(self.signs, self.anchor, self.signs_under_way)
            return Content(((f"{self.anchor} · why it is marked", "strong"),), page)
        if self.page == "record" and isinstance(below.body, Table):
            return Content(
                ((f"{self.anchor}.r{self.record + 1} in full", "strong"),), record(below.body, self.record)
            )
        return below._replace(title=(*below.title, *sign_words(self.signs, self.anchor)))

    @property
    def anchor(self) -> str:
        """Of the call or the turn selected: `s12.c1`; empty at the case and the end."""
        step, call = place(self.trajectory, self.row)
        return call.anchor if call else step.anchor if step else ""

    def at(self, row: int) -> Looking:
        """The same run at another row, or at the nearest there is."""
        return self._replace(selected=min(max(row, 0), len(self.rows) - 1), page=None)

    def grown(self, trajectory: Trajectory) -> Looking:
        """The run with what was appended: the last row is followed, any other stays selected."""
        rows = rows_of(trajectory)
        selected = len(rows) - 1 if self.at_end else min(self.selected, len(rows) - 1)
        return self._replace(trajectory=trajectory, rows=rows, selected=selected)

    def opened(self, page: Page, row: int = 0) -> Looking:
        """With a page over the pane, or without it where it was there already."""
        return self._replace(page=None if self.page == page else page, record=row)

    def wishing(self, pane: Pane) -> Looking:
        """With a pane chosen, for this row and all that have it."""
        return self._replace(wished=pane, page=None)

    def closed(self) -> Looking:
        """With the page closed; where none is open, with neither a chosen pane nor a search."""
        return self._replace(page=None) if self.page else self._replace(wished=None, finding=Finding())

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
        there = self.at(self.finding.row(self.rows))
        shows_table = isinstance(content(there.trajectory, there.row, "result").body, Table)
        return there._replace(wished=self.finding.pane(shows_table))


def look(trajectory: Trajectory, at_end: bool = False, step: int | None = None) -> Looking:
    """A run from where one begins: at a step where one is named, else at its first step or at its end."""
    rows = rows_of(trajectory)
    if step is not None:
        return Looking(trajectory, rows, row_of_step(rows, trajectory, step))
    return Looking(trajectory, rows, len(rows) - 1 if at_end else opening_row(rows))
