"""`clinseek-tui ingest`: a MIMIC-IV tree becomes a store that opens any patient at once."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.candidates.ccs import read_ccs
from clinseek_core.ehr.store import DEFAULT_MEMORY, MIN_MEMORY, Manifest, Progress, ingest

if TYPE_CHECKING:
    from clinseek_core.candidates import Aliases

__all__ = ["add_arguments", "main"]

_INTERRUPTED = 130
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_EXAMPLES = """\
examples:
  clinseek-tui ingest mimic-iv-3.1 mimic.store
  clinseek-tui ingest mimic-iv-demo demo.store --memory 1GB
  clinseek-tui ingest mimic-iv-3.1 mimic.store --ccs hcup-ccs --inclusion-terms
  clinseek-tui run --ehr mimic.store --subject 10000032 --at "2180-07-23 20:00:00" --question "..."

SRC holds hosp/, icu/, ed/, note/ and cxr/, as PhysioNet ships them, .csv or .csv.gz; what is missing is left
out. An ingest that was stopped goes on when the same command is given again. Lines that are no rows of their
table are counted, and kept in DEST/rejects/.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("src", type=Path, metavar="SRC", help="a MIMIC-IV tree")
    parser.add_argument("dest", type=Path, metavar="DEST", help="the store to make; must not exist")
    parser.add_argument(
        "--memory",
        type=_size,
        default=DEFAULT_MEMORY,
        metavar="SIZE",
        help=f"memory to use at most, such as 2GB; at least {MIN_MEMORY // 10**6}MB",
    )
    parser.add_argument(
        "--ccs", type=Path, metavar="FOLDER", help="HCUP's CCS files, for candidate tables of CCS names"
    )
    parser.add_argument(
        "--inclusion-terms",
        action="store_true",
        help="find diagnoses by ICD-10-CM's inclusion terms too; needs the extra `terms`",
    )
    parser.add_argument(
        "--embedding",
        type=Path,
        metavar="FOLDER",
        help="a sentence model, such as all-MiniLM-L6-v2, to search by; needs the extra `embedding`",
    )
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")


def main(args: argparse.Namespace) -> int:
    """Make the store; 0 when it is whole, 130 when it was interrupted."""
    classes = read_ccs(args.ccs) if args.ccs else None
    try:
        with _progress() as show:
            manifest = ingest(
                args.src,
                args.dest,
                memory_bytes=args.memory,
                classes=classes,
                aliases=_aliases(inclusion_terms=args.inclusion_terms),
                embedding=args.embedding,
                on_progress=show,
            )
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    if args.json:
        print(msgspec.json.encode(manifest).decode())
    else:
        for line in _summary(manifest, args.dest):
            print(line)
    return 0


def _aliases(*, inclusion_terms: bool) -> Aliases:
    if not inclusion_terms:
        return {}
    from clinseek_core.candidates.terms import inclusion_terms as terms  # noqa: PLC0415 - an extra

    return {"diagnoses_icd_candidates": terms()}


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """One bar a phase on stderr: on a terminal it moves, in a file nothing is drawn."""
    from rich import progress as bar  # noqa: PLC0415 - only this command draws bars
    from rich.console import Console  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    columns = [
        bar.TextColumn("{task.description}"),
        bar.BarColumn(20),
        bar.TextColumn("{task.percentage:>3.0f}%  {task.fields[amount]}"),
        bar.TimeRemainingColumn(),
        bar.TextColumn("{task.fields[what]}", markup=False),
    ]
    with bar.Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            if progress.phase not in tasks:
                tasks[progress.phase] = bars.add_task(progress.phase, total=None, amount="", what="")
            bars.update(
                tasks[progress.phase],
                completed=progress.done,
                total=progress.total or None,
                amount=_amount(progress),
                what=progress.what,
            )

        yield show


def _amount(progress: Progress) -> str:
    rows = f"{progress.rows:,} rows" if progress.rows else ""
    if progress.phase != "reading":
        return rows
    unit, name = (10**9, "GB") if progress.total >= 10**9 else (10**6, "MB")
    return f"{progress.done / unit:.1f} of {progress.total / unit:.1f} {name}  {rows}"


def _summary(manifest: Manifest, dest: Path) -> Iterator[str]:
    patients = sum(shard.patients for shard in manifest.shards)
    rows = sum(shard.rows for shard in manifest.shards)
    yield f"{dest}: {patients:,} patients, {rows:,} rows of {len(manifest.sources)} files"
    for name, source in manifest.sources.items():
        if source.mended:
            yield f"{name}: {source.mended:,} rows have cells of the wrong type, missing in the store"
        if source.rejected:
            yield f"{name}: {source.rejected:,} lines are no rows of it and were left out"
        if source.mended or source.rejected:
            yield f"  see {dest / 'rejects' / f'{name}.parquet'}"
    yield from manifest.notices


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it like 2GB or 1500MB")
    number, unit, binary = match.groups()
    factor = _UNITS[unit.upper()]
    size = int(float(number) * (1024 ** list(_UNITS).index(unit.upper()) if binary else factor))
    if size < MIN_MEMORY:
        raise argparse.ArgumentTypeError(f"{text} is too little; an ingest needs {MIN_MEMORY // 10**6}MB")
    return size
