"""Paths into JSON values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_replay.cursor.comparison import read_comparison
from clinseek_replay.cursor.jsonpath import read_path

DOCUMENT = {"a": {"b": [1, {"c": 2}], "x y": 3}, "c": [{"c": 9}], "n": None, "t-1": True}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$", [DOCUMENT]),
        ("$.a.b[0]", [1]),
        ("$.a.b[-1].c", [2]),
        ("$.a.b[5]", []),
        ("$.a.b[*].c", [2]),
        ("$['a']['x y']", [3]),
        ('$["a"].b[1]["c"]', [2]),
        ("$.t-1", [True]),
        ("$.n", [None]),
        ("$.a[0]", []),
        ("$.c.c", []),
        ("$.a.*", [[1, {"c": 2}], 3]),
        ("$..c", [[{"c": 9}], 2, 9]),
        ("$..[0]", [1, {"c": 9}]),
        ("$..['x y']", [3]),
        ("$..b..c", [2]),
    ],
)
def test_a_path_gives_what_lies_there(path: str, values: list[Any]) -> None:
    read, rest = read_path(path)
    assert (list(read.values(DOCUMENT)), rest, read.source) == (values, "", path)


def test_what_is_reached_in_several_ways_counts_once() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep, "b": [deep] if not isinstance(deep, dict) else []}
    path, _ = read_path("$" + "..*" * 20 + "..a")
    assert len(list(path.values(deep))) <= 60


def test_a_deep_value_is_no_deep_stack() -> None:
    deep: Any = "x"
    for _ in range(50_000):
        deep = [deep]
    assert list(read_path("$..[0]")[0].values(deep))[-1] == "x"


@pytest.mark.parametrize(
    "text",
    ["a", "", "$.", "$..", "$.[0]", "$[1:2]", "$[0,1]", "$['a", "$[?(@.a)]", "$...a", "$.1", "$" + ".a" * 31],
)
def test_what_is_no_path_says_so(text: str) -> None:
    with pytest.raises(InputError, match=r"begins with|none of|at most"):
        read_path(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$.a.b[0]", 1),
        ("$.a.b[0]=1", 1),
        ('$.c[0].c = "9"', 9),
        ("$.a.b[0]=2", "none"),
        ("$.a.b[*]!=1", {"c": 2}),
        ("$..c>2", 9),
        ("$..c<9", 2),
        ("$.t-1=true", True),
        ("$.t-1>0", "none"),
        ("$.n=null", None),
        ("$..c~/^9$/", 9),
        ("$.zz!=1", "none"),
    ],
)
def test_values_are_compared(text: str, value: Any) -> None:
    found = read_comparison(text).first(DOCUMENT)
    assert ("none" if found is None else found[0]) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$.a b", "follows the path"),
        ("$.a>x", "no number"),
        ("$.a~x", "between slashes"),
        ("$.a~/(/", "not closed"),
    ],
)
def test_what_can_not_be_compared_says_why(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_comparison(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="$.[]*ab'\"0-1=~/<>! ", max_size=12), JSON)
def test_any_text_is_a_comparison_or_one_error(text: str, document: Any) -> None:
    try:
        comparison = read_comparison("$" + text)
    except InputError:
        return
    comparison.first(document)
