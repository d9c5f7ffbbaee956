"""A run as an ATIF 1.7 document (Agent Trajectory Interchange Format, Harbor's RFC 0001).

`docs/formats/atif.md` says what goes where. Fields of ours stand under `extra.clinseek` alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from clinseek_core.tools import ToolSpec, tools_info
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_core.tools.image_specs import IMAGE_TOOLS
from clinseek_core.web.specs import BROWSER_TOOLS
from clinseek_replay.export.plain_json import plain
from clinseek_replay.trajectory import Call, Note, Step, Trajectory

__all__ = ["SCHEMA_VERSION", "atif_document"]

SCHEMA_VERSION = "ATIF-v1.7"

_OUR_NAME = "clinseek-tui"
_UNKNOWN = "unknown"
_SOURCES = {"system": "system", "developer": "system", "user": "user"}
"""Roles of opening messages; any other speaks as the user."""
_USER_NOTES = frozenset(("user", "nudge"))
_ORPHAN = "result without a call"

Json = dict[str, Any]


def atif_document(trajectory: Trajectory) -> Json:
    """The document; `clinseek_replay.export.atif_problems` finds nothing in it."""
    steps = list(_numbered(_steps(trajectory)))
    document: Json = {
        "schema_version": SCHEMA_VERSION,
        "session_id": trajectory.run_id,
        "trajectory_id": trajectory.run_id,
        "agent": _agent(trajectory),
        "steps": steps,
        "final_metrics": _final_metrics(trajectory, len(steps)),
        "extra": {"clinseek": _of_the_run(trajectory)},
    }
    return dict(plain({name: value for name, value in document.items() if value not in (None, "")}))


def _agent(trajectory: Trajectory) -> Json:
    ours = bool(trajectory.engine_version)
    agent: Json = {
        "name": _OUR_NAME if ours else _UNKNOWN,
        "version": trajectory.engine_version or _UNKNOWN,
    }
    if trajectory.model:
        agent["model_name"] = trajectory.model
    definitions = _tool_definitions(trajectory)
    if definitions:
        agent["tool_definitions"] = definitions
    if trajectory.tools:
        agent["extra"] = {"clinseek": {"tools": trajectory.tools, "tools_digest": trajectory.tools_digest}}
    return agent


def _tool_definitions(trajectory: Trajectory) -> list[Json]:
    """OpenAI's form of the tools, where the recorded digest says that they are those we know."""
    known = {spec.name: spec for spec in (*EHR_TOOLS, *BROWSER_TOOLS, *IMAGE_TOOLS)}
    specs = tuple(known[name] for name in trajectory.tools if name in known)
    if not trajectory.tools_digest or tools_info(specs).digest != trajectory.tools_digest:
        return []
    return [_definition(spec) for spec in specs]


def _definition(spec: ToolSpec) -> Json:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _of_the_run(trajectory: Trajectory) -> Json:
    names = (
        "qid",
        "task",
        "subject_id",
        "question",
        "candidates",
        "gold",
        "policy",
        "curated",
        "max_rounds",
        "max_result_characters",
        "answer",
        "answer_source",
        "status",
        "stop_reason",
        "message",
        "rules",
    )
    fields = {name: getattr(trajectory, name) for name in names}
    fields["cutoff"] = trajectory.prediction_time
    fields["data_digest"] = trajectory.data.digest if trajectory.data else None
    fields["source_format"] = trajectory.format
    fields["notes"] = [_note(note) for note in trajectory.notes]
    # An empty answer says that nothing applies; it is no missing one.
    kept = {"answer", "gold"}
    return {
        name: value
        for name, value in fields.items()
        if (value is not None if name in kept else value not in (None, "", (), [], False))
    }


def _final_metrics(trajectory: Trajectory, steps: int) -> Json:
    usages = [step.usage for step in trajectory.steps if step.usage is not None]
    metrics: Json = {"total_steps": steps}
    if usages:
        metrics["total_prompt_tokens"] = sum(usage.input_tokens for usage in usages)
        metrics["total_completion_tokens"] = sum(usage.output_tokens for usage in usages)
    return metrics


def _numbered(steps: Iterator[Json]) -> Iterator[Json]:
    for number, step in enumerate(steps, 1):
        yield {"step_id": number, **step}


def _steps(trajectory: Trajectory) -> Iterator[Json]:
    if not any(_SOURCES.get(role) == "system" for role, _ in trajectory.prompt):
        yield {"source": "system", "message": "", "extra": {"clinseek": {"recorded": False}}}
    for role, text in trajectory.prompt:
        source = _SOURCES.get(role, "user")
        step: Json = {"source": source, "message": text}
        if role != source:
            step["extra"] = {"clinseek": {"role": role}}
        yield step
    for one in trajectory.steps:
        yield _agent_step(one, rules=trajectory.rules)
        yield from _user_steps(one.notes)


def _user_steps(notes: tuple[Note, ...]) -> Iterator[Json]:
    """What the harness said to the model after its turn."""
    for note in notes:
        if note.kind in _USER_NOTES:
            extra = {} if note.kind == "user" else {"extra": {"clinseek": {"note": note.kind}}}
            yield {"source": "user", "message": note.text, **extra}


def _agent_step(step: Step, *, rules: bool) -> Json:
    made_by_model = not rules and not _made_by_harness(step)
    ids = _ids(step)
    results = [_result(call, id_) for call, id_ in zip(step.calls, ids, strict=True) if call.result]
    results += [{"content": note.text} for note in step.notes if note.kind == _ORPHAN]
    extra: Json = {
        "step": step.anchor,
        "ms": step.ms,
        "finish_reason": step.finish_reason,
        "notes": [_note(n) for n in step.notes if n.kind not in _USER_NOTES and n.kind != _ORPHAN],
        # The format has reasoning and metrics for language models alone.
        "reasoning": "" if made_by_model else step.reasoning,
        "usage": None if made_by_model else step.usage,
    }
    fields: Json = {
        "timestamp": step.at.isoformat() if step.at else None,
        "source": "agent",
        "message": step.text,
        "reasoning_content": step.reasoning if made_by_model else "",
        "tool_calls": [_call(call, id_) for call, id_ in zip(step.calls, ids, strict=True)],
        "observation": {"results": results} if results else None,
        "metrics": _metrics(step) if made_by_model else None,
        "llm_call_count": 1 if made_by_model else 0,
        "extra": {"clinseek": _told(extra)},
    }
    always = {"message", "llm_call_count"}
    return {name: value for name, value in fields.items() if name in always or value not in (None, "", [])}


def _made_by_harness(step: Step) -> bool:
    """Whether the harness wrote the whole turn in the model's place."""
    return bool(step.calls) and not step.text and all("synthetic" in call.flags for call in step.calls)


def _metrics(step: Step) -> Json | None:
    if step.usage is None:
        return None
    return {"prompt_tokens": step.usage.input_tokens, "completion_tokens": step.usage.output_tokens}


def _ids(step: Step) -> list[str]:
    """The calls' own ids where they tell the step's calls apart, else their anchors."""
    counts = Counter(call.id for call in step.calls)
    return [call.id if call.id and counts[call.id] == 1 else call.anchor for call in step.calls]


def _call(call: Call, id_: str) -> Json:
    extra = _told(
        {
            "id": call.id if call.id != id_ else "",
            "wire_name": call.wire_name,
            "raw_arguments": call.raw_arguments if call.arguments is None else "",
            "flags": call.flags,
        }
    )
    fields: Json = {"tool_call_id": id_, "function_name": call.name, "arguments": call.arguments or {}}
    return fields | ({"extra": {"clinseek": extra}} if extra else {})


def _result(call: Call, id_: str) -> Json:
    result = call.result
    assert result is not None  # noqa: S101 -- the caller has looked
    cut = result.full_characters > len(result.text)
    extra = {
        "status": result.status,
        "ms": result.ms,
        "full_characters": result.full_characters if cut else None,
    }
    return {"source_call_id": id_, "content": result.text, "extra": {"clinseek": _told(extra)}}


def _note(note: Note) -> Json:
    return {"kind": note.kind, "text": note.text}


def _told(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, "", (), [])}
