"""The steps of a large run, each read from its bytes when it is looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from clinseek_replay.trajectory import Step

__all__ = ["LazySteps", "call_counts"]

_KEPT_BYTES = 8 * 1024 * 1024
"""Of the source, behind the steps that are kept; decoded they take a few times as much."""


class LazySteps(Sequence[Step]):
    """Steps that `read` makes when they are asked for; those looked at last are kept, up to some megabytes.

    It may be read from several threads. Raises what `read` raises: InputError where the file has changed.
    """

    def __init__(
        self,
        read: Callable[[int], Step],
        sizes: Sequence[int],
        call_counts: Sequence[int],
        kept_bytes: int = _KEPT_BYTES,
    ) -> None:
        self.call_counts = call_counts
        """How many calls each step has, known without reading it."""
        self._read = read
        self._sizes = sizes
        self._limit = kept_bytes
        self._kept: OrderedDict[int, Step] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        place = range(len(self))[index]
        with self._lock:
            step = self._kept.get(place)
            if step is not None:
                self._kept.move_to_end(place)
                return step
        step = self._read(place)
        with self._lock:
            self._keep(place, step)
        return step

    def __iter__(self) -> Iterator[Step]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} steps, read when looked at>"

    def _keep(self, place: int, step: Step) -> None:
        """Keep it, and let go of those not looked at for longest; one is always kept, however large."""
        if place in self._kept:
            return
        self._kept[place] = step
        self._bytes += self._sizes[place]
        while self._bytes > self._limit and len(self._kept) > 1:
            gone, _ = self._kept.popitem(last=False)
            self._bytes -= self._sizes[gone]


def call_counts(steps: Sequence[Step]) -> Sequence[int]:
    """How many calls each step has; steps that are not read yet are not read for it."""
    return steps.call_counts if isinstance(steps, LazySteps) else [len(step.calls) for step in steps]
