"""How the seeker acts: a script of turns, played again over the conversation at each reply.

The script yields a turn and is sent the texts of its answers. `next_turn` plays it from the start over what
the conversation holds and returns the first turn that is not answered yet: the reply is a function of the
conversation alone, so a killed run goes on as it would have.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Generator
from typing import Any, TypeVar

import msgspec

from clinseek_core.journal.events import CallRequest
from clinseek_core.models.port import AssistantMessage, Conversation, ToolMessage

__all__ = ["FINISH", "THINK", "Answers", "Ask", "Script", "Turn", "next_turn"]

THINK = "ehr.think"
FINISH = "ehr.finish"

_MAX_TURNS = 40
"""No script needs as many: past them a call without an answer counts as failed, and the run ends."""
_NOT_OFFERED = "Error: this tool is not on offer"
_NO_ANSWER = "Error: no answer"


class Ask(msgspec.Struct, frozen=True):
    """One call to make."""

    name: str
    arguments: dict[str, Any]

    @property
    def key(self) -> str:
        """What makes two calls the same."""
        return _key(self.name, self.arguments)


class Turn(msgspec.Struct, frozen=True):
    """What the seeker does next, and in a few sentences why."""

    thought: str
    asks: tuple[Ask, ...]


Answers = tuple[str, ...]
"""What the asks of a turn gave back, in their order."""

T = TypeVar("T")
Script = Generator[Turn, Answers, T]


def next_turn(script: Script[None], conversation: Conversation, offered: Collection[str]) -> Turn:
    """The script's first turn that `conversation` doesn't answer, with only the calls still to be made.

    Calls of tools that are not on offer are answered by an error and never made, the last one excepted. A
    script that is over gives its last turn again: whoever asks on wants the answer.
    """
    known = _answers(conversation)
    turns = sum(isinstance(message, AssistantMessage) for message in conversation)
    turn = next(script)
    while True:
        asks = tuple(_thinking(turn, offered)) + tuple(ask for ask in turn.asks if _can_ask(ask, offered))
        missing = tuple(ask for ask in asks if ask.key not in known)
        useful = any(ask.name != THINK for ask in missing)
        if useful and (turns < _MAX_TURNS or missing[-1].name == FINISH):
            return Turn(turn.thought, missing)
        try:
            turn = script.send(tuple(_answer(ask, known, offered) for ask in turn.asks))
        except StopIteration:
            return Turn(turn.thought, turn.asks)


def _thinking(turn: Turn, offered: Collection[str]) -> list[Ask]:
    return [Ask(THINK, {"response": turn.thought})] if THINK in offered and turn.thought else []


def _can_ask(ask: Ask, offered: Collection[str]) -> bool:
    return ask.name in offered or ask.name == FINISH


def _answer(ask: Ask, known: dict[str, str], offered: Collection[str]) -> str:
    return known.get(ask.key, _NO_ANSWER if _can_ask(ask, offered) else _NOT_OFFERED)


def _answers(conversation: Conversation) -> dict[str, str]:
    """The text each call of the conversation was answered with first, by the call's key."""
    known: dict[str, str] = {}
    open_calls: list[CallRequest] = []
    for message in conversation:
        if isinstance(message, AssistantMessage):
            open_calls = list(message.calls)
        elif isinstance(message, ToolMessage):
            call = next((call for call in open_calls if call.id == message.tool_call_id), None)
            if call is not None:
                open_calls.remove(call)
                known.setdefault(_key(call.name, call.arguments), message.text)
    return known


def _key(name: str, arguments: dict[str, Any] | None) -> str:
    return name + json.dumps(arguments, sort_keys=True, ensure_ascii=False, default=str)
