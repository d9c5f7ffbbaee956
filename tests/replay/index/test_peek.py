import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_replay.index import peek
from clinseek_replay.trajectory import Span

WANTED = (("qid", "query_id"), ("status", "stop_reason"))
LONG = [{"role": "tool", "content": '{"qid": "inner", "status": "x"}, ' * 300}]


@pytest.fixture
def look(tmp_path):
    """Peeks at bytes that stand in a file behind some others."""

    def peeked(data: bytes):
        path = tmp_path / "file"
        path.write_bytes(b"before\n" + data)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return peek(descriptor, Span(7, len(data)), "messages", WANTED)
        finally:
            os.close(descriptor)

    return peeked


def _line(record) -> bytes:
    return json.dumps(record).encode() + b"\n"


def test_both_ends_of_a_run_tell_what_it_is(look):
    found = look(_line({"qid": "q7", "run_index": 2, "messages": LONG, "status": "success", "label": ["a"]}))
    assert (found["qid"], found["run_index"], found["status"]) == ("q7", 2, "success")
    assert found["messages"] == []


def test_names_within_messages_tell_nothing(look):
    """Neither as text nor as members of an object within."""
    within = [{"role": "tool", "content": "x" * 9000, "status": "inner", "qid": "inner"}]
    assert look(_line({"a": 1, "messages": within})) is None
    found = look(
        _line({"qid": "q", "meta": {"messages": 1, "status": "n"}, "messages": within, "status": "s"})
    )
    assert (found["qid"], found["status"]) == ("q", "s")
    found = look(_line({"qid": "q", "messages": within, "status": "s", "meta": {"x": {"stop_reason": "n"}}}))
    assert (found["status"], "stop_reason" in found) == ("s", False)


def test_what_stands_far_from_the_ends_is_left_to_a_reading(look):
    assert look(_line({"messages": LONG, "qid": "q", "extra": LONG * 9, "status": "s"})) is None
    assert look(_line({"input": "x" * 70_000, "qid": "q", "messages": LONG, "status": "s"})) is None
    assert look(_line({"qid": "q", "messages": LONG})) is None


def test_long_members_beside_the_messages_are_no_hindrance(look):
    found = look(
        _line({"qid": "q", "question": "w" * 9000, "messages": LONG * 9, "status": "s", "input": "y" * 9000})
    )
    assert found["input"] == "y" * 9000


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_line_that_is_cut_off_is_left_to_a_reading(look, cut):
    data = _line({"qid": "q", "messages": LONG, "status": "s"}).rstrip()
    assert look(data[:-cut]) is None


SMALL = st.recursive(
    st.none()
    | st.integers(-9, 9)
    | st.sampled_from(["", "qid", "messages", '","status":"', "\\", '"', "\u2713"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["qid", "status", "messages", "other"]), inner, max_size=2)
    ),
    max_leaves=4,
)
NAMES = ["qid", "query_id", "status", "stop_reason", "run_index", "label", "messages"]


@settings(deadline=None, max_examples=50)
@given(members=st.lists(st.tuples(st.sampled_from(NAMES), SMALL), unique_by=lambda m: m[0], max_size=7))
def test_what_is_seen_is_what_is_there(tmp_path_factory, members):
    """Whatever the order and the values: what a look tells is what a reading tells."""
    record = {
        name: [{"content": "z" * 9000}, value] if name == "messages" else value for name, value in members
    }
    path = tmp_path_factory.mktemp("peek") / "file"
    path.write_bytes(_line(record))
    descriptor = os.open(path, os.O_RDONLY)
    found = peek(descriptor, Span(0, path.stat().st_size), "messages", WANTED)
    os.close(descriptor)
    if found is not None:
        assert found.pop("messages") == []
        assert found == {name: record[name] for name in found}
        assert "messages" in record
