"""`clinseek-tui audit`: what recorded runs saw that was not known at their cutoff."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

import msgspec

from clinseek_core.case import Basis, Boundary, Policy
from clinseek_core.errors import InputError
from clinseek_core.text import visible
from clinseek_fixtures import world_path
from clinseek_replay.audit import AuditReport, EhrTimes, audit, audited_policy, report_lines, total_lines
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory
from clinseek_tui.commands.opening import add_recordings, open_named, positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine
from clinseek_tui.running.plan import BUNDLED

__all__ = ["add_arguments", "main"]

_CLEAN, _LEAKS, _UNUSABLE = 0, 1, 2
_EXAMPLES = """\
examples:
  clinseek-tui audit traj.jsonl                      what a run saw too early
  clinseek-tui audit results.jsonl --run case-7      one run of a file
  clinseek-tui audit results.jsonl --ehr mimic-iv/   also rows that are printed without their times
  clinseek-tui audit runs/ --json                    one line of JSON a run

Exit code 0: no leak found; 1: leaks; 2: something can't be read. Findings for information alone do not count.
What each rule means stands in docs/audit.md.
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
    bases: tuple[str, ...] = tuple(each for each in Basis.__args__ if each != "upstream")  # type: ignore[attr-defined]
    boundaries: tuple[str, ...] = Boundary.__args__  # type: ignore[attr-defined]
    parser.add_argument(
        "--basis", choices=bases, help="by which clock rows are known; as the run's, if strict"
    )
    parser.add_argument("--boundary", choices=boundaries, help="known before, or at, t; as the run's")
    parser.add_argument("--json", action="store_true", help="print one line of JSON a run instead")


def main(args: argparse.Namespace) -> int:
    """Audit the runs; 0 where no leak was found, 1 where some were, 2 where a run can't be read."""
    recordings = open_named(args)
    wanted = positions(recordings, args)
    reports: list[AuditReport] = []
    failed = False
    with (
        ProgressLine("audit") as progress,
        contextlib.closing(_reports(recordings, wanted, args, progress)) as found,
    ):
        for _, report in found:
            progress.clear()
            if isinstance(report, InputError):
                if len(wanted) == 1:
                    raise report
                failed = True
                print(visible(f"not audited: {report}"), file=sys.stderr)
                continue
            say([json_line(report)] if args.json else report_lines(report))
            reports.append(report)
    if len(wanted) > 1 and not args.json:
        say(total_lines(reports))
    return _UNUSABLE if failed else _LEAKS if any(report.leaks for report in reports) else _CLEAN


def _reports(
    recordings: Recordings, wanted: range, args: argparse.Namespace, progress: ProgressLine
) -> Generator[tuple[int, AuditReport | InputError]]:
    change = _Held(args.basis, args.boundary)
    if args.ehr is None:
        yield from map_runs(recordings, wanted, change, progress)
        return
    # One patient's record is read at a time, here: the processes of many would each read it again.
    times = EhrTimes(world_path() if args.ehr == BUNDLED else Path(args.ehr))
    for done, position in enumerate(wanted, 1):
        yield position, _with_record(recordings, position, times, change)
        progress(done, len(wanted))


def _with_record(
    recordings: Recordings, position: int, times: EhrTimes, change: _Held
) -> AuditReport | InputError:
    try:
        trajectory = recordings.run(position)
        if trajectory.subject_id is None:
            raise InputError(f"{trajectory.source}: does not say the patient, so --ehr has none to look up")
        return audit(trajectory, times=times.patient(trajectory.subject_id), policy=change.policy(trajectory))
    except InputError as error:
        return error


class _Held:
    """Audits a run by the policy that the options say; a callable that processes can be given."""

    def __init__(self, basis: Basis | None, boundary: Boundary | None) -> None:
        self._basis = basis
        self._boundary = boundary

    def policy(self, trajectory: Trajectory) -> Policy:
        """The policy to hold a run against."""
        own = audited_policy(trajectory)
        return msgspec.structs.replace(
            own, basis=self._basis or own.basis, boundary=self._boundary or own.boundary
        )

    def __call__(self, trajectory: Trajectory) -> AuditReport:
        return audit(trajectory, policy=self.policy(trajectory))
