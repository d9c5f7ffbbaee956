"""ATIF, Harbor's interchange format, versions 1.0 to 1.8; read leniently, as third parties write it.

Fields of ours under `extra.clinseek`, as our own export writes them, are taken over.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_replay.readers.json_records import Label, Record, json_reader, run_from
from clinseek_replay.readers.messages import (
    Asked,
    Message,
    dicts,
    items,
    plain_text,
    text_of,
    time_of,
    usage_of,
)
from clinseek_replay.trajectory import CallFlag, Note, Span, Trajectory

__all__ = ["ATIF"]

_WRITTEN_FLAGS: tuple[CallFlag, ...] = ("from_text", "unclosed")
"""Flags that can't be told again from what the document holds."""
_SOURCES = ("system", "user", "agent")
_STATUS = ("ok", "empty", "error", "refused", "limited")


def mark(value: Any) -> str | None:
    """A document with a `schema_version` of ATIF and `steps`."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        return None
    version = value.get("schema_version")
    if not isinstance(version, str):
        return None
    bare = version.startswith("1.") and any(step.get("source") in _SOURCES for step in dicts(value["steps"]))
    if not bare and not version.upper().startswith("ATIF"):
        return None
    return f"an ATIF document ({version[:20]})"


def _ours(value: Any) -> dict[str, Any]:
    extra = value.get("extra") if isinstance(value, dict) else None
    ours = extra.get("clinseek") if isinstance(extra, dict) else None
    return ours if isinstance(ours, dict) else {}


def label_of(value: Any) -> Label:
    """The document's case and status, where it is one of ours."""
    ours = _ours(value)
    return Label(qid=text_of(ours.get("qid")), status=text_of(ours.get("status")))


def read(record: Record) -> Trajectory:
    """The run of one document."""
    value = record.fields
    steps = items(value.get("steps"))
    spans = record.spans("steps")
    messages: list[Message] = []
    damage: list[str] = []
    copied = 0
    for position, step in enumerate(steps):
        if not isinstance(step, dict):
            damage.append(f"steps[{position}] is no object")
            continue
        copied += step.get("is_copied_context") is True
        messages += _messages(step, spans[position] if len(spans) == len(steps) else None)
    ours, agent = _ours(value), value.get("agent")
    agent = agent if isinstance(agent, dict) else {}
    return run_from(
        record.entry,
        text_of(value.get("schema_version")),
        messages,
        damage,
        {"prediction_time": ours.get("cutoff"), "input": ours.get("curated"), **ours},
        agent,
        {"tools": agent.get("tool_definitions")},
        run_id=text_of(value.get("trajectory_id")) or text_of(value.get("session_id")),
        notes=(*_references(value, copied), *_notes(ours)),
        **_own_fields(ours),
    )


def _messages(step: dict[str, Any], span: Span | None) -> list[Message]:
    ours = _ours(step)
    at = time_of(step.get("timestamp"))
    text = plain_text(step.get("message"))
    source = text_of(step.get("source")) or "message"
    if source != "agent":
        if ours.get("recorded") is False:
            return []
        role = text_of(ours.get("note")) or text_of(ours.get("role")) or source
        return [Message(role=role, text=text, at=at, span=span)]
    reasoning = text_of(step.get("reasoning_content")) or text_of(ours.get("reasoning"))
    by_harness = step.get("llm_call_count") == 0 and not ours
    turn = Message(
        role="assistant",
        text=text,
        reasoning=reasoning,
        calls=tuple(_asked(call, by_harness) for call in dicts(step.get("tool_calls"))),
        at=at,
        usage=usage_of(step.get("metrics")) or usage_of(ours.get("usage")),
        ms=_number(ours.get("ms")),
        finish_reason=text_of(ours.get("finish_reason")),
        notes=_notes(ours),
        span=span,
    )
    observation = step.get("observation")
    results = dicts(observation.get("results")) if isinstance(observation, dict) else []
    return [turn, *(_result(result) for result in results)]


def _asked(call: dict[str, Any], by_harness: bool) -> Asked:
    ours = _ours(call)
    raw = ours.get("raw_arguments")
    flags: list[CallFlag] = [flag for flag in _WRITTEN_FLAGS if flag in items(ours.get("flags"))]
    if by_harness or "synthetic" in items(ours.get("flags")):
        flags.append("synthetic")
    return Asked(
        text_of(ours.get("wire_name")) or text_of(call.get("function_name")),
        raw if isinstance(raw, str) and raw else call.get("arguments"),
        text_of(call.get("tool_call_id")),
        tuple(flags),
    )


def _result(result: dict[str, Any]) -> Message:
    ours = _ours(result)
    status, length = ours.get("status"), ours.get("full_characters")
    return Message(
        role="tool",
        text=_content(result),
        call_id=text_of(result.get("source_call_id")),
        status=status if status in _STATUS else None,
        full_characters=length if isinstance(length, int) and not isinstance(length, bool) else None,
        ms=_number(ours.get("ms")),
        notes=tuple(
            Note("sub-agent", f"its run stands in {_reference(each)}")
            for each in dicts(result.get("subagent_trajectory_ref"))
        ),
    )


def _content(result: dict[str, Any]) -> str:
    content = result.get("content")
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    return plain_text(content)


def _references(value: dict[str, Any], copied: int) -> list[Note]:
    notes = []
    if copied:
        notes.append(Note("copied", f"{copied} steps are copied from an earlier part of the session"))
    continued = value.get("continued_trajectory_ref")
    if continued:
        notes.append(Note("continued", f"goes on in {_reference(continued)}"))
    inside = len(dicts(value.get("subagent_trajectories")))
    if inside:
        notes.append(Note("sub-agent", f"{inside} runs of sub-agents stand in the document; not shown"))
    if isinstance(value.get("notes"), str) and value["notes"]:
        notes.append(Note("notes", value["notes"]))
    return notes


def _reference(value: Any) -> str:
    if isinstance(value, dict):
        path = value.get("trajectory_path") or value.get("trajectory_id") or value.get("session_id")
        return text_of(path) or "another file"
    return text_of(value)


def _notes(ours: dict[str, Any]) -> tuple[Note, ...]:
    return tuple(
        Note(text_of(note.get("kind")) or "note", text_of(note.get("text")))
        for note in dicts(ours.get("notes"))
    )


def _own_fields(ours: dict[str, Any]) -> dict[str, Any]:
    """What our own export says of the run that other records have no names for."""
    fields: dict[str, Any] = {"rules": ours.get("rules") is True}
    for name in ("max_rounds", "max_result_characters"):
        value = ours.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            fields[name] = value
    for name in ("answer_source", "status"):
        fields[name] = text_of(ours.get(name))
    if isinstance(ours.get("answer"), list):
        fields["answer"] = tuple(text_of(item) for item in ours["answer"])
    with contextlib.suppress(KeyError, msgspec.ValidationError):
        fields["policy"] = msgspec.convert(ours["policy"], Policy)
    return fields


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


ATIF = json_reader("atif", "an ATIF document", mark, read, label=label_of)
