"""The texts that a run's model was given, as one: what stood where before a step is then one search."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinseek_replay.triage.view import CallView, RunView

__all__ = ["Shown"]

_JOIN = "\n"
_LINE = 20_000


class Shown:
    """The opening, then the results of calls that gave something, in order."""

    def __init__(self, view: RunView) -> None:
        run = view.trajectory
        opening = _JOIN.join([run.question, *(text for _, text in run.prompt)])
        self._calls = [call for call in view.calls if call.gave_something and call.kind != "thought"]
        self.text = _JOIN.join([opening, *(call.text for call in self._calls)])
        self._first: dict[str, int] = {}
        self._lines: dict[str, list[tuple[int, int]]] = {}
        self._starts: list[int] = []
        at = len(opening) + len(_JOIN)
        for call in self._calls:
            self._starts.append(at)
            at += len(call.text) + len(_JOIN)

    def before(self, step: int) -> int:
        """Where the results of a step begin: what stands before was known when its model wrote."""
        index = bisect_left(self._calls, step, key=lambda call: call.step.number)
        return self._starts[index] if index < len(self._starts) else len(self.text)

    def holds(self, number: str, end: int) -> bool:
        """Whether a number or time stands before `end`, as one and not as a part of another."""
        first = self._first.get(number)
        if first is None:
            first = self._first[number] = self._first_of(number)
        return first < end

    def _first_of(self, number: str) -> int:
        if number not in self.text:
            return len(self.text) + 1
        found = re.search(rf"(?<![\d.]){re.escape(number)}0*(?!\d|\.\d)", self.text)
        return found.start() if found else len(self.text) + 1

    def nearly(self, label: str, number: str, end: int) -> tuple[CallView, str] | None:
        """The last result before `end` with a number that is one digit off, on a line that has the label."""
        shape, label = _shape(re.sub(r"\d", "0", number)), label.lower()
        found: tuple[int, str] | None = None
        for start, stop in self._lines_with(label, end):
            for each in shape.finditer(self.text, start, stop):
                if sum(a != b for a, b in zip(each[0], number, strict=True)) == 1:
                    found = (each.start(), each[0])
        if found is None or not self._starts or found[0] < self._starts[0]:
            return None
        index = bisect_left(self._starts, found[0] + 1) - 1
        return self._calls[index], found[1]

    def _lines_with(self, label: str, end: int) -> Iterator[tuple[int, int]]:
        """The parts before `end` of the lines that hold a label; the whole text where there is none."""
        if not label:
            return iter([(0, end)])
        lines = self._lines.get(label)
        if lines is None:
            lines = self._lines[label] = list(self._find_lines(label))
        return ((start, min(stop, end)) for start, stop in lines if start < end)

    def _find_lines(self, label: str) -> Iterator[tuple[int, int]]:
        at = self._lowered.find(label)
        while at >= 0:
            start = max(self.text.rfind("\n", 0, at) + 1, at - _LINE)
            stop = self.text.find("\n", at)
            stop = min(stop if stop >= 0 else len(self.text), at + _LINE)
            yield start, stop
            at = self._lowered.find(label, stop)

    @cached_property
    def _lowered(self) -> str:
        """The text in small letters, every character where it was."""
        lowered = self.text.lower()
        return lowered if len(lowered) == len(self.text) else self.text


@lru_cache(maxsize=256)
def _shape(digits: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\d.])" + re.escape(digits).replace("0", r"\d") + r"(?!\d|\.\d)")
