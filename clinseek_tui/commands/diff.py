"""`clinseek-tui diff`: two runs of a case aligned call by call, or many as a matrix."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.text import visible
from clinseek_replay.diff import Line, Matrix, RunDiff, diff, matrix
from clinseek_replay.diff.telling import diff_lines, matrix_lines
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.commands.opening import add_format_and_gold, open_named
from clinseek_tui.commands.printing import json_line, say

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui diff before.jsonl after.jsonl         two recordings of one run each
  clinseek-tui diff before/ after/ --run case-7      the runs of that qid in two folders
  clinseek-tui diff results.jsonl --run-a 1 --run-b 2    two runs of one file, by their numbers
  clinseek-tui diff results.jsonl --qid case-7       all runs of a case, as a matrix

Signs: = same, > moved, ! other result, ~ other arguments, - only in a, + only in b.
Exit code 0 where the runs are equal, 1 where they differ, 2 where one can't be read.
"""
_EQUAL, _DIFFERENT = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="recordings: one or two to compare two runs, more for a matrix",
    )
    parser.add_argument("--run", metavar="QID|N", help="which run of each path")
    parser.add_argument("--run-a", metavar="QID|N", help="which run of the first path")
    parser.add_argument("--run-b", metavar="QID|N", help="which run of the second path, or of the only one")
    parser.add_argument("--qid", metavar="QID", help="a matrix of all runs of this case in all paths")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")
    add_format_and_gold(parser)


def main(args: argparse.Namespace) -> int:
    """Compare the runs; 0 where they are equal, 1 where they differ."""
    _check(args)
    runs = _runs_of_case(args) if args.qid else _runs_named(args)
    _tell_other_cases(runs)
    if len(runs) == 2 and not args.qid:
        compared = diff(*runs)
        say([json_line(_as_json(compared))] if args.json else diff_lines(compared))
        return _EQUAL if compared.equal else _DIFFERENT
    several = matrix(runs)
    say([json_line(_matrix_as_json(several))] if args.json else matrix_lines(several))
    return _EQUAL if several.equal else _DIFFERENT


def _check(args: argparse.Namespace) -> None:
    sides = args.run_a is not None or args.run_b is not None
    if args.qid and (args.run or sides):
        raise InputError("--qid takes all runs of a case; leave --run, --run-a and --run-b away")
    if sides and (args.run or len(args.paths) > 2):
        raise InputError("--run-a and --run-b name runs of one or two paths, and go without --run")


def _runs_of_case(args: argparse.Namespace) -> list[Trajectory]:
    recordings = open_named(args)
    found = [index for index, entry in enumerate(recordings.entries) if entry.qid == args.qid]
    if len(found) < 2:
        held = "only one run has" if found else "no run has"
        raise InputError(f"--qid {args.qid}: {held} this qid; `replay PATH --plain` lists the runs")
    return [recordings.run(index) for index in found]


def _runs_named(args: argparse.Namespace) -> list[Trajectory]:
    if len(args.paths) == 1:
        return _runs_of_one(open_named(args), args)
    names = (args.run_a, args.run_b) if len(args.paths) == 2 else (None,) * len(args.paths)
    options = ("--run-a", "--run-b") if len(args.paths) == 2 else ("--run",) * len(args.paths)
    return [
        _only_run(path, args, wanted or args.run, option)
        for path, wanted, option in zip(args.paths, names, options, strict=True)
    ]


def _only_run(path: Path, args: argparse.Namespace, wanted: str | None, option: str) -> Trajectory:
    recordings = open_named(argparse.Namespace(paths=[path], format=args.format, gold=args.gold))
    if wanted:
        return recordings.run(recordings.find(wanted))
    if len(recordings.entries) > 1:
        raise InputError(f"{path}: holds {len(recordings.entries)} runs; say which with {option} QID or N")
    return recordings.run(0)


def _runs_of_one(recordings: Recordings, args: argparse.Namespace) -> list[Trajectory]:
    """Two runs of one path: those named, or the only two there are."""
    if args.run_a and args.run_b:
        return [recordings.run(recordings.find(wanted)) for wanted in (args.run_a, args.run_b)]
    if len(recordings.entries) == 2 and not (args.run or args.run_a or args.run_b):
        return [recordings.run(0), recordings.run(1)]
    raise InputError(
        f"{args.paths[0]}: runs it holds: {len(recordings.entries)}; name two with --run-a and --run-b, "
        "all of a case with --qid, or a second path"
    )


def _tell_other_cases(runs: list[Trajectory]) -> None:
    qids = list(dict.fromkeys(run.qid for run in runs if run.qid))
    if len(qids) > 1:
        told = ", ".join(qids[:5])
        print(visible(f"these runs are of different cases ({told}): compare them with care"), file=sys.stderr)


def _as_json(compared: RunDiff) -> dict[str, Any]:
    same = ("a", "b", "case", "counts", "edits", "gold", "answered_by_a", "answered_by_b", "equal")
    first_gold = compared.first_gold
    return {
        **{name: getattr(compared, name) for name in same},
        "first": _where(compared.first),
        "first_evidence": _where(compared.first_evidence),
        "first_gold": {"item": first_gold[0], **(_where(first_gold[1]) or {})} if first_gold else None,
    }


def _where(line: Line | None) -> dict[str, Any] | None:
    """Where a line stands, to be looked up among the edits."""
    if line is None:
        return None
    sides = {"a": line.a.anchor if line.a else None, "b": line.b.anchor if line.b else None}
    return {"change": line.change, "tool": line.tool, **sides}


def _matrix_as_json(several: Matrix) -> dict[str, Any]:
    return {"equal": several.equal, "runs": several.runs, "rows": several.rows, "gold": several.gold}
