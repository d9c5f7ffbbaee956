"""`clinseek-tui tour`: a guided first look, on a bundled case."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clinseek_core.errors import InputError
from clinseek_fixtures import bundled_cases
from clinseek_tui.commands.printing import say
from clinseek_tui.commands.progress import OpeningLine

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui tour                        a few minutes of reading; Enter goes on, q leaves
  clinseek-tui tour --out look/            and keep the journals that it makes
  clinseek-tui tour | less

It runs the built-in seeker on two bundled patients, with and without hindsight, and shows what the app and
the commands make of it. No network, no model, and nothing is left behind without --out.
"""
_ANSWER = 80
"""Characters of an answer that are read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("case", nargs="?", metavar="CASE", help="the qid of a bundled case; the first")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep the journals in a new folder")


def main(args: argparse.Namespace) -> int:
    """Tell chapter after chapter; 0."""
    from clinseek_tui.tour import CHAPTERS, Tour  # noqa: PLC0415 -- help needs no runs and analyses

    cases = {case.qid: case for case in bundled_cases()}
    qid = args.case or next(iter(cases))
    if qid not in cases:
        raise InputError(f"{qid}: no bundled case; there are {', '.join(cases)}")
    waits = sys.stdin.isatty() and sys.stdout.isatty()
    with _folder(args.out) as folder, OpeningLine() as opening:
        tour = Tour(cases[qid], folder, opening.show, kept=waits or args.out is not None)
        for number, chapter in enumerate(CHAPTERS, 1):
            lines = list(chapter.tell(tour))
            title = f"{number} of {len(CHAPTERS)}: {chapter.title}"
            say(["", title, "=" * len(title), "", *lines])
            sys.stdout.flush()
            if waits and number < len(CHAPTERS) and not _goes_on():
                break
        if waits and args.out is None:
            print(f"\nEnter removes {folder} (`tour --out FOLDER` keeps it): ", end="", flush=True)
            sys.stdin.readline(_ANSWER)
    return 0


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is None:
        with tempfile.TemporaryDirectory(prefix="clinseek-tour-") as name:
            yield Path(name)
        return
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"{out}: can't be made ({error.strerror}); name a folder that is not there"
        ) from error
    yield out


def _goes_on() -> bool:
    """Whether the reader wants the next chapter."""
    print("\nEnter goes on, q leaves: ", end="", flush=True)
    answer = sys.stdin.readline(_ANSWER)
    return bool(answer) and answer.strip().lower() not in ("q", "quit")
