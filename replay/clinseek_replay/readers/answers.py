"""The answer of a run, as the reference's text scorer reads it, whatever format the run was recorded in."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from clinseek_core.lenient_json import lenient_json
from clinseek_replay.trajectory import Call, Step

__all__ = ["IN_TEXT", "answer_of"]

IN_TEXT = "finish_in_text"
"""The source of an answer that the model wrote as text in place of a call; the reference scores no such."""

_MADE_BY = {
    "synthetic_finish_": "synthetic_finish",
    "one_shot_": "one_shot",
    "call_qa_finish": "qa",
}
"""Ids of calls that the driver wrote in the model's place, and what the answer's source is then called."""

_MAX_LITERAL = 20_000


def answer_of(steps: Sequence[Step]) -> tuple[tuple[str, ...] | None, str]:
    """The answer, and where it came from; None where no call gives one.

    The last call whose name contains `finish` counts, rejected or not: a list's strings, or one string.
    """
    for step in reversed(steps):
        for call in reversed(step.calls):
            if "finish" in call.name.lower():
                return _finish_answer(call)
    return None, ""


def _finish_answer(call: Call) -> tuple[tuple[str, ...], str]:
    value: Any = call.arguments
    if value is None:
        try:
            value = _literal(call.raw_arguments)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return (), "finish_parse_error"
    response = value.get("response", []) if isinstance(value, dict) else value
    if isinstance(response, str) and "from_text" in call.flags:
        response = _list_written_as_text(response)
    plain = IN_TEXT if "from_text" in call.flags else "finish"
    source = next((made for prefix, made in _MADE_BY.items() if call.id.startswith(prefix)), plain)
    if isinstance(response, list):
        return tuple(item for item in response if isinstance(item, str)), source
    if isinstance(response, str) and response.strip():
        return (response.strip(),), source
    return (), "finish_tool_call_non_list"


def _list_written_as_text(response: str) -> Any:
    """A parameter's value is text in the XML dialect, a list's too."""
    if not response.lstrip().startswith("["):
        return response
    try:
        value = _literal(response)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return response
    return value if isinstance(value, list) else response


def _literal(text: str) -> Any:
    """A JSON or Python literal; nothing is evaluated."""
    try:
        return lenient_json(text)
    except ValueError:
        if len(text) > _MAX_LITERAL:
            raise
        return ast.literal_eval(text)
