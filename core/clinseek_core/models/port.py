"""The port to whoever answers a conversation: an endpoint's model, or the built-in policy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from clinseek_core.journal.events import CallRequest, ModelInfo, Usage
from clinseek_core.tools import ToolSpec

__all__ = [
    "AssistantMessage",
    "CallDelta",
    "ChatMessage",
    "ChatModel",
    "Conversation",
    "Image",
    "ModelProgress",
    "ReasoningDelta",
    "Reply",
    "Retrying",
    "StopSignal",
    "SystemMessage",
    "TextDelta",
    "ToolMessage",
    "UserMessage",
]


class Image(msgspec.Struct, frozen=True):
    """A picture in a user message, encoded as its media type says."""

    media_type: str
    data: bytes
    label: str = ""


class SystemMessage(msgspec.Struct, frozen=True):
    """What the harness tells the model about its task."""

    text: str


class UserMessage(msgspec.Struct, frozen=True):
    """The question, or a word of the harness in between."""

    text: str
    images: tuple[Image, ...] = ()


class AssistantMessage(msgspec.Struct, frozen=True):
    """An earlier answer of the model."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[CallRequest, ...] = ()


class ToolMessage(msgspec.Struct, frozen=True):
    """What one call gave back."""

    tool_call_id: str
    name: str
    """Canonical: `ehr.run_sql_query`."""
    text: str


ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage
Conversation = tuple[ChatMessage, ...]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One whole answer of a model."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[CallRequest, ...] = ()
    finish_reason: str = ""
    usage: Usage | None = None


class TextDelta(msgspec.Struct, frozen=True):
    """More of the answer's text."""

    text: str


class ReasoningDelta(msgspec.Struct, frozen=True):
    """More of the model's reasoning."""

    text: str


class CallDelta(msgspec.Struct, frozen=True):
    """A call is being written; `arguments` is the new part of its JSON text."""

    index: int
    """0-based within the answer."""
    name: str
    arguments: str


class Retrying(msgspec.Struct, frozen=True):
    """The request failed and is made again after `wait_s`; deltas shown for it so far are void."""

    reason: str
    wait_s: float = 0.0


ModelProgress = TextDelta | ReasoningDelta | CallDelta | Retrying


class StopSignal(Protocol):
    """How a waiting model learns that nobody wants its answer any more."""

    @property
    def stopped(self) -> bool:
        """Whether the run is to stop."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until the stop; True where it came."""
        ...

    def calling(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside the context, `callback` is called once at the stop, from the stopping thread.

        It is called at once where the stop has been, and never after the context has been left.
        """
        ...


class ChatModel(Protocol):
    """Answers a conversation with text, calls of the tools on offer, or both."""

    @property
    def info(self) -> ModelInfo:
        """Who answers, for the journal."""
        ...

    def reply(
        self,
        conversation: Conversation,
        tools: tuple[ToolSpec, ...],
        *,
        on_progress: Callable[[ModelProgress], None],
        cancelled: StopSignal,
    ) -> Reply:
        """Answer; progress is reported from the calling thread.

        Raises ModelError where no answer can be had; its kind is `cancelled` after a stop.
        """
        ...
