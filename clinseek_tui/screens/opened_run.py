"""The debugger over another screen: leaving it comes back there."""

from __future__ import annotations

from clinseek_tui.keys import Need
from clinseek_tui.screens.debugger import DebuggerScreen

__all__ = ["OpenedRun"]


class OpenedRun(DebuggerScreen):
    """A run that was opened from a table or an inbox."""

    def has(self) -> set[Need]:
        """What there is; there is always something to close."""
        return super().has() | {"open"}

    def action_close(self) -> None:
        """Close what was opened last; with nothing open, go back."""
        if "open" in super().has() or self.looking.waiting:
            super().action_close()
        else:
            self.dismiss()

    def action_quit(self) -> None:
        """Close the page that is open; else go back."""
        if self.looking.page:
            self.looking = self.looking.closed()
        else:
            self.dismiss()
