"""A run taken up at one of its places with something changed: a journal of its own that names its parent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.errors import InputError
from clinseek_core.journal.events import (
    Body,
    DataInfo,
    Edit,
    Event,
    Forked,
    Header,
    ImageRef,
    Message,
    ModelInfo,
    Nudge,
    Observation,
    Prompt,
    Turn,
)
from clinseek_core.journal.reader import Unknown, read_body, read_journal
from clinseek_core.journal.writer import JournalWriter

__all__ = ["Changes", "ForkPlace", "fork_journal", "kept_events"]

_PLACE = re.compile(r"s(\d{1,6})(?:\.c(\d{1,6}))?")


class ForkPlace(msgspec.Struct, frozen=True):
    """The last step that is kept, whole or up to one of its calls."""

    step: int
    call: int | None = None

    @classmethod
    def read(cls, text: str) -> ForkPlace:
        """Of `s12` or `s12.c1`; InputError for anything else."""
        found = _PLACE.fullmatch(text.strip())
        if found is None:
            raise InputError(f"{text[:40]!r}: is no place of a run; write it like s12 or s12.c1")
        return cls(int(found[1]), int(found[2]) if found[2] else None)

    def __str__(self) -> str:
        return f"s{self.step}" if self.call is None else f"s{self.step}.c{self.call}"


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise than in the parent."""

    prompt: str | None = None
    """The user's message of the opening."""
    result: tuple[ForkPlace, str] | None = None
    """A call, and the text that its result becomes."""
    model: ModelInfo | None = None
    policy: Policy | None = None
    data: DataInfo | None = None
    """Of the snapshot under that policy."""
    made_again: Callable[[JournalWriter, Observation], dict[str, Any] | None] = lambda *_: None
    """The fields of an observation that was made again without a leak; None for one that stays."""


def fork_journal(parent: Path, out: Path, place: ForkPlace, changes: Changes) -> tuple[Edit, ...]:
    """Write the journal `out`, which holds `parent` up to `place` with its changes; what was changed.

    Raises InputError for a file that is no whole journal, a place that it has not, and an `out` that exists.
    """
    header, events = kept_events(parent, place)
    with JournalWriter.create(
        out,
        case=header.case,
        policy=changes.policy or header.policy,
        model=changes.model or header.model,
        limits=header.limits,
        tools=header.tools,
        data=changes.data or header.data,
        parent=f"{header.run_id}#{place}",
        web=header.web,
        images=header.images,
        mcp=header.mcp,
        text_answers=header.text_answers,
    ) as journal:
        edits: list[Edit] = []
        if changes.model is not None and changes.model != header.model:
            edits.append(Edit(what="model", before=header.model.name))
        for event in events:
            edits += _copied(event, parent, journal, changes)
        journal.append(Forked, place=str(place), edits=tuple(edits))
    return tuple(edits)


def kept_events(parent: Path, place: ForkPlace) -> tuple[Header, list[Event]]:
    """The header, and the events that are kept of a run that is forked there; errors as `fork_journal`."""
    journal = read_journal(parent)
    header = journal.records[0] if journal.records else None
    if not isinstance(header, Header):
        raise InputError(f"{parent}: is no journal of clinseek-tui; only these can be forked")
    if journal.damage:
        raise InputError(
            f"{parent}:{journal.damage[0].line}: {journal.damage[0].reason}; a damaged run can't be forked"
        )
    kept: list[Event] = [
        record for record in journal.records if not isinstance(record, Unknown) and _is_kept(record, place)
    ]
    turns = [event for event in kept if isinstance(event, Turn)]
    if place.step and (not turns or turns[-1].step != place.step):
        last = max((event.step for event in journal.records if isinstance(event, Turn)), default=0)
        raise InputError(f"{place}: the run has steps up to s{last}")
    if place.call is not None and not any(
        isinstance(event, Observation) and (event.step, event.call) == (place.step, place.call)
        for event in kept
    ):
        raise InputError(f"{place}: step s{place.step} has no such call with a result")
    if not any(isinstance(event, Prompt) for event in kept):
        raise InputError(f"{parent}: has no opening yet, so there is nothing to fork")
    return header, kept


def _is_kept(event: Event, place: ForkPlace) -> bool:
    if isinstance(event, Prompt):
        return True
    if isinstance(event, Turn):
        return event.step <= place.step
    if isinstance(event, Nudge):
        return event.step < place.step or (event.step == place.step and place.call is None)
    if isinstance(event, Observation):
        within = place.call is None or event.call <= place.call
        return event.step < place.step or (event.step == place.step and within)
    return False


def _copied(event: Event, parent: Path, journal: JournalWriter, changes: Changes) -> Iterator[Edit]:
    """Write one event of the parent, with its bodies; yields what was changed of it."""
    if isinstance(event, Prompt):
        messages = tuple(_message(message, parent, journal) for message in event.messages)
        if changes.prompt is not None:
            before = next((message.content for message in messages if message.role == "user"), "")
            messages = tuple(
                msgspec.structs.replace(message, content=changes.prompt)
                if message.role == "user"
                else message
                for message in messages
            )
            yield Edit(what="prompt", before=_digest(before))
        journal.append(Prompt, messages=messages)
    elif isinstance(event, Observation):
        yield from _observation(event, parent, journal, changes)
    elif isinstance(event, Turn | Nudge):
        journal.append(type(event), **_fields(event))


def _observation(
    event: Observation, parent: Path, journal: JournalWriter, changes: Changes
) -> Iterator[Edit]:
    place, fields = ForkPlace(event.step, event.call), _fields(event)
    if changes.result is not None and changes.result[0] == place:
        body = {"text": changes.result[1], "body": None, "full": None, "table": None, "images": ()}
        yield Edit(what="result", place=str(place), before=_digest(_text(event, parent)))
        journal.append(Observation, **(fields | body))
        return
    made = changes.made_again(journal, event)
    if made is not None:
        yield Edit(what="leak", place=str(place), before=_digest(_text(event, parent)))
        journal.append(Observation, **(fields | made))
        return
    kept = {name: _body(fields[name], parent, journal) for name in ("body", "full")}
    images = tuple(_image(image, parent, journal) for image in event.images)
    journal.append(Observation, **(fields | kept | {"images": images}))


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__ if name not in {"seq", "at"}}


def _message(message: Message, parent: Path, journal: JournalWriter) -> Message:
    images = tuple(_image(image, parent, journal) for image in message.images)
    return msgspec.structs.replace(message, images=images)


def _image(image: ImageRef, parent: Path, journal: JournalWriter) -> ImageRef:
    return journal.store_image(read_body(parent, image), image.media_type, image.label)


def _body(body: Body | None, parent: Path, journal: JournalWriter) -> Body | None:
    return None if body is None else journal.store_text(read_body(parent, body).decode("utf-8", "replace"))


def _text(event: Observation, parent: Path) -> str:
    return event.text if event.body is None else read_body(parent, event.body).decode("utf-8", "replace")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
