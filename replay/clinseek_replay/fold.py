"""From the events of a journal to the Trajectory they tell: one fold, whoever writes the journal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import (
    Body,
    CallRequest,
    End,
    Forked,
    Header,
    Message,
    Nudge,
    Observation,
    Prompt,
    Record,
    Resumed,
    Retry,
    Turn,
    Unknown,
)
from clinseek_replay.amounts import data_size
from clinseek_replay.trajectory import Call, Note, Result, Span, Step, Trajectory

__all__ = ["ReadBody", "fold"]

ReadBody = Callable[[Body], bytes]
"""Gives the bytes that lie beside the journal; raises InputError where they are not to be had."""


class _Draft:
    """A trajectory in the making: what changed, and its steps as a list."""

    def __init__(self, trajectory: Trajectory, read_body: ReadBody) -> None:
        self.read_body = read_body
        self.steps = list(trajectory.steps)
        self.notes = list(trajectory.notes)
        self.changes: dict[str, Any] = {}
        self.raw: tuple[Span, ...] = ()
        """Where the event that is folded in stands, as far as that is known."""

    def place(self, number: int) -> int:
        """Index of the step of that number, which is made where there is none yet."""
        index = bisect_left(self.steps, number, key=attrgetter("number"))
        if index == len(self.steps) or self.steps[index].number != number:
            self.steps.insert(index, Step(number=number))
        return index

    def note(self, kind: str, text: str, index: int = -1) -> None:
        """Note something at a step, the last one if none is named, or at the run before its first step."""
        if not self.steps:
            self.notes.append(Note(kind, text))
            return
        step = self.steps[index]
        self.steps[index] = msgspec.structs.replace(step, notes=(*step.notes, Note(kind, text)))


def fold(
    trajectory: Trajectory,
    records: Iterable[Record],
    read_body: ReadBody,
    places: Iterable[tuple[int, int]] = (),
) -> Trajectory:
    """The trajectory as it is after `records`; unchanged steps are shared with the one given.

    `places` are offset and length of each record in the file, where that is known.
    """
    draft = _Draft(trajectory, read_body)
    known = iter(places)
    for record in records:
        place = next(known, None)
        draft.raw = () if place is None else (Span(*place),)
        _HANDLERS[type(record)](draft, record)
    return msgspec.structs.replace(
        trajectory, steps=tuple(draft.steps), notes=tuple(draft.notes), **draft.changes
    )


def _header(draft: _Draft, event: Header) -> None:
    if "run_id" in draft.changes or draft.steps:
        draft.note("header", f"a second header, of run {event.run_id}; a journal holds one run")
        return
    case = event.case
    draft.changes |= {
        "run_id": event.run_id,
        "format": event.format,
        "qid": case.qid,
        "task": case.task,
        "subject_id": case.subject_id,
        "prediction_time": case.prediction_time,
        "question": case.question,
        "candidates": case.candidates,
        "gold": case.gold,
        "films": case.images,
        "policy": event.policy,
        "model": event.model.label,
        "tools_digest": event.tools.digest,
        "engine_version": event.engine_version,
        "rules": event.model.kind == "builtin",
        "data": event.data,
        "max_rounds": event.limits.max_rounds,
        "max_result_characters": event.limits.max_result_characters,
        "tools": event.tools.names,
    }
    if event.parent:
        draft.notes.append(Note("forked", f"from {event.parent}"))


def _prompt(draft: _Draft, event: Prompt) -> None:
    draft.changes["prompt"] = tuple((message.role, _with_images(message)) for message in event.messages)
    draft.changes["pictures"] = tuple(image for message in event.messages for image in message.images)


def _with_images(message: Message) -> str:
    places = [
        f"[{' '.join((image.media_type, image.label)).strip()}, {data_size(image.bytes)}]"
        for image in message.images
    ]
    return "\n".join([message.content, *places])


def _turn(draft: _Draft, event: Turn) -> None:
    index = draft.place(event.step)
    before = draft.steps[index]
    draft.steps[index] = Step(
        number=event.step,
        text=event.text,
        reasoning=event.reasoning,
        calls=tuple(_call(event.step, n, request) for n, request in enumerate(event.calls, 1)),
        notes=before.notes,
        at=event.at,
        usage=event.usage,
        ms=event.ms,
        finish_reason=event.finish_reason,
        raw=draft.raw,
    )
    if before.at is not None:
        draft.note("turn", "the model was asked again; this is its later answer", index)


def _call(step: int, number: int, request: CallRequest) -> Call:
    return Call(
        anchor=f"s{step}.c{number}",
        id=request.id,
        name=request.name,
        arguments=request.arguments,
        raw_arguments=request.raw,
        wire_name=request.wire_name,
        flags=("from_text",) if request.parsed_from else (),
    )


def _observation(draft: _Draft, event: Observation) -> None:
    index = draft.place(event.step)
    step = draft.steps[index]
    if not 1 <= event.call <= len(step.calls):
        draft.note("observation", f"of s{event.step}.c{event.call}, a call that no turn made", index)
        return
    text = event.text
    if event.body is not None:
        try:
            text = draft.read_body(event.body).decode("utf-8", "replace")
        except InputError as error:
            draft.note("missing", str(error), index)
            step = draft.steps[index]
    result = Result(
        status=event.status,
        text=text,
        full_characters=event.full.characters if event.full else max(len(text), _length(event.body)),
        table=event.table,
        images=event.images,
        ms=event.ms,
    )
    position = event.call - 1
    call = msgspec.structs.replace(step.calls[position], result=result)
    if event.decided:
        step = _with_decision(step, call, event)
        if event.arguments is not None:
            call = msgspec.structs.replace(call, arguments=event.arguments, raw_arguments="")
    calls = (*step.calls[:position], call, *step.calls[position + 1 :])
    draft.steps[index] = msgspec.structs.replace(step, calls=calls, raw=(*step.raw, *draft.raw))


def _with_decision(step: Step, call: Call, event: Observation) -> Step:
    """The step with a note of what a person made of a call; an edited call is told as it was run."""
    asked = call.raw_arguments or msgspec.json.encode(call.arguments).decode()
    said = "refused it" if event.decided == "refuse" else f"changed it; the model asked for {asked}"
    note = Note("decided", f"{call.anchor}: a person {said}")
    return msgspec.structs.replace(step, notes=(*step.notes, note))


def _length(body: Body | None) -> int:
    return body.characters if body else 0


def _retry(draft: _Draft, event: Retry) -> None:
    wait = f"; tried again after {event.wait_s:g} s" if event.wait_s else "; tried again"
    draft.note("retry", event.reason + wait, draft.place(event.step))


def _nudge(draft: _Draft, event: Nudge) -> None:
    draft.note("nudge", event.text, draft.place(event.step))


def _forked(draft: _Draft, event: Forked) -> None:
    for edit in event.edits:
        before = f" {edit.before}" if edit.what == "model" else ""
        draft.note("edited", f"{edit.place or event.place}: {_EDITS[edit.what]}{before}")


_EDITS = {
    "result": "a person changed this result",
    "leak": "made again without what was not known yet",
    "prompt": "a person changed the question's message",
    "model": "another model goes on, before it",
}


def _resumed(draft: _Draft, event: Resumed) -> None:
    draft.changes |= {"status": "", "stop_reason": "", "answer": None, "answer_source": "", "message": ""}
    draft.note("resumed", f"went on at {event.at:%Y-%m-%d %H:%M:%S} with version {event.engine_version}")


def _end(draft: _Draft, event: End) -> None:
    draft.changes |= {
        "status": event.status,
        "stop_reason": event.stop_reason,
        "answer": event.answer,
        "answer_source": "" if event.answer is None else event.stop_reason,
        "message": event.message,
    }


def _unknown(draft: _Draft, event: Unknown) -> None:
    draft.note(event.type, msgspec.json.encode(event.raw).decode())


_HANDLERS: dict[type, Callable[[_Draft, Any], None]] = {
    Header: _header,
    Prompt: _prompt,
    Turn: _turn,
    Observation: _observation,
    Retry: _retry,
    Nudge: _nudge,
    Forked: _forked,
    Resumed: _resumed,
    End: _end,
    Unknown: _unknown,
}
