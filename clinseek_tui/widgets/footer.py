"""The foot of the screen: the keys that work now."""

from __future__ import annotations

from textual.reactive import reactive

from clinseek_tui.keys import Command
from clinseek_tui.view.words import Words
from clinseek_tui.widgets.line import Line

__all__ = ["Footer"]

_GAP = 2
_ALWAYS = 2


class Footer(Line):
    """Names the keys of the commands given."""

    DEFAULT_CSS = """
    Footer { padding: 0 1; }
    """

    commands: reactive[tuple[Command, ...]] = reactive(())
    """What works now, in the order in which it is named."""

    def words(self, y: int, width: int) -> Words:  # noqa: ARG002 -- one line
        """Key and word of as many commands as fit; the last two, help and quit, always stay."""
        named = list(self.commands)
        while sum(map(_cells, named)) > width + _GAP and len(named) > _ALWAYS:
            del named[-_ALWAYS - 1]
        return tuple(piece for c in named for piece in ((c.shown, "accent"), (f" {c.name}  ", "dim")))


def _cells(command: Command) -> int:
    return len(command.shown) + len(command.name) + 1 + _GAP
