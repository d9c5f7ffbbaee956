"""`clinseek-tui doctor`: what works here, and how to get what does not."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from clinseek_core.text import one_line
from clinseek_core.version import __version__
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from clinseek_tui.doctor import Finding

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui doctor                  everything at a glance
  clinseek-tui doctor --endpoint       also ask the model's endpoint that the environment names
  clinseek-tui doctor --json           for a report of a fault

Nothing is changed, and no network is asked without --endpoint. Exit code 0, or 1 where something is missing
that is used by default.
"""
_FINE, _MISSING = 0, 1
_WIDTH = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--endpoint",
        action="store_true",
        help="ask the endpoint of OPENAI_BASE_URL for its models; it is sent the key",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")


def main(args: argparse.Namespace) -> int:
    """Make every check; 1 where something that is used by default is missing."""
    from clinseek_tui.doctor import CHECKS, Here  # noqa: PLC0415 -- help needs nothing of what is looked at

    here = Here(os.environ, _terminal(), args.endpoint)
    findings: list[Finding] = []
    group = ""
    for check in CHECKS:
        finding = check.finding(here)
        findings.append(finding)
        if not args.json:
            say(["", finding.group] if finding.group != group else [])
            say(_lines(finding))
            sys.stdout.flush()
            group = finding.group
    absent = [finding for finding in findings if finding.verdict == "missing"]
    if args.json:
        say([json_line({"version": __version__, "findings": findings})])
    else:
        say(["", _summary(findings, absent)])
    return _MISSING if absent else _FINE


def _lines(finding: Finding) -> Iterator[str]:
    yield f"  {finding.verdict:<8}  {finding.name:<14}  {one_line(finding.says, _WIDTH)}"
    if finding.verdict != "ok":
        yield f"  {'':<8}  {'':<14}  to have it: {one_line(finding.fix, _WIDTH)}"


def _summary(findings: Sequence[Finding], absent: Sequence[Finding]) -> str:
    if absent:
        return f"missing, and used by default: {', '.join(finding.name for finding in absent)}"
    optional = sum(finding.verdict == "optional" for finding in findings)
    return f"all that is used by default is there; {optional} optional things are not"


def _terminal() -> Terminal:
    """Of the first stream that is one: the answer itself may go to a file."""
    streams = (sys.stdout, sys.stderr, sys.stdin)
    return terminal_of(next((each for each in streams if each.isatty()), sys.stdout), os.environ)
