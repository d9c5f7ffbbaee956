"""`clinseek-tui export`: recordings in the formats of others, and as pages to hand on."""

from __future__ import annotations

import argparse
from pathlib import Path

from clinseek_core.text import visible
from clinseek_replay.export import FORMATS, export
from clinseek_tui.commands.opening import add_recordings, open_named, positions
from clinseek_tui.commands.printing import json_line, say
from clinseek_tui.commands.progress import ProgressLine

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui export traj.jsonl --to openai --out results.jsonl    as the reference writes its runs
  clinseek-tui export runs/ --to atif --out atif/                   ATIF 1.7, one file a run
  clinseek-tui export traj.jsonl --to html --out run.html           a page without the patient's text

Files are made for their owner alone (mode 0600). Where several runs need a file each, --out is a folder.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument("--to", required=True, choices=FORMATS, help="the format: %(choices)s")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument(
        "--with-patient-text",
        action="store_true",
        help="html: show results, arguments and what the model wrote, instead of sizes and digests",
    )
    parser.add_argument("--json", action="store_true", help="say what was written as one line of JSON")


def main(args: argparse.Namespace) -> int:
    """Write the runs; 0 unless something can't be read or written."""
    recordings = open_named(args)
    wanted = positions(recordings, args)
    with ProgressLine("export") as progress:
        written = export(recordings, wanted, args.to, args.out, args.with_patient_text, args.force, progress)
    if args.json:
        say([json_line({"runs": written.runs, "files": [str(path) for path in written.files]})])
    else:
        runs = f"{written.runs} run{'' if written.runs == 1 else 's'}"
        files = f", {len(written.files)} files" if len(written.files) > 1 else ""
        say([visible(f"{args.out}: {runs} written as {args.to}{files}")])
    return 0
