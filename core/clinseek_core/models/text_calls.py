"""Calls that a model wrote as text, where its endpoint gave none: requests, marked with where they stood."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from clinseek_core.call_text import Asked, calls_in
from clinseek_core.journal.events import CallRequest
from clinseek_core.models.chat_reply import MAX_CALLS, parse_arguments
from clinseek_core.models.port import Reply
from clinseek_core.models.tool_names import canonical
from clinseek_core.tools import ToolSpec

__all__ = ["with_text_calls"]

_TYPED = frozenset({"integer", "number", "boolean", "array", "object"})


def with_text_calls(reply: Reply, tools: Sequence[ToolSpec], turn: int) -> Reply:
    """The reply with the calls that its text holds, or else its reasoning; the same where it has any already.

    Of a text, what was said beside the calls stays. Models that were trained on written calls answer so where
    their server does not parse them.
    """
    if reply.calls:
        return reply
    places: tuple[Literal["text", "reasoning"], ...] = ("text", "reasoning")
    for place in places:
        said, asked = calls_in(reply.text if place == "text" else reply.reasoning)
        calls = tuple(
            _request(one, tools, f"text_{turn}_{number}", place)
            for number, one in enumerate(asked[:MAX_CALLS], 1)
            if one.name
        )
        if calls:
            return msgspec.structs.replace(reply, calls=calls, **({"text": said} if place == "text" else {}))
    return reply


def _request(
    asked: Asked, tools: Sequence[ToolSpec], identity: str, place: Literal["text", "reasoning"]
) -> CallRequest:
    name = canonical(asked.name, [tool.name for tool in tools])
    spec = next((tool for tool in tools if tool.name == name), None)
    value = asked.arguments
    if isinstance(value, dict) and spec is not None:
        value = _typed(value, spec)
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    arguments, raw = parse_arguments(text)
    return CallRequest(
        id=identity,
        name=name,
        arguments=arguments,
        wire_name=asked.name if asked.name != name else "",
        raw=raw,
        parsed_from=place,
    )


def _typed(arguments: dict[str, Any], spec: ToolSpec) -> dict[str, Any]:
    """The arguments by their schema's types: in the XML dialect a list or a number is written as text."""
    shapes = spec.parameters.get("properties", {})

    def typed(key: str, value: Any) -> Any:
        shape = shapes.get(key)
        if not isinstance(value, str) or not isinstance(shape, dict) or shape.get("type") not in _TYPED:
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value

    return {key: typed(key, value) for key, value in arguments.items()}
