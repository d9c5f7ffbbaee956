"""Training text: a run written out as the model saw it, in any of the dialects that `call_text` knows.

As a file of text, as the strings of a JSONL file, or as a record's `text`. Turns are told by `<|im_start|>`;
without it, by `<tool_response>`: what stands between two of them is the model's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from clinseek_core.call_text import calls_in, has_marks
from clinseek_core.errors import InputError
from clinseek_replay.readers.json_records import Record, json_reader, run_from
from clinseek_replay.readers.messages import Message, messages_of, text_of
from clinseek_replay.readers.reader import MAX_LINE_BYTES, Entry, Index, Reader, Sample
from clinseek_replay.trajectory import Span, Trajectory

__all__ = ["SFT_TEXT"]

_TURN = "<|im_start|>"
_TURN_END = "<|im_end|>"
_RESPONSE, _RESPONSE_END = "<tool_response>", "</tool_response>"
_FIELDS = ("text", "prompt", "completion", "output", "response")
"""Members of a record that hold text; read one after the other."""
_ROLE = re.compile(r"\s{0,20}([a-z_]{1,20})[^\S\n]{0,20}\n?")


def _is_run(text: str) -> bool:
    return _TURN in text or (has_marks(text) and bool(calls_in(text)[1]))


def _text_in(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    return "\n".join(value[name] for name in _FIELDS if isinstance(value.get(name), str))


def mark(value: Any) -> str | None:
    """A string, or a record's text, with calls or turns in it."""
    text = _text_in(value)
    if not _is_run(text):
        return None
    return (
        "a string with a model's turns or calls"
        if isinstance(value, str)
        else "a record whose text holds calls"
    )


def read(record: Record) -> Trajectory:
    """The run of one string."""
    messages = _messages(_text_in(record.value))
    fields = {name: value for name, value in record.fields.items() if name not in _FIELDS}
    return run_from(record.entry, "sft-text", messages, (), fields, run_id=text_of(fields.get("id")))


def _messages(text: str, offset: int | None = None) -> list[Message]:
    """The messages of a text; with ranges of its bytes where `offset` says where it begins in the file."""
    messages: list[Message] = []
    at = 0
    for role, start, end in _turns(text):
        span = None
        if offset is not None:
            offset += len(text[at:start].encode())
            at = start
            span = Span(offset, len(text[start:end].encode())) if end > start else None
        messages += messages_of({"role": role, "content": text[start:end]}, span)
    return messages


def _turns(text: str) -> list[tuple[str, int, int]]:
    """(role, start, end) of each turn of a text."""
    return _by_marks(text) if _TURN in text else _by_responses(text)


def _by_marks(text: str) -> list[tuple[str, int, int]]:
    turns = []
    at = text.find(_TURN)
    if text[:at].strip():
        turns.append(("text", 0, at))
    while at >= 0:
        role = _ROLE.match(text, at + len(_TURN))
        start = role.end() if role else at + len(_TURN)
        after = text.find(_TURN, start)
        end = text.find(_TURN_END, start, after if after >= 0 else len(text))
        end = end if end >= 0 else after if after >= 0 else len(text)
        turns.append((role[1] if role else "message", start, end))
        at = after
    return turns


def _by_responses(text: str) -> list[tuple[str, int, int]]:
    turns = []
    at = 0
    while at < len(text):
        start = text.find(_RESPONSE, at)
        start = start if start >= 0 else len(text)
        if text[at:start].strip():
            turns.append(("assistant", at, start))
        if start == len(text):
            break
        end = text.find(_RESPONSE_END, start)
        at = end + len(_RESPONSE_END) if end >= 0 else len(text)
        turns.append(("user", start, at))
    return turns


_RECORDS = json_reader("sft-text", "text with a model's calls", mark, read)


def recognise(sample: Sample) -> str | None:
    """A JSON string or record with such text, or a file of it."""
    if sample.value is not None:
        return _RECORDS.recognise(sample)
    if sample.place != "its beginning" or b"\0" in sample.data:
        return None
    return "text with a model's turns or calls" if _is_run(sample.data.decode("utf-8", "replace")) else None


def index(path: Path) -> Index:
    """The records of a JSONL file; the one run of a file of text."""
    found = _RECORDS.index(path)
    if found.entries:
        return found
    data = _bytes(path)
    if not _is_run(data.decode("utf-8", "replace")):
        return found
    return Index((Entry(path=path, line=1, offset=0, length=0),))


def read_entry(entry: Entry) -> Trajectory:
    """The run of a record or of a file."""
    if entry.length:
        return _RECORDS.read(entry)
    data = _bytes(entry.path)
    try:
        text, offset = data.decode(), 0
    except UnicodeDecodeError:
        text, offset = data.decode("utf-8", "replace"), None
    return run_from(entry, "sft-text", _messages(text, offset))


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_LINE_BYTES:
            raise InputError(f"{path}: is over {MAX_LINE_BYTES >> 20} MiB, too much for one run")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


SFT_TEXT = Reader(
    name="sft-text", title="text with a model's calls", recognise=recognise, index=index, read=read_entry
)
