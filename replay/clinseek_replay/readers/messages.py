"""One message of a chat, whatever dialect it was written in: what every chat-like format is turned into."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from clinseek_core.call_text import Asked, calls_in, responses_in, split_thinking
from clinseek_core.journal import Status, Usage
from clinseek_replay.amounts import data_size
from clinseek_replay.trajectory import Note, Span

__all__ = [
    "Asked",
    "Message",
    "dicts",
    "items",
    "joined",
    "messages_of",
    "plain_text",
    "read_messages",
    "text_of",
    "time_of",
    "usage_of",
]

_ASSISTANT = ("assistant", "model")
_THINKING = ("thinking", "redacted_thinking", "reasoning")
_CALLS = ("tool_use", "server_tool_use")
_RESULTS = ("tool_result", "web_search_tool_result", "server_tool_result")
_MAX_UNIX_S = 1e11
"""A larger number of a time counts milliseconds."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of somebody: the model's with its calls, one tool's result, or a text of the others."""

    role: str
    """`assistant` and `tool` make steps; every other role is a text before or between them."""
    text: str = ""
    reasoning: str = ""
    calls: tuple[Asked, ...] = ()
    call_id: str = ""
    """Of a result: the id of its call."""
    status: Status | None = None
    """Of a result, where the format says it; else it is told from the text."""
    full_characters: int | None = None
    """Of a result, where the model got only its head."""
    at: datetime | None = None
    usage: Usage | None = None
    ms: float | None = None
    finish_reason: str = ""
    notes: tuple[Note, ...] = ()
    span: Span | None = None
    also: tuple[Span, ...] = ()
    """Where the rest of it stands, where it is written in several places."""
    goes_on: bool = False
    """Whether it is more of the model's turn before it; `joined` puts them together."""


def read_messages(values: Sequence[Any], spans: Sequence[Span] = ()) -> tuple[list[Message], list[str]]:
    """The messages of a recording's list, and what of it can't be used.

    Each message bears its range where `spans` has one for each.
    """
    known: Sequence[Span | None] = spans if len(spans) == len(values) else [None] * len(values)
    messages: list[Message] = []
    damage: list[str] = []
    begun = False
    for position, (value, span) in enumerate(zip(values, known, strict=True)):
        if not isinstance(value, dict):
            damage.append(f"messages[{position}] is no object")
            continue
        for message in messages_of(value, span):
            begun = begun or message.role == "assistant"
            if message.role == "tool" and not begun:
                damage.append(f"messages[{position}] is a tool's result before any call")
            else:
                messages.append(message)
    return messages, damage


def messages_of(value: dict[str, Any], span: Span | None = None) -> list[Message]:
    """A message of OpenAI's or Anthropic's API, of Inspect, or of a training set.

    One message may hold several of ours: Anthropic's results are blocks of a user's message.
    """
    role = text_of(value.get("role"))
    if role in _ASSISTANT:
        return [_assistant(value, span)]
    if role in ("tool", "function"):
        return [_result(value, span)]
    results = [block for block in dicts(value.get("content")) if block.get("type") in _RESULTS]
    messages = [_result_of_block(block, span) for block in results]
    text = _without(value.get("content"), _RESULTS)
    responses = responses_in(text) if role == "user" else None
    if responses is not None:
        texts, text = responses
        messages += [Message(role="tool", text=each, span=span) for each in texts]
    if text or not messages:
        at = time_of(value.get("timestamp"))
        messages.append(Message(role=role or "message", text=text, at=at, span=span))
    return messages


def _assistant(value: dict[str, Any], span: Span | None) -> Message:
    blocks = dicts(value.get("content"))
    text = _without(value.get("content"), (*_THINKING, *_CALLS, *_RESULTS))
    reasoning = _reasoning(value, blocks)
    if not reasoning:
        reasoning, text = split_thinking(text)
    calls = _calls(value, blocks)
    if not calls:
        text, calls = calls_in(text)
    extra = value.get("extra")
    extra = extra if isinstance(extra, dict) else {}
    return Message(
        role="assistant",
        text=text,
        reasoning=reasoning,
        calls=tuple(calls),
        at=time_of(value.get("timestamp", extra.get("timestamp"))),
        usage=usage_of(value.get("usage")),
        finish_reason=text_of(value.get("finish_reason") or value.get("stop_reason")),
        span=span,
    )


def _calls(value: dict[str, Any], blocks: Iterable[dict[str, Any]]) -> list[Asked]:
    calls = [_asked(request) for request in dicts(value.get("tool_calls"))]
    legacy = value.get("function_call")
    if not calls and isinstance(legacy, dict):
        calls = [Asked(name=text_of(legacy.get("name")), arguments=legacy.get("arguments"))]
    if calls:
        return calls
    return [
        Asked(name=text_of(block.get("name")), arguments=block.get("input"), id=text_of(block.get("id")))
        for block in blocks
        if block.get("type") in _CALLS
    ]


def _asked(request: dict[str, Any]) -> Asked:
    function = request.get("function")
    inner = function if isinstance(function, dict) else request
    name = function if isinstance(function, str) else inner.get("name")
    return Asked(name=text_of(name), arguments=inner.get("arguments"), id=text_of(request.get("id")))


def _result(value: dict[str, Any], span: Span | None) -> Message:
    text = plain_text(value.get("content"))
    error = value.get("error")
    if isinstance(error, dict) and isinstance(error.get("message"), str) and not text:
        text = error["message"]
    return Message(
        role="tool",
        text=text,
        call_id=text_of(value.get("tool_call_id")),
        status="error" if value.get("is_error") is True or error else None,
        at=time_of(value.get("timestamp")),
        span=span,
    )


def _result_of_block(block: dict[str, Any], span: Span | None) -> Message:
    return Message(
        role="tool",
        text=plain_text(block.get("content")),
        call_id=text_of(block.get("tool_use_id")),
        status="error" if block.get("is_error") is True else None,
        span=span,
    )


def _reasoning(value: dict[str, Any], blocks: Iterable[dict[str, Any]]) -> str:
    for name in ("reasoning_content", "reasoning"):
        if isinstance(value.get(name), str) and value[name]:
            return str(value[name])
    return "\n".join(_thoughts(blocks)) or "\n".join(_thoughts(dicts(value.get("bedrock_content_blocks"))))


def _thoughts(blocks: Iterable[dict[str, Any]]) -> Iterable[str]:
    for block in blocks:
        if block.get("redacted") is True or block.get("type") == "redacted_thinking":
            summary = block.get("summary")
            yield summary if isinstance(summary, str) and summary else "[redacted thinking]"
        elif isinstance(block.get("thinking"), str):
            yield block["thinking"]
        elif block.get("type") == "reasoning" and isinstance(block.get("reasoning"), str):
            yield block["reasoning"]


def joined(messages: Iterable[Message]) -> list[Message]:
    """The messages, with those that go on with the model's turn before them put into it."""
    found: list[Message] = []
    parts: list[Message] = []
    at = 0
    for message in messages:
        if message.goes_on and parts:
            parts.append(message)
            continue
        if message.role == "assistant":
            if len(parts) > 1:
                found[at] = _merged(parts)
            parts, at = [message], len(found)
        found.append(message)
    if len(parts) > 1:
        found[at] = _merged(parts)
    return found


def _merged(parts: Sequence[Message]) -> Message:
    spans = [span for part in parts for span in (part.span, *part.also) if span is not None]
    return Message(
        role=parts[0].role,
        text="\n".join(part.text for part in parts if part.text),
        reasoning="\n".join(part.reasoning for part in parts if part.reasoning),
        calls=tuple(call for part in parts for call in part.calls),
        at=next((part.at for part in parts if part.at), None),
        usage=next((part.usage for part in reversed(parts) if part.usage), None),
        ms=next((part.ms for part in reversed(parts) if part.ms is not None), None),
        finish_reason=next((part.finish_reason for part in reversed(parts) if part.finish_reason), ""),
        notes=tuple(note for part in parts for note in part.notes),
        span=spans[0] if spans else None,
        also=tuple(spans[1:]),
    )


def plain_text(content: Any) -> str:
    """The text of a message's content: a string, None, or blocks; an image becomes `[image/jpeg, 312 kB]`."""
    if isinstance(content, str):
        return content
    return "\n".join(_block_text(block) for block in items(content))


def _without(content: Any, kinds: Sequence[str]) -> str:
    if not isinstance(content, list):
        return plain_text(content)
    return plain_text([block for block in content if not (isinstance(block, dict) and _kind(block) in kinds)])


def _kind(block: dict[str, Any]) -> str:
    return text_of(block.get("type"))


def _block_text(block: Any) -> str:
    if not isinstance(block, dict):
        return text_of(block)
    if isinstance(block.get("text"), str):
        return str(block["text"])
    source, link = block.get("source"), block.get("image_url", block.get("image"))
    url = link.get("url") if isinstance(link, dict) else link
    if isinstance(source, dict) and isinstance(source.get("data"), str):
        return _image_text(text_of(source.get("media_type")), source["data"])
    if isinstance(url, str):
        head, comma, data = url.partition(",")
        return _image_text(head.removeprefix("data:").partition(";")[0], data) if comma else f"[image {head}]"
    return f"[{_kind(block) or 'block'}]"


def _image_text(media_type: str, base64: str) -> str:
    return f"[{media_type or 'image'}, {data_size(len(base64) * 3 // 4)}]"


def usage_of(value: Any) -> Usage | None:
    """Token counts as OpenAI or Anthropic name them; None where both are missing."""
    if not isinstance(value, dict):
        return None
    counts = [
        next((value[name] for name in names if _is_count(value.get(name))), None)
        for names in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))
    ]
    if counts == [None, None]:
        return None
    return Usage(input_tokens=counts[0] or 0, output_tokens=counts[1] or 0)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def time_of(value: Any) -> datetime | None:
    """A moment as ISO text, taken for UTC where it names no zone, or as Unix seconds or milliseconds."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value:
            return datetime.fromtimestamp(value / 1000 if value > _MAX_UNIX_S else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def items(value: Any) -> list[Any]:
    """A list as it is, None as none, anything else as the only item."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or the object itself."""
    return [item for item in items(value) if isinstance(item, dict)]


def text_of(value: Any) -> str:
    """A string as it is, None as nothing, anything else as JSON."""
    if isinstance(value, str) or value is None:
        return value or ""
    try:
        return json.dumps(value, default=str)
    except RecursionError:
        return "[nested too deeply]"
