"""The signs of screens and plain text: for how a call ended, and for what kind of tool it called.

Each has one for terminals that can't draw it.
"""

from __future__ import annotations

from typing import NamedTuple

from clinseek_replay.trajectory import CallStatus

__all__ = ["STATUS", "TOOLS", "Glyph", "status_glyph", "tool_glyph"]


class Glyph(NamedTuple):
    """One sign, one cell wide in both forms."""

    unicode: str
    ascii: str
    meaning: str

    def draw(self, ascii_only: bool = False) -> str:
        """The form that the terminal can draw."""
        return self.ascii if ascii_only else self.unicode


STATUS: dict[CallStatus, Glyph] = {
    "ok": Glyph("✓", "+", "ok"),
    "empty": Glyph("∅", "0", "empty"),
    "error": Glyph("✗", "x", "error"),
    "refused": Glyph("⊘", "!", "refused by the run's policy"),
    "limited": Glyph("⊣", "|", "stopped by a limit"),
    "pending": Glyph("◌", ".", "no result yet"),
}

_OTHER_TOOL = Glyph("•", "*", "tool")

TOOLS: tuple[tuple[str, Glyph], ...] = (
    ("ehr.run_sql_query", Glyph("⌗", "#", "SQL")),
    ("ehr.get_candidates", Glyph("≈", "~", "candidates")),
    ("ehr.think", Glyph("∴", ":", "think")),
    ("ehr.finish", Glyph("■", "=", "finish")),
    ("ehr.", Glyph("▤", "T", "EHR table")),
    ("browser.", Glyph("⌕", "W", "web")),
    ("image.", Glyph("▦", "I", "image")),
)
"""By the beginning of a tool's canonical name; the first that fits."""

CUT = Glyph("✂", "%", "cut: the model got only the head")


def status_glyph(status: CallStatus) -> Glyph:
    """The sign of how a call ended."""
    return STATUS[status]


def tool_glyph(name: str) -> Glyph:
    """The sign of the kind of tool that `name` is."""
    return next((glyph for prefix, glyph in TOOLS if name.startswith(prefix)), _OTHER_TOOL)
