"""The built-in policy behind the port of models: rules and tables in place of a language model."""

from __future__ import annotations

from collections.abc import Callable

from clinseek_core.errors import ModelError
from clinseek_core.journal.events import CallRequest, ModelInfo
from clinseek_core.models.port import (
    AssistantMessage,
    Conversation,
    ModelProgress,
    Reply,
    StopSignal,
    TextDelta,
)
from clinseek_core.seeker.brief import read_brief
from clinseek_core.seeker.script import THINK, next_turn
from clinseek_core.seeker.seek import seek
from clinseek_core.tools import ToolSpec

__all__ = ["Seeker"]


class Seeker:
    """A ChatModel that seeks by rules: the same conversation always gets the same reply."""

    info = ModelInfo(name="seeker", kind="builtin")

    def reply(
        self,
        conversation: Conversation,
        tools: tuple[ToolSpec, ...],
        *,
        on_progress: Callable[[ModelProgress], None],
        cancelled: StopSignal,
    ) -> Reply:
        """The next turn: its thought is an `ehr.think` call, or text where that is not on offer.

        Raises ModelError for a prompt that is not a case's, and after a stop.
        """
        if cancelled.stopped:
            raise ModelError("stopped", "cancelled")
        offered = {tool.name for tool in tools}
        turn = next_turn(seek(read_brief(conversation)), conversation, offered)
        text = "" if THINK in offered else turn.thought
        if text:
            on_progress(TextDelta(text))
        number = 1 + sum(isinstance(message, AssistantMessage) for message in conversation)
        calls = tuple(
            CallRequest(id=f"seeker_{number}_{place}", name=ask.name, arguments=ask.arguments)
            for place, ask in enumerate(turn.asks, 1)
        )
        return Reply(text=text, calls=calls, finish_reason="tool_calls")
