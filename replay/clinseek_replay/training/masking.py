"""Which tokens are learned: those that the model itself has to write."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["IGNORED", "labels_of", "left_truncated"]

IGNORED = -100
"""The label that torch's cross-entropy passes over."""


def labels_of(
    ids: Sequence[int], offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]
) -> list[int]:
    """The id of each token that lies whole in one of `spans`, IGNORED for all others.

    `offsets` are the tokens' characters in the text, `spans` the model's own, both ascending. A token that
    reaches over the edge of a span is not learned: part of it was given.
    """
    labels, at = [], 0
    for token, (begin, end) in zip(ids, offsets, strict=True):
        while at < len(spans) and spans[at][1] < end:
            at += 1
        inside = at < len(spans) and spans[at][0] <= begin < end <= spans[at][1]
        labels.append(token if inside else IGNORED)
    return labels


def left_truncated(values: Sequence[int], length: int) -> list[int]:
    """The last `length` of them: a run's end teaches the answer, as the paper cuts it."""
    return list(values[-length:])
