"""The Textual app: what the debugger, the table of runs and the triage inbox have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen

from clinseek_tui.configuration import DEFAULTS, Configuration
from clinseek_tui.glyphs import Ascii, terminal_is_utf8
from clinseek_tui.keymap import with_keys
from clinseek_tui.keys import COMMANDS
from clinseek_tui.live import LivePort
from clinseek_tui.screens.debugger import DebuggerScreen
from clinseek_tui.themes import THEMES, preferred

if TYPE_CHECKING:
    from clinseek_replay.source import RunSource
    from clinseek_tui.film.pixels import Pixels

__all__ = ["DebuggerApp", "ScreenApp"]

_TEXTUAL_DARK = "textual-dark"


class ScreenApp(App[None]):
    """Shows a screen, in the person's theme.

    `ascii_only` draws no character that an ASCII terminal lacks; by default the configuration
    decides, then the locale.
    """

    TITLE = "clinseek-tui"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        first: Screen[None],
        *,
        ascii_only: bool | None = None,
        configuration: Configuration = DEFAULTS,
    ) -> None:
        super().__init__()
        self.configuration = configuration
        """What the user has set."""
        if ascii_only is None and configuration.characters != "auto":
            ascii_only = configuration.characters == "ascii"
        self.pixels: Pixels | None = None
        """How films are sent as pixels, where the user wants that."""
        self._first = first
        self._ascii = [Ascii()] if ascii_only or (ascii_only is None and not terminal_is_utf8()) else []
        # Stepping and paging repaint once: an animated page repaints every frame.
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        # Textual takes TEXTUAL_THEME for its default, and a value that does not change paints nothing.
        self.set_reactive(App.theme, _TEXTUAL_DARK)
        wanted = preferred(configuration.theme)
        self.theme = wanted if wanted in self.available_themes else THEMES[0].name

    def run(self, *args: Any, **more: Any) -> Any:
        """Run the app in this terminal, once it is known whether that shows pixels."""
        if self.configuration.films == "pixels" and not more.get("headless"):
            from clinseek_tui.film.pixels import look_for_pixels  # noqa: PLC0415 -- only where they are wanted

            self.pixels = look_for_pixels()
        return super().run(*args, **more)

    def on_mount(self) -> None:
        """Paint all anew when the shell gives the terminal back: what stood on it is gone."""
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def get_default_screen(self) -> Screen[None]:
        """The screen it was made for."""
        return self._first

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, after the one that leaves only ASCII where that is all there is."""
        return [*self._ascii, *super().get_line_filters()]


class DebuggerApp(ScreenApp):
    """Shows the runs of a source; `live` steers the one that this process is running.

    `step` is the step to begin at, `ehr` where the record lies if not where the recording says.
    """

    def __init__(
        self,
        source: RunSource,
        live: LivePort | None = None,
        step: int | None = None,
        *,
        ehr: Path | None = None,
        ascii_only: bool | None = None,
        configuration: Configuration = DEFAULTS,
    ) -> None:
        commands = with_keys(configuration.keys) if configuration.keys else COMMANDS
        debugger = DebuggerScreen(source, live, step, ehr, commands)
        super().__init__(debugger, ascii_only=ascii_only, configuration=configuration)
