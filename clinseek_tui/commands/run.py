"""`clinseek-tui run`: the agent on a case, in the app or without a screen."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import End
from clinseek_core.scoring import score
from clinseek_core.text import one_line
from clinseek_replay.overview import step_line
from clinseek_replay.plain import answer_lines, call_lines
from clinseek_replay.source import FollowSource
from clinseek_tui.commands.progress import OpeningLine
from clinseek_tui.commands.run_options import add_run_options
from clinseek_tui.running import Options, Plan, Work, plan_new, plan_resumed

__all__ = ["add_arguments", "main"]

_NO_ANSWER, _INTERRUPTED = 3, 130
_LOOK_S = 0.2
_EXAMPLES = """\
examples:
  clinseek-tui run                                 the first bundled case, in the app
  clinseek-tui run bundled_diagnoses_ccs_90000002  another bundled case
  clinseek-tui run --headless --out traj.jsonl     without a screen
  clinseek-tui run --resume traj.jsonl             go on with a run that was cut off
  clinseek-tui run --ehr mimic-iv-demo --subject 10000032 --at "2180-07-23 20:00:00" \\
      --question "Which diagnoses explain the abdominal distention?"
  clinseek-tui run --model qwen3 --base-url http://localhost:8000/v1
  clinseek-tui run --model qwen3 --base-url http://localhost:8000/v1 --web live

Without --model the built-in policy `seeker` answers: rules, no language model, no network.
A model may read the bundled reference pages; with --web live it searches the web, by a service whose key is
in the environment, and what it asks for is held against the record first (docs/web.md).
A case with films has image tools too; --image-backend says who looks at them (docs/imaging.md).
The key of an endpoint is read from OPENAI_API_KEY, its address from --base-url or OPENAI_BASE_URL.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("case", nargs="?", metavar="CASE", help="a bundled qid, or a cases file")
    parser.add_argument("--qid", help="which case of a cases file; the first by default")
    parser.add_argument("--headless", action="store_true", help="print progress lines instead of the app")
    parser.add_argument("--json", action="store_true", help="with --headless: print the result as JSON")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the journal; runs/<qid>-<time>.jsonl")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on with the journal of a run")
    parser.add_argument("--subject", type=int, metavar="ID", help="a patient of your own question")
    parser.add_argument("--at", type=_time, metavar="TIME", help='its time: "YYYY-MM-DD HH:MM:SS"')
    parser.add_argument("--question", metavar="TEXT", help="and what is asked")
    parser.add_argument("--model", metavar="NAME", help="a model of an OpenAI-compatible endpoint")
    parser.add_argument("--base-url", metavar="URL", help="the endpoint, such as http://localhost:8000/v1")
    parser.add_argument("--mcp", metavar="URL", help="a foreign MCP server whose tools are offered too")
    parser.add_argument(
        "--mcp-tool", action="append", metavar="NAME", help="one of its tools; may be repeated, else all"
    )
    parser.add_argument("--approve", action="store_true", help="let each call wait for you before it runs")
    add_run_options(parser)


def main(args: argparse.Namespace) -> int:
    """Run the agent; 0 when it answered, 3 when it ended without an answer, 130 when it was interrupted."""
    fields = {name: getattr(args, name) for name in Options.__struct_fields__}
    options = Options(**fields)
    plan = plan_resumed(args.resume, options, os.environ) if args.resume else plan_new(options, os.environ)
    headless = args.headless or args.json or not (sys.stdout.isatty() and sys.stdin.isatty())
    if args.approve and headless:
        raise InputError("--approve asks on the screen: it goes without --headless and --json, on a terminal")
    with OpeningLine() as opening:
        work = Work(plan, opening.show, watched=not headless)
    for notice in work.notices:
        _tell(notice)
    work.live.ask_before_calls(args.approve)
    with _stop_at_interrupt(work) as interrupted, work:
        if headless:
            _follow_headless(work, plan)
        else:
            _show(work, plan)
    if work.error is not None:
        raise work.error
    _print_result(plan, work.end, as_json=args.json)
    if interrupted.is_set():
        return _INTERRUPTED
    return 0 if work.end is not None and work.end.status == "answered" else _NO_ANSWER


def _show(work: Work, plan: Plan) -> None:
    from clinseek_tui.app import DebuggerApp  # noqa: PLC0415 - Textual loads only where the app opens
    from clinseek_tui.configuration import read_configuration  # noqa: PLC0415 -- as the app

    source = FollowSource(plan.out, mode="live")
    DebuggerApp(source, work.live, configuration=read_configuration(os.environ)).run()


def _follow_headless(work: Work, plan: Plan) -> None:
    """Print each step on stderr as it is finished."""
    _tell(f"{plan.case.qid}: {plan.model.info.label} on patient {plan.case.subject_id}, journal {plan.out}")
    printer = _StepPrinter(plan.out)
    told: tuple[str, ...] = ()
    while not work.ended_within(_LOOK_S):
        printer.print_new(everything=False)
        waits = tuple(f"{p.anchor} {p.text}" for p in work.live.progress if p.state == "waiting")
        if waits and waits != told:
            told = waits
            _tell(" · ".join(waits))
    printer.print_new(everything=True)


@contextmanager
def _stop_at_interrupt(work: Work) -> Iterator[threading.Event]:
    """Inside, the first Ctrl+C stops the run after what it is doing; the next one is Python's own."""
    interrupted = threading.Event()

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        interrupted.set()
        work.control.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class _StepPrinter:
    def __init__(self, journal: Path) -> None:
        self._source = FollowSource(journal, mode="live")
        self._printed = 0

    def print_new(self, *, everything: bool) -> None:
        trajectory = self._source.poll()
        if trajectory is None:
            trajectory = self._source.select(0)
        steps = trajectory.steps if everything else trajectory.steps[:-1]
        for step in steps[self._printed :]:
            for line in call_lines(step_line(step)):
                _tell(line)
        self._printed = max(self._printed, len(steps))


def _print_result(plan: Plan, end: End | None, *, as_json: bool) -> None:
    trajectory = FollowSource(plan.out).select(0)
    if as_json:
        graded = score(trajectory.answer, trajectory.gold)
        result = {
            "qid": trajectory.qid,
            "status": trajectory.status,
            "stop_reason": trajectory.stop_reason,
            "answer": trajectory.answer,
            "gold": trajectory.gold,
            "f1": graded.f1 if graded else None,
            "steps": len(trajectory.steps),
            "journal": str(plan.out),
        }
        print(json.dumps(msgspec.to_builtins(result)))
        return
    for line in answer_lines(trajectory):
        print(line)
    if end is None or end.status != "answered":
        print(f"go on with it: clinseek-tui run --resume {plan.out}")
    print(f"journal: {plan.out}")


def _tell(text: str) -> None:
    print(one_line(text, 400), file=sys.stderr, flush=True)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 2180-07-23 20:00:00") from error
