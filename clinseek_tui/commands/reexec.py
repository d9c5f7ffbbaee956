"""`clinseek-tui reexec`: the EHR calls of a recording run again, without a model, and graded."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from clinseek_core.case import Basis, Boundary, Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import InputError
from clinseek_core.text import one_line, visible
from clinseek_fixtures import world_store_path
from clinseek_replay.reexec import Reexecution, reexecute, reexecution_lines
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.commands.opening import add_recordings, open_named, positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.running.plan import BUNDLED

__all__ = ["add_arguments", "main"]

_FINE, _DRIFT, _UNUSABLE = 0, 1, 2
_EXAMPLES = """\
examples:
  clinseek-tui reexec traj.jsonl                        a run on the bundled data, as it was recorded
  clinseek-tui reexec leaky.jsonl --basis available     what a run under a leaky policy should not have had
  clinseek-tui reexec results.jsonl --ehr mimic-iv/ --run case-7 --json

No model is asked. Exit code 0: no drift; 1: some call says something else than recorded; 2: can't be run.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument(
        "--ehr",
        metavar="PATH",
        help="the data: a store made by `ingest`, databases of the reference, a MIMIC-IV tree, or `bundled`",
    )
    basis, boundary = Basis.__args__, Boundary.__args__  # type: ignore[attr-defined]
    parser.add_argument("--basis", choices=basis, help="by which clock rows are known; as recorded")
    parser.add_argument("--boundary", choices=boundary, help="known before, or at, t; as recorded")
    parser.add_argument("--subject", type=int, metavar="ID", help="the patient, where none is recorded")
    parser.add_argument("--at", type=_time, metavar="TIME", help="the cutoff, where none is recorded")
    parser.add_argument("--all", action="store_true", help="list the calls without a difference too")
    parser.add_argument("--json", action="store_true", help="print one line of JSON a run instead")


def main(args: argparse.Namespace) -> int:
    """Run the calls again; 0 without drift, 1 with, 2 where a run can't be run again."""
    recordings = open_named(args)
    wanted = positions(recordings, args)
    drift, failed = False, False
    for position in wanted:
        trajectory = recordings.run(position)
        try:
            found = _again(trajectory, args)
        except InputError as error:
            if len(wanted) == 1:
                raise
            failed = True
            print(visible(f"{trajectory.source}: not run again: {error}"), file=sys.stderr)
            continue
        drift |= found.drift
        say([json_line(found)] if args.json else [*reexecution_lines(found, every_call=args.all), ""])
    return _DRIFT if drift else _UNUSABLE if failed else _FINE


def _again(trajectory: Trajectory, args: argparse.Namespace) -> Reexecution:
    subject = args.subject if args.subject is not None else trajectory.subject_id
    cutoff = args.at or trajectory.prediction_time
    if subject is None:
        raise InputError(f"{trajectory.source}: says no patient; name one by --subject ID")
    if cutoff is None:
        raise InputError(f'{trajectory.source}: says no cutoff; name it by --at "YYYY-MM-DD HH:MM:SS"')
    policy = _policy(trajectory, args)
    progress = _Progress(trajectory.qid)
    try:
        with EhrSession(_data(trajectory, args.ehr), subject, cutoff, policy, progress.opening) as session:
            # Reading every visible cell for its digest is only worth it where it can be compared.
            digest = session.digest if trajectory.data and trajectory.policy == policy else ""
            return reexecute(trajectory, session, subject, cutoff, policy, digest, progress.calls)
    finally:
        progress.end()


def _policy(trajectory: Trajectory, args: argparse.Namespace) -> Policy:
    recorded = trajectory.policy or Policy()
    return Policy(
        basis=args.basis or recorded.basis,
        boundary=args.boundary or recorded.boundary,
        coding_lag_hours=recorded.coding_lag_hours,
        interval_rows=recorded.interval_rows,
    )


def _data(trajectory: Trajectory, named: str | None) -> Path:
    """Where the data lies: as named, else the bundled world for a run that was made on it."""
    recorded = trajectory.data.source if trajectory.data else ""
    if named == BUNDLED or (named is None and recorded == BUNDLED):
        return world_store_path()
    if named is not None:
        return Path(named)
    made_on = f"it was made on {recorded}" if recorded else "the recording does not say on what it was made"
    raise InputError(f"{trajectory.source}: name the data by --ehr PATH ({made_on})")


class _Progress:
    """One line on a terminal that says what is being done; nothing where stderr is a file."""

    def __init__(self, qid: str) -> None:
        self._qid = qid

    def opening(self, text: str) -> None:
        """What of the data is being read."""
        self._show(text)

    def calls(self, done: int, total: int) -> None:
        """How far the calls are."""
        self._show(f"{self._qid}: call {min(done + 1, total)} of {total}")

    def end(self) -> None:
        """Take the line away."""
        self._show("")

    def _show(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{one_line(text, 79)}", end="", file=sys.stderr, flush=True)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 2180-07-23 20:00:00") from error
