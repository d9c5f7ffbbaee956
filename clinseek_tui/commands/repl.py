"""`clinseek-tui repl`: recordings, step by step, by commands in a plain terminal or from a script."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterator

from clinseek_core.errors import ClinseekError
from clinseek_core.text import visible
from clinseek_tui.commands.opening import add_recordings, open_named
from clinseek_tui.commands.printing import say
from clinseek_tui.repl import Session, carry_out, completions, here, repeats, where
from clinseek_tui.typed_lines import TypedLines

__all__ = ["add_arguments", "main"]

_FINE, _UNUSABLE = 0, 2
_EXAMPLES = """\
examples:
  clinseek-tui repl traj.jsonl                       `help` lists the commands, `quit` leaves
  clinseek-tui repl results.jsonl --run case-7       begin at that run
  printf 'break error\\ncontinue\\nshow\\n' | clinseek-tui repl traj.jsonl    a script on standard input

Commands are told in docs/terminal.md. Exit code 0, or 2 where something can't be read, or a script holds a
line that can't be carried out; its other lines are.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument("--author", metavar="NAME", help="who sets marks; the user's name without it")


def main(args: argparse.Namespace) -> int:
    """Carry out line by line; 2 where a script held one that could not be."""
    recordings = open_named(args)
    session = Session(recordings, recordings.find(args.run) if args.run else 0, args.author or _user())
    typed = TypedLines("repl", lambda line: completions(session, line))
    if typed.interactive:
        _tell(where(session, ""))
        _tell(here(session))
        print("`help` lists the commands, `quit` leaves", file=sys.stderr)
    code = _FINE
    last = ""
    while not session.ended:
        try:
            line = typed.read(session.prompt)
            if line is None:
                break
            line = line.strip() or (last if typed.interactive else "")
            last = ""
            _tell(carry_out(session, line))
            last = line if repeats(line) else ""
        except KeyboardInterrupt:
            if not typed.interactive:
                raise
            print("interrupted", file=sys.stderr)
        except ClinseekError as error:
            place = "" if typed.interactive else f"line {typed.number}: "
            print(visible(f"{place}{error}").replace("\n", " "), file=sys.stderr, flush=True)
            code = _FINE if typed.interactive else _UNUSABLE
    return code


def _tell(lines: Iterator[str]) -> None:
    say(visible(line) for line in lines)
    sys.stdout.flush()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
