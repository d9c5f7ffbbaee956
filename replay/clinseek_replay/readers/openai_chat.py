"""Chats in the shape of OpenAI's chat API: an object with `messages`, or a bare list of them.

In Anthropic's shape too, whose calls and results are blocks of a message's content.
"""

from __future__ import annotations

from typing import Any

from clinseek_replay.readers.json_records import Record, json_reader, run_from
from clinseek_replay.readers.messages import Message, dicts, items, plain_text, read_messages, text_of
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
    values = items(record.fields["messages"]) if "messages" in record.fields else items(record.value)
    spans = record.spans("messages") if "messages" in record.fields else record.spans()
    messages, damage = read_messages(values, spans)
    system = plain_text(record.fields.get("system"))
    if system:
        messages.insert(0, Message(role="system", text=system))
    fields = record.fields
    run_id = text_of(fields.get("session_id")) or text_of(fields.get("id"))
    return run_from(
        record.entry, format_name, messages, damage, fields, *dicts(fields.get("metadata")), run_id=run_id
    )


def read_openai(record: Record) -> Trajectory:
    """The run of one chat."""
    return _read(record, "openai-chat")


def read_anthropic(record: Record) -> Trajectory:
    """The run of one chat."""
    return _read(record, "anthropic-messages")


OPENAI_CHAT = json_reader("openai-chat", "a chat with `messages`", mark_openai, read_openai)
ANTHROPIC_MESSAGES = json_reader(
    "anthropic-messages", "a chat with Anthropic's blocks", mark_anthropic, read_anthropic
)
