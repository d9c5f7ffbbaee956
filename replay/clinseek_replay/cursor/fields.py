"""The texts of a step that an expression can be tried on, by the name of their field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from clinseek_replay.finding import PlaceField
from clinseek_replay.search import argument_texts
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = ["FIELDS", "FieldText", "document"]


class FieldText(NamedTuple):
    """One text of a step."""

    call: int | None
    """Index of the call that it belongs to; None where it is the turn's own."""
    field: PlaceField
    text: str


def _of_turn(step: Step) -> Iterator[FieldText]:
    yield FieldText(None, "reasoning", step.reasoning)
    yield FieldText(None, "text", step.text)


def _of_calls(
    texts: Callable[[Call], Iterator[tuple[PlaceField, str]]],
) -> Callable[[Step], Iterator[FieldText]]:
    def of_step(step: Step) -> Iterator[FieldText]:
        for index, call in enumerate(step.calls):
            yield from (FieldText(index, field, text) for field, text in texts(call))

    return of_step


def _tool(call: Call) -> Iterator[tuple[PlaceField, str]]:
    yield "arguments", call.name


def _arguments(call: Call) -> Iterator[tuple[PlaceField, str]]:
    yield from (("arguments", text) for _, text in argument_texts(call))


def _sql(call: Call) -> Iterator[tuple[PlaceField, str]]:
    if call.sql is not None:
        yield "arguments", call.sql


def _result(call: Call) -> Iterator[tuple[PlaceField, str]]:
    if call.result is not None:
        yield "result", call.result.text


def _any_of_call(call: Call) -> Iterator[tuple[PlaceField, str]]:
    for texts in (_tool, _arguments, _result):
        yield from texts(call)


def _notes(step: Step) -> Iterator[FieldText]:
    yield from (FieldText(None, "text", note.text) for note in step.notes)


def _any(step: Step) -> Iterator[FieldText]:
    yield from _of_turn(step)
    yield from _notes(step)
    yield from _of_calls(_any_of_call)(step)


FIELDS: dict[str, tuple[str, Callable[[Step], Iterator[FieldText]]]] = {
    "sql": ("the SQL of a call", _of_calls(_sql)),
    "arguments": ("the arguments of a call", _of_calls(_arguments)),
    "result": ("what the model got of a call's result", _of_calls(_result)),
    "text": ("what the model said", lambda step: (of for of in _of_turn(step) if of.field == "text")),
    "reasoning": (
        "what the model thought",
        lambda step: (of for of in _of_turn(step) if of.field == "reasoning"),
    ),
    "note": ("what happened beside the model's turn", _notes),
    "any": ("all of these, and the tools' names", _any),
}
"""What each field holds, and its texts in a step."""


def document(trajectory: Trajectory, step: Step, call: int | None) -> dict[str, Any]:
    """A call as the JSON object that paths are tried on; without a call, the turn alone.

    `anchor`, `tool`, `arguments`, `raw_arguments`, `status`, `flags`; `result` with `text`, `characters` and
    `ms`, and of a journal `columns`, `rows` (a list of objects) and `total`; `step` with `number`, `text`,
    `reasoning`, `finish_reason`, `usage`, `ms`, `notes`; `run` with `run_id`, `qid` and `model`.
    """
    about: dict[str, Any] = {
        "step": {
            "number": step.number,
            "text": step.text,
            "reasoning": step.reasoning,
            "finish_reason": step.finish_reason,
            "usage": (
                {"input_tokens": step.usage.input_tokens, "output_tokens": step.usage.output_tokens}
                if step.usage
                else None
            ),
            "ms": step.ms,
            "notes": [{"kind": note.kind, "text": note.text} for note in step.notes],
        },
        "run": {"run_id": trajectory.run_id, "qid": trajectory.qid, "model": trajectory.model},
    }
    if call is None:
        return {"anchor": step.anchor, **about}
    made = step.calls[call]
    return {
        "anchor": made.anchor,
        "tool": made.name,
        "arguments": made.arguments,
        "raw_arguments": made.raw_arguments,
        "status": made.status,
        "flags": list(made.flags),
        "result": _result_document(made),
        **about,
    }


def _result_document(call: Call) -> dict[str, Any] | None:
    result = call.result
    if result is None:
        return None
    table = result.table
    shown: dict[str, Any] = {"text": result.text, "characters": result.full_characters, "ms": result.ms}
    if table is not None:
        shown["columns"] = list(table.columns)
        shown["rows"] = [dict(zip(table.columns, row, strict=False)) for row in table.rows]
        shown["total"] = table.total
    return shown
