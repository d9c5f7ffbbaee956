"""The base of panes that paint their lines: no child widgets, no animation, any length."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from clinseek_replay.search import occurrences

__all__ = ["Painted", "Piece"]

Piece = tuple[str, Style]
"""Text that is safe to show, and how it is drawn."""

_KEPT_LINES = 512


class Painted(ScrollView, inherit_bindings=False, can_focus=False):
    """Paints its content line by line through `paint`; subclasses say how many lines there are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "painted--plain",
        "painted--dim",
        "painted--soft",
        "painted--strong",
        "painted--accent",
        "painted--heading",
        "painted--error",
        "painted--selected",
        "painted--found",
    }

    DEFAULT_CSS = """
    Painted {
        background: $background;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        scrollbar-color: $foreground 25%;
        scrollbar-background: $background;
        scrollbar-color-hover: $accent;
        scrollbar-color-active: $accent;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-corner-color: $background;
        .painted--dim { color: $foreground 70%; }
        .painted--soft { color: $secondary; }
        .painted--strong { text-style: bold; }
        .painted--accent { color: $accent; text-style: bold; }
        .painted--heading { color: $foreground 70%; text-style: bold; }
        .painted--error { color: $error; }
        .painted--selected { background: $surface; text-style: bold; }
        .painted--found { color: $accent; text-style: bold underline; }
    }
    """

    needle: str = ""
    """What is searched; its occurrences in the lines painted are marked."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes)
        self._lines: LRUCache[int, Strip] = LRUCache(_KEPT_LINES)

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """Line `y` of the content: what stands before its text (never selected), and its text."""
        raise NotImplementedError

    def line_text(self, y: int) -> tuple[str, str]:
        """The text of line `y` as it is copied, and what joins the next line to it."""
        return "".join(text for text, _ in self.paint(y)[1]), "\n"

    @property
    def line_count(self) -> int:
        """Lines of the content."""
        return self.virtual_size.height

    @property
    def room(self) -> Size:
        """Cells for content: without border, padding and scrollbars."""
        return self.scrollable_content_region.size

    def repaint(self) -> None:
        """Forget the painted lines: the content, its marks or its colours have changed."""
        self._lines.clear()
        self.refresh()

    def repaint_lines(self, *lines: int) -> None:
        """Forget and paint only these lines."""
        for y in lines:
            self._lines.discard(y)
            self.refresh_line(y)

    def mark(self, needle: str) -> None:
        """Mark where `needle` occurs; nothing where it is empty."""
        if needle != self.needle:
            self.needle = needle
            self.repaint()

    def style(self, name: str) -> Style:
        """The style called `name`: `plain`, `dim`, `accent` and so on."""
        return self.get_component_rich_style(f"painted--{name}")

    def on(self, base: Style, name: str) -> Style:
        """The style called `name` on the background of `base`."""
        style = self.style(name)
        return base + Style(color=style.color, bold=style.bold)

    def go(self, lines: int) -> None:
        """Scroll by so many lines, without animation."""
        self.scroll_to(y=self.scroll_y + lines, animate=False)

    def go_pages(self, pages: int) -> None:
        """Scroll by so many pages, keeping one line of the page before."""
        self.go(pages * max(self.room.height - 1, 1))

    def go_end(self, direction: int) -> None:
        """Scroll to the last line, or to the first where `direction` is negative."""
        self.go(direction * self.line_count)

    def bring_into_view(self, y: int, margin: int = 0) -> None:
        """Scroll no more than needed for line `y` to be seen, with `margin` lines around it."""
        top, height = round(self.scroll_y), self.room.height
        highest, lowest = y - height + 1 + margin, y - margin
        if highest > top or lowest < top:
            self.scroll_to(y=highest if highest > top else lowest, animate=False)

    def render_line(self, y: int) -> Strip:
        """One line in view."""
        line = y + round(self.scroll_y)
        if line >= self.line_count:
            return Strip.blank(self.size.width, self.rich_style)
        left = round(self.scroll_x)
        return self.kept_line(line).crop_extend(left, left + self.size.width, self.rich_style)

    def kept_line(self, y: int) -> Strip:
        """Line `y` of the content, from those kept or painted now."""
        kept = self._lines.get(y)
        if kept is None:
            try:
                kept = self._strip(y)
            except Exception as error:  # noqa: BLE001 -- one line that can't be painted costs no other
                kept = Strip(
                    [Segment(f"✗ {type(error).__name__}: this line can't be drawn", self.style("error"))]
                )
            self._lines[y] = kept
        return kept

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text selected, its lines joined as they belong together."""
        first = selection.start.y if selection.start else 0
        last = min(selection.end.y if selection.end else self.line_count - 1, self.line_count - 1)
        parts: list[str] = []
        for y in range(first, last + 1):
            text, joint = self.line_text(y)
            start, end = selection.get_span(y) or (0, -1)
            parts += (text[start : None if end < 0 else end], joint)
        return "".join(parts[:-1]), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 -- Textual's
        """Paint the lines with the selection as it is now."""
        self.repaint()

    def notify_style_update(self) -> None:
        """Paint the lines in the new colours."""
        self._lines.clear()
        super().notify_style_update()

    def _strip(self, y: int) -> Strip:
        before, pieces = self.paint(y)
        spans: list[tuple[int, int, Style]] = []
        if self.needle:
            text = "".join(text for text, _ in pieces)
            style = self.style("found")
            found = Style(color=style.color, bold=True, underline=True)
            spans = [(start, start + len(self.needle), found) for start in occurrences(text, self.needle)]
        selected = self.text_selection.get_span(y) if self.text_selection else None
        if selected:
            start, end = selected
            length = sum(len(text) for text, _ in pieces)
            chosen = self.screen.get_component_rich_style("screen--selection")
            spans.append((start, length if end < 0 else end, chosen))
        for span in spans:
            pieces = _restyled(pieces, *span)
        pieces = _merged(pieces)
        body = _with_offsets(pieces, y) if self.ALLOW_SELECT else [Segment(*piece) for piece in pieces]
        return Strip([*(Segment(*piece) for piece in before), *body])


def _restyled(pieces: list[Piece], start: int, end: int, style: Style) -> list[Piece]:
    """The pieces with characters `start` to `end` drawn in `style` on top of their own."""
    out: list[Piece] = []
    position = 0
    for text, own in pieces:
        a, b = (min(max(at - position, 0), len(text)) for at in (start, end))
        out += (
            (part, mixed)
            for part, mixed in ((text[:a], own), (text[a:b], own + style), (text[b:], own))
            if part
        )
        position += len(text)
    return out


def _merged(pieces: list[Piece]) -> list[Piece]:
    """The pieces with neighbours of one style joined: each piece costs the terminal some 45 bytes."""
    return [("".join(text for text, _ in same), style) for style, same in groupby(pieces, itemgetter(1))]


def _with_offsets(pieces: list[Piece], y: int) -> list[Segment]:
    """Segments that tell the screen which character is under the mouse, for selecting text."""
    segments, x = [], 0
    for text, style in pieces:
        segments.append(Segment(text, style + Style.from_meta({"offset": (x, y)})))
        x += len(text)
    return segments
