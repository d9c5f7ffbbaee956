"""Claude Code's sessions: a line an event, each naming its parent, so that a file is a tree and not a list.

The conversation is the branch that the last line ends; turns that were taken back stand on others and are
counted. Side-chains, which sub-agents write into the same file, are runs of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.readers.json_records import run_from
from clinseek_replay.readers.line_runs import JsonLine, json_lines
from clinseek_replay.readers.messages import Message, joined, messages_of, text_of
from clinseek_replay.readers.reader import Entry, Index, Reader, Sample
from clinseek_replay.trajectory import Note, Trajectory

__all__ = ["CLAUDE_CODE"]

_TALK = ("user", "assistant")


def recognise(sample: Sample) -> str | None:
    """A line with a uuid, its parent's and a session's."""
    record = sample.record
    if all(name in record for name in ("type", "uuid", "parentUuid", "sessionId")):
        return "an event of a session (uuid, parentUuid, sessionId)"
    return None


def index(path: Path) -> Index:
    """The conversation, and each side-chain."""
    lines, _ = json_lines(path)
    main = [line for line in lines if _is_event(line) and not line.value.get("isSidechain")]
    entries = [Entry(path=path, line=main[0].number, offset=0, length=0)] if main else []
    for line in lines:
        if _is_event(line) and line.value.get("isSidechain") and not line.value.get("parentUuid"):
            part = f"side-chain {text_of(line.value['uuid'])}"
            entries.append(Entry(path=path, line=line.number, offset=0, length=0, part=part))
    return Index(tuple(entries))


def read(entry: Entry) -> Trajectory:
    """The conversation, or one side-chain."""
    lines, damage = json_lines(entry.path)
    events = [line for line in lines if _is_event(line)]
    if entry.part:
        root = entry.part.removeprefix("side-chain ")
        chain = _descendants(events, root)
        notes = [Note("side-chain", "the run of a sub-agent, out of the session's file")]
    else:
        main = [line for line in events if not line.value.get("isSidechain")]
        chain = _branch(main)
        notes = _told(events, main, chain)
    if not chain:
        raise InputError(
            f"{entry.place}: holds no such conversation; the file may have changed, open it again"
        )
    first = chain[0].value
    model = next((_message(line).get("model") for line in chain if _message(line).get("model")), "")
    return run_from(
        entry,
        "claude-code",
        _messages(chain),
        damage,
        {"model": model},
        run_id=text_of(first.get("sessionId")),
        notes=tuple(notes),
    )


def _is_event(line: JsonLine) -> bool:
    return isinstance(line.value.get("uuid"), str) and "parentUuid" in line.value


def _message(line: JsonLine) -> dict[str, Any]:
    message = line.value.get("message")
    return message if isinstance(message, dict) else {}


def _branch(lines: Sequence[JsonLine]) -> list[JsonLine]:
    """The lines from the root to the last line; where a parent is not in the file, the line before it."""
    positions = {text_of(line.value["uuid"]): position for position, line in enumerate(lines)}
    at: int | None = len(lines) - 1 if lines else None
    chain: list[JsonLine] = []
    seen: set[int] = set()
    while at is not None and at not in seen:
        seen.add(at)
        chain.append(lines[at])
        value = lines[at].value
        parent = value.get("parentUuid") or value.get("logicalParentUuid")
        if parent is None:
            break
        found = positions.get(text_of(parent))
        at = found if found is not None else (at - 1 if at else None)
    return chain[::-1]


def _descendants(lines: Sequence[JsonLine], root: str) -> list[JsonLine]:
    inside = {root}
    chain = []
    for line in lines:
        if line.value["uuid"] == root or text_of(line.value.get("parentUuid")) in inside:
            inside.add(line.value["uuid"])
            chain.append(line)
    return chain


def _told(events: Sequence[JsonLine], main: Sequence[JsonLine], chain: Sequence[JsonLine]) -> list[Note]:
    notes = []
    aside = sum(line.value.get("type") in _TALK for line in main) - sum(
        line.value.get("type") in _TALK for line in chain
    )
    if aside:
        notes.append(Note("branches", f"{aside} messages stand on branches that were left; not shown"))
    side = len(events) - len(main)
    if side:
        notes.append(Note("side-chain", f"{side} events of sub-agents are runs of their own"))
    return notes


def _messages(chain: Sequence[JsonLine]) -> list[Message]:
    messages: list[Message] = []
    last_id = ""
    for line in chain:
        value = _message(line)
        if line.value.get("type") not in _TALK or not value:
            continue
        role = text_of(value.get("role")) or line.value["type"]
        found = messages_of({**value, "role": role, "timestamp": line.value.get("timestamp")}, line.span)
        if role == "assistant":
            # A message is written in a line for each of its blocks, results between them.
            id_ = text_of(value.get("id"))
            found = [msgspec.structs.replace(message, goes_on=id_ == last_id != "") for message in found]
            last_id = id_
        elif any(message.role != "tool" for message in found):
            last_id = ""
        messages += found
    return joined(messages)


CLAUDE_CODE = Reader(
    name="claude-code", title="a session of Claude Code", recognise=recognise, index=index, read=read
)
