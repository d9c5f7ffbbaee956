"""Expressions that can't hang: they find what `re` finds, in time that grows with the text."""

from __future__ import annotations

import itertools
import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_replay import pattern as module
from clinseek_replay.pattern import Pattern

ATOMS = st.sampled_from(
    ["a", "b", "é", ".", "[ab]", "[^a]", r"\w", r"\W", r"\s", r"\d", r"\b", r"\B", "^", "$", r"\."]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "+?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(EXPRESSIONS, st.text(alphabet="aAbBé \n1_.", max_size=15))
def test_it_finds_where_python_finds_and_nowhere_else(source: str, text: str) -> None:
    theirs = re.compile(source, re.IGNORECASE | re.MULTILINE)
    try:
        ours = Pattern(source)
    except InputError:
        assert theirs.match("") or "$" in source or "^" in source or "\\b" in source.lower()
        return
    first = theirs.search(text)
    spans = list(ours.spans(text))
    assert bool(first) == bool(spans)
    for start, end in spans:
        assert start < end
        # A lookahead holds the match's end, so that anchors see what really stands around it.
        exact = re.compile(f"(?:{source})(?=[\\s\\S]{{{len(text) - end}}}\\Z)", re.IGNORECASE | re.MULTILINE)
        assert exact.match(text, start)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        ("lactate", "Lactate LACTATE", [(0, 7), (8, 15)]),
        ("a+b", "xaaab", [(1, 5)]),
        ("a+", "aaa", [(0, 1), (1, 2), (2, 3)]),
        (r"\d{4}-\d\d", "in 2150-03-02", [(3, 10)]),
        ("^b$", "a\nb\nc", [(2, 3)]),
        (r"\Aa", "a\na", [(0, 1)]),
        (r"a\Z", "a\na", [(2, 3)]),
        (r"\bstat\b", "status stat", [(7, 11)]),
        ("(?P<x>a)|bc", "abc", [(0, 1), (1, 3)]),
        ("x{2,3}y", "xxxxy", [(1, 5)]),
        ("x{,2}y", "xxxy", [(1, 4)]),
        ("a{b", "a{b", [(0, 3)]),
        (r"\x41é", "aÉ", [(0, 2)]),
        ("[]a]", "]", [(0, 1)]),
        ("abcd|c", "abcd", [(2, 3)]),
    ],
    ids=str,
)
def test_what_is_found_and_where(source: str, text: str, spans: list[tuple[int, int]]) -> None:
    assert list(Pattern(source).spans(text)) == spans
    assert list(Pattern(source).starts(text)) == [start for start, _ in spans]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("[a", "not closed"),
        ("[z-a]", "no set of characters"),
        ("*a", "nothing to repeat"),
        ("a**", "two repeats"),
        ("a{3,2}", "counts don't fit"),
        ("a{99999}", "counts don't fit"),
        ("(?=a)b", "lookaround"),
        ("(?i)b", "flags"),
        (r"(a)\1", "means nothing"),
        (r"\q", "means nothing"),
        ("a\\", "means nothing"),
        ("a*", "matches nothing at all"),
        ("", "matches nothing at all"),
        ("^", "matches nothing at all"),
        ("(a{30}){30}", "too many parts"),
        ("(" * 60 + "a" + ")" * 60, "deep"),
        ("a" * 2000, "longer than"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_expression_says_why(source: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Pattern(source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("(a+)+$", "a" * 50_000 + "b"),
        ("(a|a)*b", "a" * 50_000),
        ("(.*)*x", "y" * 50_000),
        ("a*a*a*a*a*b", "a" * 50_000),
        ("x.*y.*z", "xy" * 25_000),
        (r"(\w+\s?)*:", "word " * 10_000),
    ],
    ids=lambda value: value[:12],
)
def test_what_hangs_others_is_done_at_once(source: str, text: str) -> None:
    begin = time.perf_counter()
    assert list(Pattern(source).spans(text)) == []
    assert time.perf_counter() - begin < 5


def test_memory_is_bounded_whatever_the_text_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_KEPT", 500)
    pattern = Pattern("(a|b)*a(a|b){12}c")
    dice = random.Random(1)
    text = "".join(dice.choice("ab") for _ in range(30_000))
    assert pattern.first(text) is None
    assert sum(len(state) for state in pattern._kept.values()) <= 500
    assert pattern.first(text + "a" + "b" * 12 + "c")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=12), st.text(max_size=20))
def test_any_text_is_an_expression_or_one_error(source: str, text: str) -> None:
    try:
        spans = list(Pattern(source).spans(text))
    except InputError:
        return
    assert all(0 <= start < end <= len(text) for start, end in spans)
