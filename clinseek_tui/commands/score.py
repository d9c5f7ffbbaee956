"""`clinseek-tui score`: the F1 of many runs by our rule and by the reference's, and what it is a mean of."""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator
from pathlib import Path

from clinseek_core.case_files import load_cases
from clinseek_core.errors import InputError
from clinseek_core.scoring import ScoredRun, by_question, paired, summary, with_single
from clinseek_core.text import visible
from clinseek_replay.evidence.score_table import Comparison, comparison_lines, summary_lines
from clinseek_replay.evidence.scored import scored
from clinseek_replay.many import map_runs
from clinseek_tui.commands.judging import add_judge, judge_of, with_verdicts
from clinseek_tui.commands.opening import add_format_and_gold, open_named, positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui score results.jsonl                       mean F1 by task, with 95 % intervals
  clinseek-tui score runs/ --gold cases.jsonl            with a file's gold; tells which cases have no run
  clinseek-tui score agentic.jsonl curated.jsonl         the second less the first, on the questions of both
  clinseek-tui score runs/ --judge-model qwen3 --judge-url http://localhost:8000/v1

A folder, and several PATHs but two, are scored as one set; --together makes one of two as well.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="recordings, or folders of them; two are compared"
    )
    parser.add_argument(
        "--together", action="store_true", help="score two PATHs as one set, not against each other"
    )
    parser.add_argument("--run", metavar="QID|N", help="only this run: its qid, or its number in the list")
    add_format_and_gold(parser)
    add_judge(parser)
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")


def main(args: argparse.Namespace) -> int:
    """Score the runs; 0 unless something can't be read."""
    judge = judge_of(args)
    expected = [case.qid for case in load_cases(args.gold)] if args.gold else None
    two = len(args.paths) == 2 and not args.together
    sets = [[path] for path in args.paths] if two else [args.paths]
    runs = [with_verdicts(judge, list(_scored(args, paths)), with_single) for paths in sets]
    summaries = [summary(of_set, expected) for of_set in runs]
    if not two:
        say([json_line(summaries[0])] if args.json else summary_lines(summaries[0]))
        return 0
    compared = Comparison(
        first=str(args.paths[0]),
        second=str(args.paths[1]),
        f1=paired(*map(by_question, runs)),
        f1_upstream=paired(*(by_question(of_set, upstream=True) for of_set in runs)),
    )
    if args.json:
        say([json_line({"first": summaries[0], "second": summaries[1], "compared": compared})])
        return 0
    for path, of_set in zip(args.paths, summaries, strict=True):
        say([visible(str(path)), *summary_lines(of_set), ""])
    say(comparison_lines(compared))
    return 0


def _scored(args: argparse.Namespace, paths: list[Path]) -> Iterator[ScoredRun]:
    of_paths = copy.copy(args)
    of_paths.paths = paths
    recordings = open_named(of_paths)
    with ProgressLine("score") as progress:
        for position, outcome in map_runs(recordings, positions(recordings, args), scored, progress):
            if isinstance(outcome, InputError):
                progress.clear()
                entry = recordings.entries[position]
                print(visible(f"{entry.place}: not scored: {outcome}"), file=sys.stderr)
            else:
                yield outcome
