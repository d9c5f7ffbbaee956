"""The judge of single answers, as commands name it: options, the rule of patients' text, and its verdicts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from clinseek_core.errors import InputError
from clinseek_core.models import ChatModel, endpoint_from, is_local
from clinseek_core.models.openai_chat import OpenAIChat, Patience
from clinseek_core.scoring import ScoredRun, SingleAnswer
from clinseek_replay.report import ReportRun
from clinseek_tui.commands.progress import ProgressLine

Run = TypeVar("Run", ReportRun, ScoredRun)

__all__ = ["add_judge", "judge_of", "with_verdicts"]

_PATIENCE = Patience(tries=3, silence_s=60.0, answer_s=120.0)
_OUTPUT_TOKENS = 2048
"""A verdict is a line; a model that thinks writes more before it."""


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Declare --judge-model, --judge-url and --allow-remote-model."""
    parser.add_argument(
        "--judge-model",
        metavar="NAME",
        help="a model that compares the single answers of multimodal tasks; by rule without it",
    )
    parser.add_argument("--judge-url", metavar="URL", help="its endpoint, such as http://localhost:8000/v1")
    parser.add_argument(
        "--allow-remote-model",
        action="store_true",
        help="let questions and answers of patients leave this machine for it",
    )


def judge_of(args: argparse.Namespace) -> ChatModel | None:
    """The judge that the options name; None where they name none.

    Raises InputError for an address without a model, and one that is not on this machine without leave.
    """
    if args.judge_model is None:
        if args.judge_url is not None:
            raise InputError(f"--judge-url {args.judge_url} needs the model's name: --judge-model NAME")
        return None
    from clinseek_core.scoring.judge import VERDICT_FORMAT  # noqa: PLC0415 -- where there is a judge

    endpoint = endpoint_from(args.judge_model, args.judge_url, os.environ)
    if not (args.allow_remote_model or is_local(endpoint.base_url)):
        raise InputError(
            f"{endpoint.shown} is not on this machine, and patients' questions and answers would be sent "
            "there; if you may do that, add --allow-remote-model"
        )
    return OpenAIChat(
        endpoint,
        temperature=0.0,
        max_output_tokens=_OUTPUT_TOKENS,
        patience=_PATIENCE,
        response_format=VERDICT_FORMAT,
    )


def with_verdicts(
    judge: ChatModel | None, runs: Sequence[Run], put: Callable[[Run, SingleAnswer], Run]
) -> list[Run]:
    """The runs, with what the judge says `put` into those that have a single answer."""
    if judge is None:
        return list(runs)
    found = iter(_verdicts(judge, [run.single for run in runs if run.single is not None]))
    return [run if run.single is None else put(run, next(found)) for run in runs]


def _verdicts(judge: ChatModel, answers: Sequence[SingleAnswer]) -> list[SingleAnswer]:
    """The answers with their verdicts; Ctrl+C stops what is still being asked."""
    from clinseek_core.agent import Control  # noqa: PLC0415 -- where there is a judge
    from clinseek_core.scoring.judge import judged  # noqa: PLC0415 -- where there is a judge

    control = Control()
    with ProgressLine("judge") as progress:
        try:
            return judged(answers, judge, control, progress)
        except KeyboardInterrupt:
            control.stop()
            raise
