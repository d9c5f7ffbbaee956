"""`clinseek-tui cases`: the benchmark's cases: list them, show one, build them from MIMIC-IV."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.case import BenchCase
from clinseek_core.case_files import load_bench_cases
from clinseek_core.errors import InputError
from clinseek_core.tasks import TASKS, Task
from clinseek_core.text import one_line, visible
from clinseek_fixtures import bench_cases_path, world_path
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine

if TYPE_CHECKING:
    from clinseek_core.tasks.building import TaskReport
    from clinseek_core.tasks.whole import Whole

__all__ = ["add_arguments", "main"]

_INTERRUPTED = 130
_EXAMPLES = """\
examples:
  clinseek-tui cases list
  clinseek-tui cases list cases.jsonl --task Inpatient_Mortality
  clinseek-tui cases show Inpatient_Mortality_90000017_21500302T190000
  clinseek-tui cases build --ehr mimic.store --ccs hcup-ccs --out cases.jsonl
  clinseek-tui cases build --ehr mimic-iv-demo --tasks risk_prediction,labevents --per-task 10 --out few.jsonl

`list` and `show` read the bundled cases unless FILE is given. `build` makes the paper's tasks from a store or
a tree: where each case's time lies, and why a moment makes no case, is in docs/cases.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("do", choices=("list", "show", "build"), metavar="list|show|build", help="what to do")
    parser.add_argument("names", nargs="*", metavar="QID|FILE", help="a case, for show; a cases file")
    parser.add_argument("--task", metavar="NAME", help="list: only the cases of a task, a group or a kind")
    parser.add_argument("--curated", action="store_true", help="show: the curated input too")
    parser.add_argument("--ehr", type=Path, metavar="PATH", help="build: a store or a MIMIC-IV tree")
    parser.add_argument("--tasks", default="all", metavar="NAME,…", help="build: tasks, groups or kinds; all")
    parser.add_argument("--per-task", type=int, default=40, metavar="N", help="build: cases of each task; 40")
    parser.add_argument("--seed", type=int, default=42, metavar="N", help="build: which cases are drawn; 42")
    parser.add_argument("--ccs", type=Path, metavar="FOLDER", help="build: HCUP's CCS files")
    parser.add_argument("--drug-classes", type=Path, metavar="FILE", help="build: a table drug,class")
    parser.add_argument("--films", type=Path, metavar="TREE", help="build: whose cxr/ has films and labels")
    parser.add_argument("--no-curated", action="store_true", help="build: without the curated input")
    parser.add_argument("--out", type=Path, metavar="FILE", help="build: the cases file to write")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(usage=parser.error)


def main(args: argparse.Namespace) -> int:
    """List, show or build; 0, or 130 when a build was interrupted."""
    if args.do == "build":
        return _build(args)
    if args.do == "show":
        return _show(args)
    if len(args.names) > 1:
        args.usage("list takes one FILE")
    found = load_bench_cases(_file(args.names))
    listed = [bench for bench in found if args.task in {None, *_places(bench)}]
    if not listed and args.task:
        raise InputError(f"--task {args.task}: no case of this task, group or kind among {len(found)}")
    if args.json:
        print(json_line([_facts(bench) for bench in listed]))
    else:
        say(_lines(listed))
    return 0


def _file(names: list[str]) -> Path:
    return Path(names[-1]) if names else bench_cases_path()


def _places(bench: BenchCase) -> tuple[str, ...]:
    return (bench.case.task, bench.group, bench.kind)


def _facts(bench: BenchCase) -> dict[str, object]:
    """A case without its texts."""
    case = bench.case
    return {
        "qid": case.qid,
        "task": case.task,
        "task_type": bench.kind,
        "group": bench.group,
        "subject_id": case.subject_id,
        "prediction_time": case.prediction_time.isoformat(sep=" "),
        "candidates": len(case.candidates),
        "gold": None if case.gold is None else len(case.gold),
        "films": len(case.images),
        "curated_characters": len(bench.curated),
        "ceiling": round(bench.ceiling, 4),
    }


def _lines(listed: list[BenchCase]) -> Iterator[str]:
    width = max((len(bench.case.qid) for bench in listed), default=0)
    for bench in listed:
        case = bench.case
        right = "no gold" if case.gold is None else f"{len(case.gold)} right"
        of = f" of {len(case.candidates)}" if case.candidates else ", open"
        films = f", {len(case.images)} films" if case.images else ""
        ceiling = f", ceiling {bench.ceiling:.2f}" if bench.ceiling < 1 else ""
        name = one_line(case.qid, 80).ljust(min(width, 80))
        yield f"{name}  {case.prediction_time}  {one_line(bench.group, 40)}: {right}{of}{films}{ceiling}"
    yield f"{len(listed)} cases of {len({bench.case.task for bench in listed})} tasks"


def _show(args: argparse.Namespace) -> int:
    if not 1 <= len(args.names) <= 2:
        args.usage("show needs QID, and takes one FILE")
    qid, file = args.names[0], _file(args.names[1:])
    found = [bench for bench in load_bench_cases(file) if bench.case.qid == qid]
    if not found:
        raise InputError(f"{file}: no case {qid!r}; `clinseek-tui cases list` names them")
    if args.json:
        print(json.dumps(found[0].row()))
        return 0
    case = found[0].case
    print(f"{one_line(case.qid, 80)} · {one_line(case.task, 60)} · {one_line(found[0].group, 40)}")
    print(f"patient {case.subject_id} at {case.prediction_time}")
    print(f"\n{visible(case.question)}\n")
    if case.candidates:
        print("candidates: " + "; ".join(one_line(name, 120) for name in case.candidates))
    if case.gold is not None:
        print("right: " + "; ".join(one_line(name, 120) for name in case.gold))
    for image in case.images:
        print(f"film: {one_line(image.path, 200)}")
    if args.curated:
        print(f"\n{visible(found[0].curated) or 'no curated input'}")
    return 0


def _build(args: argparse.Namespace) -> int:
    if args.names:
        args.usage("build takes its data by --ehr and its file by --out")
    if args.out is None:
        args.usage("build needs --out FILE")
    if args.per_task < 1:
        args.usage("--per-task is at least 1")
    if args.out.exists():
        raise InputError(f"{args.out}: exists already; name another file, or remove it first")
    tasks = _chosen(args.tasks)
    try:
        with _opened(args) as whole:
            reports = _write(args, whole, tasks)
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return _INTERRUPTED
    if args.json:
        print(json_line({"out": str(args.out), "tasks": reports}))
    else:
        say(_told(reports, args.out))
    return 0


def _chosen(names: str) -> list[Task]:
    """The tasks that a list of names, groups and kinds means, in the order of TASKS."""
    if names == "all":
        return list(TASKS.values())
    asked = {name.strip() for name in names.split(",") if name.strip()}
    known = {name for task in TASKS.values() for name in (task.name, task.group, task.kind)}
    if unknown := sorted(asked - known):
        raise InputError(f"--tasks {unknown[0]}: no such task, group or kind; docs/cases.md lists them")
    return [task for task in TASKS.values() if asked & {task.name, task.group, task.kind}]


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[Whole]:
    """The store that cases are built from; one of a tree is made for this alone."""
    from clinseek_core.candidates.ccs import read_ccs  # noqa: PLC0415 - only a build reads them
    from clinseek_core.ehr.store import ingest  # noqa: PLC0415 - as above
    from clinseek_core.ehr.store.layout import read_manifest  # noqa: PLC0415 - as above
    from clinseek_core.tasks.drug_classes import read_drug_classes  # noqa: PLC0415 - as above
    from clinseek_core.tasks.whole import open_whole  # noqa: PLC0415 - as above

    source = args.ehr or world_path()
    # The bundled world brings its own, made up as it is.
    ccs = args.ccs or (None if args.ehr else source / "ccs")
    drug_classes = args.drug_classes or (None if args.ehr else source / "drug-classes.csv")
    classes = read_ccs(ccs) if ccs else None
    drugs = read_drug_classes(drug_classes) if drug_classes else None
    with tempfile.TemporaryDirectory(prefix="clinseek-cases-") as room:
        is_store = read_manifest(source) is not None
        store = source if is_store else Path(room) / "store"
        if not is_store:
            print(f"{source}: a tree; a store is made of it for this build", file=sys.stderr)
            ingest(source, store, classes=classes)
        films = args.films or (None if is_store else source)
        with open_whole(store, classes=classes, drug_classes=drugs, films=films) as whole:
            yield whole


def _write(args: argparse.Namespace, whole: Whole, tasks: list[Task]) -> list[TaskReport]:
    """Write the cases beside their place, then put them there whole."""
    from clinseek_core.tasks.building import build_cases  # noqa: PLC0415 - only a build makes cases
    from clinseek_core.tasks.films import FilmFiles  # noqa: PLC0415 - as above

    tree = args.films or args.ehr or world_path()
    files = FilmFiles(whole, tree, args.out.parent)
    reports: list[TaskReport] = []
    unfinished = args.out.with_name(f"{args.out.name}.unfinished")
    try:
        with (
            os.fdopen(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file,
            ProgressLine("cases", "tasks") as progress,
        ):
            cases = build_cases(
                whole,
                tasks,
                films=files.of,
                per_task=args.per_task,
                seed=args.seed,
                curated=not args.no_curated,
                on_task=reports.append,
            )
            for bench in cases:
                print(json.dumps(bench.row()), file=file)
                progress(len(reports), len(tasks))
        unfinished.rename(args.out)
    finally:
        unfinished.unlink(missing_ok=True)
    return reports


def _told(reports: list[TaskReport], out: Path) -> Iterator[str]:
    from clinseek_core.tasks.cutoffs import REFUSALS  # noqa: PLC0415 - only a build refuses

    refused: dict[str, int] = {}
    for report in reports:
        words = ", ".join(f"{name} {count}" for name, count in report.answers.items())
        why = f"needs {', '.join(report.missing)}" if report.missing else words
        yield f"{report.task:<32} {report.built:>4}  {why}".rstrip()
        for key, count in report.refused.items():
            refused[key] = refused.get(key, 0) + count
    built = [report.built for report in reports if report.built]
    yield f"{out}: {sum(built)} cases of {len(built)} tasks"
    for key, count in sorted(refused.items()):
        yield f"refused: {count:,} moments: {REFUSALS[key]}"
