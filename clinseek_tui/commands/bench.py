"""`clinseek-tui bench`: many cases, with tools and without, by one model or several."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from clinseek_core.agent import Control
from clinseek_core.case import BenchCase
from clinseek_core.case_files import load_bench_cases
from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_fixtures import bench_cases_path, world_path, world_store_path
from clinseek_tui.benching import Job, Outcome, Setting, Tally, carry, end_of, jobs_of
from clinseek_tui.benching.carrying import ended, plan_of
from clinseek_tui.benching.in_threads import run_in_threads
from clinseek_tui.benching.jobs import Named
from clinseek_tui.benching.metering import Meter, Metered
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine
from clinseek_tui.commands.run_options import add_run_options, positive
from clinseek_tui.running import Options
from clinseek_tui.running.plan import with_whole_paths
from clinseek_tui.view.budget import price_in

__all__ = ["add_arguments", "main"]

_UNFINISHED, _INTERRUPTED = 1, 130
_SEEKER = "seeker"
_MODES = ("agentic", "curated")
_STORE_WORTH = 4
"""Runs from which a store of a tree pays."""
_FAILURES_SHOWN = 10
_EXAMPLES = """\
examples:
  clinseek-tui bench                                    the bundled cases by the built-in seeker
  clinseek-tui bench --per-task 1 --tasks agentehr --out runs/small
  clinseek-tui bench cases.jsonl --ehr store --modes agentic,curated --out runs/qwen \\
      --model qwen3 --base-url http://localhost:8000/v1
  clinseek-tui report runs/qwen --cases cases.jsonl     the paper's tables of it

Each run has a journal of its own in the folder. A bench that was interrupted, killed or stopped by a bound
goes on where it was when it is called again: what is finished stays, what was begun is gone on with from its
last step. docs/bench.md tells the rest.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "cases", nargs="?", type=Path, metavar="CASES", help="a cases file; the bundled cases"
    )
    parser.add_argument(
        "--modes", type=_modes, default=_MODES[:1], help="agentic, curated or both: agentic,curated"
    )
    parser.add_argument("--model", action="append", metavar="NAME", help="a model; may be repeated")
    parser.add_argument(
        "--base-url", action="append", metavar="URL", help="its endpoint; one for all models, or one for each"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/bench"), metavar="DIR", help="the journals; %(default)s"
    )
    parser.add_argument("--jobs", type=positive, metavar="N", help="runs at a time; 6, or a cluster's cores")
    parser.add_argument(
        "--executor", choices=("asyncio", "ray"), default="asyncio", help="%(default)s, or a Ray cluster"
    )
    parser.add_argument("--ray-address", metavar="ADDRESS", help="of a cluster; else one on this machine")
    parser.add_argument("--tasks", metavar="NAMES", help="only these tasks, groups or kinds, by commas")
    parser.add_argument("--per-task", type=positive, metavar="N", help="only the first N cases of each task")
    parser.add_argument(
        "--requests-per-minute",
        type=positive,
        metavar="N",
        help="ask endpoints no oftener, all runs together",
    )
    parser.add_argument("--max-tokens", type=positive, metavar="N", help="stop when this call has used them")
    parser.add_argument(
        "--max-cost",
        type=float,
        metavar="X",
        help="stop when it has cost that much, by CLINSEEK_PRICE=IN,OUT",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    add_run_options(parser)
    parser.set_defaults(case=None, qid=None, subject=None, at=None, question=None, mcp=None, mcp_tool=None)


def main(args: argparse.Namespace) -> int:
    """Run the bench; 0 when every run has ended, 1 when some are to be gone on with, 130 when interrupted."""
    control = Control()
    _check_together(args)
    with _locked(args.out):
        jobs, setting = _wanted(args)
        meter = Meter(
            control.stop,
            per_minute=args.requests_per_minute,
            max_tokens=args.max_tokens,
            max_cost=args.max_cost,
            price=price_in(os.environ),
        )
        tally = Tally()
        open_jobs = _standing(jobs, setting, tally)
        done_before = len(jobs) - len(open_jobs)
        if done_before:
            _tell(f"{args.out}: {done_before} of {len(jobs)} runs have ended already")
        if open_jobs:
            # What is wrong with all runs is told once, before any is made.
            plan_of(open_jobs[0], setting, os.environ)
        with ProgressLine("bench") as progress, _stop_at_interrupt(control) as interrupted:
            telling = _Telling(tally, meter, progress, len(open_jobs))
            with _store_for(setting, open_jobs, args) as with_store:
                _execute(args, open_jobs, with_store, control=control, meter=meter, telling=telling)
    _print_result(args, jobs, tally, meter)
    if interrupted:
        return _INTERRUPTED
    return _UNFINISHED if tally.unfinished or len(tally.outcomes) < len(jobs) else 0


def _check_together(args: argparse.Namespace) -> None:
    if args.executor == "ray" and (args.max_cost or args.max_tokens or args.requests_per_minute):
        raise InputError("bounds on tokens, cost and requests go with the executor asyncio")
    if args.max_cost is not None and price_in(os.environ) is None:
        raise InputError("--max-cost needs a price: CLINSEEK_PRICE=IN,OUT of a million tokens each")


def _wanted(args: argparse.Namespace) -> tuple[list[Job], Setting]:
    """Every run that the options name, and what the runs share."""
    path = args.cases or bench_cases_path()
    bundled = path.resolve() == bench_cases_path().resolve()
    cases = _chosen(load_bench_cases(path), args)
    folder = world_path() if bundled else path.resolve().parent
    if not bundled:
        cases = [_with_whole_paths(bench, folder) for bench in cases]
    models = _models(args)
    if "curated" in args.modes and _SEEKER in {model.name for model in models}:
        raise InputError(
            "the seeker seeks by tools and has no curated mode; name a --model, or --modes agentic"
        )
    if args.cassette is not None and args.record not in {None, "none"}:
        raise InputError("--cassette with --record is of one run; a bench's runs would write it at once")
    options = {name: getattr(args, name) for name in Options.__struct_fields__}
    options |= {"model": None, "base_url": None, "out": None}
    jobs = list(jobs_of(cases, args.modes, models, args.out))
    without = sum(not bench.curated for bench in cases)
    if "curated" in args.modes and without:
        _tell(f"{path}: {without} of {len(cases)} cases have no curated input, and make no run in that mode")
    if not jobs:
        raise InputError(f"{path}: no case of these tasks and modes; `clinseek-tui cases list` names tasks")
    return jobs, Setting(options=Options(**options), folder=folder, bundled=bundled)


def _with_whole_paths(bench: BenchCase, folder: Path) -> BenchCase:
    return msgspec.structs.replace(bench, case=with_whole_paths(bench.case, folder))


def _chosen(cases: Sequence[BenchCase], args: argparse.Namespace) -> list[BenchCase]:
    asked = {name.strip() for name in args.tasks.split(",")} if args.tasks else None
    known = {name for bench in cases for name in (bench.case.task, bench.group, bench.kind)}
    if asked is not None and (unknown := sorted(asked - known)):
        raise InputError(f"--tasks {unknown[0]}: no such task, group or kind among these cases")
    seen: dict[str, int] = {}
    qids = set()
    chosen = []
    for bench in cases:
        if bench.case.qid in qids:
            raise InputError(f"{args.cases}: qid {bench.case.qid} stands there twice; each run needs its own")
        qids.add(bench.case.qid)
        if asked is not None and not asked & {bench.case.task, bench.group, bench.kind}:
            continue
        seen[bench.case.task] = seen.get(bench.case.task, 0) + 1
        if args.per_task is None or seen[bench.case.task] <= args.per_task:
            chosen.append(bench)
    return chosen


def _models(args: argparse.Namespace) -> list[Named]:
    names, urls = args.model or [_SEEKER], args.base_url or [None]
    if len(set(names)) < len(names):
        raise InputError("--model: each name once; two endpoints of one model are two benches")
    if len(urls) not in {1, len(names)}:
        raise InputError(
            f"--base-url: {len(urls)} addresses for {len(names)} models; one for all, or one each"
        )
    if len(urls) == 1:
        urls = urls * len(names)
    return [
        Named(name, None if name == _SEEKER and len(names) > 1 else url)
        for name, url in zip(names, urls, strict=True)
    ]


def _standing(jobs: Sequence[Job], setting: Setting, tally: Tally) -> list[Job]:
    """The runs that are to be made or gone on with; those that have ended are counted."""
    left = []
    for job in jobs:
        end = end_of(job, setting.policy)
        if end is None:
            left.append(job)
        else:
            tally.add(ended(job, end))
    return left


def _execute(
    args: argparse.Namespace,
    jobs: Sequence[Job],
    setting: Setting,
    *,
    control: Control,
    meter: Meter,
    telling: _Telling,
) -> None:
    wanted = (job for job in jobs if not telling.tally.given_up(job))
    if args.executor == "ray":
        from clinseek_tui.benching.on_ray import run_on_ray  # noqa: PLC0415 - an extra

        run_on_ray(
            wanted,
            setting,
            environ=os.environ,
            at_once=args.jobs,
            address=args.ray_address,
            control=control,
            on_outcome=telling,
        )
        return
    carrying = partial(
        carry,
        setting=setting,
        environ=os.environ,
        control=control,
        metered=lambda model: Metered(model, meter),
    )
    run_in_threads(wanted, carrying, args.jobs or 6, control, telling)


class _Telling:
    """Counts outcomes, and says how far the bench is."""

    def __init__(self, tally: Tally, meter: Meter, progress: ProgressLine, total: int) -> None:
        self.tally = tally
        self._meter = meter
        self._progress = progress
        self._total = total
        self._done = 0
        self._failures = 0

    def __call__(self, outcome: Outcome) -> None:
        self._done += 1
        self.tally.add(outcome)
        if outcome.status == "error" and self._failures < _FAILURES_SHOWN:
            self._failures += 1
            self._progress.clear()
            _tell(f"{outcome.qid}, {outcome.mode}, {outcome.model}: {outcome.stop_reason}: {outcome.message}")
        self._progress(self._done, self._total, self._note())

    def _note(self) -> str:
        tokens = self._meter.input_tokens + self._meter.output_tokens
        cost = self._meter.cost
        spent = f" · {tokens:,} tokens" if tokens else ""
        return self.tally.note() + spent + (f" · cost {cost:.2f}" if cost else "")


@contextmanager
def _store_for(setting: Setting, jobs: Sequence[Job], args: argparse.Namespace) -> Iterator[Setting]:
    """The setting with a store made of its tree, where that pays and every run can see it."""
    from clinseek_core.ehr.store import ingest  # noqa: PLC0415 - loads duckdb
    from clinseek_core.ehr.store.layout import read_manifest  # noqa: PLC0415 - as above

    source = setting.options.ehr or world_store_path()
    of_records = sum(job.mode == "agentic" for job in jobs)
    if args.executor == "ray" or of_records < _STORE_WORTH or read_manifest(source) is not None:
        yield setting
        return
    with tempfile.TemporaryDirectory(prefix="clinseek-bench-") as room:
        store = Path(room) / "store"
        _tell(f"{source}: a tree, made a store for this bench (`clinseek-tui ingest` makes one to keep)")
        ingest(source, store)
        yield msgspec.structs.replace(setting, store=store)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Inside, no other bench works in the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".bench.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{folder}: another bench works there; wait for it, or name another --out"
            ) from error
        yield


@contextmanager
def _stop_at_interrupt(control: Control) -> Iterator[list[bool]]:
    """Inside, the first Ctrl+C or TERM stops the runs after what they are doing; the next is Python's own."""
    seen: list[bool] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(*_: object) -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        seen.append(True)
        control.stop()

    for number in before:
        signal.signal(number, stop)
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_result(args: argparse.Namespace, jobs: Sequence[Job], tally: Tally, meter: Meter) -> None:
    lines, differences = list(tally.lines()), tally.agentic_less_curated()
    left = len(jobs) - len(tally.outcomes) + len(tally.unfinished)
    if args.json:
        result = {
            "out": str(args.out),
            "runs": len(jobs),
            "left": left,
            "by": lines,
            "agentic_less_curated": differences,
            "calls": tally.calls,
            "calls_a_second": round(tally.calls_a_second, 1),
            "input_tokens": meter.input_tokens,
            "output_tokens": meter.output_tokens,
            "cost": meter.cost,
        }
        say([json_line(result)])
        return
    say(_result_lines(args, tally, meter, left))


def _result_lines(args: argparse.Namespace, tally: Tally, meter: Meter, left: int) -> Iterator[str]:
    for line in tally.lines():
        ends = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in line.ends.items())
        yield one_line(f"{line.model}, {line.mode}: {line.runs} runs ({ends}); F1 {_interval(line.f1)}", 200)
    for model, pair in tally.agentic_less_curated().items():
        yield one_line(
            f"{model}: agentic less curated {_interval(pair.difference)}; better on {pair.better}, "
            f"same on {pair.same}, worse on {pair.worse}",
            200,
        )
    tokens = meter.input_tokens + meter.output_tokens
    cost = "" if meter.cost is None or not tokens else f", cost {meter.cost:.2f}"
    yield f"{tally.calls:,} calls, {tally.calls_a_second:.0f} a second; {tokens:,} tokens{cost}"
    if left:
        why = "the bound was reached; " if meter.spent else ""
        yield f"{left} runs have not ended: {why}the same command goes on with them"
    cases = f" --cases {args.cases}" if args.cases else ""
    yield f"journals: {args.out}; the paper's tables: clinseek-tui report {args.out}{cases}"


def _interval(found: object) -> str:
    mean, radius = getattr(found, "mean", None), getattr(found, "radius", None)
    if mean is None:
        return "not scored"
    return f"{mean:.3f}" + (f" ± {radius:.3f}" if radius is not None else "")


def _modes(text: str) -> tuple[str, ...]:
    modes = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if unknown := [mode for mode in modes if mode not in _MODES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no mode; there are agentic and curated")
    return modes


def _tell(text: str) -> None:
    print(one_line(text, 400), file=sys.stderr, flush=True)
