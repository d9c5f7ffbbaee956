"""`clinseek-tui why`: from an item of an answer back to the rows it came from, and where the F1 went."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from clinseek_core.errors import InputError
from clinseek_core.text import visible
from clinseek_replay.evidence.report import evidence, examined, report_lines
from clinseek_replay.evidence.why import why, why_lines
from clinseek_tui.commands.opening import add_format_and_gold, open_named
from clinseek_tui.commands.printing import json_line, say

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui why traj.jsonl                          every gold and answered item, and where the F1 went
  clinseek-tui why traj.jsonl "Heparin"                from that item back to the rows
  clinseek-tui why results.jsonl --run 3 --ehr mimic/  what there was to be found, too
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("path", type=Path, metavar="FILE", help="a recording")
    parser.add_argument(
        "item", nargs="?", metavar="ITEM", help="a name of the answer or the gold; all without it"
    )
    parser.add_argument("--run", metavar="QID|N", help="which run: its qid, or its number in the list")
    add_format_and_gold(parser)
    parser.add_argument(
        "--ehr",
        type=Path,
        metavar="PATH",
        help="the record, to know what there was: a store, database or tree",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")


def main(args: argparse.Namespace) -> int:
    """Print the evidence; 0 unless something can't be read."""
    args.paths = [args.path]
    recordings = open_named(args)
    if not args.run and len(recordings.entries) > 1:
        raise InputError(f"{args.path}: holds {len(recordings.entries)} runs; --run QID or --run N names one")
    trajectory = recordings.run(recordings.find(args.run) if args.run else 0)

    if args.ehr:
        print(visible(f"{args.ehr}: read as it was known at the run's time"), file=sys.stderr)
    if args.item is None:
        report = evidence(trajectory, args.ehr)
        say([json_line(report)] if args.json else report_lines(report))
        return 0
    found = why(examined(trajectory, args.ehr), args.item)
    say([json_line(found)] if args.json else why_lines(found))
    return 0
