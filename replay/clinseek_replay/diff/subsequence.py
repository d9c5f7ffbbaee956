"""The longest common subsequence of two sequences, exact and quick at ten thousand elements.

Rows of the table of lengths are kept as the bits of one integer each (M. Crochemore et al., "A fast and
practical bit-vector algorithm for the longest common subsequence problem", 2001), and where they would take
much memory the problem is cut in two (D. S. Hirschberg, "A linear space algorithm for computing maximal
common subsequences", 1975).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import accumulate

__all__ = ["common"]

_MAX_BITS = 32 * 1024 * 1024
"""Of the rows that are held at once."""


def common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of indexes of equal elements, both growing, as many as there can be."""
    start, ends = 0, (len(a), len(b))
    while start < min(ends) and a[start] == b[start]:
        start += 1
    while min(ends) > start and a[ends[0] - 1] == b[ends[1] - 1]:
        ends = ends[0] - 1, ends[1] - 1
    pairs = [(index, index) for index in range(start)]
    pairs += _between(a, b, (start, ends[0]), (start, ends[1]))
    pairs += zip(range(ends[0], len(a)), range(ends[1], len(b)), strict=True)
    return pairs


_Range = tuple[int, int]


def _between(
    a: Sequence[Hashable], b: Sequence[Hashable], in_a: _Range, in_b: _Range
) -> list[tuple[int, int]]:
    """The pairs within two ranges; halves wait on a list, so that no depth is too much."""
    pairs: list[tuple[int, int]] = []
    waiting = [(in_a, in_b)]
    while waiting:
        (a_from, a_to), (b_from, b_to) = waiting.pop()
        if a_from == a_to or b_from == b_to:
            continue
        if (a_to - a_from) * (b_to - b_from) <= _MAX_BITS or a_to - a_from == 1:
            found = _traced(a[a_from:a_to], b[b_from:b_to])
            pairs += ((a_from + i, b_from + j) for i, j in found)
            continue
        a_middle = (a_from + a_to) // 2
        before = _lengths(a[a_from:a_middle], b[b_from:b_to])
        after = _lengths(a[a_middle:a_to][::-1], b[b_from:b_to][::-1])
        best = max(range(len(before)), key=lambda j: before[j] + after[len(after) - 1 - j])
        waiting.append(((a_middle, a_to), (b_from + best, b_to)))
        waiting.append(((a_from, a_middle), (b_from, b_from + best)))
    return pairs


def _rows(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[int]:
    """For each element of `a`, the row of the table up to it: bit j is 0 where the length grows at `b[j]`."""
    places: dict[Hashable, int] = {}
    for index, element in enumerate(b):
        places[element] = places.get(element, 0) | 1 << index
    full = (1 << len(b)) - 1
    row = full
    for element in a:
        matched = row & places.get(element, 0)
        row = ((row + matched) | (row - matched)) & full
        yield row


def _lengths(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[int]:
    """Length of the longest common subsequence of `a` and the first j elements of `b`, for each j from 0."""
    row = (1 << len(b)) - 1
    for row in _rows(a, b):  # noqa: B007 -- the last one is wanted
        pass
    grows = (bit == "0" for bit in reversed(f"{row:0{len(b)}b}"))
    return list(accumulate(grows, initial=0))


def _traced(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The pairs, followed back through the rows."""
    rows = [(1 << len(b)) - 1, *_rows(a, b)]
    pairs: list[tuple[int, int]] = []
    i, j = len(a), len(b)
    while i and j:
        if rows[i] >> (j - 1) & 1:  # no longer with b[j - 1] than without
            j -= 1
        elif not rows[i - 1] >> (j - 1) & 1 and _length(rows[i - 1], j) == _length(rows[i], j):
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    pairs.reverse()
    return pairs


def _length(row: int, j: int) -> int:
    """Zero bits among the first j."""
    return j - (row & ((1 << j) - 1)).bit_count()
