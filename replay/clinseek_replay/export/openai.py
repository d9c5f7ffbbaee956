"""A run as a line of the reference implementation's `results.jsonl`: OpenAI's messages, its driver's fields.

`docs/formats/results-jsonl.md` describes the format; reading a line back gives the same run, but for what
the format has no place for: typed rows, times, token counts, the policy, where a result was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clinseek_replay.export.plain_json import json_text
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = ["openai_line", "openai_record"]

_STATUS = {"answered": "success", "no_answer": "incomplete", "stopped": "incomplete", "error": "error"}
_STOP_REASON = {
    "finish": "finish_tool_call",
    "no_call": "no_final_answer",
    "max_rounds": "no_final_answer",
    "stopped_by_user": "no_final_answer",
}
"""Our words and the reference's; a run that failed stopped by an `exception`, whatever failed."""
_USER_NOTES = frozenset(("user", "nudge"))
"""Notes that were messages to the model."""
_ORPHAN = "result without a call"
_TIME = "%Y-%m-%d %H:%M:%S"


def openai_line(trajectory: Trajectory, run_index: int = 1, runs_per_question: int = 1) -> bytes:
    """The run as one line of JSON, with its line feed."""
    record = openai_record(trajectory, run_index, runs_per_question)
    return json_text(record).encode() + b"\n"


def openai_record(trajectory: Trajectory, run_index: int = 1, runs_per_question: int = 1) -> dict[str, Any]:
    """The run's record; `run_index` counts from 1 among the runs of its qid."""
    record: dict[str, Any] = {
        "qid": trajectory.qid,
        "run_index": run_index,
        "runs_per_question": runs_per_question,
        "session_id": trajectory.run_id,
        "question": trajectory.question,
        "messages": list(_messages(trajectory)),
        "completed": trajectory.status == "answered",
        "status": _STATUS.get(trajectory.status, "incomplete"),
        "stop_reason": _stop_reason(trajectory),
    }
    if trajectory.message:
        record["error"] = trajectory.message
    # What follows the driver copies from the question's own row.
    time, gold = trajectory.prediction_time, trajectory.gold
    row = {
        "task": trajectory.task or None,
        "subject_id": trajectory.subject_id,
        "prediction_time": f"{time:{_TIME}}" if time else None,
        "candidates": list(trajectory.candidates) or None,
        "input": trajectory.curated or None,
        "label": None if gold is None else list(gold),
        "backend_model_id": trajectory.model or None,
    }
    return record | {name: value for name, value in row.items() if value is not None}


def _stop_reason(trajectory: Trajectory) -> str:
    if trajectory.status == "error" and not trajectory.stop_reason.startswith("exception"):
        return "exception"
    return _STOP_REASON.get(trajectory.stop_reason, trajectory.stop_reason) or "no_final_answer"


def _messages(trajectory: Trajectory) -> Iterator[dict[str, Any]]:
    for role, text in trajectory.prompt:
        yield {"role": role, "content": text}
    for step in trajectory.steps:
        yield from _step(step)


def _step(step: Step) -> Iterator[dict[str, Any]]:
    """The model's message, then the results in the order of their calls, then what the driver said."""
    ids = _ids(step)
    calls = [_call(call, id_) for call, id_ in zip(step.calls, ids, strict=True)]
    message: dict[str, Any] = {"role": "assistant", "content": step.text, "tool_calls": calls or None}
    if step.reasoning:
        message["reasoning_content"] = step.reasoning
    yield message
    for call, id_ in zip(step.calls, ids, strict=True):
        if call.result is not None:
            yield {"role": "tool", "tool_call_id": id_, "content": call.result.text}
    for note in step.notes:
        if note.kind == _ORPHAN:
            yield {"role": "tool", "tool_call_id": "", "content": note.text}
    for note in step.notes:
        if note.kind in _USER_NOTES:
            yield {"role": "user", "content": note.text}


def _ids(step: Step) -> list[str]:
    """The calls' ids as they were; the anchor where there was none."""
    return [call.id or call.anchor for call in step.calls]


def _call(call: Call, id_: str) -> dict[str, Any]:
    arguments = call.raw_arguments if call.arguments is None else json_text(call.arguments)
    return {"id": id_, "type": "function", "function": {"name": call.name, "arguments": arguments}}
