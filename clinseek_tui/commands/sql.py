"""`clinseek-tui sql`: one patient's record as it was known at a time, asked by SQL."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from clinseek_core.case import Basis, Boundary, Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import ClinseekError, InputError
from clinseek_core.text import one_line, visible
from clinseek_fixtures import world_store_path
from clinseek_tui.commands.printing import say
from clinseek_tui.commands.progress import OpeningLine
from clinseek_tui.sqlshell import LAYOUTS, Shell, Told, rows_named
from clinseek_tui.typed_lines import TypedLines

__all__ = ["add_arguments", "main"]

_FINE, _UNUSABLE = 0, 2
_BUNDLED = "bundled"
"""As `run` and `audit` call the bundled world."""
_EXAMPLES = """\
examples:
  clinseek-tui sql                                        the first bundled case; .help lists what there is
  clinseek-tui sql bundled_diagnoses_ccs_90000002 -c "SELECT count(*) FROM labevents"
  clinseek-tui sql --basis upstream -c "SELECT * FROM edstays"    as the reference would show it
  clinseek-tui sql --ehr mimic-iv-demo --subject 10000032 --at "2180-07-23 20:00:00" -c ".tables"
  clinseek-tui sql < query.sql > rows.csv

The database holds what was known at that time and nothing else, as for an agent: one SELECT at a time, no
files, no network. Exit code 0, or 2 where something can't be read or a statement fails; what follows it in a
script is asked all the same.
"""
_ROWS = 1000
_SHOWN = 400


class _Asked(NamedTuple):
    """Whose record, and as of when."""

    root: Path
    subject_id: int
    at: datetime
    question: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("case", nargs="?", metavar="CASE", help="a bundled qid, or a cases file")
    parser.add_argument("--qid", help="which case of a cases file; the first by default")
    parser.add_argument(
        "--ehr", metavar="PATH", help="a store made by `ingest`, or a MIMIC-IV tree; or `bundled`"
    )
    parser.add_argument("--subject", type=int, metavar="ID", help="the patient, instead of a case's")
    parser.add_argument("--at", type=_time, metavar="TIME", help='the time: "YYYY-MM-DD HH:MM:SS"')
    basis, boundary = Basis.__args__, Boundary.__args__  # type: ignore[attr-defined]
    parser.add_argument("--basis", choices=basis, default="available", help="by which clock rows are known")
    parser.add_argument("--boundary", choices=boundary, default="exclusive", help="known before, or at, t")
    parser.add_argument(
        "-c", dest="queries", metavar="QUERY", action="append", help="ask this and leave; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON a result; as --layout json")
    parser.add_argument(
        "--layout", choices=tuple(LAYOUTS), help="how rows are written: auto on a terminal, else csv"
    )
    parser.add_argument("--rows", type=_rows, default=_ROWS, metavar="N", help="rows at most; %(default)s")


def main(args: argparse.Namespace) -> int:
    """Answer statements; 2 where one of a script or of -c failed."""
    asked = _asked(args)
    policy = Policy(basis=args.basis, boundary=args.boundary)
    with OpeningLine() as opening:
        session = EhrSession(asked.root, asked.subject_id, asked.at, policy, opening.show)
    with session:
        for notice in session.notices:
            print(one_line(notice, _SHOWN), file=sys.stderr)
        layout = "json" if args.json else args.layout or ("auto" if sys.stdout.isatty() else "csv")
        width = shutil.get_terminal_size().columns
        shell = Shell(session, _about(asked, policy), layout, args.rows, width)
        if args.queries:
            carried_out = [_carried_out(shell, query) for query in args.queries]
            return _FINE if all(carried_out) else _UNUSABLE
        return _converse(shell, session)


def _converse(shell: Shell, session: EhrSession) -> int:
    """Answer what is typed or piped in, statement by statement."""
    typed = TypedLines("sql", shell.completions)
    if typed.interactive:
        _tell(map(Told, (*shell.about, ".help lists what there is, .quit leaves")))
    talk = _Talk(shell, typed)
    goes_on = True
    while goes_on:
        try:
            goes_on = talk.takes_a_line()
        except KeyboardInterrupt:
            if not typed.interactive:
                raise
            # The worker may be in the middle of a query; another one opens with the next.
            session.close()
            talk.begun = ""
            print("stopped", file=sys.stderr)
    return talk.code


class _Talk:
    """Line after line, put together to statements."""

    def __init__(self, shell: Shell, typed: TypedLines) -> None:
        self.code = _FINE
        self.begun = ""
        """What was typed of a statement that goes on."""
        self._first = 1
        self._shell = shell
        self._typed = typed

    def takes_a_line(self) -> bool:
        """Read a line, and answer the statement that it ends, if it does; whether there is another."""
        try:
            line = self._typed.read("    ...> " if self.begun else "sql> ")
        except InputError as error:
            self.begun = ""
            self._complain(error, self._typed.number)
            return True
        self._first = self._first if self.begun else self._typed.number
        self.begun += f"{line or ''}\n"
        is_over = line is None or (self._typed.interactive and not line.strip())
        if is_over or self._shell.is_complete(self.begun):
            statement, self.begun = self.begun, ""
            try:
                _tell(self._shell.carry_out(statement))
            except ClinseekError as error:
                self._complain(error, self._first)
        return line is not None and not self._shell.ended

    def _complain(self, error: ClinseekError, number: int) -> None:
        _complain(error, "" if self._typed.interactive else f"line {number}: ")
        self.code = _FINE if self._typed.interactive else _UNUSABLE


def _carried_out(shell: Shell, statement: str) -> bool:
    try:
        _tell(shell.carry_out(statement))
    except ClinseekError as error:
        _complain(error, "")
        return False
    return True


def _tell(lines: Iterator[Told]) -> None:
    for line in lines:
        if line.notice:
            sys.stdout.flush()
            print(line.text, file=sys.stderr)
        else:
            say((line.text,))
    sys.stdout.flush()


def _complain(error: ClinseekError, place: str) -> None:
    sys.stdout.flush()
    print(f"{place}{visible(str(error))}".replace("\n", " "), file=sys.stderr)


def _asked(args: argparse.Namespace) -> _Asked:
    """The patient and time that the options name; InputError where they do not go together."""
    from clinseek_tui.running import Options, plan_new  # noqa: PLC0415 -- help needs no models

    root = world_store_path() if args.ehr in {None, _BUNDLED} else Path(args.ehr)
    if args.case is None and args.subject is not None:
        if args.at is None:
            raise InputError('--subject needs the time: --at "YYYY-MM-DD HH:MM:SS"')
        return _Asked(root, args.subject, args.at, "")
    if args.case is None and args.ehr not in {None, _BUNDLED}:
        raise InputError("--ehr needs a patient and a time: --subject ID and --at TIME, or a cases file")
    options = Options(case=args.case, qid=args.qid, ehr=None if args.ehr in {None, _BUNDLED} else root)
    plan = plan_new(options, {"HOME": os.environ.get("HOME", "")})
    case = plan.case
    subject = case.subject_id if args.subject is None else args.subject
    return _Asked(plan.ehr_root, subject, args.at or case.prediction_time, case.question)


def _about(asked: _Asked, policy: Policy) -> tuple[str, ...]:
    before = "at or before" if policy.boundary == "inclusive" else "before"
    words = (
        f"patient {asked.subject_id}, as known {before} {asked.at} by the basis {policy.basis}",
        visible(str(asked.root)),
        f"question: {one_line(asked.question, _SHOWN)}" if asked.question else "",
    )
    return tuple(line for line in words if line)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 2180-07-23 20:00:00") from error


def _rows(text: str) -> int:
    try:
        return rows_named(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
