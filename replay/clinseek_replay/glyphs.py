"""The signs of screens and plain text, each with one for terminals that can't draw it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from clinseek_replay.trajectory import CallStatus

__all__ = [
    "CUT",
    "SIGNS",
    "STATUS",
    "TOOLS",
    "VERDICT",
    "Glyph",
    "SignKind",
    "Verdict",
    "in_ascii",
    "tool_glyph",
]


Verdict = Literal["hit", "missed", "extra"]
SignKind = Literal["leak", "gold", "repeat"]


class Glyph(NamedTuple):
    """One sign, one cell wide in both forms."""

    unicode: str
    ascii: str
    meaning: str


STATUS: dict[CallStatus, Glyph] = {
    "ok": Glyph("✓", "+", "ok"),
    "empty": Glyph("∅", "0", "nothing found"),
    "error": Glyph("✗", "x", "error"),
    "refused": Glyph("⊘", "!", "refused by the run's policy"),
    "limited": Glyph("⊣", "|", "stopped by a limit"),
    "pending": Glyph("◌", ".", "no result yet"),
}
"""How a call ended."""

VERDICT: dict[Verdict, Glyph] = {
    "hit": Glyph("✓", "+", "in the answer and in the gold"),
    "missed": Glyph("✗", "x", "in the gold alone"),
    "extra": Glyph("±", "?", "in the answer alone"),
}
"""What became of a name of the answer or the gold."""

SIGNS: dict[SignKind, Glyph] = {
    "leak": Glyph("⚑", "L", "it was shown what was not known yet"),
    "gold": Glyph("★", "G", "an item of the gold is seen for the first time"),
    "repeat": Glyph("↻", "R", "the same call was made before, with the same result"),
}
"""What an analysis marks at a call beside how it ended, the weightiest first."""

TOOLS: tuple[tuple[str, Glyph], ...] = (
    ("ehr.run_sql_query", Glyph("⌗", "#", "SQL")),
    ("ehr.get_candidates", Glyph("≈", "~", "candidates")),
    ("ehr.think", Glyph("∴", ":", "think")),
    ("ehr.finish", Glyph("■", "=", "finish")),
    ("ehr.", Glyph("▤", "T", "EHR table")),
    ("browser.", Glyph("⌕", "W", "web")),
    ("image.", Glyph("▦", "I", "image")),
    ("mcp.", Glyph("⇄", "M", "a foreign server's tool")),
    ("", Glyph("•", "*", "another tool")),
)
"""What kind of tool a call asked for, by the beginning of its canonical name; the first that fits."""

CUT = Glyph("✂", "%", "cut: the model got only the head")

_PUNCTUATION = {"·": "-", "…": "...", "█": "#", "░": ".", "“": '"', "”": '"'}
_IN_ASCII = str.maketrans(
    _PUNCTUATION
    | {glyph.unicode: glyph.ascii for glyph in (*STATUS.values(), *VERDICT.values(), *SIGNS.values(), CUT)}
    | {glyph.unicode: glyph.ascii for _, glyph in TOOLS}
)


def tool_glyph(name: str) -> Glyph:
    """The sign of the kind of tool that `name` is."""
    return next(glyph for prefix, glyph in TOOLS if name.startswith(prefix))


def in_ascii(text: str) -> str:
    """`text` with our signs in their other form; what others wrote in other scripts stays as it is."""
    return text.translate(_IN_ASCII)
