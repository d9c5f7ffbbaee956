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
  clinseek-tui export runs/ --to sft --out train/ --min-f1 0.8      data for supervised fine-tuning

Files are made for their owner alone (mode 0600). Where several runs need a file each, --out is a folder.
"""

_SFT_FORMS = ("messages", "xml", "json")
"""Those of `clinseek_replay.training`, which loads only where it is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    add_recordings(parser)
    parser.add_argument("--to", required=True, choices=(*FORMATS, "sft"), help="the format: %(choices)s")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument(
        "--with-patient-text",
        action="store_true",
        help="html: show results, arguments and what the model wrote, instead of sizes and digests",
    )
    _add_training(parser.add_argument_group("sft: data for supervised fine-tuning (docs/training.md)"))
    parser.add_argument("--json", action="store_true", help="say what was written as one line of JSON")


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--min-f1", type=float, default=0.5, metavar="X", help="runs of at least this F1; 0.5")
    group.add_argument(
        "--sft-form", choices=_SFT_FORMS, default="messages", help="messages, or with a text of them"
    )
    group.add_argument("--drop-marked", action="store_true", help="leave out repeated and failing calls")
    group.add_argument(
        "--cap-per-task", type=int, metavar="N", help="at most N runs of a task, the best first"
    )
    group.add_argument("--max-tokens", type=int, default=52_000, metavar="N", help="of an example; 52,000")
    group.add_argument("--tokenizer", type=Path, metavar="FILE", help="a tokenizer.json to count tokens by")
    group.add_argument(
        "--validation-share", type=_share, default=0.02, metavar="X", help="of the patients; 0.02"
    )
    group.add_argument("--seed", type=int, default=42, metavar="N", help="of the split; 42")
    group.add_argument("--allow-leaks", action="store_true", help="take answers that rest on leaks too")
    group.add_argument("--allow-loops", action="store_true", help="take runs that loop too")


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return share


def main(args: argparse.Namespace) -> int:
    """Write the runs; 0 unless something can't be read or written."""
    if args.to == "sft":
        return _training(args)
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


def _training(args: argparse.Namespace) -> int:
    """Write a data set; 1 where no run is left to learn from."""
    from clinseek_replay.training import REASONS, Selection, Wish, export_training, token_count  # noqa: PLC0415 - only here

    selection = Selection(
        min_f1=args.min_f1,
        allow_leaks=args.allow_leaks,
        allow_loops=args.allow_loops,
        cap_per_task=args.cap_per_task,
        max_tokens=args.max_tokens,
    )
    tokens = token_count(args.tokenizer)
    recordings = open_named(args)
    with ProgressLine("export") as progress:
        written = export_training(
            recordings,
            positions(recordings, args),
            args.out,
            Wish(selection=selection, form=args.sft_form, drop_marked=args.drop_marked),
            tokens=tokens,
            seed=args.seed,
            validation_share=args.validation_share,
            on_progress=progress,
        )
    card = written.card
    taken = sum(card.examples.values())
    if args.json:
        say([json_line({"runs": card.runs, "files": [str(path) for path in written.files], "card": card})])
    else:
        splits = ", ".join(f"{count} for {split}" for split, count in card.examples.items())
        say([visible(f"{args.out}: {taken} of {card.runs} runs, {splits or 'none'}")])
        say(f"  left out: {count}, {REASONS[reason]}" for reason, count in card.left_out.items())
        say([visible(f"see {args.out / 'card.md'}")])
    return 0 if taken else 1
