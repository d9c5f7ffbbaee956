"""`clinseek-tui fork`: a run taken up at one of its steps with something changed, as a run of its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from clinseek_core.errors import InputError
from clinseek_core.journal.forking import ForkPlace
from clinseek_core.text import one_line
from clinseek_tui.commands.printing import json_line
from clinseek_tui.running import Options
from clinseek_tui.running.forking import Fork, Wish, fork

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui fork traj.jsonl --at s4 --remove-leak            what would it have said without the leak
  clinseek-tui fork traj.jsonl --at s4.c1 --edit-result "Lactate 6.1"
  clinseek-tui fork traj.jsonl --at s4 --model NAME --base-url http://localhost:8000/v1
  clinseek-tui fork traj.jsonl --at s0 --prompt @question.txt --only

The new journal holds the steps that were kept and names its parent; the run then goes on from there, live or
--headless, unless --only says not to. A TEXT that begins with @ names a file that holds it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("journal", type=Path, metavar="JOURNAL", help="the run's journal")
    parser.add_argument("--at", required=True, metavar="PLACE", help="the last that is kept: s12, s12.c1; s0")
    parser.add_argument("--edit-result", metavar="TEXT", help="what the call's result becomes")
    parser.add_argument("--prompt", metavar="TEXT", help="what the question's message becomes")
    parser.add_argument("--model", metavar="NAME", help="another model, or seeker, goes on")
    parser.add_argument("--base-url", metavar="URL", help="its endpoint")
    parser.add_argument(
        "--remove-leak",
        action="store_true",
        help="make the calls that leaked again, and go on, by what was known",
    )
    parser.add_argument("--ehr", type=Path, metavar="PATH", help="the data, where it has moved")
    parser.add_argument("--allow-remote-model", action="store_true", help="as `run` takes it")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the new journal; beside the other by default"
    )
    parser.add_argument("--headless", action="store_true", help="go on without the app")
    parser.add_argument("--only", action="store_true", help="make the journal, and do not go on")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Fork, and go on; as `run` exits, or 0 with --only."""
    place = ForkPlace.read(args.at)
    wish = Wish(
        result=_text_of(args.edit_result),
        prompt=_text_of(args.prompt),
        without_leaks=args.remove_leak,
        options=Options(
            ehr=args.ehr,
            model=args.model,
            base_url=args.base_url,
            allow_remote_model=args.allow_remote_model,
        ),
    )
    made = fork(args.journal, place, wish, os.environ, args.out)
    _tell(args, made, place)
    if args.only:
        return 0
    from clinseek_tui.cli import main as command  # noqa: PLC0415 - it imports this module's name

    return command(["run", "--resume", str(made.journal), *_going_on(args)])


def _going_on(args: argparse.Namespace) -> list[str]:
    flags = [f"--{name}" for name in ("headless", "json") if getattr(args, name)]
    flags += ["--allow-remote-model"] if args.allow_remote_model else []
    for option, value in (("--ehr", args.ehr), ("--model", args.model), ("--base-url", args.base_url)):
        flags += [option, str(value)] if value is not None else []
    return flags


def _text_of(written: str | None) -> str | None:
    if written is None or not written.startswith("@"):
        return written
    try:
        return Path(written[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{written[1:]}: can't be read as text ({error})") from error


def _tell(args: argparse.Namespace, made: Fork, place: ForkPlace) -> None:
    if args.json and args.only:
        print(json_line({"journal": str(made.journal), "at": str(place), "edits": made.edits}))
        return
    edits = [f"{edit.what} {edit.place}".strip() for edit in made.edits]
    if args.remove_leak:
        edits = [*(edits or ["no leak up to here"]), "goes on by what was known"]
    changed = ", ".join(edits) or "nothing"
    stream = sys.stdout if args.only else sys.stderr
    print(one_line(f"{made.journal}: forked at {place}, changed: {changed}", 400), file=stream)
