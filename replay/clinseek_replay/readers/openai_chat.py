"""Chats in the shape of OpenAI's chat API: an object with `messages`, or a bare list of them.

In Anthropic's shape too, whose calls and results are blocks of a message's content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clinseek_replay.readers.chat import Chat, read_chat
from clinseek_replay.readers.json_records import Record, json_reader, run_from
from clinseek_replay.readers.line_runs import json_lines
from clinseek_replay.readers.messages import dicts, items, plain_text, read_messages, text_of
from clinseek_replay.readers.reader import Entry, Index, Reader, Sample
from clinseek_replay.trajectory import Trajectory

__all__ = ["ANTHROPIC_MESSAGES", "OPENAI_CHAT", "ROLES"]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_BLOCKS = ("tool_use", "tool_result", "thinking", "redacted_thinking")


def _messages(value: Any) -> list[Any]:
    listed = value.get("messages") if isinstance(value, dict) else value
    return listed if isinstance(listed, list) else []


def mark_openai(value: Any) -> str | None:
    """A chat: messages with roles."""
    with_role = [message for message in dicts(_messages(value)) if message.get("role") in ROLES]
    if not with_role:
        return None
    return "a chat with `messages`" if isinstance(value, dict) else "a list of chat messages"


def mark_anthropic(value: Any) -> str | None:
    """A chat whose messages hold Anthropic's blocks."""
    for message in dicts(_messages(value)):
        for block in dicts(message.get("content")):
            if message.get("role") in ROLES and block.get("type") in _BLOCKS:
                return f"a chat with blocks of type `{block['type']}`"
    return None


def _read(record: Record, format_name: str) -> Trajectory:
    fields = record.fields
    chat, damage = (record.chat, ()) if record.chat else _chat(record)
    if system := plain_text(fields.get("system")):
        chat = replace(chat, prompt=(("system", system), *chat.prompt))
    run_id = text_of(fields.get("session_id")) or text_of(fields.get("id"))
    return run_from(
        record.entry, format_name, chat, damage, fields, *dicts(fields.get("metadata")), run_id=run_id
    )


def _chat(record: Record) -> tuple[Chat, Sequence[str]]:
    values = items(record.fields["messages"]) if "messages" in record.fields else items(record.value)
    spans = record.spans("messages") if "messages" in record.fields else record.spans()
    messages, damage = read_messages(values, spans)
    return read_chat(messages), damage


def read_openai(record: Record) -> Trajectory:
    """The run of one chat."""
    return _read(record, "openai-chat")


def read_anthropic(record: Record) -> Trajectory:
    """The run of one chat."""
    return _read(record, "anthropic-messages")


_RECORDS = json_reader("openai-chat", "a chat with `messages`", mark_openai, read_openai, large="messages")


def recognise(sample: Sample) -> str | None:
    """A chat, or a line that is one of its messages."""
    if sample.place.startswith("line") and _is_message(sample.value):
        return "a chat's message, one a line"
    return _RECORDS.recognise(sample)


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("role") in ROLES
        and ("content" in value or "tool_calls" in value)
    )


def index(path: Path) -> Index:
    """The chats; of a file with one message a line, its one run."""
    found = _RECORDS.index(path)
    if found.entries or not any(_is_message(line.value) for line in json_lines(path)[0]):
        return found
    return Index((Entry(path=path, line=1, offset=0, length=0),))


def read_entry(entry: Entry) -> Trajectory:
    """The run of a chat, or of all the lines."""
    if entry.length:
        return _RECORDS.read(entry)
    lines, damage = json_lines(entry.path)
    messages, more = read_messages([line.value for line in lines], [line.span for line in lines])
    return run_from(entry, "openai-chat", messages, [*damage, *more])


OPENAI_CHAT = Reader(
    name="openai-chat", title=_RECORDS.title, recognise=recognise, index=index, read=read_entry
)
ANTHROPIC_MESSAGES = json_reader(
    "anthropic-messages",
    "a chat with Anthropic's blocks",
    mark_anthropic,
    read_anthropic,
    large="messages",
)
