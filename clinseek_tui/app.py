"""The Textual app around the debugger screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.filter import LineFilter

from clinseek_tui.glyphs import Ascii, terminal_is_utf8
from clinseek_tui.live import LivePort
from clinseek_tui.screens.debugger import DebuggerScreen
from clinseek_tui.themes import THEMES, preferred

if TYPE_CHECKING:
    from clinseek_replay.source import RunSource

__all__ = ["DebuggerApp"]

_TEXTUAL_DARK = "textual-dark"


class DebuggerApp(App[None]):
    """Shows the runs of a source; `live` steers the one that this process is running.

    `step` is the step to begin at, `ehr` where the record lies if not where the recording says. `ascii_only`
    draws no character that an ASCII terminal lacks; by default the locale decides.
    """

    TITLE = "clinseek-tui"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        source: RunSource,
        live: LivePort | None = None,
        step: int | None = None,
        *,
        ehr: Path | None = None,
        ascii_only: bool | None = None,
    ) -> None:
        super().__init__()
        self._debugger = DebuggerScreen(source, live, step, ehr)
        self._ascii = [Ascii()] if ascii_only or (ascii_only is None and not terminal_is_utf8()) else []
        # Stepping and paging repaint once: an animated page repaints every frame.
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        # Textual takes TEXTUAL_THEME for its default, and a value that does not change paints nothing.
        self.set_reactive(App.theme, _TEXTUAL_DARK)
        wanted = preferred()
        self.theme = wanted if wanted in self.available_themes else THEMES[0].name

    def get_default_screen(self) -> DebuggerScreen:
        """The debugger."""
        return self._debugger

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, after the one that leaves only ASCII where that is all there is."""
        return [*self._ascii, *super().get_line_filters()]
