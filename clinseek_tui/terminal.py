"""What the terminal can do, told by the environment and by its size: nothing is ever asked of it."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Mapping
from typing import Literal, NamedTuple, TextIO

__all__ = ["TRUE_COLOUR", "ImageProtocol", "Terminal", "terminal_of"]

TRUE_COLOUR = 1 << 24
ImageProtocol = Literal["", "kitty", "iterm2"]

_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_ITERM2_PROGRAMS = ("iTerm.app", "WezTerm")
_TRUE_COLOUR_TERMS = (*_KITTY_TERMS, "alacritty", "foot", "wezterm")


class Terminal(NamedTuple):
    """What a stream is connected to."""

    is_terminal: bool
    utf8: bool
    columns: int
    lines: int
    name: str
    """TERM."""
    colours: int
    """How many can be drawn; 0 where none should be."""
    images: ImageProtocol = ""
    """By what real pixels can be sent; empty where that is not known to work."""
    cell: tuple[int, int] | None = None
    """Width and height of a character in pixels, where the terminal tells."""
    inside: Literal["", "tmux", "screen"] = ""
    """What stands between this program and the terminal."""


def terminal_of(stream: TextIO, environ: Mapping[str, str]) -> Terminal:
    """The terminal that a stream is connected to, as it is now."""
    is_terminal = stream.isatty()
    name = environ.get("TERM", "")
    columns, lines, cell = _size(stream, environ)
    inside = _inside(environ)
    colours = _colours(environ) if is_terminal else 0
    plain = not is_terminal or bool(inside) or not cell or not colours
    return Terminal(
        is_terminal=is_terminal,
        utf8=(stream.encoding or "").lower().replace("-", "") == "utf8",
        columns=columns,
        lines=lines,
        name=name,
        colours=colours,
        images="" if plain else _protocol(environ),
        cell=cell,
        inside=inside,
    )


def _colours(environ: Mapping[str, str]) -> int:
    name = environ.get("TERM", "")
    if environ.get("NO_COLOR") or name in ("", "dumb"):
        return 0
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return TRUE_COLOUR
    if name.endswith("-direct") or name in _TRUE_COLOUR_TERMS:
        return TRUE_COLOUR
    return 256 if "256color" in name else 16


def _protocol(environ: Mapping[str, str]) -> ImageProtocol:
    if environ.get("KITTY_WINDOW_ID") or environ.get("TERM") in _KITTY_TERMS:
        return "kitty"
    if environ.get("TERM_PROGRAM") in _ITERM2_PROGRAMS or environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return ""


def _inside(environ: Mapping[str, str]) -> Literal["", "tmux", "screen"]:
    if environ.get("TMUX"):
        return "tmux"
    return "screen" if environ.get("STY") else ""


def _size(stream: TextIO, environ: Mapping[str, str]) -> tuple[int, int, tuple[int, int] | None]:
    """Columns, lines and the size of a cell; 80 and 24 where nothing tells."""
    lines, columns, width, height = 0, 0, 0, 0
    with contextlib.suppress(OSError, ValueError, ImportError):
        import fcntl  # noqa: PLC0415 -- Unix only
        import termios  # noqa: PLC0415

        told = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, bytes(8))
        lines, columns, width, height = struct.unpack("HHHH", told)
    cell = (width // columns, height // lines) if columns and lines and width and height else None
    return columns or _number(environ, "COLUMNS", 80), lines or _number(environ, "LINES", 24), cell


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 5 and int(text) else default
