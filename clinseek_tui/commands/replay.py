"""`clinseek-tui replay`: recordings in the app, as plain text or as JSON, or a journal as it grows."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.text import visible
from clinseek_replay.overview import overview, step_line
from clinseek_replay.plain import (
    answer_lines,
    call_lines,
    header_line,
    note_lines,
    overview_lines,
    step_lines,
)
from clinseek_replay.readers import Entry
from clinseek_replay.recordings import Recordings, detect
from clinseek_replay.source import FollowSource, RecordedSource, RunSource
from clinseek_replay.trajectory import Step, Trajectory
from clinseek_tui.commands.opening import add_recordings, open_named, reopening
from clinseek_tui.commands.printing import json_line, say

__all__ = ["add_arguments", "follow", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui replay traj.jsonl                     in the app; ? shows the keys
  clinseek-tui replay runs/                          a table of its runs; enter opens one
  clinseek-tui replay runs/ --table                  the table as text: F1, leaks, primary failure
  clinseek-tui replay runs/ --run case-7 --plain     the run of that qid, one line a call
  clinseek-tui replay results.jsonl --plain --step 3 one step in full
  clinseek-tui replay traj.jsonl --plain --time      what was looked at in time, and what leaked
  clinseek-tui replay traj.jsonl --follow            a run of another process while it goes on
  clinseek-tui replay runs/ --break error --break gold:first    where calls fail and gold is first seen
  clinseek-tui replay runs/ --find "troponin"        each place of each run that holds a text

Where the output is no terminal, --plain is understood.
"""
_POLL_S = 0.25
_WIDTH = 100
"""Cells of the time lens as text."""
_BREAKPOINTS = (
    "tool:NAME, error, empty, status:NAME, truncated, repeated, gold[:first], future[:first], tokens>N,"
    " path:$.PATH[=VALUE], sql:/REGEX/, arguments:/REGEX/, result:/REGEX/, text:/REGEX/, reasoning:/REGEX/,"
    " note:/REGEX/, any:/REGEX/"
)
"""As `clinseek_replay.cursor` reads them, which brings the readers of tables: help loads none of it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument(
        "--step", metavar="N", type=_step_number, help="begin at this step; as text: show it in full"
    )
    parser.add_argument(
        "--time", action="store_true", help="as text: what the run looked at in time, against the cutoff"
    )
    parser.add_argument(
        "--table", action="store_true", help="as text: all runs in a table, each of them looked into"
    )
    parser.add_argument("--plain", action="store_true", help="print text instead of opening the app")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one line of JSON instead; with --follow one for each step, then one for the run",
    )
    parser.add_argument("--follow", action="store_true", help="go on with a journal as long as it grows")
    parser.add_argument(
        "--ehr",
        type=Path,
        metavar="PATH",
        help="in the app: where the record lies, if not where the recording says",
    )
    _add_stop_options(parser)


def _add_stop_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--break",
        dest="breaks",
        metavar="EXPR",
        action="append",
        help="list each place of each run where EXPR holds; may be repeated. EXPR is one of " + _BREAKPOINTS,
    )
    group.add_argument(
        "--find", metavar="TEXT", help="list each place of each run that holds TEXT, or /REGEX/"
    )
    group.add_argument(
        "--probe",
        metavar="EXPR",
        help="list the values of $.PATH, /REGEX/ or FIELD:/REGEX/ at each call of each run",
    )


def main(args: argparse.Namespace) -> int:
    """Show the recordings; 0 unless something can't be read."""
    as_text = args.plain or args.json or args.time or args.table or not _on_a_terminal()
    if args.follow:
        source = _follow_source(args)
        return follow(source, as_json=args.json) if as_text else _open_app(source, ehr=args.ehr)
    recordings = open_named(args)
    if args.breaks or args.find is not None or args.probe is not None:
        # The readers of tables and the search load only where stops are looked for.
        from clinseek_tui.commands.stops import list_stops  # noqa: PLC0415

        return list_stops(recordings, args)
    if args.table:
        return _print_table(recordings, args)
    position = recordings.find(args.run) if args.run else 0
    if not as_text and len(recordings.entries) > 1 and not args.run and args.step is None:
        return _open_table(recordings, args)
    if not as_text:
        return _open_app(RecordedSource(recordings, position), args.step, args.ehr)
    if args.step is None and not args.run and not args.time and len(recordings.entries) > 1:
        _print_runs(recordings, args.json)
    else:
        _print_run(recordings.run(position), args)
    return 0


def follow(
    source: FollowSource, as_json: bool, wait: Callable[[], None] = lambda: time.sleep(_POLL_S)
) -> int:
    """Print the steps of a growing journal as they are finished, and the answer when the run ends.

    `wait` is called between two looks at the file.
    """
    for line in _growing_lines(source, as_json, wait):
        say((line,))
        sys.stdout.flush()
    if source.state == "gone":
        print(
            visible(f"{source.path}: its writer left without an end; `run --resume` goes on"), file=sys.stderr
        )
    return 0


def _growing_lines(source: FollowSource, as_json: bool, wait: Callable[[], None]) -> Iterator[str]:
    trajectory = source.select(0)
    printed, noted, headed = 0, 0, as_json
    going_on = True
    while going_on:
        # Asked before the poll: what a writer that leaves in between has written is read still.
        going_on = source.state == "growing"
        trajectory = source.poll() or trajectory
        going_on = going_on and not trajectory.ended
        if not headed and trajectory.run_id:
            yield header_line(trajectory)
            headed = True
        finished = _finished(trajectory, going_on)
        if printed and not as_json:
            yield from note_lines(trajectory.steps[printed - 1].notes[noted:])
        for step in trajectory.steps[printed:finished]:
            yield from [_json_step(trajectory, step)] if as_json else call_lines(step_line(step))
        printed = max(printed, finished)
        noted = len(trajectory.steps[printed - 1].notes) if printed else 0
        if going_on:
            wait()
    yield from [json_line(overview(trajectory))] if as_json else answer_lines(trajectory)


def _finished(trajectory: Trajectory, going_on: bool) -> int:
    """How many steps are done: all but a last one that waits for its answer or a result."""
    steps = trajectory.steps
    if not steps or not going_on or trajectory.ended:
        return len(steps)
    last = steps[-1]
    whole = last.at is not None and all(call.result for call in last.calls)
    return len(steps) if whole else len(steps) - 1


def _step_number(text: str) -> int:
    digits = text.removeprefix("s")
    if not digits.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no step; name one as 12 or s12")
    return int(digits)


def _on_a_terminal() -> bool:
    # `serve` draws the app in a browser by a driver of Textual's, without a terminal.
    return bool(os.environ.get("TEXTUAL_DRIVER")) or (sys.stdout.isatty() and sys.stdin.isatty())


def _open_app(source: RunSource, step: int | None = None, ehr: Path | None = None) -> int:
    from clinseek_tui.app import DebuggerApp  # noqa: PLC0415 -- Textual loads only where the app opens
    from clinseek_tui.configuration import read_configuration  # noqa: PLC0415 -- see below

    DebuggerApp(source, step=step, ehr=ehr, configuration=read_configuration(os.environ)).run()
    return 0


def _open_table(recordings: Recordings, args: argparse.Namespace) -> int:
    # Textual loads only where the app opens.
    from clinseek_tui.app import ScreenApp  # noqa: PLC0415
    from clinseek_tui.configuration import read_configuration  # noqa: PLC0415
    from clinseek_tui.screens.runs import RunsScreen  # noqa: PLC0415

    screen = RunsScreen(recordings, args.paths, reopening(args), args.ehr)
    ScreenApp(screen, configuration=read_configuration(os.environ)).run()
    return 0


def _print_table(recordings: Recordings, args: argparse.Namespace) -> int:
    """The table of all runs, each looked into; 2 where one can't be read."""
    # The audit and the rules load only where runs are looked into.
    from clinseek_replay.many import map_runs  # noqa: PLC0415
    from clinseek_replay.runs import facts_of, rows_of, runs_lines, with_deltas, with_outcome  # noqa: PLC0415
    from clinseek_tui.commands.progress import ProgressLine  # noqa: PLC0415

    if args.run or args.step is not None or args.time:
        raise InputError("--table shows all runs: leave --run, --step and --time away")
    rows = rows_of(recordings)
    with ProgressLine("looking into") as progress:
        for position, outcome in map_runs(recordings, range(len(recordings.entries)), facts_of, progress):
            rows[position] = with_outcome(rows[position], outcome)
    rows = with_deltas(rows)
    say(map(json_line, rows) if args.json else runs_lines(rows))
    return 2 if any(row.error for row in rows if row.number) else 0


def _follow_source(args: argparse.Namespace) -> FollowSource:
    looked_for = (args.breaks, args.find, args.probe)
    others = (args.gold, args.format, args.run, args.step is not None, args.time, args.table, *looked_for)
    if len(args.paths) != 1 or any(others):
        raise InputError(
            "--follow takes one journal and no --run, --step, --time, --table, --format, --gold, --break,"
            " --find or --probe"
        )
    path: Path = args.paths[0]
    source = FollowSource(path)
    if path.stat().st_size and detect(path)[0].name != "journal":
        raise InputError(f"{path}: is no journal; only a journal grows, so leave --follow away")
    return source


def _print_runs(recordings: Recordings, as_json: bool) -> None:
    """List the runs, for one of them to be picked by --run."""
    if as_json:
        say([json_line({"runs": [_entry(n, entry) for n, entry in enumerate(recordings.entries, 1)]})])
        return
    say(visible(f"{n:>5}  {entry.label}  {entry.place}") for n, entry in enumerate(recordings.entries, 1))
    print("--run QID or --run N shows one of them", file=sys.stderr)


def _print_run(trajectory: Trajectory, args: argparse.Namespace) -> None:
    if args.time:
        _print_times(trajectory, args.json)
        return
    if args.step is None:
        say([json_line(overview(trajectory))] if args.json else overview_lines(trajectory))
        return
    step = _step(trajectory, args.step)
    say([_json_step(trajectory, step)] if args.json else step_lines(trajectory, step))


def _print_times(trajectory: Trajectory, as_json: bool) -> None:
    # The readers of tables and the audit's rules load only where they are asked for.
    from clinseek_replay.audit import audit  # noqa: PLC0415
    from clinseek_replay.lens import lens_of  # noqa: PLC0415
    from clinseek_replay.lens_lines import SPANS, LensLines, drawn, fitting_span  # noqa: PLC0415

    lens = lens_of(trajectory, audit(trajectory).leaks)
    lines = LensLines(lens, _WIDTH, SPANS[fitting_span(lens)][1])
    say([json_line(lens)] if as_json else map(drawn, lines))


def _step(trajectory: Trajectory, number: int) -> Step:
    for step in trajectory.steps:
        if step.number == number:
            return step
    held = f"it has steps 1 to {trajectory.steps[-1].number}" if trajectory.steps else "it has no step"
    raise InputError(f"{trajectory.source}: there is no step {number}; {held}")


def _entry(number: int, entry: Entry) -> dict[str, Any]:
    same = {name: getattr(entry, name) for name in ("qid", "run_index", "status", "place")}
    return {"number": number, **same}


def _json_step(trajectory: Trajectory, step: Step) -> str:
    same = {name: getattr(trajectory, name) for name in ("run_id", "source", "qid")}
    return json_line({**same, "step": step})
