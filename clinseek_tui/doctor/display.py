"""Checks of the terminal."""

from __future__ import annotations

from clinseek_tui.doctor.check import Check, Here, Outcome, missing, well
from clinseek_tui.film import painter_for
from clinseek_tui.terminal import TRUE_COLOUR

__all__ = ["DISPLAY"]

_COLUMNS, _LINES = 80, 24


def _terminal(here: Here) -> Outcome:
    if not here.terminal.is_terminal:
        return missing("none: commands print text, and the app can't open", "run it in a terminal")
    inside = f", inside {here.terminal.inside}" if here.terminal.inside else ""
    return well((here.terminal.name or "TERM is not set") + inside)


def _size(here: Here) -> Outcome:
    terminal = here.terminal
    size = f"{terminal.columns} x {terminal.lines}"
    if terminal.columns >= _COLUMNS and terminal.lines >= _LINES:
        return well(size)
    return missing(f"{size}: the app is made for {_COLUMNS} x {_LINES} and more", "make the window larger")


def _encoding(here: Here) -> Outcome:
    if here.terminal.utf8:
        return well("UTF-8")
    return missing("not UTF-8: signs are drawn in ASCII", "set LC_ALL=C.UTF-8, or another UTF-8 locale")


def _colours(here: Here) -> Outcome:
    if here.environ.get("NO_COLOR"):
        return well("none, as NO_COLOR asks")
    colours = here.terminal.colours
    if colours >= TRUE_COLOUR:
        return well("24-bit")
    fix = "if the terminal draws 24-bit colour, set COLORTERM=truecolor"
    if here.terminal.inside == "tmux":
        fix += '; in ~/.tmux.conf: set -as terminal-features ",*:RGB"'
    return missing(f"{colours}", fix)


def _films(here: Here) -> Outcome:
    painter = painter_for(here.terminal)
    if painter.name in ("kitty", "iterm2"):
        return well(f"drawn in {painter.says}")
    why = f" inside {here.terminal.inside}" if here.terminal.inside else ""
    return missing(
        f"drawn in {painter.says}{why}",
        "real pixels: Kitty, Ghostty, iTerm2, WezTerm; no tmux",
    )


DISPLAY = (
    Check("terminal", "terminal", False, _terminal),
    Check("terminal", "size", False, _size),
    Check("terminal", "encoding", False, _encoding),
    Check("terminal", "colours", False, _colours),
    Check("terminal", "films", False, _films),
)
