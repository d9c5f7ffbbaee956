"""Results of tau2-bench: simulated conversations, in which the user has tools too."""

from __future__ import annotations

from typing import Any

from clinseek_replay.readers.json_records import Label, Record, json_reader, run_from
from clinseek_replay.readers.messages import Message, dicts, items, messages_of, text_of
from clinseek_replay.trajectory import Span, Trajectory

__all__ = ["TAU2"]


def mark(value: Any) -> str | None:
    """A simulation with a task, messages and why it ended."""
    if not isinstance(value, dict) or not all(
        name in value for name in ("task_id", "messages", "termination_reason")
    ):
        return None
    return "simulations with `task_id`, `messages` and `termination_reason`"


def _label(value: Any) -> Label:
    trial = value.get("trial") if isinstance(value, dict) else None
    return Label(
        qid=text_of(value.get("task_id")) if isinstance(value, dict) else "",
        run_index=trial if isinstance(trial, int) and not isinstance(trial, bool) else None,
    )


def read(record: Record) -> Trajectory:
    """The run of one simulation."""
    value = record.fields
    values, spans = items(value.get("messages")), record.spans("messages")
    messages: list[Message] = []
    damage: list[str] = []
    for position, each in enumerate(values):
        if isinstance(each, dict):
            messages += _messages(each, spans[position] if len(spans) == len(values) else None)
        else:
            damage.append(f"messages[{position}] is no object")
    return run_from(
        record.entry,
        "tau2",
        messages,
        damage,
        run_id=text_of(value.get("id")),
        stop_reason=text_of(value.get("termination_reason")),
    )


def _messages(value: dict[str, Any], span: Span | None) -> list[Message]:
    if isinstance(value.get("tool_messages"), list):
        return [message for each in dicts(value["tool_messages"]) for message in _messages(each, span)]
    if value.get("role") == "tool":
        if value.get("requestor") == "user":
            return [Message(role="user's tool", text=text_of(value.get("content")), span=span)]
        return messages_of({**value, "tool_call_id": value.get("id"), "is_error": value.get("error")}, span)
    found = messages_of(value, span)
    calls = dicts(value.get("tool_calls")) if value.get("role") == "user" else []
    asked = [Message(role="user's call", text=text_of(call), span=span) for call in calls]
    return [message for message in found if message.text or message.role == "assistant" or not asked] + asked


TAU2 = json_reader("tau2", "results of tau2-bench", mark, read, label=_label, within="simulations")
