"""The foot of the screen: the keys that work now."""

from __future__ import annotations

from textual.reactive import reactive

from clinseek_tui.keys import Command
from clinseek_tui.widgets.line import Line, Words

__all__ = ["Footer"]


class Footer(Line):
    """Names the keys of the commands given."""

    DEFAULT_CSS = """
    Footer { padding: 0 1; }
    """

    commands: reactive[tuple[Command, ...]] = reactive(())
    """What works now, in the order in which it is named."""

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- one line
        """Key and word of as many commands as fit; the help names all."""
        out: list[tuple[str, str]] = []
        left = width
        for command in self.commands:
            left -= len(command.shown) + len(command.name) + 3
            if left < 0:
                break
            out += [(command.shown, "accent"), (f" {command.name}  ", "dim")]
        return tuple(out)
