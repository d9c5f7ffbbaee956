"""OpenAI's Responses API: a run as a list of items: reasoning, text, calls and outputs side by side.

The items are a list, an `input` and `output`, or one a line as Codex writes its sessions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.readers.json_records import Record, json_reader, run_from
from clinseek_replay.readers.line_runs import json_lines
from clinseek_replay.readers.messages import (
    Asked,
    Message,
    joined,
    messages_of,
    plain_text,
    text_of,
    time_of,
    usage_of,
)
from clinseek_replay.readers.reader import Entry, Index, Reader, Sample
from clinseek_replay.trajectory import Span, Trajectory

__all__ = ["OPENAI_RESPONSES"]

_CALLS = {"function_call": "arguments", "custom_tool_call": "input", "mcp_call": "arguments"}
"""Kinds of items that ask for a call, and where they hold its arguments."""
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_TELLING = (*_CALLS, *_OUTPUTS, "reasoning")
_LISTS = ("input", "output", "items")


def _item(value: Any) -> dict[str, Any]:
    """An item, out of the envelope that Codex puts it in."""
    payload = value.get("payload") if isinstance(value, dict) else None
    if isinstance(payload, dict) and value.get("type") == "response_item":
        return payload
    return value if isinstance(value, dict) else {}


def _tells(value: Any) -> bool:
    return _item(value).get("type") in _TELLING


def _lists(value: Any) -> list[tuple[tuple[str, ...], list[Any]]]:
    """Where a record holds items, and the items."""
    if isinstance(value, list):
        return [((), value)]
    if not isinstance(value, dict):
        return []
    inner = value.get("response")
    found: list[tuple[tuple[str, ...], list[Any]]] = [
        ((name,), value[name]) for name in _LISTS if isinstance(value.get(name), list)
    ]
    if isinstance(inner, dict):
        found += [(("response", name), inner[name]) for name in _LISTS if isinstance(inner.get(name), list)]
    return found


def mark(value: Any) -> str | None:
    """A list of items of which one can be of no other format."""
    for path, listed in _lists(value):
        if any(_tells(item) for item in listed):
            return (
                "a list of response items"
                if not path
                else f"a record with response items in `{'.'.join(path)}`"
            )
    return None


def read(record: Record) -> Trajectory:
    """The run of one record."""
    messages: list[Message] = []
    instructions = record.fields.get("instructions")
    if isinstance(instructions, str) and instructions:
        messages.append(Message(role="system", text=instructions))
    if isinstance(record.fields.get("input"), str):
        messages.append(Message(role="user", text=record.fields["input"]))
    for path, listed in _lists(record.value):
        spans = record.spans(*path)
        pairs = (
            zip(listed, spans, strict=True)
            if len(spans) == len(listed)
            else ((item, None) for item in listed)
        )
        _add(messages, pairs)
    usage = usage_of(record.fields.get("usage"))
    if usage is not None and messages and messages[-1].role == "assistant":
        messages[-1] = msgspec.structs.replace(messages[-1], usage=usage)
    fields = {name: value for name, value in record.fields.items() if name not in _LISTS}
    return run_from(
        record.entry, "openai-responses", joined(messages), (), fields, run_id=text_of(fields.get("id"))
    )


def _add(messages: list[Message], values: Any) -> None:
    """Append the messages of items; all that the model says between two outputs is one turn, to be joined."""
    for value, span in values:
        message = _message(_item(value), span)
        if message is None:
            continue
        message = (
            message if message.at or not isinstance(value, dict) else _at(message, value.get("timestamp"))
        )
        goes_on = bool(messages) and messages[-1].role == message.role == "assistant"
        messages.append(msgspec.structs.replace(message, goes_on=goes_on))


def _at(message: Message, moment: Any) -> Message:
    return msgspec.structs.replace(message, at=time_of(moment))


def _message(item: dict[str, Any], span: Span | None) -> Message | None:
    kind = text_of(item.get("type", "message"))
    if kind in _CALLS:
        id_ = text_of(item.get("call_id")) or text_of(item.get("id"))
        asked = Asked(text_of(item.get("name")), _arguments(item, kind), id_)
        return Message(role="assistant", calls=(asked,), span=span)
    if kind in _OUTPUTS:
        return _output(item, span)
    if kind == "reasoning":
        return Message(role="assistant", reasoning=_reasoning(item), span=span)
    if kind == "message" and item.get("role"):
        found = messages_of({"role": item["role"], "content": item.get("content")}, span)
        return found[0] if found else None
    if kind.endswith("_call"):
        # Tools that the endpoint runs itself; it keeps what they gave.
        return Message(
            role="assistant", calls=(Asked(kind.removesuffix("_call"), item.get("action")),), span=span
        )
    return None


def _arguments(item: dict[str, Any], kind: str) -> Any:
    value = item.get(_CALLS[kind])
    return {"input": value} if kind == "custom_tool_call" else value


def _output(item: dict[str, Any], span: Span | None) -> Message:
    failed = item.get("status") == "incomplete" or item.get("success") is False
    return Message(
        role="tool",
        text=plain_text(item.get("output")),
        call_id=text_of(item.get("call_id")),
        status="error" if failed else None,
        span=span,
    )


def _reasoning(item: dict[str, Any]) -> str:
    text = "\n".join(plain_text(item.get(name)) for name in ("summary", "content") if item.get(name))
    return text or ("[encrypted reasoning]" if item.get("encrypted_content") else "")


_RECORDS = json_reader("openai-responses", "a list of response items", mark, read)


def recognise(sample: Sample) -> str | None:
    """A list of items, or a line that is one."""
    item = _item(sample.value)
    if sample.place.startswith("line") and item.get("type") in (*_CALLS, *_OUTPUTS):
        return f"a response item of type `{item['type']}`"
    return _RECORDS.recognise(sample)


def index(path: Path) -> Index:
    """The records that hold items; of a file with one item a line, its one run."""
    found = _RECORDS.index(path)
    if found.entries:
        return found
    lines, damage = json_lines(path)
    if not any(_tells(line.value) for line in lines):
        return found
    if len(damage) > len(lines):
        raise InputError(f"{path}: most of its lines are no JSON objects")
    return Index((Entry(path=path, line=1, offset=0, length=0),))


def read_entry(entry: Entry) -> Trajectory:
    """The run of a record, or of all the lines."""
    if entry.length:
        return _RECORDS.read(entry)
    lines, damage = json_lines(entry.path)
    messages: list[Message] = []
    _add(messages, ((line.value, line.span) for line in lines))
    meta: dict[str, Any] = next((line.value["payload"] for line in lines if _is_meta(line.value)), {})
    return run_from(entry, "openai-responses", joined(messages), damage, run_id=text_of(meta.get("id")))


def _is_meta(value: dict[str, Any]) -> bool:
    return value.get("type") == "session_meta" and isinstance(value.get("payload"), dict)


OPENAI_RESPONSES = Reader(
    name="openai-responses", title=_RECORDS.title, recognise=recognise, index=index, read=read_entry
)
