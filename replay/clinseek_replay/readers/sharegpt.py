"""ShareGPT's training records: `conversations` of turns with `from` and `value`."""

from __future__ import annotations

from typing import Any

import msgspec

from clinseek_core.call_text import split_thinking
from clinseek_core.lenient_json import lenient_json
from clinseek_replay.readers.json_records import Record, json_reader, run_from
from clinseek_replay.readers.messages import (
    Asked,
    Message,
    dicts,
    items,
    joined,
    messages_of,
    plain_text,
    text_of,
)
from clinseek_replay.trajectory import Span, Trajectory

__all__ = ["SHAREGPT", "sharegpt_messages"]

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "system": "system",
    "observation": "tool",
    "tool": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
_CALLING = ("function_call", "tool_call", "function-call")


def _speaker(turn: dict[str, Any]) -> str:
    return text_of(turn.get("from", turn.get("role")))


def mark(value: Any) -> str | None:
    """A record with `conversations`."""
    turns = dicts(value.get("conversations")) if isinstance(value, dict) else []
    if not any(_speaker(turn) in (*_ROLES, *_CALLING) for turn in turns):
        return None
    return "a training record with `conversations`"


def read(record: Record) -> Trajectory:
    """The run of one record."""
    value = record.fields
    messages, damage = sharegpt_messages(items(value.get("conversations")), record.spans("conversations"))
    if isinstance(value.get("system"), str) and value["system"]:
        messages.insert(0, Message(role="system", text=value["system"]))
    return run_from(record.entry, "sharegpt", messages, damage, value, run_id=text_of(value.get("id")))


def sharegpt_messages(values: list[Any], spans: list[Span]) -> tuple[list[Message], list[str]]:
    """The messages of a record's turns, and what of them can't be used."""
    messages: list[Message] = []
    damage: list[str] = []
    for position, value in enumerate(values):
        span = spans[position] if len(spans) == len(values) else None
        if not isinstance(value, dict):
            damage.append(f"conversations[{position}] is no object")
            continue
        text, speaker = value.get("value", value.get("content")), _speaker(value)
        if speaker in _CALLING:
            asking = _asking(plain_text(text), span)
            before = messages[-1] if messages else asking
            goes_on = before.role == "assistant" and not before.calls
            messages.append(msgspec.structs.replace(asking, goes_on=goes_on))
            continue
        message = {**value, "role": _ROLES.get(speaker, speaker), "content": text}
        messages += messages_of(message, span)
    return joined(messages), damage


def _asking(text: str, span: Span | None) -> Message:
    reasoning, rest = split_thinking(text)
    try:
        requests = items(lenient_json(rest))
    except (ValueError, RecursionError):
        requests = []
    calls = [
        Asked(text_of(request.get("name")), request.get("arguments", request.get("parameters")))
        for request in dicts(requests)
    ]
    if calls:
        return Message(role="assistant", reasoning=reasoning, calls=tuple(calls), span=span)
    (message,) = messages_of({"role": "assistant", "content": text}, span)
    if message.calls:
        return message
    return Message(role="assistant", reasoning=reasoning, calls=(Asked("", rest),), span=span)


SHAREGPT = json_reader("sharegpt", "a training record with `conversations`", mark, read)
