"""One-line widgets that are painted: the header, the lines of the frame, the keys at the foot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from clinseek_core.text import one_line
from clinseek_tui.view.words import Words
from clinseek_tui.view.wrap import parted

__all__ = ["Line", "Said", "cells_of", "cut"]

_LONGEST = 400


class Line(Widget):
    """Paints lines of words; subclasses say which."""

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line--plain",
        "line--frame",
        "line--dim",
        "line--strong",
        "line--accent",
        "line--error",
    }

    DEFAULT_CSS = """
    Line {
        height: 1;
        background: $background;
        .line--frame { color: $foreground 25%; }
        .line--dim { color: $foreground 70%; }
        .line--strong { text-style: bold; }
        .line--accent { color: $accent; text-style: bold; }
        .line--error { color: $error; text-style: bold; }
    }
    """

    def words(self, y: int, width: int) -> Words:
        """What line `y` says, in no more than `width` cells."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """The line's words in their styles."""
        width = self.size.width
        segments = [
            Segment(text, self.get_component_rich_style(f"line--{style}"))
            for text, style in cut(self.words(y, width), width)
        ]
        return Strip(segments).crop_extend(0, width, self.rich_style)


class Said(Line):
    """A line that says what it was last told."""

    DEFAULT_CSS = "Said { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._words: Words = ()

    def say(self, words: Words) -> None:
        """Show other words."""
        self._words = words
        self.refresh()

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- one line, cut where it is painted
        """What was said last."""
        return self._words


def cells_of(words: Iterable[tuple[str, str]]) -> int:
    """Cells that the words take."""
    return sum(cell_len(text) for text, _ in words)


def cut(words: Words, width: int) -> Words:
    """The words made safe and cut with an ellipsis to `width` cells."""
    out: list[tuple[str, str]] = []
    left = width
    for text, style in words:
        safe = _safe(text)
        cells = cell_len(safe)
        if cells > left:
            return (*out, (set_cell_size(safe, left - 1) + "…", style)) if left > 0 else tuple(out)
        out.append((safe, style))
        left -= cells
    return tuple(out)


def _safe(text: str) -> str:
    """`text` on one line, its own blanks kept where it is plain."""
    return text if text.isascii() and text.isprintable() else _around(text)


def _around(text: str) -> str:
    head = " " * (len(text) - len(text.lstrip(" ")))
    tail = " " * (len(text) - len(text.rstrip(" ")))
    return head + parted(one_line(text, _LONGEST)) + tail
