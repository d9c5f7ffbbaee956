"""A conversation as the body of a chat-completions request, and what is left off it when refused."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from clinseek_core.journal.events import CallRequest
from clinseek_core.models.port import (
    AssistantMessage,
    ChatMessage,
    Conversation,
    Image,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from clinseek_core.models.tool_names import undotted
from clinseek_core.tools import ToolSpec

__all__ = ["CONCESSIONS", "WITHOUT_IMAGES", "Body", "Concession", "request_body"]

Body = dict[str, Any]


def request_body(
    model: str,
    conversation: Conversation,
    tools: tuple[ToolSpec, ...],
    *,
    temperature: float | None,
    max_output_tokens: int | None,
    response_format: Body | None = None,
) -> Body:
    """The whole request, before any concession: streaming, with usage, dotted names, images and a schema."""
    # Endpoints that think want the reasoning of every earlier turn back, empty ones included.
    reasons = any(isinstance(message, AssistantMessage) and message.reasoning for message in conversation)
    messages = [_wire_message(message, reasons) for message in conversation if not _is_blank(message)]
    body: Body = {
        "model": model,
        "messages": messages,
        "tools": [_wire_tool(tool) for tool in tools],
        "temperature": temperature,
        "max_tokens": max_output_tokens,
        "response_format": response_format,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return {name: value for name, value in body.items() if value not in (None, [])}


def _is_blank(message: ChatMessage) -> bool:
    """An answer without text and calls: many endpoints refuse to be told of one."""
    return isinstance(message, AssistantMessage) and not message.text and not message.calls


def _wire_tool(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": msgspec.to_builtins(tool)}


def _wire_message(message: ChatMessage, reasons: bool) -> dict[str, Any]:
    match message:
        case SystemMessage():
            return {"role": "system", "content": message.text}
        case UserMessage():
            parts = [_wire_image(image) for image in message.images]
            text = {"type": "text", "text": message.text}
            return {"role": "user", "content": [text, *parts] if parts else message.text}
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
        case AssistantMessage():
            wire: dict[str, Any] = {"role": "assistant", "content": message.text or None}
            if message.calls:
                wire["tool_calls"] = [_wire_call(call) for call in message.calls]
            if reasons:
                wire["reasoning_content"] = message.reasoning
            return wire


def _wire_image(image: Image) -> dict[str, Any]:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}}


def _wire_call(call: CallRequest) -> dict[str, Any]:
    # Servers parse the arguments of earlier calls and fail on text that is no JSON object.
    arguments = {"not_json": call.raw} if call.arguments is None else call.arguments
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name[:64] or "_", "arguments": json.dumps(arguments, ensure_ascii=False)},
    }


class Concession(msgspec.Struct, frozen=True):
    """Something an endpoint may refuse (HTTP 4xx), and the request without it."""

    notice: str
    refusal: re.Pattern[str]
    """Found in what the endpoint says when it refuses this."""
    change: Callable[[Body], Body]


def _undotted(body: Body) -> Body:
    return {
        **body,
        "tools": [_renamed(tool) for tool in body.get("tools", [])],
        "messages": [
            {**message, "tool_calls": [_renamed(call) for call in message["tool_calls"]]}
            if "tool_calls" in message
            else message
            for message in body["messages"]
        ],
    }


def _renamed(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "function": {**item["function"], "name": undotted(item["function"]["name"])}}


def _without(*names: str) -> Callable[[Body], Body]:
    return lambda body: {name: value for name, value in body.items() if name not in names}


def _new_limit_field(body: Body) -> Body:
    return {("max_completion_tokens" if name == "max_tokens" else name): body[name] for name in body}


def _without_images(body: Body) -> Body:
    return {**body, "messages": [_text_only(message) for message in body["messages"]]}


def _text_only(message: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(message["content"], list):
        return message
    text, *images = message["content"]
    note = f"[{len(images)} image(s) belong here; this model does not take images.]"
    return {**message, "content": f"{text['text']}\n\n{note}"}


def _without_reasoning(body: Body) -> Body:
    return {**body, "messages": [_without("reasoning_content")(message) for message in body["messages"]]}


def _says(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_TOO_LARGE = r".{0,80}(too large|exceed|at most|less than|greater|maximum|must be)"

WITHOUT_IMAGES = Concession(
    "images were refused: a note in their place from here on",
    _says(r"image|multi-?modal|vision"),
    _without_images,
)

CONCESSIONS = (
    Concession(
        "a schema of the answer was refused: asked for in words from here on",
        _says(r"response_format|json_schema|structured.{0,10}output|guided"),
        _without("response_format"),
    ),
    Concession(
        "dots in tool names were refused: `_` from here on",
        _says(r"name.{0,80}(pattern|a-z|alphanumeric|character)|invalid.{0,20}(function|tool).{0,20}name"),
        _undotted,
    ),
    Concession(
        "token counts of streams were refused: none from here on",
        _says(r"stream_options|include_usage"),
        _without("stream_options"),
    ),
    Concession(
        "streaming was refused: whole answers from here on",
        _says(r"\bstream(ing)?\b.{0,120}(not|n't|unsupported|false|disabled)|verified to stream"),
        _without("stream", "stream_options"),
    ),
    Concession(
        "`max_tokens` was refused: `max_completion_tokens` from here on",
        _says(rf"max_tokens(?!{_TOO_LARGE})"),
        _new_limit_field,
    ),
    Concession(
        "the limit of output tokens was refused: the model's own from here on",
        _says(r"max_(completion_)?tokens|in the completion|output tokens"),
        _without("max_tokens", "max_completion_tokens"),
    ),
    Concession(
        "`temperature` was refused: the model's own from here on",
        _says(r"temperature"),
        _without("temperature"),
    ),
    WITHOUT_IMAGES,
    Concession(
        "earlier reasoning was refused: left off from here on",
        _says(r"reasoning(?!.{0,80}(missing|passed back))"),
        _without_reasoning,
    ),
)
"""In the order they are tried; one applies where its refusal matches and it changes the request."""
