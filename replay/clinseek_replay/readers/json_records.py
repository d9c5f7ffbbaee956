"""Readers of formats whose runs are JSON values: one a line, one a file, or the items of a file's list.

A format says what a run looks like and how to turn one into a Trajectory; where runs lie, what is damaged,
and the bytes they are read from are the same for all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.index import spans_in
from clinseek_replay.readers.answers import answer_of
from clinseek_replay.readers.chat import Chat, read_chat
from clinseek_replay.readers.detecting import document_in
from clinseek_replay.readers.facts import facts_of, qid_of, run_index_of, status_from
from clinseek_replay.readers.json_spans import item_spans, sketch
from clinseek_replay.readers.large_chat import LARGE_BYTES, read_large_chat
from clinseek_replay.readers.messages import Message
from clinseek_replay.readers.reader import (
    MAX_LINE_BYTES,
    Entry,
    Index,
    Line,
    Problem,
    Reader,
    Sample,
    bytes_of,
    head_of,
    lines_of,
    value_of,
)
from clinseek_replay.readers.run_lines import LineFormat, index_lines
from clinseek_replay.trajectory import Damage, Span, Trajectory

__all__ = ["Label", "Record", "json_reader", "pieces_of", "run_from"]


@dataclass(frozen=True)
class Record:
    """One run's JSON value and where its parts lie."""

    entry: Entry
    value: Any
    data: bytes
    chat: Chat | None = None
    """What its list of messages holds, where that is too long to be in `value`."""

    @property
    def fields(self) -> dict[str, Any]:
        """The value where it is an object."""
        return self.value if isinstance(self.value, dict) else {}

    def spans(self, *path: str | int) -> list[Span]:
        """Ranges in the file of the items of the list that `path` leads to; empty where unknown."""
        fast = spans_in(self.data, path[0], self.entry.offset) if len(path) == 1 else None
        return item_spans(self.data, path, self.entry.offset) if fast is None else fast


class Label(msgspec.Struct, frozen=True):
    """What is listed of a run before it is read."""

    qid: str = ""
    run_index: int | None = None
    status: str = ""


def label_of(value: Any) -> Label:
    """The label of a record that names its case as the benchmark does."""
    if not isinstance(value, dict):
        return Label()
    return Label(
        qid_of(value), run_index_of(value), status_from(value.get("status"), value.get("stop_reason"))
    )


def json_reader(
    name: str,
    title: str,
    mark: Callable[[Any], str | None],
    read: Callable[[Record], Trajectory],
    *,
    label: Callable[[Any], Label] = label_of,
    needs: str = "",
    within: str = "",
    large: str = "",
    told_by: tuple[tuple[str, ...], ...] = (),
) -> Reader:
    """A reader of such a format.

    `mark` says what marks a JSON value as a run, or None; it gets values whose long parts may be cut.
    `needs` names the member without which an object is no run, where that asks less than `mark`. `within`
    names the list whose items are the runs, where they share one object. `large` names the member that holds
    a chat in OpenAI's shape and nearly all of a run, where `read` takes a `Record.chat`; `told_by` are groups
    of members that stand beside it, of each of which one has to be found for a label: where they are given, a
    large file's runs are listed without reading them.
    """

    def recognise(sample: Sample) -> str | None:
        value = sample.value
        if within and isinstance(value, dict) and isinstance(value.get(within), list):
            value = next(iter(value[within]), None)
        return None if value is None else mark(value)

    def refuse(value: Any) -> str:
        if not needs:
            return "" if mark(value) else f"a JSON {_kind(value)}, but not {title}"
        if not isinstance(value, dict):
            return f"a JSON {_kind(value)}, not an object"
        return "" if needs in value else f"a JSON object without `{needs}`, so no run"

    def describe(value: Any) -> dict[str, Any]:
        if reason := refuse(value):
            raise ValueError(reason)
        return msgspec.structs.asdict(label(value))

    small = functools.partial(_index, refuse=refuse, label=label, within=within)
    form = LineFormat(name=name, large=large, wanted=told_by, value=sketch, describe=describe)
    return Reader(
        name=name,
        title=title,
        recognise=recognise,
        index=functools.partial(_index_large, form=form, small=small) if told_by else small,
        read=functools.partial(_read, make=read, large=large),
    )


def _index_large(path: Path, *, form: LineFormat, small: Callable[[Path], Index]) -> Index:
    """The runs of a large file with one on each line, found without reading it; of others as `small` says."""
    lines = head_of(path).lstrip()[:1] == b"{" and document_in(path) is None
    return (index_lines(path, form) if lines else None) or small(path)


def _index(path: Path, *, refuse: Callable[[Any], str], label: Callable[[Any], Label], within: str) -> Index:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for piece in pieces_of(path, lambda value: not refuse(value), within):
        try:
            if not piece.data:
                raise ValueError(f"longer than {MAX_LINE_BYTES >> 20} MiB")
            value = sketch(piece.data)
            if reason := refuse(value):
                raise ValueError(reason)
        except ValueError as error:
            problems.append(Problem(f"{path}:{piece.number}", str(error)))
            continue
        told = label(value)
        entry = Entry(
            path=path,
            line=piece.number,
            offset=piece.offset,
            length=len(piece.data),
            qid=told.qid,
            run_index=told.run_index,
            status=told.status,
        )
        entries.append(entry)
    return Index(tuple(entries), tuple(problems))


def _kind(value: Any) -> str:
    return {"dict": "object", "str": "string"}.get(type(value).__name__, type(value).__name__)


def _read(entry: Entry, *, make: Callable[[Record], Trajectory], large: str) -> Trajectory:
    if large and entry.length >= LARGE_BYTES:
        found = read_large_chat(entry, large)
        if found is not None:
            record, chat = found
            return make(Record(entry, record, b"", chat))
    data = bytes_of(entry)
    try:
        return make(Record(entry, value_of(data), data))
    except ValueError as error:
        raise InputError(f"{entry.place}: {error}; the file may have changed, open it again") from error
    except RecursionError as error:
        raise InputError(f"{entry.place}: nested too deeply to be read") from error


def pieces_of(path: Path, is_run: Callable[[Any], bool], within: str = "") -> Iterator[Line]:
    """The values of a file that may each be a run, with where they lie.

    A list whose first item is a run, and the list `within` of an object, stand for their items.
    Raises InputError where the file can't be read.
    """
    if document_in(path) is not None:
        yield from _parts(Line(1, 0, _whole(path)), is_run, within)
        return
    for line in lines_of(path):
        yield from _parts(line, is_run, within)


def _parts(line: Line, is_run: Callable[[Any], bool], within: str) -> Iterator[Line]:
    data = line.data
    first = data.lstrip()[:1]
    spans: list[Span] = []
    if first == b"[":
        spans = item_spans(data)
        if spans and not _is_run(data, spans[0], is_run):
            spans = []
    elif first == b"{" and within:
        spans = item_spans(data, (within,))
    if not spans:
        yield line
        return
    number, counted = line.number, 0
    for span in spans:
        number += data.count(b"\n", counted, span.offset)
        counted = span.offset
        yield Line(number, line.offset + span.offset, data[span.offset : span.offset + span.length])


def _is_run(data: bytes, span: Span, is_run: Callable[[Any], bool]) -> bool:
    try:
        return is_run(sketch(data[span.offset : span.offset + span.length]))
    except ValueError:
        return False


def _whole(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_LINE_BYTES:
            raise InputError(
                f"{path}: is one JSON value of over {MAX_LINE_BYTES >> 20} MiB; write a run a line"
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error


def run_from(
    entry: Entry,
    format_name: str,
    messages: Sequence[Message] | Chat,
    damage: Iterable[str | Damage] = (),
    *facts: Mapping[str, Any],
    **more: Any,
) -> Trajectory:
    """The run that messages make, and what records say beside them.

    `facts` are records that may name the case as the benchmark does; `more` sets fields over them, where it
    has a value.
    """
    chat = messages if isinstance(messages, Chat) else read_chat(messages)
    answer, source = answer_of(chat.steps)
    told: dict[str, Any] = {
        "run_id": "",
        "qid": entry.qid,
        "status": entry.status or ("answered" if answer is not None else ""),
        "answer": answer,
        "answer_source": source,
        **facts_of(*facts),
        **{name: value for name, value in more.items() if value not in (None, "", ())},
    }
    run = "" if entry.run_index is None else f"__run_{entry.run_index}"
    told["run_id"] = told["run_id"] or (f"{told['qid']}{run}" if told["qid"] else "")
    return Trajectory(
        source=entry.place,
        format=format_name,
        prompt=chat.prompt,
        steps=chat.steps,
        damage=tuple(_damage(entry, each) for each in (*damage, *chat.damage)),
        **told,
    )


def _damage(entry: Entry, damage: str | Damage) -> Damage:
    return damage if isinstance(damage, Damage) else Damage(entry.line, damage)
