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
    talk = _Talk(session, typed)
    goes_on = True
    while goes_on:
        try:
            goes_on = talk.takes_a_line()
        except KeyboardInterrupt:
            if not typed.interactive:
                raise
            print("interrupted", file=sys.stderr)
    return talk.code


class _Talk:
    """Line after line, with what an empty one repeats."""

    def __init__(self, session: Session, typed: TypedLines) -> None:
        self.code = _FINE
        self._session = session
        self._typed = typed
        self._last = ""

    def takes_a_line(self) -> bool:
        """Carry one line out, and tell what can't be; whether there is another."""
        try:
            line = self._typed.read(self._session.prompt)
            if line is None:
                return False
            line = line.strip() or (self._last if self._typed.interactive else "")
            self._last = ""
            _tell(carry_out(self._session, line))
            self._last = line if repeats(line) else ""
        except ClinseekError as error:
            place = "" if self._typed.interactive else f"line {self._typed.number}: "
            print(visible(f"{place}{error}").replace("\n", " "), file=sys.stderr, flush=True)
            self.code = _FINE if self._typed.interactive else _UNUSABLE
        return not self._session.ended


def _tell(lines: Iterator[str]) -> None:
    say(visible(line) for line in lines)
    sys.stdout.flush()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
