"""A search in a run and where one is in its hits."""

from __future__ import annotations

from typing import NamedTuple

from clinseek_replay.search import Field, Hit, search
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.view.panes import Pane
from clinseek_tui.view.rows import Kind, Row

__all__ = ["LIMIT", "Finding", "find"]

LIMIT = 1_000
"""Hits that are counted; with more, the count says `1000+`."""

_KINDS: dict[Field, Kind] = {"case": "case", "end": "end"}
_PANES: dict[Field, Pane] = {
    "reasoning": "reasoning",
    "text": "reasoning",
    "note": "reasoning",
    "argument": "result",
}


class Finding(NamedTuple):
    """What was searched, what was found, and which hit one is at."""

    needle: str = ""
    hits: tuple[Hit, ...] = ()
    number: int = 0
    """Index of the hit one is at."""
    under_way: bool = False
    """Whether the search still goes on."""

    @property
    def hit(self) -> Hit:
        """The hit one is at."""
        return self.hits[self.number]

    def moved(self, by: int) -> Finding:
        """The same at the hit so many further, round and round."""
        return self._replace(number=(self.number + by) % len(self.hits))

    @property
    def row(self) -> tuple[Kind, int, int | None]:
        """The timeline's row that the hit lies in: its kind, step and call."""
        return _KINDS.get(self.hit.field, "call"), self.hit.step, self.hit.call

    def pane(self, has_table: bool) -> Pane | None:
        """The pane that shows the hit; None where any does."""
        if self.hit.field == "result" and has_table:
            return "raw"
        return _PANES.get(self.hit.field, "result")

    @property
    def nth(self) -> int:
        """How many hits in the same text come before this one."""
        hit = self.hit
        same = (
            h
            for h in self.hits[: self.number]
            if (h.field, h.step, h.call) == (hit.field, hit.step, hit.call)
        )
        return sum(1 for _ in same)

    def __str__(self) -> str:
        if not self.needle:
            return ""
        if self.under_way:
            return f"searching: {self.needle}"
        if not self.hits:
            return f"nothing found: {self.needle}"
        more = "+" if len(self.hits) == LIMIT else ""
        return f"{self.number + 1}/{len(self.hits)}{more} {self.needle}"


def find(trajectory: Trajectory, needle: str, row: Row) -> Finding:
    """Search a run; the first hit in `row` or after it is the one to be at, else the first of all."""
    hits = search(trajectory, needle, LIMIT)
    here = row.order
    index = next((i for i, hit in enumerate(hits) if _order(hit.field, hit.step, hit.call) >= here), 0)
    return Finding(needle, hits, index)


def _order(kind: str, step: int, call: int | None) -> tuple[int, int, int]:
    return {"case": 0, "end": 2}.get(kind, 1), step, call or 0
