"""Text that others wrote, made safe to show: what would act on a terminal becomes visible instead.

Models, databases and pages may hold escape sequences, bidirectional controls and other invisible
characters (Unicode TR 36 and TR 39 name the risks). Line feeds and tabs stay; everything else that has
no glyph of its own is drawn as one.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["one_line", "visible"]

_C0_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"
# A joiner between two emoji and the selector after one change how they are drawn and nothing else.
_HARMLESS_FORMAT = {"\u200d", "\ufe0f"}
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return `text` with control, bidirectional and invisible characters drawn as visible ones.

    `ESC` becomes `␛`, other C0 controls their control pictures, the rest `⟨U+202E⟩`.
    """
    return _SUSPECT.sub(_picture, text.replace("\r\n", "\n"))


def one_line(text: str, width: int) -> str:
    """`text` as one visible line of at most `width` characters, with `…` where it was cut."""
    head = text[: width * 4]
    line = " ".join(visible(head).split())
    return line if len(line) <= width and len(head) == len(text) else line[: max(width - 1, 0)] + "…"


def _picture(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _HARMLESS_FORMAT:
        return character
    if code < 0x20:
        return chr(_C0_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    name = unicodedata.name(character, "")
    return f"⟨U+{code:04X}{' ' + name if code in range(0x202A, 0x202F) else ''}⟩"
