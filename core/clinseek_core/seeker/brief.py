"""What the seeker is asked: the opening prompt, read into one typed value."""

from __future__ import annotations

import json
import re
from datetime import datetime

import msgspec

from clinseek_core.errors import ModelError
from clinseek_core.models.port import Conversation, UserMessage

__all__ = ["Brief", "read_brief"]

# Greedy: a question that quotes such a block of its own doesn't stand in for the harness's, which comes last.
_PROMPT = re.compile(
    r"\A<question>\n(?P<question>.*)\n</question>\n\n"
    r"<patient_info>\nCurrent Time: (?P<now>[^\n]*)\nPatient Subject ID: (?P<subject>\d+)\n</patient_info>"
    r"(?P<rest>.*)\Z",
    re.DOTALL,
)
_CANDIDATES = re.compile(
    r"^<candidate_answers>\n(?P<list>.*)\n</candidate_answers>$", re.DOTALL | re.MULTILINE
)
_ONE = "exactly one item"
_ATTACHED = "<attached_images>"


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """The task as the prompt states it; there is nothing else the seeker knows."""

    question: str
    subject_id: str
    now: datetime
    candidates: tuple[str, ...] = ()
    one: bool = False
    """Whether the answer must be exactly one item."""
    images: bool = False
    """Whether films are attached, which the seeker can't look at."""


def read_brief(conversation: Conversation) -> Brief:
    """The brief in the first user message. Raises ModelError where it can't be read as one."""
    text = next((message.text for message in conversation if isinstance(message, UserMessage)), "")
    match = _PROMPT.match(text)
    if match is None:
        raise _unreadable("it has no <question> followed by <patient_info> with Current Time and Subject ID")
    try:
        now = datetime.fromisoformat(match["now"].strip()).replace(tzinfo=None)
        candidates = _candidates(match["rest"])
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)) from error
    return Brief(
        question=match["question"],
        subject_id=match["subject"],
        now=now,
        candidates=candidates,
        one=_ONE in match["rest"].rpartition("<answer_format>")[2],
        images=_ATTACHED in match["rest"],
    )


def _candidates(rest: str) -> tuple[str, ...]:
    match = _CANDIDATES.search(rest)
    names = json.loads(match["list"]) if match else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("the candidate answers are not a JSON list of strings")
    return tuple(dict.fromkeys(name for name in names if name.strip()))


def _unreadable(reason: str) -> ModelError:
    return ModelError(
        f"the seeker can't read the run's opening prompt: {reason}; run it on a case", "refused"
    )
