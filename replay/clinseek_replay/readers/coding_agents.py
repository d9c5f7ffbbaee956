"""Trajectories of SWE-agent and mini-SWE-agent, whose calls are commands of a shell."""

from __future__ import annotations

from typing import Any

import msgspec

from clinseek_replay.readers.json_records import Label, Record, json_reader, run_from
from clinseek_replay.readers.messages import (
    Asked,
    Message,
    dicts,
    items,
    messages_of,
    plain_text,
    text_of,
    time_of,
    usage_of,
)
from clinseek_replay.trajectory import Span, Trajectory

__all__ = ["MINI_SWE_AGENT", "SWE_AGENT"]

_SHELL = "bash"


def mark_swe_agent(value: Any) -> str | None:
    """Items with an action and what came of it."""
    taken = dicts(value.get("trajectory")) if isinstance(value, dict) else []
    if any("action" in item and "observation" in item for item in taken):
        return "a `trajectory` of actions and observations"
    return None


def _info(value: Any) -> dict[str, Any]:
    info = value.get("info") if isinstance(value, dict) else None
    return info if isinstance(info, dict) else {}


def _label(value: Any) -> Label:
    return Label(qid=text_of(value.get("instance_id")) if isinstance(value, dict) else "")


def read_swe_agent(record: Record) -> Trajectory:
    """The run of one file."""
    value = record.fields
    taken, spans = items(value.get("trajectory")), record.spans("trajectory")
    messages = _opening(value, taken)
    damage: list[str] = []
    for position, item in enumerate(taken):
        if isinstance(item, dict):
            messages += _action(item, spans[position] if len(spans) == len(taken) else None)
        else:
            damage.append(f"trajectory[{position}] is no object")
    return run_from(
        record.entry,
        "swe-agent",
        messages,
        damage,
        {"task": value.get("environment")},
        stop_reason=text_of(_info(value).get("exit_status")),
    )


def _opening(value: dict[str, Any], taken: list[Any]) -> list[Message]:
    """What the model was asked first: `query` of the first action, `message` before 1.1, else the history."""
    first = taken[0] if taken and isinstance(taken[0], dict) else {}
    opening: list[Message] = []
    for message in dicts(first.get("query") or first.get("message") or value.get("history")):
        if message.get("role") == "assistant":
            break
        opening += messages_of(message)
    return [message for message in opening if message.role != "tool"]


def _action(item: dict[str, Any], span: Span | None) -> list[Message]:
    action = text_of(item.get("action")).strip()
    response, thought = text_of(item.get("response")), text_of(item.get("thought"))
    calls = (Asked(_SHELL, {"command": action}),) if action else ()
    turn = Message(role="assistant", text=thought or response, calls=calls, span=span)
    if not action:
        return [turn]
    seconds = item.get("execution_time")
    ms = float(seconds) * 1000 if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None
    return [turn, Message(role="tool", text=plain_text(item.get("observation")), ms=ms)]


def mark_mini(value: Any) -> str | None:
    """A `trajectory_format` that names mini-swe-agent."""
    named = value.get("trajectory_format") if isinstance(value, dict) else None
    if not isinstance(named, str) or not named.startswith("mini-swe-agent"):
        return None
    return f"a trajectory of {named[:40]}"


def read_mini(record: Record) -> Trajectory:
    """The run of one file."""
    values, spans = items(record.fields.get("messages")), record.spans("messages")
    messages: list[Message] = []
    damage: list[str] = []
    waiting = 0
    for position, value in enumerate(values):
        if not isinstance(value, dict):
            damage.append(f"messages[{position}] is no object")
            continue
        span = spans[position] if len(spans) == len(values) else None
        given = value.get("extra")
        extra: dict[str, Any] = given if isinstance(given, dict) else {}
        for message in messages_of(value, span):
            if message.role == "assistant":
                messages.append(_with_actions(message, extra))
                waiting = len(messages[-1].calls)
            elif waiting and message.role == "user" and "exit_status" not in extra:
                waiting -= 1
                failed = extra.get("returncode") not in (0, None)
                result = msgspec.structs.replace(message, role="tool", status="error" if failed else None)
                messages.append(result)
            else:
                messages.append(message)
    info = _info(record.value)
    config = info.get("config")
    model = config.get("model") if isinstance(config, dict) else None
    return run_from(
        record.entry,
        text_of(record.fields.get("trajectory_format")),
        messages,
        damage,
        model if isinstance(model, dict) else {},
        stop_reason=text_of(info.get("exit_status")),
    )


def _with_actions(message: Message, extra: dict[str, Any]) -> Message:
    actions = dicts(extra.get("actions"))
    response = extra.get("response")
    return msgspec.structs.replace(
        message,
        calls=message.calls
        or tuple(
            Asked(_SHELL, {"command": text_of(action.get("command"))}, text_of(action.get("tool_call_id")))
            for action in actions
        ),
        at=message.at or time_of(extra.get("timestamp")),
        usage=message.usage or usage_of(response.get("usage") if isinstance(response, dict) else None),
    )


SWE_AGENT = json_reader(
    "swe-agent", "a trajectory of SWE-agent", mark_swe_agent, read_swe_agent, label=_label
)
MINI_SWE_AGENT = json_reader(
    "mini-swe-agent", "a trajectory of mini-SWE-agent", mark_mini, read_mini, label=_label
)
