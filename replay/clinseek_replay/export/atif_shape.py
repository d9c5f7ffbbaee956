"""Whether a document is ATIF 1.7: every object has the fields of the published shape and no other.

The shape and the rules are those of Harbor's RFC 0001 in version 1.7. A reader may be lenient; what is
written goes through this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

__all__ = ["atif_problems"]

Problems = Iterator[str]
Check = Callable[[Any, str], Problems]
Json = dict[str, Any]


class _Field(NamedTuple):
    check: Check
    required: bool = False


def atif_problems(document: Any) -> tuple[str, ...]:
    """What keeps a document from being ATIF 1.7, each with its place; empty where nothing does."""
    return tuple(_trajectory(document, "$"))


def _text(value: Any, at: str) -> Problems:
    if not isinstance(value, str):
        yield f"{at}: must be a string"


def _whole(value: Any, at: str) -> Problems:
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"{at}: must be a whole number"


def _count(value: Any, at: str) -> Problems:
    yield from _whole(value, at)
    if isinstance(value, int) and value < 0:
        yield f"{at}: must not be negative"


def _number(value: Any, at: str) -> Problems:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield f"{at}: must be a number"


def _yes_or_no(value: Any, at: str) -> Problems:
    if not isinstance(value, bool):
        yield f"{at}: must be true or false"


def _object(value: Any, at: str) -> Problems:
    if not isinstance(value, dict):
        yield f"{at}: must be an object"


def _time(value: Any, at: str) -> Problems:
    yield from _text(value, at)
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            yield f"{at}: must be an ISO 8601 time"


def _effort(value: Any, at: str) -> Problems:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        yield f"{at}: must be a string or a number"


def _one_of(*allowed: str) -> Check:
    def check(value: Any, at: str) -> Problems:
        if value not in allowed:
            yield f"{at}: must be one of {', '.join(allowed)}"

    return check


def _list_of(item: Check) -> Check:
    def check(value: Any, at: str) -> Problems:
        if not isinstance(value, list):
            yield f"{at}: must be a list"
            return
        for place, each in enumerate(value):
            yield from item(each, f"{at}[{place}]")

    return check


def _shaped(fields: Mapping[str, _Field]) -> Check:
    """An object of these fields alone; a field may be null unless it is required."""

    def check(value: Any, at: str) -> Problems:
        if not isinstance(value, dict):
            yield f"{at}: must be an object"
            return
        for name in value:
            if name not in fields:
                yield f"{at}.{name}: is not a field of the format; fields of one's own go under `extra`"
        for name, field in fields.items():
            if value.get(name) is not None:
                yield from field.check(value[name], f"{at}.{name}")
            elif field.required:
                yield f"{at}.{name}: is missing"

    return check


_EXTRA = {"extra": _Field(_object)}
_IMAGE = _shaped(
    {
        "media_type": _Field(_one_of("image/jpeg", "image/png", "image/gif", "image/webp"), required=True),
        "path": _Field(_text, required=True),
    }
)
_PART = _shaped(
    {
        "type": _Field(_one_of("text", "image"), required=True),
        "text": _Field(_text),
        "source": _Field(_IMAGE),
    }
)


def _part(value: Any, at: str) -> Problems:
    yield from _PART(value, at)
    if isinstance(value, dict):
        wanted, other = ("text", "source") if value.get("type") == "text" else ("source", "text")
        if value.get(wanted) is None:
            yield f"{at}.{wanted}: is missing"
        if value.get(other) is not None:
            yield f"{at}.{other}: does not belong to this type"


def _content(value: Any, at: str) -> Problems:
    if not isinstance(value, str):
        yield from _list_of(_part)(value, at)


_SUBAGENT_REF = _shaped(
    {
        "trajectory_id": _Field(_text),
        "session_id": _Field(_text),
        "trajectory_path": _Field(_text),
        **_EXTRA,
    }
)


def _subagent_ref(value: Any, at: str) -> Problems:
    yield from _SUBAGENT_REF(value, at)
    if isinstance(value, dict) and not (value.get("trajectory_id") or value.get("trajectory_path")):
        yield f"{at}: needs trajectory_id or trajectory_path"


_AGENT = _shaped(
    {
        "name": _Field(_text, required=True),
        "version": _Field(_text, required=True),
        "model_name": _Field(_text),
        "tool_definitions": _Field(_list_of(_object)),
        **_EXTRA,
    }
)
_TOOL_CALL = _shaped(
    {
        "tool_call_id": _Field(_text, required=True),
        "function_name": _Field(_text, required=True),
        "arguments": _Field(_object, required=True),
        **_EXTRA,
    }
)
_RESULT = _shaped(
    {
        "source_call_id": _Field(_text),
        "content": _Field(_content),
        "subagent_trajectory_ref": _Field(_list_of(_subagent_ref)),
        **_EXTRA,
    }
)
_METRICS = _shaped(
    {
        "prompt_tokens": _Field(_whole),
        "completion_tokens": _Field(_whole),
        "cached_tokens": _Field(_whole),
        "cost_usd": _Field(_number),
        "prompt_token_ids": _Field(_list_of(_whole)),
        "completion_token_ids": _Field(_list_of(_whole)),
        "logprobs": _Field(_list_of(_number)),
        **_EXTRA,
    }
)
_FINAL_METRICS = _shaped(
    {
        "total_prompt_tokens": _Field(_whole),
        "total_completion_tokens": _Field(_whole),
        "total_cached_tokens": _Field(_whole),
        "total_cost_usd": _Field(_number),
        "total_steps": _Field(_count),
        **_EXTRA,
    }
)
_STEP = _shaped(
    {
        "step_id": _Field(_whole, required=True),
        "timestamp": _Field(_time),
        "source": _Field(_one_of("system", "user", "agent"), required=True),
        "model_name": _Field(_text),
        "reasoning_effort": _Field(_effort),
        "message": _Field(_content, required=True),
        "reasoning_content": _Field(_text),
        "tool_calls": _Field(_list_of(_TOOL_CALL)),
        "observation": _Field(_shaped({"results": _Field(_list_of(_RESULT), required=True)})),
        "metrics": _Field(_METRICS),
        "is_copied_context": _Field(_yes_or_no),
        "llm_call_count": _Field(_count),
        **_EXTRA,
    }
)
_AGENT_ALONE = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")
_MODEL_ALONE = ("metrics", "reasoning_content")


def _step(value: Any, at: str) -> Problems:
    yield from _STEP(value, at)
    if not isinstance(value, dict):
        return
    if value.get("source") != "agent":
        for name in _AGENT_ALONE:
            if value.get(name) is not None:
                yield f"{at}.{name}: belongs to steps of the agent alone"
    elif value.get("llm_call_count") == 0:
        for name in _MODEL_ALONE:
            if value.get(name) is not None:
                yield f"{at}.{name}: does not belong to a step without a model's call"
    yield from _references(value, at)


def _references(step: Json, at: str) -> Problems:
    """Results name calls of their own step, and ids tell its calls apart."""
    calls = step.get("tool_calls")
    objects = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    texts = [id_ for call in objects if isinstance(id_ := call.get("tool_call_id"), str)]
    if len(set(texts)) < len(texts):
        yield f"{at}.tool_calls: two calls of the step have one tool_call_id"
    observation = step.get("observation")
    results = observation.get("results") if isinstance(observation, dict) else None
    for place, result in enumerate(results if isinstance(results, list) else []):
        named = result.get("source_call_id") if isinstance(result, dict) else None
        if named is not None and named not in texts:
            yield f"{at}.observation.results[{place}].source_call_id: names no call of the step"


def _steps(value: Any, at: str) -> Problems:
    yield from _list_of(_step)(value, at)
    if not isinstance(value, list):
        return
    if not value:
        yield f"{at}: must hold a step at least"
    for number, step in enumerate(value, 1):
        if isinstance(step, dict) and step.get("step_id") != number:
            yield f"{at}[{number - 1}].step_id: must be {number}; steps are numbered from 1"


def _subagents(value: Any, at: str) -> Problems:
    yield from _list_of(_trajectory)(value, at)
    seen: set[str] = set()
    for place, one in enumerate(value if isinstance(value, list) else []):
        id_ = one.get("trajectory_id") if isinstance(one, dict) else None
        if not isinstance(id_, str):
            yield f"{at}[{place}].trajectory_id: is missing"
        elif id_ in seen:
            yield f"{at}[{place}].trajectory_id: stands twice"
        else:
            seen.add(id_)


def _trajectory(value: Any, at: str) -> Problems:
    yield from _TRAJECTORY(value, at)


_TRAJECTORY = _shaped(
    {
        "schema_version": _Field(_one_of("ATIF-v1.7"), required=True),
        "session_id": _Field(_text),
        "trajectory_id": _Field(_text),
        "agent": _Field(_AGENT, required=True),
        "steps": _Field(_steps, required=True),
        "notes": _Field(_text),
        "final_metrics": _Field(_FINAL_METRICS),
        "continued_trajectory_ref": _Field(_text),
        "subagent_trajectories": _Field(_subagents),
        **_EXTRA,
    }
)
