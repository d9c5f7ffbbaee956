"""The reference implementation's `results.jsonl`: one finished run a line, in all its generations.

What each field means, and how the formats differ, is in `docs/formats/results-jsonl.md`.
"""

from __future__ import annotations

import ast
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import gold_names
from clinseek_core.errors import InputError
from clinseek_replay.readers.chat import read_chat
from clinseek_replay.readers.reader import (
    MAX_LINE_BYTES,
    Entry,
    Index,
    Problem,
    Reader,
    lenient_json,
    lines_of,
    object_of,
    skim,
)
from clinseek_replay.trajectory import Damage, Note, Trajectory

__all__ = ["RESULTS_JSONL"]

_MARKS = ("qid", "query_id", "stop_reason", "run_index", "session_id")
"""A record with `messages` and any of these is a run; other chat logs have none of them."""

_STATUS = {
    "success": "answered",
    "ok": "answered",
    "incomplete": "no_answer",
    "error": "error",
}
_STATUS_BY_STOP = {
    "finish_tool_call": "answered",
    "exact_answer_text_content": "answered",
    "exact_answer_text_reasoning_content": "answered",
    "no_final_answer": "no_answer",
    "exception": "error",
    "exception_before_completion": "error",
}
_MADE_BY = {
    "synthetic_finish_": "synthetic_finish",
    "one_shot_": "one_shot",
    "call_qa_finish": "qa",
}
"""Ids of calls that the driver wrote in the model's place, and what the answer's source is then called."""

_MAX_LITERAL = 20_000


class _Mark(msgspec.Struct):
    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    qid: Any = None
    query_id: Any = None
    session_id: Any = None
    run_index: Any = None
    status: Any = None
    stop_reason: Any = None


def recognise(line: bytes) -> str | None:
    """A run of the reference implementation: `messages` with a qid or what its driver adds."""
    mark = _skim(line)
    found = [name for name in _MARKS if getattr(mark, name) is not None]
    if mark.messages is msgspec.UNSET or not found:
        return None
    return f"a run with `messages` and `{found[0]}`"


def _skim(line: bytes) -> _Mark:
    return skim(line, _Mark)


def index(path: Path) -> Index:
    """One entry for each line that holds a run."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for line in lines_of(path):
        try:
            mark = _skim(line.data)
            if mark.messages is msgspec.UNSET:
                raise ValueError("a JSON object without `messages`, so no run")
        except ValueError as error:
            reason = str(error) if line.data else f"longer than {MAX_LINE_BYTES >> 20} MiB"
            problems.append(Problem(f"{path}:{line.number}", reason))
            continue
        entry = Entry(
            path=path,
            line=line.number,
            offset=line.offset,
            length=len(line.data),
            qid=_text(mark.qid) or _text(mark.query_id),
            run_index=mark.run_index if isinstance(mark.run_index, int) else None,
            status=_status(mark.status, mark.stop_reason),
        )
        entries.append(entry)
    return Index(tuple(entries), tuple(problems))


def read(entry: Entry) -> Trajectory:
    """The run of one line."""
    try:
        with entry.path.open("rb") as file:
            file.seek(entry.offset)
            record = object_of(file.read(entry.length))
    except OSError as error:
        raise InputError(f"{entry.place}: can't be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{entry.place}: {error}; the file may have changed, open it again") from error
    return _trajectory(record, entry)


def _trajectory(record: dict[str, Any], entry: Entry) -> Trajectory:
    messages = record.get("messages")
    messages = messages if isinstance(messages, list) else []
    chat = read_chat(messages)
    answer, answer_source = _answer(messages)
    label = record.get("label", record.get("ground_truth"))
    return Trajectory(
        run_id=_text(record.get("session_id")) or _run_id(entry),
        source=entry.place,
        format="results.jsonl",
        qid=entry.qid,
        task=_text(record.get("task")),
        subject_id=_whole_number(record.get("subject_id")),
        prediction_time=_time(record.get("prediction_time")),
        question=_text(record.get("question")) or _text(record.get("query")),
        candidates=_names(record.get("candidates")),
        gold=None if label is None else gold_names(label),
        model=_text(record.get("backend_model_id")) or _text(record.get("model")),
        prompt=chat.prompt,
        steps=chat.steps,
        answer=answer,
        answer_source=answer_source,
        status=entry.status,
        stop_reason=_text(record.get("stop_reason")),
        message=_text(record.get("error")),
        damage=tuple(Damage(entry.line, reason) for reason in chat.damage),
        notes=_notes(record),
    )


def _run_id(entry: Entry) -> str:
    return f"{entry.qid}__run_{entry.run_index}" if entry.run_index is not None else entry.qid


def _status(status: Any, stop_reason: Any) -> str:
    return _STATUS.get(_text(status)) or _STATUS_BY_STOP.get(_text(stop_reason), "")


def _answer(messages: list[Any]) -> tuple[tuple[str, ...] | None, str]:
    """The answer as the reference's text scorer reads it, and where it came from.

    The last call whose name contains `finish` counts, rejected or not: a list's strings, or one string.
    """
    for message in reversed(messages):
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in reversed(calls if isinstance(calls, list) else []):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and "finish" in _text(function.get("name")).lower():
                return _finish_answer(function.get("arguments"), _text(call.get("id")))
    return None, ""


def _finish_answer(arguments: Any, call_id: str) -> tuple[tuple[str, ...], str]:
    try:
        value = _literal(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (), "finish_parse_error"
    response = value.get("response", []) if isinstance(value, dict) else value
    source = next((made for prefix, made in _MADE_BY.items() if call_id.startswith(prefix)), "finish")
    if isinstance(response, list):
        return tuple(item for item in response if isinstance(item, str)), source
    if isinstance(response, str) and response.strip():
        return (response.strip(),), source
    return (), "finish_tool_call_non_list"


def _literal(text: str) -> Any:
    """A JSON or Python literal; nothing is evaluated."""
    try:
        return lenient_json(text)
    except ValueError:
        if len(text) > _MAX_LITERAL:
            raise
        return ast.literal_eval(text)


def _notes(record: dict[str, Any]) -> tuple[Note, ...]:
    summary = record.get("multimodal_summary")
    dropped = summary.get("dropped_image_paths") if isinstance(summary, dict) else None
    names = _names(dropped)
    return (Note("images", f"could not be attached: {', '.join(names)}"),) if names else ()


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in value) if isinstance(value, list) else ()


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)


RESULTS_JSONL = Reader(name="results-jsonl", recognise=recognise, index=index, read=read)
