"""The recordings that a command names, opened: the options that say which, and what is told of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from clinseek_core.case_files import load_cases
from clinseek_core.text import visible
from clinseek_replay.readers import READERS
from clinseek_replay.recordings import Recordings, open_recordings

__all__ = ["add_format_and_gold", "add_recordings", "open_named", "positions", "reopening"]

_FILES_NAMED = 5
_PROBLEMS_NAMED = 20


def add_recordings(parser: argparse.ArgumentParser) -> None:
    """Declare PATH..., --run, --format and --gold."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a recording, or a folder of them"
    )
    parser.add_argument("--run", metavar="QID|N", help="which run: its qid, or its number in the list")
    add_format_and_gold(parser)


def add_format_and_gold(parser: argparse.ArgumentParser) -> None:
    """Declare --format and --gold."""
    parser.add_argument(
        "--format",
        metavar="NAME",
        choices=[reader.name for reader in READERS],
        help="take files for this format: %(choices)s",
    )
    parser.add_argument("--gold", metavar="FILE", type=Path, help="cases file that gives the gold, by qid")


def open_named(args: argparse.Namespace) -> Recordings:
    """Open what the options name, and say on stderr as what each file was read and what could not be used."""
    gold = {case.qid: case.gold for case in load_cases(args.gold)} if args.gold else {}
    recordings = open_recordings(args.paths, args.format, gold)
    _tell_how_read(recordings)
    if gold and not any(entry.qid in gold for entry in recordings.entries):
        print(visible(f"{args.gold}: holds the qid of none of these runs"), file=sys.stderr)
    return recordings


def reopening(args: argparse.Namespace) -> Callable[[], Recordings]:
    """Opens what the options name again, and says nothing: for a screen over files that others write."""

    def reopen() -> Recordings:
        gold = {case.qid: case.gold for case in load_cases(args.gold)} if args.gold else {}
        return open_recordings(args.paths, args.format, gold)

    return reopen


def positions(recordings: Recordings, args: argparse.Namespace) -> range:
    """Indexes of the runs meant: the one of --run, else all."""
    if args.run:
        position = recordings.find(args.run)
        return range(position, position + 1)
    return range(len(recordings.entries))


def _tell_how_read(recordings: Recordings) -> None:
    told = recordings.read_as
    if len(told) > _FILES_NAMED:
        told = (f"{len(told)} files read, {len(recordings.entries)} runs",)
    problems = [f"{problem.place}: not used: {problem.reason}" for problem in recordings.problems]
    if len(problems) > _PROBLEMS_NAMED:
        more = len(problems) - _PROBLEMS_NAMED
        problems = [*problems[:_PROBLEMS_NAMED], f"and {more} more that could not be used"]
    for line in (*told, *problems):
        print(visible(line), file=sys.stderr)
