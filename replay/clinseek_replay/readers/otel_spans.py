"""Traces of OpenTelemetry: OTLP's JSON or rows of spans, in GenAI's attributes or OpenInference's.

A trace is a run. Spans of models make its steps, in the order of time, and spans of tools that follow one
give the results; where there are none, the next model's input does. Content is often not captured: then a
step shows only which tools were called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.lenient_json import lenient_json
from clinseek_replay.readers.json_records import pieces_of, run_from
from clinseek_replay.readers.messages import (
    Asked,
    Message,
    dicts,
    messages_of,
    plain_text,
    text_of,
    time_of,
    usage_of,
)
from clinseek_replay.readers.reader import Entry, Index, Problem, Reader, Sample, value_of
from clinseek_replay.trajectory import Note, Trajectory

__all__ = ["OTEL"]

_MODEL = ("chat", "text_completion", "generate_content", "LLM")
_TOOL = ("execute_tool", "TOOL")
_KINDS = ("gen_ai.operation.name", "openinference.span.kind")
_MAX_DEPTH = 12
_INDEXED = re.compile(r"(\d{1,6})\.(.*)", re.DOTALL)


class _Span(msgspec.Struct):
    trace: str
    kind: str
    name: str
    start: datetime | None
    end: datetime | None
    attributes: dict[str, Any]

    @property
    def ms(self) -> float | None:
        """How long it took."""
        return (
            None if self.start is None or self.end is None else (self.end - self.start).total_seconds() * 1000
        )


def recognise(sample: Sample) -> str | None:
    """OTLP's `resourceSpans`, or a span with attributes of one of the two conventions."""
    if isinstance(sample.record.get("resourceSpans"), list):
        return "OpenTelemetry's `resourceSpans`"
    span = _span(sample.record) if _is_row(sample.value) else None
    return f"a span with `{next(name for name in _KINDS if name in span.attributes)}`" if span else None


def _is_row(value: Any) -> bool:
    return isinstance(value, dict) and "name" in value and isinstance(value.get("attributes"), dict | list)


def index(path: Path) -> Index:
    """One entry for each trace that holds a model's span."""
    spans, problems = _spans(path)
    traces = dict.fromkeys(span.trace for span in spans if span.kind in _MODEL)
    entries = (Entry(path=path, line=1, offset=0, length=0, part=f"trace {trace}") for trace in traces)
    return Index(tuple(entries), tuple(problems))


def read(entry: Entry) -> Trajectory:
    """The run of one trace."""
    spans = [span for span in _spans(entry.path)[0] if f"trace {span.trace}" == entry.part]
    models = sorted((span for span in spans if span.kind in _MODEL), key=_begin)
    tools = sorted((span for span in spans if span.kind in _TOOL), key=_begin)
    if not models:
        raise InputError(f"{entry.place}: there is no such trace; the file may have changed, open it again")
    first = models[0].attributes
    model = (
        first.get("gen_ai.request.model") or first.get("gen_ai.response.model") or first.get("llm.model_name")
    )
    captured = any(_messages(span, "output") for span in models)
    notes = () if captured else (Note("content", "the trace holds no content of the model's turns"),)
    return run_from(
        entry,
        "otel",
        list(_conversation(models, tools)),
        (),
        {"model": model},
        run_id=text_of(first.get("gen_ai.conversation.id") or first.get("session.id")) or models[0].trace,
        notes=notes,
    )


def _begin(span: _Span) -> float:
    return span.start.timestamp() if span.start else 0.0


def _conversation(models: Sequence[_Span], tools: Sequence[_Span]) -> Iterator[Message]:
    system = models[0].attributes.get("gen_ai.system_instructions")
    for part in dicts(_read_back(system)):
        yield Message(role="system", text=_part_text(part))
    for message in _messages(models[0], "input"):
        if message.role not in ("assistant", "tool"):
            yield message
    ends = [*(_begin(model) for model in models), float("inf")][1:]
    for number, (model, end) in enumerate(zip(models, ends, strict=True)):
        following = [tool for tool in tools if _begin(model) <= _begin(tool) < end]
        yield _turn(model, following)
        if following:
            yield from (_result(tool) for tool in following)
        elif number + 1 < len(models):
            yield from _trailing_results(_messages(models[number + 1], "input"))


def _turn(model: _Span, following: Sequence[_Span]) -> Message:
    said = [message for message in _messages(model, "output") if message.role == "assistant"]
    turn = said[0] if said else Message(role="assistant")
    counts = {
        name: model.attributes.get(f"gen_ai.usage.{name}", model.attributes.get(f"llm.token_count.{short}"))
        for name, short in (("input_tokens", "prompt"), ("output_tokens", "completion"))
    }
    return msgspec.structs.replace(
        turn,
        calls=turn.calls or tuple(_asked(tool) for tool in following),
        at=model.end or model.start,
        ms=model.ms,
        usage=usage_of({name: _whole(count) for name, count in counts.items()}),
    )


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else value


def _asked(tool: _Span) -> Asked:
    told = tool.attributes
    arguments = told.get("gen_ai.tool.call.arguments", told.get("input.value", told.get("tool.parameters")))
    return Asked(_tool_name(tool), arguments, text_of(told.get("gen_ai.tool.call.id")))


def _tool_name(tool: _Span) -> str:
    named = tool.attributes.get("gen_ai.tool.name") or tool.attributes.get("tool.name")
    return text_of(named) or tool.name.removeprefix("execute_tool ")


def _result(tool: _Span) -> Message:
    told = tool.attributes
    return Message(
        role="tool",
        text=plain_text(told.get("gen_ai.tool.call.result", told.get("output.value"))),
        call_id=text_of(told.get("gen_ai.tool.call.id")),
        status="error" if told.get("error.type") else None,
        ms=tool.ms,
    )


def _trailing_results(messages: Sequence[Message]) -> list[Message]:
    results: list[Message] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        results.append(message)
    return results[::-1]


def _messages(span: _Span, side: str) -> list[Message]:
    """The messages of a model's span: `input` or `output`."""
    listed = dicts(_read_back(span.attributes.get(f"gen_ai.{side}.messages")))
    if listed:
        return [message for value in listed for message in _of_parts(value)]
    rows = _rows(span.attributes, f"llm.{side}_messages.")
    return [message for row in rows for message in messages_of(_of_row(row))]


def _of_parts(value: Mapping[str, Any]) -> Iterator[Message]:
    parts = dicts(value.get("parts"))
    for part in parts:
        if part.get("type") == "tool_call_response":
            text = plain_text(part.get("response", part.get("result")))
            yield Message(role="tool", text=text, call_id=text_of(part.get("id")))
    calls = [{**part, "type": "function"} for part in parts if part.get("type") == "tool_call"]
    reasoning = "\n".join(_part_text(part) for part in parts if part.get("type") in ("reasoning", "thinking"))
    text = "\n".join(_part_text(part) for part in parts if part.get("type") == "text")
    if text or calls or reasoning:
        message = {"role": value.get("role"), "content": text, "reasoning": reasoning, "tool_calls": calls}
        yield from messages_of(message | {"finish_reason": value.get("finish_reason")})


def _part_text(part: Mapping[str, Any]) -> str:
    return plain_text(part.get("content", part.get("text")))


def _of_row(row: dict[str, Any]) -> dict[str, Any]:
    """A message of OpenInference's flat attributes."""
    calls = [
        {
            "id": call.get("tool_call.id"),
            "function": {"name": call.get(name), "arguments": call.get(arguments)},
        }
        for call in _rows(row, "message.tool_calls.")
        for name, arguments in (("tool_call.function.name", "tool_call.function.arguments"),)
    ]
    parts = _rows(row, "message.contents.")
    content = row.get("message.content") or [{"text": part.get("message_content.text")} for part in parts]
    told = {"role": row.get("message.role"), "content": content, "tool_calls": calls}
    return told | {"tool_call_id": row.get("message.tool_call_id")}


def _rows(attributes: Mapping[str, Any], beginning: str) -> list[dict[str, Any]]:
    """The members of a list that is written as `beginning`, a number, and a name each."""
    rows: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        found = _INDEXED.fullmatch(name.removeprefix(beginning)) if name.startswith(beginning) else None
        if found:
            rows.setdefault(int(found[1]), {})[found[2]] = value
    return [rows[number] for number in sorted(rows)]


def _spans(path: Path) -> tuple[list[_Span], list[Problem]]:
    spans: list[_Span] = []
    problems: list[Problem] = []
    for piece in pieces_of(path, _is_row):
        try:
            value = value_of(piece.data)
        except ValueError as error:
            problems.append(Problem(f"{path}:{piece.number}", str(error)))
            continue
        rows = _otlp(value) if isinstance(value, dict) and "resourceSpans" in value else dicts(value)
        spans += (span for row in rows if (span := _span(row)) is not None)
    return spans, problems


def _otlp(value: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        span
        for resource in dicts(value.get("resourceSpans"))
        for scope in dicts(resource.get("scopeSpans", resource.get("instrumentationLibrarySpans")))
        for span in dicts(scope.get("spans"))
    ]


def _span(row: dict[str, Any]) -> _Span | None:
    """A span of a model or a tool; None for others."""
    attributes = row.get("attributes")
    told = {text_of(each.get("key")): _value(each.get("value")) for each in dicts(attributes)}
    if isinstance(attributes, dict):
        told = dict(_flat(attributes))
    kinds = [told[name] for name in _KINDS if told.get(name) in (*_MODEL, *_TOOL)]
    if not kinds:
        return None
    context = row.get("context")
    context = context if isinstance(context, dict) else {}
    return _Span(
        trace=text_of(row.get("traceId") or context.get("trace_id") or row.get("trace_id")),
        kind=kinds[0],
        name=text_of(row.get("name")),
        start=_moment(row.get("startTimeUnixNano"), row.get("start_time")),
        end=_moment(row.get("endTimeUnixNano"), row.get("end_time")),
        attributes=told,
    )


def _moment(nanoseconds: Any, moment: Any) -> datetime | None:
    value = _whole(nanoseconds)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63:
        return datetime.fromtimestamp(value / 1e9, UTC)
    return time_of(moment)


def _value(value: Any, depth: int = 0) -> Any:
    """A value out of OTLP's envelope, which says its type."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None
    for name, inner in value.items():
        values = dicts(inner.get("values")) if isinstance(inner, dict) else []
        if name == "arrayValue":
            return [_value(each, depth + 1) for each in values]
        if name == "kvlistValue":
            return {text_of(each.get("key")): _value(each.get("value"), depth + 1) for each in values}
        return inner
    return None


def _flat(value: dict[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Attributes by their full names, where they are nested."""
    for name, inner in value.items():
        if isinstance(inner, dict) and depth < _MAX_DEPTH:
            yield from _flat(inner, f"{before}{name}.", depth + 1)
        elif isinstance(inner, list) and inner and all(isinstance(each, dict) for each in inner):
            yield f"{before}{name}", inner
            for number, each in enumerate(inner):
                yield from _flat(each, f"{before}{name}.{number}.", depth + 1)
        else:
            yield f"{before}{name}", inner


def _read_back(value: Any) -> Any:
    """A list that an attribute holds as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return lenient_json(value)
    except (ValueError, RecursionError):
        return None


OTEL = Reader(name="otel", title="a trace of OpenTelemetry", recognise=recognise, index=index, read=read)
