"""The line at the foot that asks: for what to search, for a command, for what a command takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from clinseek_tui.view.command_line import Choice
from clinseek_tui.view.grid import fitted
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.line import Line

__all__ = ["Prompt"]

_SHOWN = 8
"""Choices in view."""
_WIDEST = 26
"""Cells for what is chosen; beside it stands what it does."""


class _Choices(Line):
    """The choices, one a line; one of them may be chosen."""

    DEFAULT_CSS = """
    _Choices { background: $surface; padding: 0 1; .line--accent { background: $panel; } }
    """

    chosen: reactive[int] = reactive(-1)
    """Index of the choice; -1 where none is."""

    @dataclass
    class Clicked(Message):
        """A choice was clicked."""

        index: int

    def __init__(self) -> None:
        super().__init__()
        self.choices: Sequence[Choice] = ()

    def offer(self, choices: Sequence[Choice]) -> None:
        """Show other choices, none of them chosen."""
        self.choices = choices
        self.chosen = -1
        self.styles.height = min(len(choices), _SHOWN)
        self.display = bool(choices)
        self.refresh()

    @property
    def _first(self) -> int:
        return max(self.chosen - _SHOWN + 1, 0)

    def words(self, y: int, width: int) -> Words:
        """A choice and what it does."""
        index = self._first + y
        if index >= len(self.choices):
            return ()
        choice = self.choices[index]
        is_chosen = index == self.chosen
        room = min(_WIDEST, width - 2) if choice.says else width - 2
        sign, name = "▸ " if is_chosen else "  ", fitted(choice.shown, room)
        return ((sign + name, "accent" if is_chosen else "strong"), (f"  {choice.says}", "dim"))

    def on_click(self, event: events.Click) -> None:
        """Tell which choice was clicked."""
        event.stop()
        if self._first + event.y < len(self.choices):
            self.post_message(self.Clicked(self._first + event.y))


class _Field(Input):
    """What is typed; the keys that choose go to the prompt around it."""

    DEFAULT_CSS = """
    _Field, _Field:focus { height: 1; border: none; padding: 0 1; background: $surface; }
    """

    async def action_submit(self) -> None:
        """Enter is the prompt's."""
        prompt = self.parent
        if isinstance(prompt, Prompt):
            prompt.enter()


class Prompt(Vertical):
    """Asks for a text; `Asked` brings it.

    `choices` tells what a text may become; `history` are earlier texts, the last one last; `begun` stands
    there already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", show=False),
        Binding("tab", "complete", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    Prompt {
        dock: bottom;
        layer: over;
        height: auto;
        background: $surface;
    }
    """

    @dataclass
    class Asked(Message):
        """A text was entered."""

        text: str

    def __init__(
        self,
        placeholder: str,
        choices: Callable[[str], Sequence[Choice]] = lambda _: (),
        history: Sequence[str] = (),
        begun: str = "",
    ) -> None:
        super().__init__()
        self._offered = _Choices()
        self.field = _Field(placeholder=placeholder, compact=True, select_on_focus=False)
        """What is typed."""
        self.field.cursor_blink = False
        self._choices = choices
        self._type(begun)
        self._history = (*history, begun)
        self._back = len(self._history) - 1

    def compose(self) -> ComposeResult:
        """The choices above what is typed."""
        yield self._offered
        yield self.field

    def on_mount(self) -> None:
        """Begin."""
        self._offered.offer(self._choices(self.field.value))

    @on(Input.Changed)
    def _offer(self, event: Input.Changed) -> None:
        event.stop()
        self._offered.offer(self._choices(event.value))

    @on(_Choices.Clicked)
    def _take_clicked(self, event: _Choices.Clicked) -> None:
        self._offered.chosen = event.index
        self.enter()

    def enter(self) -> None:
        """Take what is chosen and, unless it asks for more, hand the text over."""
        if self._offered.chosen >= 0:
            self._take(self._offered.choices[self._offered.chosen])
            if self.field.value.endswith(" "):
                return
        self.post_message(self.Asked(self.field.value))

    def action_choose(self, by: int) -> None:
        """The choice above or below; above the first one lie the texts that were entered before."""
        chosen = self._offered.chosen
        if chosen < 0 and (by < 0 or self._back < len(self._history) - 1):
            self._back = min(max(self._back + by, 0), len(self._history) - 1)
            self._type(self._history[self._back])
        else:
            self._offered.chosen = min(chosen + by, len(self._offered.choices) - 1)

    def action_complete(self) -> None:
        """Complete what is typed by the choice, or by the first of them."""
        if self._offered.choices:
            self._take(self._offered.choices[max(self._offered.chosen, 0)])

    def _take(self, choice: Choice) -> None:
        self._type(choice.line)
        self._offered.offer(self._choices(choice.line))

    def _type(self, text: str) -> None:
        self.field.value = text
        self.field.cursor_position = len(text)
