"""What a record says about its run beside the messages: the case, the model, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from clinseek_core.case import CaseImage, gold_names
from clinseek_replay.readers.messages import dicts, items, text_of
from clinseek_replay.trajectory import Note

__all__ = ["facts_of", "qid_of", "run_index_of", "status_from"]

STATUS = {
    "success": "answered",
    "ok": "answered",
    "answered": "answered",
    "incomplete": "no_answer",
    "no_answer": "no_answer",
    "stopped": "stopped",
    "error": "error",
}
STATUS_BY_STOP = {
    "finish_tool_call": "answered",
    "exact_answer_text_content": "answered",
    "exact_answer_text_reasoning_content": "answered",
    "no_final_answer": "no_answer",
    "exception": "error",
    "exception_before_completion": "error",
}

_Record = Mapping[str, Any]


def facts_of(*records: _Record) -> dict[str, Any]:
    """Fields of a Trajectory that these records name as the benchmark and its driver do.

    The first record that has one wins. What none of them holds is left out.
    """
    told = {name: value for name, of in _FACTS.items() if (value := _first(records, of)) is not None}
    gold = next((found for record in records if (found := _gold(record)) is not None), None)
    if gold is not None:
        told["gold"] = gold
    return told


def qid_of(record: _Record) -> str:
    """The case's id, as records name it."""
    return text_of(record.get("qid")) or text_of(record.get("query_id"))


def run_index_of(record: _Record) -> int | None:
    """Which of several runs of a case it is."""
    index = record.get("run_index")
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def status_from(status: Any, stop_reason: Any) -> str:
    """The status of a Trajectory from the driver's words; empty where they are not known."""
    return STATUS.get(text_of(status)) or STATUS_BY_STOP.get(text_of(stop_reason), "")


def _first(records: Sequence[_Record], of: Any) -> Any:
    for record in records:
        if value := of(record):
            return value
    return None


def _gold(record: _Record) -> tuple[str, ...] | None:
    for name in ("label", "ground_truth", "gold"):
        if name in record and record[name] is not None:
            return gold_names(record[name])
    return None


def _named(*names: str) -> Any:
    return lambda record: next((text_of(record[name]) for name in names if record.get(name) is not None), "")


def _names(value: Any) -> tuple[str, ...]:
    return tuple(text_of(item) for item in value) if isinstance(value, list) else ()


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _curated(record: _Record) -> str:
    value = record.get("input")
    return value if isinstance(value, str) else ""


def _tools(record: _Record) -> tuple[str, ...]:
    """Names of the tools offered: OpenAI's or Anthropic's definitions, or plain names."""
    names = []
    for tool in items(record.get("tools")):
        if isinstance(tool, str):
            names.append(tool)
        elif isinstance(tool, dict):
            inner = tool.get("function")
            names.append(text_of((inner if isinstance(inner, dict) else tool).get("name")))
    return tuple(name for name in names if name and len(name) < 200)


def _notes(record: _Record) -> tuple[Note, ...]:
    summary = record.get("multimodal_summary")
    names = _names(dicts(summary)[0].get("dropped_image_paths")) if isinstance(summary, dict) else ()
    return (Note("images", f"could not be attached: {', '.join(names)}"),) if names else ()


def _films(record: _Record) -> tuple[CaseImage, ...]:
    summary = record.get("multimodal_summary")
    paths = _names(dicts(summary)[0].get("resolved_image_paths")) if isinstance(summary, dict) else ()
    return tuple(CaseImage(path=path) for path in paths)


_FACTS: dict[str, Any] = {
    "qid": qid_of,
    "task": _named("task"),
    "subject_id": lambda record: _whole_number(record.get("subject_id")),
    "prediction_time": lambda record: _time(record.get("prediction_time")),
    "question": _named("question", "query"),
    "candidates": lambda record: _names(record.get("candidates")),
    "model": _named("backend_model_id", "model", "model_name"),
    "films": _films,
    "curated": _curated,
    "tools": _tools,
    "stop_reason": _named("stop_reason"),
    "message": _named("error"),
    "notes": _notes,
}
"""Field of a Trajectory: how a record tells it."""
