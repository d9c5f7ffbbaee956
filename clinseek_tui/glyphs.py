"""The signs and lines of the screens, and what is drawn in their place where a terminal has only ASCII.

Widgets always paint the first form; `Ascii` changes the finished line, so that no widget has to ask.
"""

from __future__ import annotations

import locale

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from clinseek_replay.glyphs import CUT, SIGNS, STATUS, TOOLS, VERDICT, Glyph

__all__ = ["CASE", "RUNNING", "THINK", "Ascii", "terminal_is_utf8"]

CASE = Glyph("§", "?", "the case")
THINK = Glyph("∴", ":", "a turn without a call")
RUNNING = Glyph("◍", "o", "running")

_OURS = (
    *STATUS.values(),
    *VERDICT.values(),
    *SIGNS.values(),
    *(glyph for _, glyph in TOOLS),
    *(CUT, CASE, RUNNING, THINK),
)
_ASCII = dict(zip("─│┌┐└┘├┤┬┴▸▴▾·…−–‖●▁▂▃▄▅▆▇█▏▎▍▌▋▊▉", "-|++++++++>^v.~--|*" + "#" * 15, strict=True))
_ASCII |= {glyph.unicode: glyph.ascii for glyph in _OURS}


class Ascii(LineFilter):
    """Every character outside ASCII as one that any terminal can draw, in as many cells."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 -- Textual's
        """The line's segments with their text changed."""
        return [Segment(_plain(text), style, control) for text, style, control in segments]


def terminal_is_utf8() -> bool:
    """Whether the locale says that the terminal draws UTF-8."""
    return locale.getpreferredencoding(False).lower().replace("-", "") == "utf8"


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c if c.isascii() else _ASCII.get(c) or "?" * cell_len(c) for c in text)
