"""What the model had before it when it wrote a turn, as far as a recording tells, message by message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from clinseek_core.text import one_line
from clinseek_replay.evidence.reading import context_from
from clinseek_replay.search import as_text
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["Context", "SeenMessage", "context_at", "messages_of"]


_HEAD = 160
_OURS = "clinseek.journal"


class SeenMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the conversation; its texts stay in the run."""

    role: str
    """`system`, `user`, `assistant`, `tool`, or what the recording calls it."""
    step: int
    """Index of the step that it belongs to; -1 for the opening messages."""
    index: int = -1
    """Of the opening message, or of the call whose result it is; -1 for the turn itself and for a nudge."""
    anchor: str = ""
    """`s3`, `s3.c1`; empty for the opening messages."""
    tool: str = ""
    characters: int = 0
    """What the model got."""
    full_characters: int = 0
    """Of the whole text; more where only its head was sent."""
    head: str = ""
    """How it begins, in one visible line."""
    forgets: int = 0
    """The number of the first step whose results stay from here on; 0 where nothing leaves the context."""

    @property
    def cut(self) -> int:
        """Characters that the model did not get."""
        return max(self.full_characters - self.characters, 0)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The messages before a turn."""

    messages: tuple[SeenMessage, ...]
    gone: tuple[SeenMessage, ...] = ()
    """Results that had left the context by then."""
    exact: bool
    """Whether the recording holds every message as it was sent."""
    why: str
    """What is known of that, in one sentence."""

    @property
    def characters(self) -> int:
        """Of all messages."""
        return sum(message.characters for message in self.messages)

    @property
    def cut(self) -> int:
        """Characters of results that the model did not get."""
        return sum(message.cut for message in self.messages)


def messages_of(trajectory: Trajectory) -> Iterator[SeenMessage]:
    """Every message of a run in its order; each step is read once."""
    for number, (role, text) in enumerate(trajectory.prompt):
        yield SeenMessage(
            role=role,
            step=-1,
            index=number,
            characters=len(text),
            full_characters=len(text),
            head=_head(text),
        )
    for index, step in enumerate(trajectory.steps):
        yield from _of_step(index, step)


def context_at(trajectory: Trajectory, messages: Sequence[SeenMessage], step: int) -> Context:
    """What was before the model when it wrote the step of that index, of all messages of its run."""
    before = [message for message in messages if message.step < step]
    forgets = max((message.forgets for message in before), default=0)
    numbers = {message.step: message.anchor for message in before if message.role == "assistant"}

    def is_gone(message: SeenMessage) -> bool:
        return message.role == "tool" and _number(numbers.get(message.step, "")) < forgets

    exact, why = _how_sure(trajectory)
    return Context(
        messages=tuple(message for message in before if not is_gone(message)),
        gone=tuple(message for message in before if is_gone(message)),
        exact=exact,
        why=why,
    )


def _of_step(index: int, step: Step) -> Iterator[SeenMessage]:
    said = "\n".join(filter(None, (step.reasoning, step.text)))
    asked = ", ".join(call.name for call in step.calls)
    size = len(said) + sum(len(call.raw_arguments or as_text(call.arguments)) for call in step.calls)
    yield SeenMessage(
        role="assistant",
        step=index,
        anchor=step.anchor,
        characters=size,
        full_characters=size,
        head=_head(" → ".join(filter(None, (said[: 2 * _HEAD], asked)))),
        forgets=context_from(step),
    )
    for number, call in enumerate(step.calls):
        if call.result is not None:
            yield SeenMessage(
                role="tool",
                step=index,
                index=number,
                anchor=call.anchor,
                tool=call.name,
                characters=len(call.result.text),
                full_characters=max(call.result.full_characters, len(call.result.text)),
                head=_head(call.result.text),
            )
    for note in step.notes:
        if note.kind == "nudge":
            size = len(note.text)
            yield SeenMessage(
                role="user",
                step=index,
                anchor=step.anchor,
                characters=size,
                full_characters=size,
                head=_head(note.text),
            )


def _how_sure(trajectory: Trajectory) -> tuple[bool, str]:
    if not trajectory.format.startswith(_OURS):
        missing = "" if trajectory.prompt else " Its opening messages are not in the recording."
        return False, (
            "reconstructed: these are the messages that the recording holds; what its system added, cut or"
            f" left out without saying so is not here.{missing}"
        )
    if not trajectory.prompt:
        return False, "reconstructed: the journal holds no opening messages."
    if trajectory.rules:
        return True, "exact: the journal holds every message. It was read by rules, without a language model."
    return True, "exact: the journal holds every message as it was sent."


def _number(anchor: str) -> int:
    return int(anchor[1:]) if anchor else 0


def _head(text: str) -> str:
    return one_line(text, _HEAD)
