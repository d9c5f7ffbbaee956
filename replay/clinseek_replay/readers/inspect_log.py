"""Inspect's logs: `.eval` archives and `.json` files, of all their versions; each sample is a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from clinseek_core.errors import InputError
from clinseek_replay.readers.archives import Archive
from clinseek_replay.readers.inspect_sample import expanded, run_of_sample
from clinseek_replay.readers.json_records import Label, Record, json_reader
from clinseek_replay.readers.json_spans import prefix
from clinseek_replay.readers.messages import items, text_of
from clinseek_replay.readers.reader import Entry, Index, Problem, Reader, Sample, head_of, value_of
from clinseek_replay.trajectory import Trajectory

__all__ = ["INSPECT_EVAL", "INSPECT_JSON"]

_ZIP = b"PK\x03\x04"
_HEADERS = ("header.json", "_journal/start.json")
"""The second is all that a log has which was not finished."""
_SAMPLE = re.compile(r"samples/(.{1,500})_epoch_(\d{1,9})(\.json|/sample\.json)", re.DOTALL)
_CHUNK = re.compile(r"(\d{1,12})\.json")
_SEQUENCES = ("messages", "events", "attachments")
_MAX_HEADER = 64 << 20
_MAX_CHUNKS = 1 << 30
"""Bytes of all the chunks of one sample."""


def recognise_eval(sample: Sample) -> str | None:
    """A zip archive with a log's header or journal."""
    if sample.value is not None or not sample.data.startswith(_ZIP):
        return None
    try:
        with Archive(sample.path) as archive:
            found = next((name for name in _HEADERS if name in archive.names), None)
    except InputError:
        return None
    return found and f"a zip archive with `{found}`"


def index_eval(path: Path) -> Index:
    """One entry for each sample, whole or in chunks."""
    entries: list[Entry] = []
    with Archive(path) as archive:
        for name in archive.names:
            found = _SAMPLE.fullmatch(name)
            if found:
                entry = Entry(
                    path=path, line=1, offset=0, length=0, qid=found[1], run_index=int(found[2]), part=name
                )
                entries.append(entry)
        finished = "header.json" in archive.names
    if entries:
        return Index(tuple(entries))
    reason = (
        "a log without samples" if finished else "a log that broke off before its first sample was finished"
    )
    return Index((), (Problem(str(path), reason),))


def read_eval(entry: Entry) -> Trajectory:
    """The run of one sample."""
    try:
        with Archive(entry.path) as archive:
            return run_of_sample(entry, _sample(archive, entry.part), _header(archive))
    except ValueError as error:
        raise InputError(f"{entry.place}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{entry.place}: nested too deeply to be read") from error


def _header(archive: Archive) -> dict[str, Any]:
    for name in _HEADERS:
        if name in archive.names:
            value = value_of(archive.read(name, _MAX_HEADER))
            return value if isinstance(value, dict) else {}
    return {}


def _sample(archive: Archive, name: str) -> dict[str, Any]:
    sample = value_of(archive.read(name))
    if not isinstance(sample, dict):
        raise ValueError("the sample is no JSON object")
    if not name.endswith("/sample.json"):
        return sample
    folder = name.removesuffix("sample.json")
    for sequence in _SEQUENCES:
        sample[sequence] = _sequence(archive, f"{folder}{sequence}/")
    pool = sample["messages"]
    sample["events_data"] = {"messages": pool}
    sample["messages"] = expanded(sample.get("message_refs"), pool)
    if f"{folder}metadata.json" in archive.names:
        sample["metadata"] = value_of(archive.read(f"{folder}metadata.json"))
    return sample


def _sequence(archive: Archive, folder: str) -> list[Any]:
    """The items of a sequence, whose chunks are named by the index of their first."""
    starts = sorted(
        int(found[1])
        for name in archive.names
        if name.startswith(folder) and (found := _CHUNK.fullmatch(name.removeprefix(folder)))
    )
    listed: list[Any] = []
    left = _MAX_CHUNKS
    for start in starts:
        data = archive.read(f"{folder}{start}.json")
        left -= len(data)
        if left < 0:
            raise ValueError(
                f"the chunks of {folder} unfold to over {_MAX_CHUNKS >> 20} MiB; they are not read"
            )
        if start != len(listed):
            raise ValueError(f"{folder}{start}.json does not go on where the chunk before it ends")
        listed += items(value_of(data))
    return listed


def recognise_json(sample: Sample) -> str | None:
    """An object with a log's version, eval and plan."""
    record = sample.record
    if (
        isinstance(record.get("eval"), dict)
        and "version" in record
        and ("plan" in record or "samples" in record)
    ):
        return "an Inspect log (`version`, `eval`, `plan`)"
    return None


def _mark(value: Any) -> str | None:
    return "a sample" if isinstance(value, dict) and "id" in value and "epoch" in value else None


def _label(value: Any) -> Label:
    epoch = value.get("epoch")
    return Label(
        text_of(value.get("id")), epoch if isinstance(epoch, int) and not isinstance(epoch, bool) else None
    )


def read_json(record: Record) -> Trajectory:
    """The run of one sample."""
    try:
        header = prefix(head_of(record.entry.path))
    except ValueError:
        header = {}
    return run_of_sample(
        record.entry, record.fields, header if isinstance(header, dict) else {}, record.spans("messages")
    )


_SAMPLES = json_reader(
    "inspect-json", "a sample of an Inspect log", _mark, read_json, label=_label, within="samples"
)

INSPECT_EVAL = Reader(
    name="inspect-eval",
    title="an Inspect log (.eval)",
    recognise=recognise_eval,
    index=index_eval,
    read=read_eval,
)
INSPECT_JSON = Reader(
    name="inspect-json",
    title="an Inspect log (.json)",
    recognise=recognise_json,
    index=_SAMPLES.index,
    read=_SAMPLES.read,
)
