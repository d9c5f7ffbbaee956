"""The timeline: a row for the case, each call, each turn without one, and the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message

from clinseek_replay.glyphs import CUT, SIGNS, STATUS, SignKind, tool_glyph
from clinseek_replay.trajectory import Call, Step, Trajectory
from clinseek_tui.glyphs import CASE, RUNNING, THINK
from clinseek_tui.live import Progress
from clinseek_tui.view.grid import fitted
from clinseek_tui.view.marking import NO_SIGNS, Signs, kinds_at
from clinseek_tui.view.rows import Row, last_number, place
from clinseek_tui.view.words import short_name
from clinseek_tui.widgets.painted import Painted, Piece

__all__ = ["Timeline"]

_COUNT = 4
"""Cells for the number of rows that a call gave."""
_FAILED = {"error", "refused"}
_ENDS = {"answered": "✓", "error": "✗"}
_SIGN_STYLES: dict[SignKind, str] = {"leak": "error", "gold": "accent", "repeat": "dim"}
_PROGRESS = {"waiting": "…", "streaming": "…", "queued": "◌", "running": RUNNING.unicode}


class _Cells(NamedTuple):
    """A row before it is fitted to the width."""

    number: str
    kind: Piece
    name: Piece
    signs: tuple[Piece, ...] = ()
    rows: str = ""


class Timeline(Painted):
    """Shows the rows of a run, one of them selected."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    Timeline { overflow-x: hidden; }
    """

    @dataclass
    class Chosen(Message):
        """A row was clicked."""

        row: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id)
        self._trajectory = Trajectory(run_id="", source="", format="")
        self._rows: list[Row] = []
        self._selected = 0
        self._signs = NO_SIGNS
        self._progress: tuple[Progress, ...] = ()
        self._at_work: frozenset[str] = frozenset()
        self._digits = 2

    def show(self, trajectory: Trajectory, rows: list[Row], selected: int) -> None:
        """Show the rows of a run; the selected one is in view."""
        before, self._selected = self._selected, selected
        if trajectory is self._trajectory and rows is self._rows:
            self.repaint_lines(before, selected)
        else:
            self._trajectory, self._rows = trajectory, rows
            self._digits = max(2, len(str(last_number(trajectory))))
            self._refit()
        self.bring_into_view(selected)

    def show_signs(self, signs: Signs) -> None:
        """Mark calls with what an analysis found; rows in view are painted again where they change."""
        if signs is self._signs:
            return
        before, self._signs = self._signs, signs
        top = round(self.scroll_y)
        for y in range(top, min(top + self.size.height, len(self._rows))):
            step, call = place(self._trajectory, self._rows[y])
            anchor = call.anchor if call else step.anchor if step else ""
            if before.get(anchor) is not signs.get(anchor):
                self.repaint_lines(y)

    def show_progress(self, progress: tuple[Progress, ...]) -> None:
        """Show, dim, what is going on and in no journal yet."""
        at_work = frozenset(p.anchor for p in progress if p.state == "running")
        journalled = self._journalled()
        new = tuple(p for p in progress if p.anchor not in journalled)
        if (new, at_work) != (self._progress, self._at_work):
            self._progress, self._at_work = new, at_work
            self._refit()

    def bring_into_view(self, y: int, margin: int = 0) -> None:  # noqa: ARG002 -- half a page is margin enough
        """Scroll half a page where row `y` is out of view: stepping on then paints two rows, not all."""
        top, height = round(self.scroll_y), self.room.height
        if not top <= y < top + height:
            self.scroll_to(y=max(y - height // 2, 0), animate=False)

    def on_click(self, event: events.Click) -> None:
        """Tell which row was clicked."""
        row = event.y + round(self.scroll_y)
        if row < len(self._rows):
            self.post_message(self.Chosen(row))

    def on_resize(self) -> None:
        """Keep the selected row in view and cut names to the new width."""
        self.repaint()
        self.bring_into_view(self._selected)

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """A row: its sign of selection, number, kind, name, state and count."""
        if y >= len(self._rows):
            return [], [self._going_on(self._progress[y - len(self._rows)])]
        row = self._rows[y]
        base = self.style("selected" if y == self._selected else "plain")
        marker = "▸" if y == self._selected else " "
        return [], [(marker, self.on(base, "accent")), *self._row(row, base)]

    def _row(self, row: Row, base: Style) -> list[Piece]:
        step, call = place(self._trajectory, row)
        if call is not None and step is not None:
            return self._pieces(self._call(row, step, call, base), base)
        if step is not None:
            name = "think" if step.text or step.reasoning else "no answer"
            return self._pieces(_Cells(str(step.number), (THINK.unicode, base), (name, base)), base)
        if row.kind == "case":
            return self._pieces(_Cells("", (CASE.unicode, base), ("case", base)), base)
        style = self.on(base, "error") if self._trajectory.status == "error" else base
        sign = _ENDS.get(self._trajectory.status, "■")
        return self._pieces(_Cells("", (sign, style), (self._trajectory.status, style)), base)

    def _call(self, row: Row, step: Step, call: Call, base: Style) -> _Cells:
        sign, result = STATUS[call.status].unicode, call.result
        if call.status == "ok":
            sign = CUT.unicode if result and result.full_characters > len(result.text) else ""
        elif call.anchor in self._at_work:
            sign = RUNNING.unicode
        failed = call.status in _FAILED
        state = (sign, self.on(base, "error" if failed else "dim"))
        found = kinds_at(self._signs, call.anchor)
        marks = tuple((SIGNS[kind].unicode, self.on(base, _SIGN_STYLES[kind])) for kind in found)
        table = result.table if result and not failed else None
        return _Cells(
            number=str(step.number) if row.call == 0 else "└" if row.last else "├",
            kind=(tool_glyph(call.name).unicode, self.on(base, "accent")),
            name=(short_name(call.name), self.on(base, "dim") if result is None else base),
            signs=(*marks, state) if sign else marks,
            rows=_count(table.total) if table else "",
        )

    def _pieces(self, cells: _Cells, base: Style) -> list[Piece]:
        dim = self.on(base, "dim")
        room = max(self.size.width - self._digits - _COUNT - 8, 4)
        text, style = cells.name
        signs = cells.signs or ((" ", base),)
        return [
            (f"{cells.number:>{self._digits}} ", dim),
            cells.kind,
            (f" {fitted(text, room - len(signs) + 1)} ", style),
            *signs,
            (f" {cells.rows:>{_COUNT}} ", dim),
        ]

    def _going_on(self, progress: Progress) -> Piece:
        room = max(self.size.width - self._digits - 5, 4)
        # The end of what streams in is what is new.
        text = fitted(progress.text[-room:] if progress.state == "streaming" else progress.text, room)
        return f"{' ' * (self._digits + 2)}{_PROGRESS[progress.state]} {text}", self.style("dim")

    def _journalled(self) -> set[str]:
        """Anchors of the last turn and its calls: these have rows of their own."""
        last = self._trajectory.steps[-1:]
        return {call.anchor for step in last for call in step.calls} | {s.anchor for s in last if s.at}

    def _refit(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows) + len(self._progress))
        self.repaint()


def _count(rows: int) -> str:
    return str(rows) if rows < 10_000 else f"{min(rows // 1000, 999)}k"
