"""A line of the frame: it joins the lines of the panes and says what is in them."""

from __future__ import annotations

from typing import NamedTuple

from textual.reactive import reactive

from clinseek_tui.view.words import Words
from clinseek_tui.widgets.line import Line, cells_of, cut

__all__ = ["Part", "Rule"]


class Part(NamedTuple):
    """A stretch of the line, from one joint to the next."""

    left: Words = ()
    right: Words = ()
    width: int = 0
    """Cells with the joint before it; 0 for the last part, which takes the rest."""


class Rule(Line):
    """Draws `ends`, for example `┌┬┐`, around its parts."""

    parts: reactive[tuple[Part, ...]] = reactive(((Part()),))
    """What it says."""

    def __init__(self, ends: tuple[str, str, str], *, id: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id)
        self._first, self._joint, self._last = ends

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- a rule is one line
        """The whole line."""
        out: list[tuple[str, str]] = []
        left = width - 1
        for index, part in enumerate(self.parts):
            room = (part.width or left) - 1
            out += [(self._joint if index else self._first, "frame"), *_stretch(part, room)]
            left -= room + 1
        return (*out, (self._last, "frame"))


def _stretch(part: Part, room: int) -> Words:
    """The part in exactly `room` cells; what is at the right gives way first."""
    left = cut(part.left, max(room - 4, 0)) if cells_of(part.left) else ()
    taken = cells_of(left) + (3 if left else 0)
    right = part.right if part.right and taken + cells_of(part.right) + 3 <= room else ()
    line = room - taken - (cells_of(right) + 3 if right else 0)
    lead: Words = (("─ ", "frame"), *left, (" ", "frame")) if left else ()
    end: Words = ((" ", "frame"), *right, (" ─", "frame")) if right else ()
    return (*lead, ("─" * line, "frame"), *end)
