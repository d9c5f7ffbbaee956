"""What leaves the screen: copies to the clipboard, text in a pager or an editor, and the way to the shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import SuspendNotSupported

from clinseek_core.errors import ClinseekError, InputError
from clinseek_tui.configuration import DEFAULTS, THEME_NAMES, Configuration
from clinseek_tui.screens.desk_screen import DeskScreen
from clinseek_tui.view.taking import taken
from clinseek_tui.view.telling import file_name

if TYPE_CHECKING:
    from clinseek_tui.view.looking import Looking

__all__ = ["MOST_COPIED", "OutsideScreen", "program_of"]

MOST_COPIED = 74_994
"""Bytes that every terminal takes by OSC 52, whose base64 must stay under 100,000."""


class OutsideScreen(DeskScreen):
    """Gives what the open pane shows to other programs."""

    @property
    def configuration(self) -> Configuration:
        """What the user has set."""
        configured: Configuration = getattr(self.app, "configuration", DEFAULTS)
        return configured

    def action_copy(self) -> None:
        """Copy what is selected with the mouse; else what the pane shows."""
        if self.configuration.clipboard == "off":
            self.tell(InputError("clipboard is off in the settings; o opens the text in the pager"))
            return
        self._copy(self.looking, self.get_selected_text() or "")

    @work(group="why")
    async def _copy(self, looking: Looking, selected: str) -> None:
        text = selected or await self.waited_for("copying; esc ends it", lambda _: taken(looking))
        if text is None:
            return
        size = len(text.encode("utf-8", "replace"))
        if size > MOST_COPIED:
            self.tell(
                InputError(
                    f"{size:,} bytes: terminals copy {MOST_COPIED:,} at most; o opens them in the pager"
                )
            )
            return
        self.app.copy_to_clipboard(text)
        self.notify(f"{len(text):,} characters were sent to the terminal's clipboard", markup=False)

    @work(group="why")
    async def action_open_outside(self, kind: str) -> None:
        """Open what the pane shows in the pager or the editor, and come back when that ends."""
        looking = self.looking
        text = await self.waited_for("writing the text; esc ends it", lambda _: taken(looking))
        if text is None:
            return
        try:
            command = program_of(kind, self.configuration, os.environ)
            self._run_outside(kind, command, text, file_name(self.run, looking.anchor, "txt"))
        except ClinseekError as error:
            self.tell(error)

    def _run_outside(self, kind: str, command: list[str], text: str, name: str) -> None:
        # The folder is readable by its owner alone, and gone when the program ends.
        with tempfile.TemporaryDirectory(prefix="clinseek-tui-") as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8", errors="replace")
            try:
                with self.app.suspend():
                    subprocess.run([*command, str(path)], check=False)
            except SuspendNotSupported as error:
                raise InputError(
                    f"the {kind} needs a terminal of its own; :export text writes a file"
                ) from error
            except OSError as error:
                raise InputError(
                    f"{command[0]}: can't be started ({error.strerror}); set {kind} in the settings"
                ) from error
        self.refresh(layout=True)

    def action_suspend(self) -> None:
        """Give the terminal back to the shell until it says go on."""
        self.app.action_suspend_process()

    def action_colours(self, name: str) -> None:
        """Other colours until the app ends."""
        wanted = name if name.startswith("clinseek-") else f"clinseek-{name}"
        if wanted not in self.app.available_themes:
            raise InputError(f"{name!r} is no theme; there are {', '.join(THEME_NAMES)}")
        self.app.theme = wanted


def program_of(kind: str, configuration: Configuration, environ: Mapping[str, str]) -> list[str]:
    """The words of the command that is set for a pager or an editor, else of the environment's."""
    if kind == "pager":
        written = configuration.pager or environ.get("PAGER") or "less"
    else:
        written = configuration.editor or environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(written)
    except ValueError as error:
        raise InputError(f"{kind}: {written!r} is no command ({error}); mend its quotes") from error
    if not words:
        raise InputError(f"{kind}: names no program; set {kind} in the settings")
    return words
