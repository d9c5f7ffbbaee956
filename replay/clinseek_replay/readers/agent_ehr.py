"""Results of AgentEHR, the benchmark beneath the reference implementation: steps of one call each."""

from __future__ import annotations

import ast
from typing import Any

from clinseek_replay.readers.json_records import Label, Record, json_reader, run_from
from clinseek_replay.readers.messages import Asked, Message, items, plain_text, text_of
from clinseek_replay.trajectory import Span, Trajectory

__all__ = ["AGENT_EHR"]

_MAX_LITERAL = 20_000


def mark(value: Any) -> str | None:
    """A result with the task and the steps."""
    if not isinstance(value, dict) or not isinstance(value.get("execution_steps"), list):
        return None
    return "a result with `execution_steps` and `task_info`" if "task_info" in value else None


def _task(value: Any) -> dict[str, Any]:
    task = value.get("task_info") if isinstance(value, dict) else None
    return task if isinstance(task, dict) else {}


def _label(value: Any) -> Label:
    index = value.get("run_index") if isinstance(value, dict) else None
    return Label(
        _qid(_task(value)), index if isinstance(index, int) and not isinstance(index, bool) else None
    )


def _qid(task: dict[str, Any]) -> str:
    """As the reference names cases that have no id of their own."""
    parts = [text_of(task.get(name)) for name in ("task", "subject_id", "hadm_id")]
    return "_".join(part for part in parts if part)


def read(record: Record) -> Trajectory:
    """The run of one result."""
    value = record.fields
    steps, spans = items(value.get("execution_steps")), record.spans("execution_steps")
    thoughts = items(value.get("thinking_steps"))
    task = _task(value)
    messages: list[Message] = []
    instruction = text_of(task.get("instruction"))
    if instruction:
        messages.append(Message(role="user", text=instruction))
    damage: list[str] = []
    for position, step in enumerate(steps):
        if not isinstance(step, dict):
            damage.append(f"execution_steps[{position}] is no object")
            continue
        thought = text_of(thoughts[position]) if len(thoughts) == len(steps) else ""
        messages += _step(step, thought, spans[position] if len(spans) == len(steps) else None)
    return run_from(record.entry, "agentehr", messages, damage, task)


def _step(step: dict[str, Any], thought: str, span: Span | None) -> list[Message]:
    name = text_of(step.get("action"))
    turn = Message(
        role="assistant",
        reasoning=text_of(step.get("think")) or thought,
        calls=(Asked(name, _arguments(step.get("params"))),) if name else (),
        span=span,
    )
    if not name:
        return [turn]
    return [turn, Message(role="tool", text=plain_text(step.get("observation")))]


def _arguments(value: Any) -> Any:
    """The arguments, which are stored as Python prints them."""
    if not isinstance(value, str) or len(value) > _MAX_LITERAL:
        return value
    try:
        read_back = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    return read_back if isinstance(read_back, dict) else value


AGENT_EHR = json_reader("agentehr", "a result of AgentEHR", mark, read, label=_label)
