"""A statement that is being written, over the foot of the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from clinseek_core.text import visible
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.line import Line

__all__ = ["Editor"]


class _Head(Line):
    """Says what may be done."""

    DEFAULT_CSS = """
    _Head { background: $surface; padding: 0 1; }
    """

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- one line
        """The keys."""
        named = (("ctrl+r F5", "run"), ("esc", "close"))
        return tuple(piece for key, word in named for piece in ((key, "accent"), (f" {word}  ", "dim")))


class Editor(Vertical):
    """Edits a text; `Written` brings it when it is to be run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,f5", "run", show=False, priority=True),
        Binding("escape", "leave", show=False, priority=True),
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

    def __init__(self, text: str) -> None:
        super().__init__()
        # No language: the highlighter that comes with one crashes the interpreter on some texts.
        # Characters that would act on the terminal, or that it can't draw, are edited as their pictures.
        self.area = TextArea(visible(text), show_line_numbers=False, tab_behavior="indent", compact=True)
        """What is written."""
        self.area.cursor_blink = False

    def compose(self) -> ComposeResult:
        """The keys above the text."""
        yield _Head()
        yield self.area

    def action_run(self) -> None:
        """Hand the text over."""
        self.post_message(self.Written(self.area.text))

    def action_leave(self) -> None:
        """Close."""
        self.post_message(self.Left())
