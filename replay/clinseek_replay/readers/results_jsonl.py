"""The reference implementation's `results.jsonl`: one finished run a line, in all its generations.

What each field means, and how the formats differ, is in `docs/formats/results-jsonl.md`.
"""

from __future__ import annotations

from typing import Any

from clinseek_replay.readers.json_records import Record, json_reader, run_from
from clinseek_replay.readers.messages import items, read_messages, text_of
from clinseek_replay.trajectory import Trajectory

__all__ = ["RESULTS_JSONL"]

_MARKS = ("qid", "query_id", "stop_reason", "run_index", "session_id")
"""A record with `messages` and any of these is a run; other chat logs have none of them."""


def mark(value: Any) -> str | None:
    """A run of the reference implementation: `messages` with a qid or what its driver adds."""
    if not isinstance(value, dict) or "messages" not in value:
        return None
    found = [name for name in _MARKS if value.get(name) is not None]
    return f"a run with `messages` and `{found[0]}`" if found else None


def read(record: Record) -> Trajectory:
    """The run of one line."""
    value = record.fields
    messages, damage = read_messages(items(value.get("messages")), record.spans("messages"))
    return run_from(
        record.entry,
        "results.jsonl",
        record.chat or messages,
        damage,
        value,
        run_id=text_of(value.get("session_id")),
        status=record.entry.status,
    )


RESULTS_JSONL = json_reader(
    "results-jsonl",
    "a run of the reference implementation",
    mark,
    read,
    needs="messages",
    large="messages",
    told_by=(("qid", "query_id"), ("status", "stop_reason")),
)
