"""Chat messages in OpenAI's shape, as the reference implementation stores them, to prompt and steps.

Whatever is not as it should be is read as far as it goes and told as damage; nothing raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinseek_replay.amounts import data_size
from clinseek_replay.readers.reader import lenient_json
from clinseek_replay.readers.result_status import status_of
from clinseek_replay.trajectory import Call, Note, Result, Step

__all__ = ["Chat", "canonical_name", "plain_text", "read_chat"]

_NAMESPACES = ("ehr", "browser", "image")
_BARE_NAMES = {
    "search": "browser",
    "open": "browser",
    "find": "browser",
    "image_visualizer": "image",
    "dicom_processor": "image",
    "chest_xray_classifier": "image",
    "chest_xray_report_generator": "image",
    "xray_phrase_grounding": "image",
    "chest_xray_segmentation": "image",
}
"""Tools that are none of the EHR's, as models that drop the namespace name them."""


@dataclass(frozen=True)
class Chat:
    """What a list of messages holds."""

    prompt: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    damage: tuple[str, ...]


@dataclass
class _Turn:
    message: dict[str, Any]
    results: list[dict[str, Any]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_chat(messages: Sequence[Any]) -> Chat:
    """The opening prompt, and a step for each of the assistant's messages with the results that follow it."""
    prompt: list[tuple[str, str]] = []
    turns: list[_Turn] = []
    damage: list[str] = []
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            damage.append(f"messages[{position}] is no object")
            continue
        role = message.get("role")
        if role == "assistant":
            turns.append(_Turn(message))
        elif role == "tool" and turns:
            turns[-1].results.append(message)
        elif role == "tool":
            damage.append(f"messages[{position}] is a tool's result before any call")
        elif turns:
            turns[-1].notes.append(Note(_text(role) or "message", plain_text(message.get("content"))))
        else:
            prompt.append((_text(role) or "message", plain_text(message.get("content"))))
    return Chat(
        prompt=tuple(prompt),
        steps=tuple(_step(number, turn) for number, turn in enumerate(turns, 1)),
        damage=tuple(damage),
    )


def _step(number: int, turn: _Turn) -> Step:
    requests = [item for item in _items(turn.message.get("tool_calls")) if isinstance(item, dict)]
    ids = [_text(request.get("id")) for request in requests]
    results, left_over = _paired(ids, turn.results)
    calls = (
        _call(f"s{number}.c{position}", request, result)
        for position, (request, result) in enumerate(zip(requests, results, strict=True), 1)
    )
    orphans = (Note("result without a call", plain_text(message.get("content"))) for message in left_over)
    return Step(
        number=number,
        text=plain_text(turn.message.get("content")),
        reasoning=_reasoning(turn.message),
        calls=tuple(calls),
        notes=(*orphans, *turn.notes),
    )


def _paired(
    ids: Sequence[str], results: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any] | None], list[dict[str, Any]]]:
    """The result of each call of one message, and the results that belong to none.

    Ids made by fallback parsers repeat within a run, and within a message where they are missing: they
    count only here, and only where they tell the calls apart. Otherwise order does.
    """
    named = {_text(result.get("tool_call_id")): result for result in results}
    if len(set(ids)) == len(ids) and len(named) == len(results) and named.keys() <= set(ids):
        return [named.get(id_) for id_ in ids], []
    in_order: list[dict[str, Any] | None] = list(results[: len(ids)])
    return in_order + [None] * (len(ids) - len(in_order)), list(results[len(ids) :])


def _call(anchor: str, request: dict[str, Any], result: dict[str, Any] | None) -> Call:
    function = request.get("function")
    function = function if isinstance(function, dict) else request
    wire_name = _text(function.get("name"))
    name = canonical_name(wire_name)
    arguments, raw = _arguments(function.get("arguments"))
    return Call(
        anchor=anchor,
        id=_text(request.get("id")),
        name=name,
        arguments=arguments,
        raw_arguments=raw,
        wire_name=wire_name if wire_name != name else "",
        result=None if result is None else _result(name, plain_text(result.get("content"))),
    )


def _result(tool: str, text: str) -> Result:
    return Result(status=status_of(tool, text), text=text, full_characters=len(text))


def canonical_name(name: str) -> str:
    """`ehr_load_ehr` and `load_ehr` as `ehr.load_ehr`, by the reference implementation's own rules."""
    if not name or "." in name:
        return name
    for namespace in _NAMESPACES:
        if name.startswith(f"{namespace}_") and name not in _BARE_NAMES:
            return f"{namespace}.{name.removeprefix(f'{namespace}_')}"
    return f"{_BARE_NAMES.get(name, 'ehr')}.{name}"


def _arguments(value: Any) -> tuple[dict[str, Any] | None, str]:
    """The arguments as an object, or None and the text that was none."""
    if isinstance(value, str):
        raw = value
        try:
            value = lenient_json(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return None, raw
    elif value is None:
        value, raw = {}, ""
    else:
        raw = json.dumps(value, ensure_ascii=False, default=str)
    if not isinstance(value, dict):
        return None, raw
    if value.keys() == {"_raw"}:
        return None, _text(value["_raw"])
    return value, ""


def plain_text(content: Any) -> str:
    """The text of a message's content: a string, None, or blocks; an image becomes `[image/jpeg, 312 kB]`."""
    if isinstance(content, str):
        return content
    return "\n".join(_block_text(block) for block in _items(content))


def _block_text(block: Any) -> str:
    if not isinstance(block, dict):
        return _text(block)
    if isinstance(block.get("text"), str):
        return str(block["text"])
    source, link = block.get("source"), block.get("image_url")
    if isinstance(source, dict) and isinstance(source.get("data"), str):
        return _image_text(_text(source.get("media_type")), source["data"])
    if isinstance(link, dict) and isinstance(link.get("url"), str):
        head, comma, data = link["url"].partition(",")
        return _image_text(head.removeprefix("data:").partition(";")[0], data) if comma else f"[image {head}]"
    return f"[{_text(block.get('type')) or 'block'}]"


def _image_text(media_type: str, base64: str) -> str:
    return f"[{media_type or 'image'}, {data_size(len(base64) * 3 // 4)}]"


def _reasoning(message: dict[str, Any]) -> str:
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str) and message[name]:
            return str(message[name])
    return "\n".join(_thoughts(_items(message.get("bedrock_content_blocks"))))


def _thoughts(blocks: Iterable[Any]) -> Iterable[str]:
    for block in blocks:
        if isinstance(block, dict) and isinstance(block.get("thinking"), str):
            yield block["thinking"]
        elif isinstance(block, dict) and block.get("type") == "redacted_thinking":
            yield "[redacted thinking]"


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)
