"""`clinseek-tui show`: a film in the terminal."""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.errors import InputError
from clinseek_core.imaging.films import FilmReader, ShownFilm
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.text import visible
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.film import PAINTERS, Painter, box_of, facts_lines, painter_for
from clinseek_tui.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui show film.dcm                      as large as the terminal, with what its file tells below it
  clinseek-tui show film.dcm --window 128,80      another window: centre and width, in the film's own values
  clinseek-tui show film.png --width 200 --draw blocks | less -RS
  clinseek-tui show film.jpg --draw characters    without colours
  clinseek-tui show film.dcm --json               what its file tells, without the film

Real pixels are sent to Kitty, Ghostty, iTerm2 and WezTerm; others get half-blocks in as many greys as they
have, or characters: with NO_COLOR, without UTF-8, and in a pipe.
"""
_BELOW = 12
"""Lines of the terminal left for the facts."""
_SHARP = 2
"""How many times finer than it is drawn a film is read."""
_WIDEST = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a DICOM, PNG or JPEG file")
    parser.add_argument(
        "--window", type=_window, metavar="C,W", help="centre and width of the grey values; the film's own"
    )
    parser.add_argument("--width", type=_width, metavar="N", help="columns; as many as fit")
    parser.add_argument("--draw", choices=tuple(PAINTERS), help="how; the best that the terminal can")
    parser.add_argument("--json", action="store_true", help="print what the file tells as JSON, no film")


def main(args: argparse.Namespace) -> int:
    """Draw the film; 0, or 2 where it can't be shown."""
    terminal = terminal_of(sys.stdout, os.environ)
    painter = _painter(args.draw, terminal)
    reader = FilmReader()
    try:
        # What a person names may be a link.
        path = args.image.resolve()
        first = _read(reader, path, args, 1 if args.json else _WIDEST)
        if args.json:
            say([json_line({"file": str(args.image), "facts": first.facts})])
            return 0
        box = box_of(first.facts.rows, first.facts.columns, terminal, args.width, _BELOW)
        width, height = painter.pixels(box, terminal)
        edge = _SHARP * max(width, height)
        film = first if edge <= _WIDEST else _read(reader, path, args, edge)
    finally:
        reader.close()
    for line in painter.lines(_picture(film, (width, height)), box):
        print(line)
    say(
        [
            visible(args.image.name),
            *facts_lines(film.facts),
            f"drawn    {box.columns} columns: {painter.says}",
        ]
    )
    return 0


def _read(reader: FilmReader, path: Path, args: argparse.Namespace, edge: int) -> ShownFilm:
    try:
        return reader.show(path, (path.parent,), args.window, edge)
    except FilmError as error:
        raise InputError(f"{args.image}: {error}") from error


def _picture(film: ShownFilm, size: tuple[int, int]) -> Image:
    """The film's picture, which our own worker made, at a size."""
    import PIL.Image  # noqa: PLC0415 -- heavy: loaded with the first film

    picture = PIL.Image.open(io.BytesIO(film.png), formats=("PNG",)).convert("L")
    return picture.resize(size, PIL.Image.Resampling.BOX, reducing_gap=None)


def _painter(name: str | None, terminal: Terminal) -> Painter:
    if name is None:
        return painter_for(terminal)
    if name in ("kitty", "iterm2") and not (terminal.is_terminal and terminal.cell):
        raise InputError(
            f"--draw {name} needs a terminal that tells the size of its characters; --draw blocks needs none"
        )
    return PAINTERS[name]


def _window(text: str) -> tuple[float, float]:
    center, _, width = text.partition(",")
    try:
        window = float(center), float(width)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no window; write one as 128,256") from error
    if not all(map(math.isfinite, window)) or window[1] < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a window has a width of 1 or more")
    return window


def _width(text: str) -> int:
    if not text.isdecimal() or len(text) > 4 or not 4 <= int(text) <= _WIDEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of columns from 4 to {_WIDEST}")
    return int(text)
