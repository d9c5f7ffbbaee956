"""A sample of an Inspect log to a run: its final conversation, with what the events say of each turn.

The conversation decides what happened, since events also tell of scorers' and sub-agents' models; where a
crash left none, the events stand for it. Text that was put aside (`attachment://`) and messages that were
pooled are put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from clinseek_replay.readers.json_records import run_from
from clinseek_replay.readers.messages import (
    Message,
    dicts,
    items,
    messages_of,
    plain_text,
    read_messages,
    text_of,
    time_of,
    usage_of,
)
from clinseek_replay.readers.reader import Entry
from clinseek_replay.trajectory import Note, Span, Trajectory

__all__ = ["expanded", "run_of_sample"]

_ATTACHMENT = "attachment://"
_MAX_EXPANDED = 1_000_000
"""Messages of a conversation that is written as ranges of a pool."""


def run_of_sample(
    entry: Entry, sample: Mapping[str, Any], header: Mapping[str, Any], spans: Sequence[Span] = ()
) -> Trajectory:
    """The run of a sample, by the log's header and the sample's own fields."""
    old = sample.get("transcript")
    old = old if isinstance(old, dict) else {}
    attachments = _attachments(sample.get("attachments"), old.get("content"))
    events = dicts(sample.get("events") or old.get("events"))
    values = items(sample.get("messages"))
    from_events = not any(_is_assistant(value) for value in values) and any(
        _output(event) for event in events
    )
    if from_events:
        values, spans = _conversation(events, dicts(_pool(sample))), ()
    values = [_resolved(value, attachments) for value in values]
    messages, damage = read_messages(values, spans)
    if len(values) == len(messages):
        messages = _told_by_events(values, messages, events, attachments)
    evaluation = header.get("eval")
    evaluation = evaluation if isinstance(evaluation, dict) else {}
    metadata = sample.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    error, limit = sample.get("error"), sample.get("limit")
    error, limit = error if isinstance(error, dict) else {}, limit if isinstance(limit, dict) else {}
    notes = _notes(events)
    if from_events:
        notes.append(
            Note("from events", "the log has no conversation; its steps are those of the model's events")
        )
    return run_from(
        entry,
        "inspect",
        messages,
        damage,
        metadata,
        {
            "ground_truth": sample.get("target") or None,
            "task": evaluation.get("task"),
            "model": evaluation.get("model"),
        },
        run_id=text_of(sample.get("uuid")),
        question=text_of(metadata.get("question")) or _question(_resolved(sample.get("input"), attachments)),
        message=text_of(error.get("message")),
        status="error" if error else "stopped" if limit else "",
        stop_reason=text_of(limit.get("type")),
        notes=tuple(notes),
    )


def expanded(refs: Any, pool: Sequence[Any]) -> list[Any]:
    """The items of a pool that ranges name, each from a start up to before an end."""
    found: list[Any] = []
    for ref in items(refs):
        if isinstance(ref, list) and len(ref) == 2 and all(isinstance(at, int) and at >= 0 for at in ref):
            found += pool[ref[0] : ref[1]]
        if len(found) > _MAX_EXPANDED:
            raise ValueError(f"a conversation of over {_MAX_EXPANDED:,} messages")
    return found


def _attachments(*held: Any) -> dict[str, str]:
    """Text by its name: a mapping, or, in samples in chunks, a list whose positions are the names."""
    found: dict[str, str] = {}
    for value in held:
        pairs: Iterable[tuple[str, Any]] = ()
        if isinstance(value, dict):
            pairs = value.items()
        elif isinstance(value, list):
            pairs = ((str(number), text) for number, text in enumerate(value))
        found.update((name, text) for name, text in pairs if isinstance(text, str))
    return found


def _resolved(value: Any, attachments: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        if value.startswith(_ATTACHMENT):
            return attachments.get(value.removeprefix(_ATTACHMENT), value)
        return value
    if not attachments:
        return value
    if isinstance(value, dict):
        return {name: _resolved(inner, attachments) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, attachments) for inner in value]
    return value


def _is_assistant(value: Any) -> bool:
    return isinstance(value, dict) and value.get("role") == "assistant"


def _pool(sample: Mapping[str, Any]) -> Any:
    data = sample.get("events_data")
    return data.get("messages") if isinstance(data, dict) else None


def _output(event: Mapping[str, Any]) -> dict[str, Any]:
    """The message that a model's event brought, empty for others."""
    output = event.get("output") if event.get("event") == "model" else None
    choices = dicts(output.get("choices")) if isinstance(output, dict) else []
    message = choices[0].get("message") if choices else None
    return message if isinstance(message, dict) else {}


def _conversation(events: Sequence[Mapping[str, Any]], pool: Sequence[Any]) -> list[Any]:
    """What the first model was asked, and then each answer and each result."""
    values: list[Any] = []
    for event in events:
        message = _output(event)
        if message:
            if not values:
                values += items(event.get("input")) or expanded(event.get("input_refs"), pool)
            values.append(message)
        elif event.get("event") == "tool" and values:
            result = {"role": "tool", "tool_call_id": event.get("id"), "content": event.get("result")}
            values.append(result | {"error": event.get("error"), "id": event.get("message_id")})
    return values


def _told_by_events(
    values: Sequence[Any],
    messages: Sequence[Message],
    events: Sequence[Mapping[str, Any]],
    attachments: Mapping[str, str],
) -> list[Message]:
    """The messages with times, tokens and errors from the events that made them."""
    turns = {text_of(_output(event).get("id")): event for event in events if _output(event)}
    calls = {text_of(event.get("id")): event for event in events if event.get("event") == "tool"}
    by_message = {
        text_of(event.get("message_id")): event for event in calls.values() if event.get("message_id")
    }
    told: list[Message] = []
    for value, message in zip(values, messages, strict=True):
        id_ = text_of(value.get("id")) if isinstance(value, dict) else ""
        if message.role == "assistant" and id_ in turns:
            told.append(_turn(message, turns[id_]))
        elif message.role == "tool" and (event := by_message.get(id_) or calls.get(message.call_id)):
            told.append(_result(message, event, attachments))
        else:
            told.append(message)
    return told


def _turn(message: Message, event: Mapping[str, Any]) -> Message:
    output = event["output"]
    choice = dicts(output.get("choices"))[0]
    return msgspec.structs.replace(
        message,
        at=time_of(event.get("completed")) or time_of(event.get("timestamp")) or message.at,
        usage=usage_of(output.get("usage")) or message.usage,
        ms=_milliseconds(output.get("time"), event),
        finish_reason=text_of(choice.get("stop_reason")) or message.finish_reason,
    )


def _result(message: Message, event: Mapping[str, Any], attachments: Mapping[str, str]) -> Message:
    failed = isinstance(event.get("error"), dict) or event.get("failed") is True
    cut = event.get("truncated")
    full = cut[0] if isinstance(cut, list) and cut and isinstance(cut[0], int) and cut[0] >= 0 else None
    return msgspec.structs.replace(
        message,
        text=message.text or plain_text(_resolved(event.get("result"), attachments)),
        status="error" if failed else message.status,
        full_characters=full,
        ms=_milliseconds(event.get("working_time"), event),
    )


def _milliseconds(seconds: Any, event: Mapping[str, Any]) -> float | None:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return float(seconds) * 1000
    began, ended = time_of(event.get("timestamp")), time_of(event.get("completed"))
    if isinstance(began, datetime) and isinstance(ended, datetime):
        return (ended - began).total_seconds() * 1000
    return None


def _question(value: Any) -> str:
    if isinstance(value, str):
        return value
    asked = [message for each in dicts(value) for message in messages_of(each) if message.role == "user"]
    return asked[-1].text if asked else ""


def _notes(events: Sequence[Mapping[str, Any]]) -> list[Note]:
    """What changes how the conversation is to be read."""
    notes = []
    compactions = sum(event.get("event") == "compaction" for event in events)
    if compactions:
        notes.append(
            Note("compaction", f"the conversation was shortened {compactions} times while it went on")
        )
    limits = (event for event in events if event.get("event") == "sample_limit")
    notes += (Note("limit", text_of(event.get("message")) or text_of(event.get("type"))) for event in limits)
    return notes
