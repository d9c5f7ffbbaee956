"""A statement that is being written, over the foot of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from clinseek_core.text import visible
from clinseek_replay.sql import laid_out
from clinseek_tui.view.sql import marks
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.line import Line

__all__ = ["Editor"]

_THEME = "statement"
_STYLES = ("accent", "soft", "dim")
_MARKED = 5_000
"""Characters up to which a statement is marked while it is written: it is read anew at each key."""


class _Head(Line):
    """Says what may be done."""

    DEFAULT_CSS = """
    _Head { background: $surface; padding: 0 1; }
    """

    place: str = ""
    """Which of the statements that were run before is shown."""

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- one line
        """The keys, the most needed first, and where one is in what was run before."""
        named = (
            ("ctrl+r F5", "run"),
            ("esc", "close"),
            ("ctrl+p ctrl+n", "earlier, later"),
            ("ctrl+l", "lay out"),
        )
        keys = tuple(piece for key, word in named for piece in ((key, "accent"), (f" {word}  ", "dim")))
        return (*keys, (self.place, "dim"))


class _Statement(TextArea):
    """The text, with SQL's words told apart by the same marks as where it is only shown.

    The highlighter that comes with a language of TextArea's own crashes the interpreter on some texts.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"statement--{style}" for style in _STYLES}

    DEFAULT_CSS = """
    _Statement {
        .statement--accent { color: $accent; text-style: bold; }
        .statement--soft { color: $secondary; }
        .statement--dim { color: $foreground 70%; }
    }
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, show_line_numbers=False, tab_behavior="indent", compact=True)
        self.register_theme(TextAreaTheme(_THEME))
        self.theme = _THEME
        self.cursor_blink = False
        self._build_highlight_map()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines in the app's colours as they are now."""
        own = self.get_component_rich_style
        if self._theme:
            # A copy of the theme that was registered.
            self._theme.syntax_styles = {name: own(f"statement--{name}", partial=True) for name in _STYLES}
        return super().render_lines(crop)

    def _build_highlight_map(self) -> None:
        self._line_cache.clear()
        self._highlights.clear()
        text = self.document.text
        if len(text) > _MARKED:
            return
        # A mark is a stretch of the text; TextArea wants rows, and columns in bytes.
        starts, position = [], 0
        for line in self.document.lines:
            starts.append(position)
            position += len(line) + len(self.document.newline)
        row = 0
        for start, end, style in marks(text):
            while row + 1 < len(starts) and starts[row + 1] <= start:
                row += 1
            for at in range(row, len(starts)):
                if starts[at] >= end:
                    break
                line = self.document.get_line(at)
                first, last = max(start - starts[at], 0), min(end - starts[at], len(line))
                columns = len(line[:first].encode()), len(line[:last].encode())
                self._highlights[at].append((*columns, style))


class Editor(Vertical):
    """Edits a text; `Written` brings it when it is to be run. `earlier` were run before, the last last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,f5", "run", show=False, priority=True),
        Binding("escape", "leave", show=False, priority=True),
        Binding("ctrl+p", "recall(-1)", show=False, priority=True),
        Binding("ctrl+n", "recall(1)", show=False, priority=True),
        Binding("ctrl+l", "lay_out", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    Editor {
        dock: bottom;
        layer: over;
        height: 50%;
        background: $surface;
        TextArea, TextArea:focus { height: 1fr; border: none; padding: 0 1; background: $surface; }
    }
    """

    @dataclass
    class Written(Message):
        """The text is to be run."""

        text: str

    class Left(Message):
        """It is closed, and nothing is run."""

    def __init__(self, text: str, earlier: Sequence[str] = ()) -> None:
        super().__init__()
        # Characters that would act on the terminal, or that it can't draw, are edited as their pictures.
        self.area = _Statement(visible(text))
        """What is written."""
        self._head = _Head()
        self._texts = [*map(visible, earlier), self.area.text]
        self._at = len(self._texts) - 1

    def compose(self) -> ComposeResult:
        """The keys above the text."""
        yield self._head
        yield self.area

    def action_run(self) -> None:
        """Hand the text over."""
        self.post_message(self.Written(self.area.text))

    def action_leave(self) -> None:
        """Close."""
        self.post_message(self.Left())

    def action_recall(self, by: int) -> None:
        """A statement that was run before, or a later one; what was changed in this one stays with it."""
        at = self._at + by
        if not 0 <= at < len(self._texts):
            return
        self._texts[self._at] = self.area.text
        self._at = at
        self._write(self._texts[at])
        last = len(self._texts) - 1
        self._head.place = f"{at + 1} of {last} that were run" if at < last else ""
        self._head.refresh()

    def action_lay_out(self) -> None:
        """A line for each clause, as where it is shown."""
        self._write(laid_out(self.area.text))

    def _write(self, text: str) -> None:
        self.area.load_text(text)
        self.area.move_cursor(self.area.document.end)
