"""`clinseek-tui weights`: files of weights made safe and kept, for the models that look at films."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from clinseek_core.imaging.model import misfits, missing_packages
from clinseek_core.imaging.weights import (
    KNOWN_MODELS,
    Weights,
    import_weights,
    imported,
    user_weights,
    weights_path,
)
from clinseek_core.text import one_line
from clinseek_tui.commands.printing import json_line, say

__all__ = ["add_arguments", "main"]

_EXAMPLES = """\
examples:
  clinseek-tui weights import nih-pc-chex-mimic_ch-google-openi-kaggle-densenet121-...-best.pt
  clinseek-tui weights import pspnet_chestxray_best_model_4.pth
  clinseek-tui weights list

A file of weights that torch.save wrote is a program. It is read here without being run, and only its tensors
are kept, as safetensors, in the user's data folder. docs/imaging.md says where the files come from.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EXAMPLES
    parser.add_argument("do", choices=("import", "list"), metavar="import|list", help="what to do")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a file of weights, for import")
    parser.add_argument(
        "--as",
        dest="model",
        choices=[model.name for model in KNOWN_MODELS],
        metavar="NAME",
        help="of which model: %(choices)s; by its tensors if it is not given",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(usage=parser.error)


def main(args: argparse.Namespace) -> int:
    """Import a file, or list what there is; 0."""
    folder = user_weights(os.environ)
    if args.do == "import":
        if args.file is None:
            args.usage("import needs FILE")
        found: tuple[Weights, ...] = (import_weights(args.file, folder, misfits, args.model),)
    else:
        if args.file is not None or args.model is not None:
            args.usage("list takes no FILE and no --as")
        found = imported(folder)
    if args.json:
        print(json_line(found[0] if args.do == "import" else found))
    else:
        say(_lines(found, folder))
    return 0


def _lines(found: tuple[Weights, ...], folder: Path) -> Iterator[str]:
    about = {model.name: model.says for model in KNOWN_MODELS}
    for weights in found:
        yield f"{weights.model}: {about[weights.model]}"
        yield f"  {weights.tensors} tensors of {one_line(weights.source, 80)}, {_standing(weights)}"
        yield f"  sha256 {weights.sha256}"
        yield f"  {weights_path(folder, weights.model)}"
    if not found:
        yield f"no weights in {folder}; get them by: clinseek-tui weights import FILE"
    missing = missing_packages()
    if missing:
        yield f"not used before {', '.join(missing)} is here: pip install 'clinseek-tui[cxr]'"


def _standing(weights: Weights) -> str:
    return "checked against the model" if weights.verified else "not checked: the model is not installed here"
