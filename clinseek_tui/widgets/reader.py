"""A pane for text of any length: wrapped to its width, laid out bit by bit, painted line by line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from textual import events, on
from textual.geometry import Size

from clinseek_replay.search import occurrences
from clinseek_tui.view.blocks import GAP, Block, Document, label_width
from clinseek_tui.view.grid import fitted
from clinseek_tui.view.wrap import Span, shown, wrapped
from clinseek_tui.widgets.painted import Painted, Piece

__all__ = ["Reader"]

_AT_ONCE = 400
"""Lines laid out before the first paint; the others follow while keys are answered."""
_SLICE = 4_000
_PAUSE = 0.005
"""Seconds between slices: longer than a key press waits in the queue."""


class _Line(NamedTuple):
    block: int
    span: Span


class Reader(Painted):
    """Shows a Document; `show` replaces it."""

    DEFAULT_CSS = """
    Reader {
        padding: 0 0 0 1;
        overflow-x: hidden;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes)
        self._document: Document = ()
        self._rows: list[_Line] = []
        self._rest: Iterator[_Line] = iter(())
        self._laying = False
        self._width = 0
        self._indent = 0

    @property
    def document(self) -> Document:
        """What is shown."""
        return self._document

    @property
    def laid_out(self) -> bool:
        """Whether the whole document has its lines; a very long one gets them while one reads."""
        return self._rest is _DONE

    def show(self, document: Document) -> None:
        """Show another document from its first line; the same one stays where it is."""
        if document == self._document:
            return
        self._document = document
        self._indent = label_width(document)
        # A pane that is hidden has no size; it will have the one it had.
        width, self._width = self.room.width or self._width, 0
        lines = len(self._rows)
        self.scroll_to(0, 0, animate=False)
        self._lay_out(width)
        self.refresh(layout=self.styles.is_auto_height and len(self._rows) != lines)

    def reveal(self, field: str, needle: str, nth: int = 0) -> None:
        """Bring the `nth` occurrence of `needle` in the texts of that search field into view."""
        places = (
            (index, offset)
            for index, block in enumerate(self._document)
            if block.field == field
            for offset in occurrences(block.text, needle)
        )
        self._bring(next(islice(places, nth, None), None))

    def reveal_at(self, field: str, offset: int) -> None:
        """Bring a character of the text of that search field into view."""
        blocks = enumerate(self._document)
        self._bring(next(((index, offset) for index, block in blocks if block.field == field), None))

    def _bring(self, place: tuple[int, int] | None) -> None:
        if place is None:
            return
        while not self.laid_out and (not self._rows or _start(self._rows[-1]) <= place):
            self._lay_slice(_SLICE)
        self.bring_into_view(bisect_right(self._rows, place, key=_start) - 1, margin=2)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Lines of the document at `width`, for a pane as high as its content."""
        self._lay_out(width - self.scrollbar_size_vertical)
        return len(self._rows)

    @on(events.Resize)
    @on(events.Show)
    def _fit(self) -> None:
        self._lay_out(self.room.width)

    def line_text(self, y: int) -> tuple[str, str]:
        """A line as it is copied: wrapped lines are joined again."""
        block, span = self._rows[y]
        return shown(self._document[block].text[span.start : span.end]), span.joint

    def paint(self, y: int) -> tuple[list[Piece], list[Piece]]:
        """A line: its block's label where it is the block's first, and the text with its marks."""
        index, span = self._rows[y]
        block = self._document[index]
        return self._label(block, span), self._marked(block, span)

    def _label(self, block: Block, span: Span) -> list[Piece]:
        if not self._indent or not block.label:
            return []
        label = fitted(block.label if span.start == 0 else "", self._indent)
        return [(label + " " * GAP, self.style(block.label_style))]

    def _marked(self, block: Block, span: Span) -> list[Piece]:
        plain = self.style(block.style)
        text = block.text[span.start : span.end]
        if not block.marks or "\t" in text:
            return [(shown(text), plain)]
        pieces: list[Piece] = []
        position = span.start
        for start, end, style in block.marks:
            if end <= position:
                continue
            if start >= span.end:
                break
            start, end = max(start, position), min(end, span.end)  # noqa: PLW2901 -- cut to the line
            pieces += [(block.text[position:start], plain), (block.text[start:end], self.style(style))]
            position = end
        pieces.append((block.text[position : span.end], plain))
        return [(shown(part), style) for part, style in pieces if part]

    def _lay_out(self, width: int) -> None:
        if width <= 0 or width == self._width:
            return
        self._width = width
        self._rows = []
        self._rest = self._all_lines(width)
        self._lay_slice(_AT_ONCE)
        if not self.laid_out and not self._laying:
            self._laying = True
            self.set_timer(_PAUSE, self._lay_more)

    def _all_lines(self, width: int) -> Iterator[_Line]:
        for index, block in enumerate(self._document):
            indent = self._indent + GAP if block.label else 0
            for span in wrapped(block.text, max(width - indent, 8)):
                yield _Line(index, span)

    def _lay_more(self) -> None:
        if not self.laid_out:
            self._lay_slice(_SLICE)
        self._laying = not self.laid_out
        if self._laying:
            self.set_timer(_PAUSE, self._lay_more)

    def _lay_slice(self, count: int) -> None:
        slice_ = list(islice(self._rest, count))
        before = len(self._rows)
        self._rows += slice_
        if len(slice_) < count:
            self._rest = _DONE
        self.virtual_size = Size(self._width, len(self._rows))
        if before <= self.scroll_y + self.size.height:
            self.repaint()


def _start(line: _Line) -> tuple[int, int]:
    return line.block, line.span.start


_DONE: Iterator[_Line] = iter(())
