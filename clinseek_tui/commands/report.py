"""`clinseek-tui report`: the paper's tables from many runs, and what two sets of runs do differently."""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from clinseek_core.case_files import load_bench_cases
from clinseek_core.errors import InputError
from clinseek_core.models import ChatModel
from clinseek_core.text import visible
from clinseek_replay.export.files import new_file
from clinseek_replay.export.plain_json import json_text
from clinseek_replay.many import map_runs
from clinseek_replay.report import Report, ReportRun, compare, judged_run, report, report_run
from clinseek_replay.report.heat import heat_lines, heat_map
from clinseek_replay.report.written import comparison_lines, report_csv, report_lines, report_page
from clinseek_tui.commands.judging import add_judge, judge_of, with_verdicts
from clinseek_tui.commands.opening import add_format_and_gold, open_named, positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine

__all__ = ["add_arguments", "main"]

_FORMATS: dict[str, Callable[[Report], str]] = {
    "md": lambda made: "\n".join(report_lines(made)) + "\n",
    "csv": report_csv,
    "json": lambda made: json_text(made, indent=1) + "\n",
    "html": report_page,
    "svg": heat_map,
    "heat": lambda made: "\n".join(map(visible, heat_lines(made))) + "\n",
}
_EXAMPLES = """\
examples:
  clinseek-tui report runs/                                   tables by group, for each model and mode
  clinseek-tui report runs/ --cases cases.jsonl --to html --out report.html
  clinseek-tui report runs/ --to heat                         what seeking adds, task by task
  clinseek-tui report --compare base.jsonl student.jsonl      what the second learned

Runs without tools count as curated, others as agentic. docs/report.md says what each figure is.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="recordings, or folders of them")
    parser.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A", "B"),
        help="two sets of runs: the second less the first",
    )
    add_format_and_gold(parser)
    add_judge(parser)
    parser.add_argument("--cases", type=Path, metavar="FILE", help="a cases file: gives gold and ceilings")
    parser.add_argument(
        "--to",
        choices=_FORMATS,
        help="write it as %(choices)s; heat and svg are its heat map, for a terminal and as a picture",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; standard output by default")
    parser.add_argument("--force", action="store_true", help="replace a file that is there already")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.set_defaults(usage=parser.error)


def main(args: argparse.Namespace) -> int:
    """Report; 0 unless something can't be read or written."""
    args.gold = args.gold or args.cases
    args.run = None
    judge = judge_of(args)
    if args.compare is not None:
        if args.paths or args.to:
            args.usage("--compare takes two sets and prints them; it goes with --json alone")
        sets = [_runs(args, [path], judge) for path in args.compare]
        compared = compare(sets[0], sets[1], (str(args.compare[0]), str(args.compare[1])))
        say([json_line(compared)] if args.json else map(visible, comparison_lines(compared)))
        return 0
    if not args.paths:
        args.usage("name recordings, or --compare A B")
    made = report(_runs(args, args.paths, judge), _ceilings(args.cases))
    if args.json:
        say([json_line(made)])
    elif args.to is not None:
        _write(args, made)
    else:
        say(map(visible, report_lines(made)))
    return 0


def _ceilings(cases: Path | None) -> dict[str, float] | None:
    return None if cases is None else {bench.case.qid: bench.ceiling for bench in load_bench_cases(cases)}


def _runs(args: argparse.Namespace, paths: Sequence[Path], judge: ChatModel | None) -> list[ReportRun]:
    of_paths = copy.copy(args)
    of_paths.paths = list(paths)
    recordings = open_named(of_paths)
    found = []
    with ProgressLine("report") as progress:
        for _, outcome in map_runs(recordings, positions(recordings, of_paths), report_run, progress):
            if isinstance(outcome, InputError):
                progress.clear()
                print(visible(f"not counted: {outcome}"), file=sys.stderr)
            else:
                found.append(outcome)
    if not found:
        raise InputError(f"{paths[0]}: holds no run to report on")
    return with_verdicts(judge, found, judged_run)


def _write(args: argparse.Namespace, made: Report) -> None:
    text = _FORMATS[args.to](made)
    if args.out is None:
        sys.stdout.write(text)
        return
    with new_file(args.out, force=args.force) as file:
        file.write(text.encode())
    say([visible(f"{args.out}: {made.runs} runs")])
