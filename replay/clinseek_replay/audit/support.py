"""What of the answer rests on what leaked: places of findings joined with places that name an item."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from clinseek_replay.audit.inspection import NO_EVIDENCE
from clinseek_replay.evidence.matching import Hit, Matcher
from clinseek_replay.finding import Finding
from clinseek_replay.tables import TextTable, tables_in
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["Support", "leaked_items"]


class _Leaked(NamedTuple):
    """What of one call's result leaked."""

    whole: bool
    rows: frozenset[int]
    """1-based."""
    cells: frozenset[tuple[int, str]]
    spans: tuple[tuple[int, int], ...]


_NOTHING = _Leaked(False, frozenset(), frozenset(), ())


class Support:
    """The answered items of a run and where its results name them, for one set of findings."""

    def __init__(
        self, trajectory: Trajectory, findings: Iterable[Finding], matcher: Matcher | None = None
    ) -> None:
        self._trajectory = trajectory
        self._answer = tuple(dict.fromkeys(trajectory.answer or ()))
        self._matcher = matcher or Matcher(self._answer)
        self._by_call: dict[tuple[int, int], list[Finding]] = {}
        for finding in findings:
            for step, call in {(place.step, place.call or 0) for place in finding.places}:
                self._by_call.setdefault((step, call), []).append(finding)

    @property
    def unsearchable(self) -> tuple[str, ...]:
        """Answered items that no text can be searched for."""
        return tuple(item for item in self._answer if item in self._matcher.not_lexical)

    def used(self, finding: Finding) -> bool | None:
        """Whether what was found names an item of the answer; None where that can't be told."""
        if not self._answer or not finding.places:
            return None
        if finding.evidence.get("leaked") == "none":
            return None
        for step, number in {(place.step, place.call or 0) for place in finding.places}:
            call = self._calls.get((step, number))
            hits = self._matcher.in_call(call) if call is not None else ()
            leaked = _leaked([finding], step, number) if hits else _NOTHING
            if call is not None and any(self._is_in(hit, leaked, call) for hit in hits):
                return True
        return None if self.unsearchable else False

    def leaked_items(self) -> tuple[str, ...]:
        """Answered items that results name, and only in what leaked."""
        in_leaks: set[str] = set()
        elsewhere: set[str] = set()
        # Most runs have no item in a leak: only then the other results are searched too.
        for leaky in (True, False):
            for at, call in self._calls.items():
                if (at in self._by_call) == leaky and (leaky or in_leaks):
                    leaked = _leaked(self._counting(at), *at) if leaky else _NOTHING
                    for hit in self._matcher.in_call(call):
                        (in_leaks if self._is_in(hit, leaked, call) else elsewhere).add(hit.name)
        return tuple(item for item in self._answer if item in in_leaks - elsewhere)

    def _counting(self, at: tuple[int, int]) -> list[Finding]:
        return [finding for finding in self._by_call[at] if finding.severity != "info"]

    @cached_property
    def _calls(self) -> dict[tuple[int, int], Call]:
        """By step and number the calls whose results are evidence."""
        return {
            (step.number, number): call
            for step in self._trajectory.steps
            for number, call in enumerate(step.calls, 1)
            if call.result is not None and call.name not in NO_EVIDENCE and "candidates" not in call.name
        }

    def _is_in(self, hit: Hit, leaked: _Leaked, call: Call) -> bool:
        if leaked.whole:
            return True
        if hit.row is not None:
            return hit.row in leaked.rows or (hit.row, hit.column.lower()) in leaked.cells
        if hit.start is None or leaked == _NOTHING:
            return False
        if any(start <= hit.start < end for start, end in leaked.spans):
            return True
        for table in self._tables(call):
            place = table.at(hit.start)
            if place is not None:
                row = table.first_row + place[0] + 1
                return row in leaked.rows or (row, table.columns[place[1]].lower()) in leaked.cells
        return False

    def _tables(self, call: Call) -> tuple[TextTable, ...]:
        if call.anchor not in self._read:
            self._read[call.anchor] = tables_in(call)
        return self._read[call.anchor]

    @cached_property
    def _read(self) -> dict[str, tuple[TextTable, ...]]:
        return {}


def leaked_items(
    trajectory: Trajectory, findings: Iterable[Finding], matcher: Matcher | None = None
) -> tuple[str, ...]:
    """Answered items that the run's results name, and only in rows, cells or pages that fail a T-rule."""
    return Support(trajectory, findings, matcher).leaked_items()


def _leaked(findings: Iterable[Finding], step: int, number: int) -> _Leaked:
    whole = False
    rows: set[int] = set()
    cells: set[tuple[int, str]] = set()
    spans: list[tuple[int, int]] = []
    for finding in findings:
        scope = finding.evidence.get("leaked")
        whole = whole or scope == "call"
        for place in finding.places:
            if (place.step, place.call) != (step, number) or scope not in {"cell", "row"}:
                continue
            if place.row is not None and scope == "row":
                rows.add(place.row)
            elif place.row is not None:
                cells.add((place.row, place.column.lower()))
            elif place.start is not None and place.end is not None:
                spans.append((place.start, place.end))
    return _Leaked(whole, frozenset(rows), frozenset(cells), tuple(spans))
