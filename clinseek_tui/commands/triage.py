"""`clinseek-tui triage`: what went wrong in recorded runs, by code and place, and counted over many runs."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from clinseek_core.case_files import load_cases
from clinseek_core.errors import InputError
from clinseek_core.text import one_line, visible
from clinseek_fixtures import world_store_path
from clinseek_replay.audit import EhrTimes, audit
from clinseek_replay.evidence.known import known_by_ehr
from clinseek_replay.evidence.synonyms import drug_names
from clinseek_replay.export.files import new_file
from clinseek_replay.export.triage_page import triage_page
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory
from clinseek_replay.triage import (
    RULE_VERSION,
    Agreement,
    Label,
    RunTriage,
    among_others,
    append_labels,
    counts,
    read_labels,
    read_scores,
    run_key,
    tally,
    triage,
    with_labels,
)
from clinseek_replay.triage.inbox import CODES, agreed
from clinseek_replay.triage.plain import agreement_lines, run_lines, tally_lines
from clinseek_tui.commands.opening import add_recordings, open_named, positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine
from clinseek_tui.running.plan import BUNDLED

__all__ = ["add_arguments", "main"]

_FINE, _FOUND, _UNUSABLE = 0, 1, 2
_WIDTH = 400
_EXAMPLES = """\
examples:
  clinseek-tui triage traj.jsonl                             what went wrong, where, and what can't be told
  clinseek-tui triage runs/ --gold cases.jsonl --fail-on H,A3    for a check that must fail on such runs
  clinseek-tui triage results.jsonl --run q7 --label s12.c1=A2 --author "Dr B"    say that A2 holds there
  clinseek-tui triage runs/ --inbox                          label run by run, in the app
  clinseek-tui triage results.jsonl --agreement              how far rules and people agree

Codes are told in docs/triage.md. Exit code 0: fine; 1: a code of --fail-on was found; 2: can't be read.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument(
        "--inbox",
        action="store_true",
        help="in the app: the next run without labels, to be labelled by one key; with --plain, --json or"
        " where there is no terminal, the labels that are kept and how far they agree with the rules",
    )
    parser.add_argument("--plain", action="store_true", help="print text (what is done without it too)")
    parser.add_argument(
        "--json", action="store_true", help="one line of JSON a run instead, and a last one with the counts"
    )
    parser.add_argument(
        "--fail-on",
        metavar="CODE,...",
        type=_codes,
        default=(),
        help="exit 1 where one of these counts: codes, or a letter for its whole group",
    )
    parser.add_argument("--ehr", metavar="PATH", help="the patient's data, for what takes it; or `bundled`")
    parser.add_argument("--scores", metavar="FILE", type=Path, help="the reference's per_question.jsonl")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page too")
    parser.add_argument("--force", action="store_true", help="replace a page that is there already")
    parser.add_argument("--with-patient-text", action="store_true", help="page: show what findings quote")
    parser.add_argument("--agreement", action="store_true", help="add Cohen's kappa of rules with people")
    labels = parser.add_argument_group("labels by people, kept in <recording>.findings.jsonl")
    labels.add_argument(
        "--label",
        metavar="PLACE=CODE",
        action="append",
        default=[],
        type=_place_and_code,
        help="the code holds there: s12.c1=A2",
    )
    labels.add_argument(
        "--reject",
        metavar="PLACE=CODE",
        action="append",
        default=[],
        type=_place_and_code,
        help="it does not",
    )
    labels.add_argument(
        "--override",
        metavar="PLACE=CODE:CODE",
        action="append",
        default=[],
        type=_place_and_code,
        help="another code holds there instead of the first",
    )
    labels.add_argument(
        "--reviewed",
        action="store_true",
        help="the whole run was gone through: what was not accepted is not there",
    )
    labels.add_argument("--author", metavar="NAME", default="", help="who says so; needed for a label")
    labels.add_argument("--text", metavar="TEXT", default="", help="why, for those who read it later")


def main(args: argparse.Namespace) -> int:
    """Triage the runs, or keep a label; 1 only where a code of --fail-on counts."""
    recordings = open_named(args)
    if args.label or args.reject or args.override or args.reviewed:
        return _label(recordings, args)
    if args.inbox and not (args.plain or args.json) and sys.stdout.isatty() and sys.stdin.isatty():
        return _open_inbox(recordings, args)
    scores = read_scores(args.scores) if args.scores else None
    wanted = positions(recordings, args)
    raw, unread = _triaged(recordings, wanted, args)
    if not raw:
        return _UNUSABLE
    made = among_others([run for _, run in raw], scores)
    labels = _labels(recordings.entries[position].path for position, _ in raw)
    if args.inbox:
        return _print_labels(made, labels, args)
    final = [
        with_labels(run, labels[recordings.entries[at].path]) for (at, _), run in zip(raw, made, strict=True)
    ]
    if args.html is not None:
        with new_file(args.html, force=args.force) as file:
            file.write(triage_page(final, with_patient_text=args.with_patient_text))
    _print(final, args, _agreed(made, labels) if args.agreement else None)
    if any(
        _matches(finding.code, args.fail_on) for run in final for finding in run.findings if counts(finding)
    ):
        return _FOUND
    return _UNUSABLE if unread else _FINE


def _triaged(
    recordings: Recordings, wanted: range, args: argparse.Namespace
) -> tuple[list[tuple[int, RunTriage]], int]:
    """Each run's triage with its position, and how many runs could not be read."""
    made: list[tuple[int, RunTriage]] = []
    unread = 0
    with (
        ProgressLine("triage") as progress,
        contextlib.closing(_outcomes(recordings, wanted, args, progress)) as outcomes,
    ):
        for position, outcome in outcomes:
            if isinstance(outcome, InputError):
                if len(wanted) == 1:
                    raise outcome
                unread += 1
                progress.clear()
                print(visible(f"not looked at: {outcome}"), file=sys.stderr)
            else:
                made.append((position, outcome))
    return made, unread


def _outcomes(
    recordings: Recordings, wanted: range, args: argparse.Namespace, progress: ProgressLine
) -> Generator[tuple[int, RunTriage | InputError], None, None]:
    if args.ehr is None:
        yield from map_runs(recordings, wanted, triage, progress)
        return
    # One patient's record is read at a time, here: the processes of many would each read it again.
    path = world_store_path() if args.ehr == BUNDLED else Path(args.ehr)
    times = EhrTimes(path)
    for done, position in enumerate(wanted, 1):
        yield position, _with_record(recordings, position, path, times)
        progress(done, len(wanted))


def _with_record(
    recordings: Recordings, position: int, path: Path, times: EhrTimes
) -> RunTriage | InputError:
    """The triage of a run with its patient's data."""
    try:
        trajectory = recordings.run(position)
        if trajectory.subject_id is None:
            raise InputError(f"{trajectory.source}: does not say the patient, so --ehr has none to look up")
        report = audit(trajectory, times=times.patient(trajectory.subject_id))
        known = known_by_ehr(trajectory, path, drug_names)
    except InputError as error:
        return error
    return triage(trajectory, leaks=(report.findings, report.not_verified), known=known)


def _labels(paths: Iterable[Path]) -> dict[Path, tuple[Label, ...]]:
    """The labels of each recording; what is damaged in them is told on stderr."""
    found: dict[Path, tuple[Label, ...]] = {}
    for path in paths:
        if path not in found:
            read = read_labels(path)
            found[path] = read.labels
            for damage in read.damage:
                told = f"{path}.findings.jsonl:{damage.line}: not used: {damage.reason}"
                print(visible(told), file=sys.stderr)
    return found


def _agreed(made: Sequence[RunTriage], labels: dict[Path, tuple[Label, ...]]) -> Agreement:
    return agreed(made, [label for each in labels.values() for label in each])


def _open_inbox(recordings: Recordings, args: argparse.Namespace) -> int:
    if args.run or args.ehr or args.scores or args.html or args.fail_on:
        raise InputError(
            "--inbox takes all runs of its paths: leave --run, --ehr, --scores, --html, --fail-on away"
        )
    # Textual loads only where the app opens.
    from clinseek_tui.app import ScreenApp  # noqa: PLC0415
    from clinseek_tui.configuration import read_configuration  # noqa: PLC0415
    from clinseek_tui.screens.inbox import InboxScreen  # noqa: PLC0415

    screen = InboxScreen(recordings, _plain(args.author).strip() or _user())
    ScreenApp(screen, configuration=read_configuration(os.environ)).run()
    return _FINE


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"


def _print_labels(
    made: Sequence[RunTriage], labels: dict[Path, tuple[Label, ...]], args: argparse.Namespace
) -> int:
    """The labels of these runs, and how far they agree with the rules."""
    runs = {run_key(run) for run in made}
    given = [(path, each) for path, of in labels.items() for each in of if each.run in runs]
    agreement = _agreed(made, labels)
    if args.json:
        say(json_line({"recording": str(path), "label": each}) for path, each in given)
        say([json_line({"runs": len(made), "agreement": agreement})])
        return _FINE
    say(
        one_line(
            f"{each.run}  {each.verdict}  {each.code}{f' -> {each.instead}' if each.instead else ''}"
            f"  {each.anchor}  {each.author}  {each.text}".rstrip(),
            _WIDTH,
        )
        for _, each in given
    )
    say(agreement_lines(agreement))
    return _FINE


def _print(runs: Sequence[RunTriage], args: argparse.Namespace, agreed: Agreement | None) -> None:
    counted = tally(runs)
    missing = _missing(runs, args.gold)
    if args.json:
        say(json_line(run) for run in runs)
        say([json_line({"triage": counted, "missing": missing, "agreement": agreed})])
        return
    for run in runs:
        say([*run_lines(run), ""])
    if len(runs) > 1 or missing:
        say(tally_lines(counted, missing))
    if agreed is not None:
        say(agreement_lines(agreed))


def _missing(runs: Sequence[RunTriage], gold: Path | None) -> list[str] | None:
    """Questions of the gold file that have no run, where all of its runs were looked at."""
    if gold is None:
        return None
    there = {run.qid for run in runs}
    return [case.qid for case in load_cases(gold) if case.qid not in there]


def _matches(code: str, wanted: Sequence[str]) -> bool:
    return code in wanted or code[:1] in wanted


def _label(recordings: Recordings, args: argparse.Namespace) -> int:
    wanted = positions(recordings, args)
    if len(wanted) != 1:
        raise InputError(
            f"a label is of one run and there are {len(wanted)}; name it by --run QID or --run N"
        )
    trajectory = recordings.run(wanted[0])
    blank = Label(
        at=datetime.now(UTC),
        author=_plain(args.author),
        run=trajectory.run_id or trajectory.qid,
        rule_version=RULE_VERSION,
        text=_plain(args.text),
        verdict="reviewed",
    )
    change = msgspec.structs.replace
    given = [change(blank, verdict="accept", anchor=at, code=code) for at, code in args.label]
    given += [change(blank, verdict="reject", anchor=at, code=code) for at, code in args.reject]
    for anchor, codes in args.override:
        code, _, instead = codes.partition(":")
        given.append(change(blank, verdict="override", anchor=anchor, code=code, instead=instead))
    if args.reviewed:
        given.append(blank)
    for label in given:
        _check(label, trajectory)
    path = append_labels(recordings.entries[wanted[0]].path, given)
    say([visible(f"{path}: {len(given)} label{'s' * (len(given) > 1)} kept")])
    return _FINE


def _plain(text: str) -> str:
    """What a shell passed on, without bytes that are no UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _check(label: Label, trajectory: Trajectory) -> None:
    """Raise InputError for a place that the run does not have, or a code that nobody knows."""
    for code in filter(None, (label.code, label.instead)):
        if code not in CODES:
            raise InputError(f"{code!r} is no code of a failure; there are {', '.join(CODES)}")
    if label.verdict == "reviewed":
        return
    step, _, rest = label.anchor.partition(".")
    number = step.removeprefix("s")
    found = next((each for each in trajectory.steps if str(each.number) == number), None)
    if number != "0" and found is None:
        raise InputError(f"{label.anchor}: the run has no such step")
    call = rest.partition(".")[0].removeprefix("c")
    if call.isdecimal() and (found is None or not 1 <= int(call) <= len(found.calls)):
        raise InputError(f"{label.anchor}: the step has no such call")


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(filter(None, (part.strip() for part in text.split(","))))
    groups = {code[0] for code in CODES}
    for code in codes:
        if code not in CODES and code not in groups:
            raise argparse.ArgumentTypeError(f"{code!r} is no code; there are {', '.join(CODES)}")
    return codes


def _place_and_code(text: str) -> tuple[str, str]:
    place, sign, code = text.partition("=")
    if not sign or not place or not code:
        raise argparse.ArgumentTypeError(f"{text!r} is no label; write it like s12.c1=A2")
    return place.strip(), code.strip()
