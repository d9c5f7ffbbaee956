"""Two runs' calls set side by side: which are the same, and what was moved, changed, left out or added."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from clinseek_replay.diff.calls import CallRef
from clinseek_replay.diff.subsequence import common

__all__ = ["Aligned", "Change", "align"]

Change = Literal["same", "moved", "changed_result", "changed_arguments", "missing", "extra"]
"""`same`: same tool, arguments and result, in the same order; `moved`: the same in another place;
`changed_result`: same tool and arguments; `changed_arguments`: same tool, at the same place; `missing`: in
the first run alone; `extra`: in the second alone."""


class Aligned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the two runs side by side."""

    change: Change
    a: CallRef | None = None
    b: CallRef | None = None
    moved: bool = False
    """Whether it stands in another place; for `changed_result`, too."""


class _Pair(msgspec.Struct, frozen=True):
    a: int
    b: int
    change: Change
    moved: bool = False


def align(a: Sequence[CallRef], b: Sequence[CallRef]) -> tuple[Aligned, ...]:
    """The lines of two runs, as few of them changed as can be, in the order of the first run.

    A call of the second alone stands before the next call that both have. Which of several equally good
    alignments is taken does not depend on which run comes first.
    """
    swapped = [call.whole for call in b] < [call.whole for call in a]
    pairs = _paired(b, a) if swapped else _paired(a, b)
    if swapped:
        pairs = [_Pair(pair.b, pair.a, pair.change, pair.moved) for pair in pairs]
    return tuple(_in_order(a, b, pairs))


def _paired(a: Sequence[CallRef], b: Sequence[CallRef]) -> list[_Pair]:
    same = common([call.whole for call in a], [call.whole for call in b])
    pairs = [_Pair(i, j, "same") for i, j in same]
    left = _Left(a, b, same)
    pairs += left.take_anywhere(lambda call: call.whole, "moved")
    pairs += left.take_in_gaps(lambda call: call.asked, "changed_result")
    pairs += left.take_anywhere(lambda call: call.asked, "changed_result")
    pairs += left.take_in_gaps(lambda call: call.tool, "changed_arguments")
    return pairs


class _Left:
    """The calls of both runs that have no partner yet, by the gap between same calls that they lie in."""

    def __init__(self, a: Sequence[CallRef], b: Sequence[CallRef], same: Sequence[tuple[int, int]]) -> None:
        self._a, self._b = a, b
        self._of_a = _gaps(len(a), [i for i, _ in same])
        self._of_b = _gaps(len(b), [j for _, j in same])

    def take_anywhere(self, key: Callable[[CallRef], str], change: Change) -> list[_Pair]:
        """Pair calls of the same key wherever they stand, the first with the first."""
        waiting: dict[str, deque[int]] = {}
        for j in sorted(self._of_b):
            waiting.setdefault(key(self._b[j]), deque()).append(j)
        found = []
        for i in sorted(self._of_a):
            partners = waiting.get(key(self._a[i]))
            if partners:
                found.append(_Pair(i, partners.popleft(), change, moved=True))
        return self._taken(found)

    def take_in_gaps(self, key: Callable[[CallRef], str], change: Change) -> list[_Pair]:
        """Pair calls of the same key between the same two same calls, as many as keep their order."""
        of_b: dict[int, list[int]] = {}
        for j in sorted(self._of_b):
            of_b.setdefault(self._of_b[j], []).append(j)
        of_a: dict[int, list[int]] = {}
        for i in sorted(self._of_a):
            of_a.setdefault(self._of_a[i], []).append(i)
        found = []
        for gap, in_a in of_a.items():
            in_b = of_b.get(gap, [])
            pairs = common([key(self._a[i]) for i in in_a], [key(self._b[j]) for j in in_b])
            found += [_Pair(in_a[i], in_b[j], change) for i, j in pairs]
        return self._taken(found)

    def _taken(self, pairs: list[_Pair]) -> list[_Pair]:
        for pair in pairs:
            del self._of_a[pair.a], self._of_b[pair.b]
        return pairs


def _gaps(count: int, same: Sequence[int]) -> dict[int, int]:
    """For each index that is not among the same: how many of those come before it."""
    gaps: dict[int, int] = {}
    before, taken = 0, set(same)
    for index in range(count):
        if index in taken:
            before += 1
        else:
            gaps[index] = before
    return gaps


def _in_order(a: Sequence[CallRef], b: Sequence[CallRef], pairs: Iterable[_Pair]) -> Iterable[Aligned]:
    by_a = {pair.a: pair for pair in pairs}
    partnered = {pair.b for pair in by_a.values()}
    alone = [j for j in range(len(b)) if j not in partnered]
    done = 0
    for i, call in enumerate(a):
        pair = by_a.get(i)
        if pair is not None and not pair.moved:
            while done < len(alone) and alone[done] < pair.b:
                yield Aligned(change="extra", b=b[alone[done]])
                done += 1
        if pair is None:
            yield Aligned(change="missing", a=call)
        else:
            yield Aligned(change=pair.change, a=call, b=b[pair.b], moved=pair.moved)
    for j in alone[done:]:
        yield Aligned(change="extra", b=b[j])
