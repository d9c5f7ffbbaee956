from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.journal import Usage
from clinseek_core.models import Reply
from clinseek_core.models.chat_reply import ReplyBuilder, parse_arguments
from clinseek_core.models.failures import RequestError, retry_after

OFFERED = ("ehr.load_ehr", "ehr.finish")


def reply_of(*chunks: Any) -> Reply:
    builder = ReplyBuilder(OFFERED, turn=3)
    for chunk in chunks:
        list(builder.feed(chunk))
    return builder.reply()


def fragments(*fragments: dict[str, Any]) -> list[Any]:
    return [{"choices": [{"delta": {"tool_calls": [fragment]}}]} for fragment in fragments]


def part(arguments: Any = None, name: str | None = None, **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    "parts",
    [
        # As OpenAI sends them; with the calls in turn; without an id; all at index 0; without any index;
        # with the name in every part.
        [
            part("", "load_ehr", index=0, id="a"),
            part('{"n": 1}', index=0),
            part('{"n": 2}', "finish", index=1, id="b"),
        ],
        [
            part('{"n"', "load_ehr", index=0, id="a"),
            part('{"n"', "finish", index=1, id="b"),
            part(": 1}", index=0),
            part(": 2}", index=1),
        ],
        [part('{"n": 1}', "load_ehr", index=0), part('{"n": 2}', "finish", index=1)],
        [part('{"n": 1}', "load_ehr", index=0, id="a"), part('{"n": 2}', "finish", index=0, id="b")],
        [part('{"n": ', "load_ehr"), part("1}"), part({"n": 2}, "finish")],
        [
            part('{"n": ', "load_ehr", index=0, id="a"),
            part("1}", "load_ehr", index=0, id="a"),
            part('{"n": 2}', "finish", index=1, id="b"),
        ],
    ],
)
def test_calls_come_together_however_a_server_cuts_them(parts):
    calls = reply_of(*fragments(*parts)).calls
    assert [(call.name, call.arguments) for call in calls] == [
        ("ehr.load_ehr", {"n": 1}),
        ("ehr.finish", {"n": 2}),
    ]
    assert len({call.id for call in calls}) == 2


def test_ids_that_are_missing_or_doubled_are_minted():
    same = [
        part("", "finish", index=0, id="1"),
        part("", "finish", index=1, id="1"),
        part("", "finish", index=2),
    ]
    assert [call.id for call in reply_of(*fragments(*same)).calls] == ["1", "call_3_2", "call_3_3"]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (" \n", {}),
        ("{}", {}),
        ("[1]", None),
        ('"{}"', None),
        ("null", None),
        ('{"a": 1', None),
        ("{'a': 1}", None),
        ('{"a": NaN}', None),
        ('{"a": "\\ud800"}', None),
        ('{"a": ' + "[" * 50 + "]" * 50 + "}", None),
        ("[" * 100_000, None),
    ],
)
def test_arguments_are_an_object_or_kept_as_written(text, arguments):
    assert parse_arguments(text) == (arguments, "" if arguments is not None else text)


def test_text_in_parts_and_refusals_are_text():
    parts = [{"type": "text", "text": "a"}, {"type": "other"}, {"type": "text", "text": "b"}]
    assert reply_of({"choices": [{"message": {"content": parts}}]}).text == "ab"
    assert reply_of({"choices": [{"message": {"content": None, "refusal": "I won't."}}]}).text == "I won't."


def test_half_characters_meet_again():
    halves = [{"choices": [{"delta": {"content": half}}]} for half in ("\ud83d", "\ude00", "\ud83d")]
    assert reply_of(*halves).text == "😀\ufffd"


@pytest.mark.parametrize("usage", [None, "many", {}, {"prompt_tokens": None, "completion_tokens": 1}])
def test_tokens_that_were_not_counted_are_unknown(usage):
    chunks = [
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
        {"choices": [], "usage": usage},
    ]
    assert reply_of(chunks[1]).usage is None
    assert reply_of(*chunks).usage == Usage(input_tokens=5, output_tokens=2)


cut = st.lists(st.integers(0, 60), max_size=5)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40), st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3), cut)
def test_any_cutting_of_a_stream_gives_the_same_answer(text, arguments, cuts):
    def pieces(whole: str) -> list[str]:
        at = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        return [whole[start:end] for start, end in itertools.pairwise(at)]

    chunks = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces(text)]
    chunks += fragments(part("", "ehr.finish", index=0, id="a"))
    chunks += fragments(*(part(piece, index=0) for piece in pieces(json.dumps(arguments))))
    reply = reply_of(*chunks)
    assert reply.text == text
    assert [call.arguments for call in reply.calls] == [arguments]


names = [
    "choices",
    "delta",
    "message",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "index",
    "id",
    "content",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*names, "usage", "error"]), inner)
    ),
    max_leaves=12,
)
choices = st.lists(
    st.dictionaries(st.sampled_from(["delta", "message", "finish_reason"]), anything), max_size=2
)


@settings(deadline=None, max_examples=100)
@given(anything | st.fixed_dictionaries({"choices": choices}))
def test_no_chunk_whatever_breaks_the_reading(chunk):
    with suppress(RequestError):
        reply_of(chunk, chunk)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        (" 0.25 ", 0.25),
        ("-1", 0.0),
        ("Thu, 01 Jan 1970 00:01:30 GMT", 30.0),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 0.0),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("soon", None),
        ("Thu, 99 Jan 1970", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value, seconds):
    assert retry_after({"retry-after": value}, now=60.0) == seconds


def test_no_retry_after_is_none():
    assert retry_after({}, now=0.0) is None
