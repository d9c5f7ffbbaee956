"""Messages of a chat to the prompt and steps of a run.

Whatever is not as it should be is read as far as it goes and told as damage or as a call's flag; nothing
raises. A step needs only its own messages, so that one step of a large run can be read alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clinseek_core.lenient_json import lenient_json
from clinseek_replay.readers.messages import Asked, Message
from clinseek_replay.readers.result_status import status_of
from clinseek_replay.trajectory import Call, CallFlag, Note, Result, Step

__all__ = ["Chat", "canonical_name", "read_chat", "repeated_ids", "step_from", "turns_of"]

_NAMESPACES = ("ehr", "browser", "image")
_BARE_NAMES = {
    **dict.fromkeys(("search", "open", "find"), "browser"),
    **dict.fromkeys(
        (
            "image_visualizer",
            "dicom_processor",
            "chest_xray_classifier",
            "chest_xray_report_generator",
            "xray_phrase_grounding",
            "chest_xray_segmentation",
        ),
        "image",
    ),
    **dict.fromkeys(("load_ehr", "run_sql_query", "think", "finish", "FINISH", "clear_session_ehr"), "ehr"),
}
"""Tools as models that drop the namespace name them."""
_BARE_BEGINNINGS = ("get_", "retrieve_", "read_resource_")
"""How the other names of the EHR's tools begin, those that models made up too."""

_MADE_BY_HARNESS = ("synthetic_finish_", "one_shot_", "call_qa_finish")
"""How the ids begin of calls that the driver wrote in the model's place."""


@dataclass(frozen=True)
class Chat:
    """What a list of messages holds."""

    prompt: tuple[tuple[str, str], ...]
    steps: Sequence[Step]
    damage: tuple[str, ...]


def read_chat(messages: Sequence[Message], damage: Iterable[str] = ()) -> Chat:
    """The opening prompt, and a step for each of the assistant's messages with the results that follow it."""
    opening, turns = turns_of([message.role for message in messages])
    repeated = repeated_ids(messages)
    told = list(damage)
    prompt: list[tuple[str, str]] = []
    for position in opening:
        message = messages[position]
        if message.role == "tool":
            told.append("a tool's result before any call")
        else:
            prompt.append((message.role, message.text))
    steps = (
        step_from(number, [messages[position] for position in turn], repeated)
        for number, turn in enumerate(turns, 1)
    )
    return Chat(tuple(prompt), tuple(steps), tuple(told))


def turns_of(roles: Sequence[str]) -> tuple[range, list[range]]:
    """Positions of the opening messages, and of each turn's: the assistant's, then all up to its next."""
    starts = [position for position, role in enumerate(roles) if role == "assistant"]
    ends = [*starts, len(roles)][1:]
    return range(starts[0] if starts else len(roles)), [
        range(start, end) for start, end in zip(starts, ends, strict=True)
    ]


def repeated_ids(messages: Iterable[Message]) -> frozenset[str]:
    """Ids that more than one call of these messages bears."""
    counts = Counter(call.id for message in messages for call in message.calls if call.id)
    return frozenset(id_ for id_, count in counts.items() if count > 1)


def step_from(number: int, messages: Sequence[Message], repeated: Collection[str] = ()) -> Step:
    """One step from its own messages: the assistant's first, then those up to the assistant's next.

    `repeated` are the ids that several calls of the run bear.
    """
    turn, *others = messages
    results = [message for message in others if message.role == "tool"]
    said = [message for message in others if message.role != "tool"]
    notes: list[Note] = list(turn.notes)
    if not results and any("from_text" in call.flags for call in turn.calls):
        results, said, notes = _results_as_text(len(turn.calls), said, notes)
    paired, left_over, by_position = _paired([call.id for call in turn.calls], results)
    notes += (Note("result without a call", message.text) for message in left_over)
    for message in others:
        notes += message.notes
    notes += (Note(message.role, message.text) for message in said)
    calls = (
        _call(f"s{number}.c{position}", asked, result, repeated, by_position)
        for position, (asked, result) in enumerate(zip(turn.calls, paired, strict=True), 1)
    )
    spans = (span for message in (turn, *results) for span in (message.span, *message.also))
    return Step(
        number=number,
        text=turn.text,
        reasoning=turn.reasoning,
        calls=tuple(calls),
        notes=tuple(notes),
        at=turn.at,
        usage=turn.usage,
        ms=turn.ms,
        finish_reason=turn.finish_reason,
        raw=tuple(dict.fromkeys(span for span in spans if span is not None)),
    )


def _results_as_text(
    calls: int, said: Sequence[Message], notes: list[Note]
) -> tuple[list[Message], list[Message], list[Note]]:
    """The results of calls that were written as text, which come back as turns of the user.

    Several results may be joined by blank lines in one turn. They are told apart only where there are as many
    parts as calls; else all of it stands with the first call.
    """
    users = [message for message in said if message.role == "user"]
    rest = [message for message in said if message.role != "user"]
    if calls > 1 and len(users) == 1:
        parts = users[0].text.split("\n\n")
        if len(parts) == calls:
            users = [_renewed(users[0], part) for part in parts]
        else:
            notes = [
                *notes,
                Note("joined", f"the results of {calls} calls stand in one message; not told apart"),
            ]
    taken, more = users[:calls], users[calls:]
    return [_renewed(message, message.text) for message in taken], [*more, *rest], notes


def _renewed(message: Message, text: str) -> Message:
    return Message(role="tool", text=text, span=message.span)


def _paired(
    ids: Sequence[str], results: Sequence[Message]
) -> tuple[list[Message | None], list[Message], bool]:
    """The result of each call of one message, the results that belong to none, and whether order told.

    Ids made by fallback parsers repeat within a run, and within a message where they are missing: they
    count only here, and only where they tell the calls apart. Otherwise order does.
    """
    named = {result.call_id: result for result in results}
    if len(set(ids)) == len(ids) and len(named) == len(results) and named.keys() <= set(ids):
        return [named.get(id_) for id_ in ids], [], False
    in_order: list[Message | None] = list(results[: len(ids)])
    return in_order + [None] * (len(ids) - len(in_order)), list(results[len(ids) :]), True


def _call(
    anchor: str, asked: Asked, result: Message | None, repeated: Collection[str], by_position: bool
) -> Call:
    name = canonical_name(asked.name)
    arguments, raw = _arguments(asked.arguments)
    flags: dict[CallFlag, bool] = {
        "synthetic": asked.id.startswith(_MADE_BY_HARNESS),
        "duplicate_id": asked.id in repeated,
        "id_mismatch": by_position
        and result is not None
        and bool(result.call_id)
        and result.call_id != asked.id,
        "bad_arguments": arguments is None,
    }
    told = dict.fromkeys((*asked.flags, *(flag for flag, holds in flags.items() if holds)))
    return Call(
        anchor=anchor,
        id=asked.id,
        name=name,
        arguments=arguments,
        raw_arguments=raw,
        wire_name=asked.name if asked.name != name else "",
        result=None if result is None else _result(name, result),
        flags=tuple(told),
    )


def _result(tool: str, message: Message) -> Result:
    return Result(
        status=message.status or status_of(tool, message.text),
        text=message.text,
        full_characters=max(len(message.text), message.full_characters or 0),
        ms=message.ms,
    )


def canonical_name(name: str) -> str:
    """`ehr_load_ehr` and `load_ehr` as `ehr.load_ehr`; names of other systems' tools stay as they are."""
    if not name or "." in name:
        return name
    for namespace in _NAMESPACES:
        if name.startswith(f"{namespace}_") and name not in _BARE_NAMES:
            return f"{namespace}.{name.removeprefix(f'{namespace}_')}"
    namespace = "ehr" if name.startswith(_BARE_BEGINNINGS) else _BARE_NAMES.get(name, "")
    return f"{namespace}.{name}" if namespace else name


def _arguments(value: Any) -> tuple[dict[str, Any] | None, str]:
    """The arguments as an object, or None and the text that was none."""
    if isinstance(value, str):
        raw = value
        try:
            value = lenient_json(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return None, raw
    elif value is None:
        value, raw = {}, ""
    else:
        raw = _as_json(value)
    if not isinstance(value, dict):
        return None, raw
    if value.keys() == {"_raw"}:
        inner = value["_raw"]
        return None, inner if isinstance(inner, str) else _as_json(inner)
    return value, ""


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "[nested too deeply]"
