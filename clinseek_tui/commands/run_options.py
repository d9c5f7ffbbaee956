"""The options that every run takes, one or many: its data, its web, its films, its policy, its limits."""

from __future__ import annotations

import argparse
from pathlib import Path

from clinseek_core.case import Basis, Boundary
from clinseek_core.imaging.backends import BackendName
from clinseek_core.journal import TextAnswers
from clinseek_core.web.backends.recorded import RECORD_MODES
from clinseek_tui.running import Options, WebMode

__all__ = ["add_run_options", "positive"]


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `Options` has fields for, beside the case and the model."""
    parser.add_argument(
        "--ehr",
        type=Path,
        metavar="PATH",
        help="a store made by `ingest`, or a MIMIC-IV tree: hosp/, icu/, ...",
    )
    parser.add_argument(
        "--allow-remote-model",
        action="store_true",
        help="send the record of a patient who is not bundled to an endpoint that is not on this machine",
    )
    parser.add_argument(
        "--web",
        choices=WebMode.__args__,  # type: ignore[attr-defined]
        help="where the browser tools read: the bundled pages by default, the network only with live",
    )
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="other pages for --web offline")
    parser.add_argument("--cassette", type=Path, metavar="FILE", help="what --web recorded plays or records")
    parser.add_argument(
        "--record", choices=RECORD_MODES, help="when --web recorded asks the network; none by default"
    )
    _add_image_options(parser)
    parser.add_argument(
        "--text-answers",
        choices=TextAnswers.__args__,  # type: ignore[attr-defined]
        default="never",
        help="when words without a call are taken for the answer; never by default",
    )
    basis, boundary = Basis.__args__, Boundary.__args__  # type: ignore[attr-defined]
    parser.add_argument("--basis", choices=basis, default="available", help="by which clock rows are known")
    parser.add_argument("--boundary", choices=boundary, default="exclusive", help="known before, or at, t")
    parser.add_argument(
        "--max-rounds",
        type=positive,
        metavar="N",
        default=Options().max_rounds,
        help="model calls at most; %(default)s",
    )


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image-backend",
        action="append",
        choices=BackendName.__args__,  # type: ignore[attr-defined]
        help="who answers the image tools that need a model; may be repeated, the first that can answers",
    )
    parser.add_argument("--image-endpoint", metavar="URL", help="a vision model's endpoint")
    parser.add_argument("--image-model", metavar="NAME", help="and its model")
    parser.add_argument("--image-mcp", metavar="URL", help="an MCP server that offers the image tools")
    parser.add_argument("--image-results", type=Path, metavar="FILE", help="what fixture answers from")
    parser.add_argument("--image-record", type=Path, metavar="FILE", help="write what is answered there too")


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
