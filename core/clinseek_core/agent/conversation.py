"""What a journal's events add up to: the conversation so far, and what is still to be done.

The loop decides from this alone, so that a fresh run and a resumed one are the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from clinseek_core.agent.finish import FINISH, read_answer
from clinseek_core.journal.events import (
    Body,
    CallRequest,
    End,
    Event,
    ImageRef,
    Message,
    Nudge,
    Observation,
    Prompt,
    Resumed,
    Turn,
)
from clinseek_core.models import (
    AssistantMessage,
    Conversation,
    Image,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from clinseek_core.tools import PastCall

__all__ = ["ReadBody", "State", "advance", "fold", "past_calls"]

ReadBody = Callable[[Body | ImageRef], bytes]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one moment."""

    messages: Conversation = ()
    turn: Turn | None = None
    """The last answer of the model."""
    observed: int = 0
    """Calls of that turn that have their observation."""
    nudged: bool = False
    """Whether that turn, which held no call, has been answered by a nudge."""
    nudges: int = 0
    """Nudges since the last turn that held a call."""
    answer: tuple[str, ...] | None = None
    """Of the last `ehr.finish` in the turn that was accepted."""
    end: End | None = None

    @property
    def step(self) -> int:
        """The number of the last turn; 0 before the first."""
        return self.turn.step if self.turn else 0

    @property
    def pending(self) -> tuple[CallRequest, ...]:
        """Calls of the last turn without an observation, in order."""
        return self.turn.calls[self.observed :] if self.turn else ()

    @property
    def silent(self) -> bool:
        """Whether the last turn asked for nothing and nobody has said so."""
        return self.turn is not None and not self.turn.calls and not self.nudged


def fold(events: list[Event], read_body: ReadBody) -> State:
    """The state that `events` add up to; `read_body` gets texts and images that lie beside the journal."""
    state = State()
    for event in events:
        state = advance(state, event, read_body)
    return state


def advance(state: State, event: Event, read_body: ReadBody) -> State:
    """`state` after one more event. An End holds until the run is resumed."""
    change = msgspec.structs.replace
    match event:
        case Prompt():
            state = change(state, messages=tuple(_opening(message, read_body) for message in event.messages))
        case Turn():
            said = AssistantMessage(event.text, event.reasoning, event.calls)
            nudges = 0 if event.calls else state.nudges
            state = State(messages=(*state.messages, said), turn=event, nudges=nudges)
        case Observation():
            text = event.text if event.body is None else read_body(event.body).decode()
            result = ToolMessage(event.tool_call_id, event.name, text)
            state = change(
                state,
                messages=(*state.messages, result),
                answer=_accepted(state, event),
                observed=state.observed + 1,
            )
        case Nudge():
            messages = (*state.messages, UserMessage(event.text))
            state = change(state, messages=messages, nudged=True, nudges=state.nudges + 1)
        case End():
            state = change(state, end=event)
        case Resumed():
            state = change(state, end=None)
        case _:
            pass
    return state


def past_calls(events: list[Event], read_body: ReadBody) -> Iterator[PastCall]:
    """The calls of `events` that were answered, in order, each with its whole result."""
    turn: Turn | None = None
    for event in events:
        if isinstance(event, Turn):
            turn = event
        if isinstance(event, Observation) and turn is not None:
            request, kept = turn.calls[event.call - 1], event.full or event.body
            arguments = request.arguments if event.arguments is None else event.arguments
            if arguments is not None and event.decided != "refuse":
                yield PastCall(
                    place=f"s{event.step}.c{event.call}",
                    name=request.name,
                    arguments=arguments,
                    status=event.status,
                    text=event.text if kept is None else read_body(kept).decode(),
                )


def _accepted(state: State, event: Observation) -> tuple[str, ...] | None:
    """The answer after this observation: a finish that came back `ok` gives one."""
    if event.name != FINISH or event.status != "ok" or not state.pending:
        return state.answer
    return read_answer(event.arguments or state.pending[0].arguments or {})


def _opening(message: Message, read_body: ReadBody) -> SystemMessage | UserMessage:
    if message.role == "system":
        return SystemMessage(message.content)
    images = tuple(Image(image.media_type, read_body(image), image.label) for image in message.images)
    return UserMessage(message.content, images)
