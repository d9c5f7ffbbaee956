import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_replay.index import item_spans, member_spans, spans_in
from clinseek_replay.trajectory import Span

VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from([']"', "},", "\\", "a:b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


def _at(text: bytes, span: Span) -> bytes:
    return text[span.offset : span.offset + span.length]


@settings(deadline=None, max_examples=50)
@given(
    members=st.dictionaries(st.text(max_size=5), VALUE, max_size=5),
    separators=SEPARATORS,
    ascii_=st.booleans(),
)
def test_members_and_items_lie_where_it_says(members, separators, ascii_):
    text = json.dumps(members, separators=separators, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    spans = member_spans(text)
    if spans is None:  # a lone surrogate is no strict JSON
        with pytest.raises(UnicodeDecodeError):
            text.decode()
        return
    assert {name: json.loads(_at(text, span)) for name, span in spans.items()} == members
    for name, value in members.items():
        items = item_spans(text, spans[name])
        assert (items is None) == (not isinstance(value, list))
        if items is not None:
            assert [json.loads(_at(text, span)) for span in items] == value
            shifted = spans_in(text, name, 100)
            assert [span.offset - 100 for span in shifted] == [span.offset for span in items]


@pytest.mark.parametrize(
    "text",
    [b'{"a":1,"a":2}', b'{"a":1,"b":22,"a":333}', b"[1]", b'{"a":1', b"{} x", b"", b'{"a":NaN}', b'"{}"'],
)
def test_what_is_no_object_or_names_a_member_twice_has_no_places(text):
    assert member_spans(text) is None
    assert spans_in(text, "a", 0) is None
