"""A chat completion, streamed in chunks or whole, put together into a Reply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from clinseek_core.journal.events import CallRequest, Usage
from clinseek_core.models.failures import RequestError, of_error_body
from clinseek_core.models.port import CallDelta, ModelProgress, ReasoningDelta, Reply, TextDelta
from clinseek_core.models.tool_names import canonical

__all__ = ["MAX_CALLS", "MAX_NESTING", "ReplyBuilder", "parse_arguments"]

MAX_CALLS = 128
MAX_NESTING = 32
_REASONING_FIELDS = ("reasoning_content", "reasoning")


class _Call:
    """A call while it is being written."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments = ""


class ReplyBuilder:
    """Takes chunks of one answer, or one whole completion, and gives the Reply they make."""

    def __init__(self, offered: Sequence[str], turn: int) -> None:
        """`offered` are the canonical tool names; `turn` numbers minted ids."""
        self._offered = offered
        self._turn = turn
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_Call] = []
        self._at_index: dict[int, _Call] = {}
        self._usage: Usage | None = None
        self.finish_reason = ""

    def feed(self, chunk: Any) -> Iterator[ModelProgress]:
        """Take one chunk, or a whole completion; yields what it adds.

        Raises RequestError where it is an error, or no chat completion at all.
        """
        if not isinstance(chunk, dict) or not _is_shallow(chunk, 2 * MAX_NESTING):
            raise _unusable("JSON that is no chat completion")
        if chunk.get("error") or chunk.get("object") == "error":
            raise of_error_body(chunk.get("error") or chunk)
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            raise _unusable("JSON without `choices`")
        self._usage = _usage(chunk.get("usage")) or self._usage
        for choice in choices[:1]:
            if isinstance(choice, dict):
                yield from self._choice(choice)

    def reply(self) -> Reply:
        """The answer as it stands; call it when the answer is whole."""
        return Reply(
            text=_well_formed("".join(self._text)),
            reasoning=_well_formed("".join(self._reasoning)),
            calls=self._requests(),
            finish_reason=self.finish_reason,
            usage=self._usage,
        )

    def _choice(self, choice: dict[str, Any]) -> Iterator[ModelProgress]:
        self.finish_reason = _string(choice.get("finish_reason")) or self.finish_reason
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return
        reasoning = next((text for field in _REASONING_FIELDS if (text := _string(delta.get(field)))), "")
        if reasoning:
            self._reasoning.append(reasoning)
            yield ReasoningDelta(reasoning)
        text = _content(delta.get("content")) or _string(delta.get("refusal"))
        if text:
            self._text.append(text)
            yield TextDelta(text)
        fragments = delta.get("tool_calls")
        for fragment in fragments if isinstance(fragments, list) else ():
            if isinstance(fragment, dict):
                yield self._fragment(fragment)

    def _fragment(self, fragment: dict[str, Any]) -> CallDelta:
        function = fragment.get("function")
        function = function if isinstance(function, dict) else {}
        call = self._call_of(fragment, _string(function.get("name")))
        arguments = function.get("arguments")
        text = json.dumps(arguments) if isinstance(arguments, dict | list) else _string(arguments)
        call.arguments += text
        return CallDelta(self._calls.index(call), canonical(call.name, self._offered), text)

    def _call_of(self, fragment: dict[str, Any], name: str) -> _Call:
        """The call a fragment belongs to: by index, but a new id or a name without an index begins one.

        Some servers leave the index off, and some give every parallel call the index 0.
        """
        index, identity = fragment.get("index"), _string(fragment.get("id"))
        if isinstance(index, int):
            call = self._at_index.get(index)
        else:
            call = next((call for call in self._calls if identity and call.id == identity), None)
            if call is None and not identity and not name and self._calls:
                call = self._calls[-1]
        if call is None or (identity and call.id and identity != call.id):
            call = self._new_call()
        if isinstance(index, int):
            self._at_index[index] = call
        call.id = call.id or identity
        if name != call.name:
            call.name += name
        return call

    def _new_call(self) -> _Call:
        if len(self._calls) >= MAX_CALLS:
            raise _unusable(f"more than {MAX_CALLS} calls in one answer")
        self._calls.append(_Call())
        return self._calls[-1]

    def _requests(self) -> tuple[CallRequest, ...]:
        requests: list[CallRequest] = []
        for number, call in enumerate(self._calls, 1):
            taken = {request.id for request in requests}
            identity = _well_formed(call.id)
            written = _well_formed(call.name)
            name = canonical(written, self._offered)
            arguments, raw = parse_arguments(_well_formed(call.arguments))
            requests.append(
                CallRequest(
                    id=identity if identity and identity not in taken else f"call_{self._turn}_{number}",
                    name=name,
                    arguments=arguments,
                    wire_name=written if written != name else "",
                    raw=raw,
                )
            )
        return tuple(requests)


def parse_arguments(text: str) -> tuple[dict[str, Any] | None, str]:
    """(arguments, "") where `text` is a JSON object or empty, else (None, text)."""
    if not text.strip():
        return {}, ""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None, text
    return (value, "") if isinstance(value, dict) and _is_shallow(value, MAX_NESTING) else (None, text)


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in items)


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    counts = {"input_tokens": value.get("prompt_tokens"), "output_tokens": value.get("completion_tokens")}
    try:
        return msgspec.convert(counts, Usage)
    except msgspec.ValidationError:
        return None


def _content(value: Any) -> str:
    """Text, or the text parts of a list of parts."""
    if isinstance(value, list):
        return "".join(_string(part.get("text")) for part in value if isinstance(part, dict))
    return _string(value)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _well_formed(text: str) -> str:
    """`text` with surrogate pairs joined, which streams may cut in two, and lone ones replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unusable(what: str) -> RequestError:
    remedy = "is this an OpenAI-compatible chat endpoint? check --base-url (most end in /v1)"
    return RequestError(f"answered with {what}", kind="bad_reply", again=False, remedy=remedy)
