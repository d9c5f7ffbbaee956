"""The longest common subsequence: as long as the textbook's, also where the problem is cut in pieces."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_replay.diff import subsequence
from clinseek_replay.diff.subsequence import common

WORDS = st.text(alphabet="abcd", max_size=14)


def textbook(a: str, b: str) -> int:
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if x == y else max(lengths[i][j + 1], lengths[i + 1][j])
    return lengths[-1][-1]


@pytest.mark.parametrize("most", [1, 6, 1 << 20])
@settings(deadline=None, max_examples=50)
@given(a=WORDS, b=WORDS)
def test_it_is_common_in_order_and_as_long_as_can_be(most: int, a: str, b: str) -> None:
    whole = subsequence._MAX_BITS
    subsequence._MAX_BITS = most
    try:
        pairs = common(a, b)
    finally:
        subsequence._MAX_BITS = whole
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(x < y and u < v for (x, u), (y, v) in pairwise(pairs))
    assert len(pairs) == textbook(a, b)


@pytest.mark.parametrize("kinds", [2, 50, 100_000], ids="{} kinds".format)
def test_ten_thousand_of_each_take_no_time(kinds: int) -> None:
    a = [n * n * 7919 % kinds for n in range(10_000)]
    b = [n * (n + 3) * 104_729 % kinds for n in range(10_000)]
    begin = time.perf_counter()
    pairs = common(a, b)
    assert time.perf_counter() - begin < 5
    assert all(a[i] == b[j] for i, j in pairs)
