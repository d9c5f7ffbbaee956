"""A chat of many megabytes: its messages are found, not kept, and a step is read from its own bytes.

What it gives is what `read_chat` gives of the same messages, the steps as a `LazySteps`.
"""

from __future__ import annotations

import functools
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.index import LazySteps, Numbers, SourceFile, cached, item_spans, member_spans
from clinseek_replay.readers.chat import Chat, read_chat, step_from
from clinseek_replay.readers.messages import Message, dicts, messages_of, read_messages, text_of
from clinseek_replay.readers.reader import Entry, value_of
from clinseek_replay.trajectory import Span, Step

__all__ = ["LARGE_BYTES", "read_large_chat"]

LARGE_BYTES = 256 * 1024
"""A run of fewer bytes is read whole: that takes a millisecond or two."""
_KEPT_BYTES = 8 * 1024 * 1024
"""Of a run of fewer bytes the places are found as fast as they are looked up."""


_OBJECT = ord("{")


class _Turn(msgspec.Struct):
    role: Any = None
    tool_calls: Any = None


def read_large_chat(entry: Entry, name: str) -> tuple[dict[str, Any], Chat] | None:
    """The record without the messages of its list `name`, and what that list holds.

    None where the record is not strict JSON with such a list, and has to be read whole. Raises InputError
    where the file can't be read.
    """
    source = SourceFile(entry.path)
    find = functools.partial(_find, source, entry, name)
    part = f"chat {name} {entry.offset} {entry.length}"
    numbers = cached(source, part, find) if entry.length >= _KEPT_BYTES else find()
    if "list" not in numbers:
        return None
    offset, length = numbers["list"]
    before = source.read(entry.offset, offset)
    after = source.read(entry.offset + offset + length, entry.length - offset - length)
    try:
        record = msgspec.json.decode(before + b"[]" + after, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _changed(entry) from error
    return record, _LargeChat(source, entry, numbers).chat()


def _find(source: SourceFile, entry: Entry, name: str) -> Numbers:
    """Where the list, its items and its turns are, counted from the run's beginning.

    `list` is its offset and length, `offsets` and `lengths` those of the items, `turns` the assistant's
    items, `calls` how many each of these has, `odd` those that are no object, `repeated` the turn and the
    call of each whose id another call bears.
    """
    text = source.read(entry.offset, entry.length)
    members = member_spans(text) or {}
    items = item_spans(text, members[name]) if name in members else None
    if items is None:
        return {}
    view = memoryview(text)
    turns, odd = array("Q"), array("Q")
    ids: list[list[str]] = []
    for position, span in enumerate(items):
        item = view[span.offset : span.offset + span.length]
        if item[0] != _OBJECT:
            odd.append(position)
            continue
        turn = msgspec.json.decode(item, type=_Turn)
        if _is_assistant(turn.role):
            turns.append(position)
            ids.append(_ids(turn, item))
    return {
        "list": array("Q", [members[name].offset, members[name].length]),
        "offsets": array("Q", [span.offset for span in items]),
        "lengths": array("Q", [span.length for span in items]),
        "turns": turns,
        "calls": array("Q", map(len, ids)),
        "odd": odd,
        "repeated": _repeated(ids),
    }


def _is_assistant(role: Any) -> bool:
    return _role_is_assistant(role) if isinstance(role, str) else False


@functools.lru_cache(maxsize=64)
def _role_is_assistant(role: str) -> bool:
    return messages_of({"role": role})[0].role == "assistant"


def _ids(turn: _Turn, item: memoryview) -> list[str]:
    """The ids of a turn's calls, as `messages_of` reads them; nearly always `tool_calls` is all it takes."""
    requests = dicts(turn.tool_calls)
    if requests:
        return [text_of(request.get("id")) for request in requests]
    [message] = messages_of(msgspec.json.decode(item))
    return [call.id for call in message.calls]


def _repeated(ids: Sequence[Sequence[str]]) -> array[int]:
    """The turn and the call, both counted from 0, of each call whose id another call of the run bears."""
    counts = Counter(id_ for turn in ids for id_ in turn if id_)
    pairs = array("Q")
    for number, turn in enumerate(ids):
        for place, id_ in enumerate(turn):
            if counts[id_] > 1:
                pairs.extend((number, place))
    return pairs


class _LargeChat:
    """A list of messages in a file, of which each is read when it is needed."""

    def __init__(self, source: SourceFile, entry: Entry, numbers: Numbers) -> None:
        self._source, self._entry = source, entry
        self._offsets, self._lengths = numbers["offsets"], numbers["lengths"]
        self._turns, self._calls = numbers["turns"], numbers["calls"]
        self._odd = numbers["odd"]
        self._repeated: dict[int, list[int]] = {}
        pairs = iter(numbers["repeated"])
        for turn, call in zip(pairs, pairs, strict=True):
            self._repeated.setdefault(turn, []).append(call)

    def chat(self) -> Chat:
        """The prompt and the damage, read now, and the steps, which are not."""
        opening = range(self._turns[0] if self._turns else len(self._offsets))
        messages, damage = self._messages(opening)
        damage += [f"messages[{position}] is no object" for position in self._odd if position not in opening]
        begins = [self._offsets[turn] for turn in self._turns]
        ends = [*begins[1:], self._offsets[-1] + self._lengths[-1]] if begins else []
        sizes = [end - begin for begin, end in zip(begins, ends, strict=True)]
        return Chat(read_chat(messages).prompt, LazySteps(self._step, sizes, self._calls), tuple(damage))

    def _range(self, turn: int) -> range:
        """The items of one turn: the assistant's, and those up to its next."""
        last = turn + 1 == len(self._turns)
        return range(self._turns[turn], len(self._offsets) if last else self._turns[turn + 1])

    def _bytes(self, items: range) -> Span:
        """What these items take, from the run's beginning on."""
        begin = self._offsets[items.start]
        return Span(begin, self._offsets[items.stop - 1] + self._lengths[items.stop - 1] - begin)

    def _messages(self, items: range) -> tuple[list[Message], list[str]]:
        if not items:
            return [], []
        begin, length = msgspec.structs.astuple(self._bytes(items))
        text = self._source.read(self._entry.offset + begin, length)
        spans = [Span(self._entry.offset + self._offsets[item], self._lengths[item]) for item in items]
        try:
            values = [value_of(text[self._offsets[item] - begin :][: self._lengths[item]]) for item in items]
        except ValueError as error:
            raise _changed(self._entry) from error
        return read_messages(values, spans)

    def _step(self, turn: int) -> Step:
        messages, _ = self._messages(self._range(turn))
        if not messages or messages[0].role != "assistant":
            raise _changed(self._entry)
        asked = messages[0].calls
        repeated = {asked[call].id for call in self._repeated.get(turn, ()) if call < len(asked)}
        return step_from(turn + 1, messages, repeated)


def _changed(entry: Entry) -> InputError:
    return InputError(f"{entry.place}: is no longer as it was when it was indexed; open it again")
