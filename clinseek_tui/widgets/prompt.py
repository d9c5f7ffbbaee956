"""The line at the foot that asks what to search."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message
from textual.widgets import Input

__all__ = ["Prompt"]


class Prompt(Input):
    """Asks for a text; `Asked` brings it."""

    DEFAULT_CSS = """
    Prompt, Prompt:focus {
        height: 1;
        border: none;
        padding: 0 1;
        background: $surface;
    }
    """

    @dataclass
    class Asked(Message):
        """A text was entered."""

        text: str

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True, select_on_focus=False)
        self.cursor_blink = False

    async def action_submit(self) -> None:
        """Enter: hand the text over."""
        self.post_message(self.Asked(self.value))
