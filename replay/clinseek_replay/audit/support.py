"""What of the answer rests on what leaked: places of findings joined with places that name an item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from clinseek_replay.audit.inspection import NO_EVIDENCE
from clinseek_replay.evidence.matching import Hit, Matcher
from clinseek_replay.evidence.reading import items_of
from clinseek_replay.evidence.synonyms import drug_names
from clinseek_replay.finding import Finding
from clinseek_replay.tables import TextTable, tables_in
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["Support", "leaked_items"]


class _Leaked(NamedTuple):
    """What of one call's result leaked."""

    whole: bool
    rows: set[int]
    """1-based."""
    cells: set[tuple[int, str]]
    spans: list[tuple[int, int]]


class _Named(NamedTuple):
    """Where a result names an item of the answer."""

    item: str
    row: int | None
    """1-based; None outside of any table."""
    column: str
    start: int | None


class _Names(NamedTuple):
    """Where one result names items of the answer."""

    places: tuple[_Named, ...]
    rows: frozenset[int | None]
    cells: frozenset[tuple[int | None, str]]

    def any_in(self, leaked: _Leaked) -> bool:
        """Whether any of them is in what leaked."""
        if leaked.whole:
            return bool(self.places)
        if not (self.rows.isdisjoint(leaked.rows) and self.cells.isdisjoint(leaked.cells)):
            return True
        return bool(leaked.spans) and any(_is_in(named, leaked) for named in self.places)


_At = tuple[int, int]
"""A call: its step's number, and its own within the step."""


class Support:
    """The answered items of a run and where its results name them, for one set of findings.

    `matcher` is one that knows the items of the answer, where another analysis has it; `tables` are those of
    results that were read before.
    """

    def __init__(
        self,
        trajectory: Trajectory,
        findings: Iterable[Finding],
        matcher: Matcher | None = None,
        tables: Mapping[_At, tuple[TextTable, ...]] | None = None,
    ) -> None:
        self._trajectory = trajectory
        self._answer = items_of(trajectory)[1]
        self._matcher = matcher or Matcher(
            self._answer, synonyms={item: drug_names(item) for item in self._answer}
        )
        self._tables = tables or {}
        self._named: dict[_At, _Names] = {}
        self._by_call: dict[_At, list[Finding]] = {}
        for finding in findings:
            for at in _calls_of(finding):
                self._by_call.setdefault(at, []).append(finding)

    @cached_property
    def unsearchable(self) -> tuple[str, ...]:
        """Answered items that no text can be searched for."""
        return tuple(item for item in self._answer if item in self._matcher.not_lexical)

    def used(self, finding: Finding) -> bool | None:
        """Whether what was found names an item of the answer; None where that can't be told."""
        if not self._answer or not finding.places or finding.evidence.get("leaked") == "none":
            return None
        for at in _calls_of(finding):
            if self._names_at(at).any_in(_leaked([finding], at)):
                return True
        return None if self.unsearchable else False

    def leaked_items(self) -> tuple[str, ...]:
        """Answered items that results name, and only in what leaked."""
        in_leaks: set[str] = set()
        elsewhere: set[str] = set()
        for at, findings in self._by_call.items():
            names = self._names_at(at)
            leaked = _leaked([finding for finding in findings if finding.severity != "info"], at)
            any_in = names.any_in(leaked)
            for named in names.places:
                (in_leaks if any_in and _is_in(named, leaked) else elsewhere).add(named.item)
        # Most runs have no item in a leak: only then the other results are searched too.
        for at, call in self._calls.items() if in_leaks else ():
            if at not in self._by_call:
                elsewhere.update(hit.name for hit in self._matcher.in_call(call))
        return tuple(item for item in self._answer if item in in_leaks - elsewhere)

    @cached_property
    def _calls(self) -> dict[_At, Call]:
        """The calls whose results are evidence."""
        return {
            (step.number, number): call
            for step in self._trajectory.steps
            for number, call in enumerate(step.calls, 1)
            if call.result is not None and call.name not in NO_EVIDENCE and "candidates" not in call.name
        }

    def _names_at(self, at: _At) -> _Names:
        if at not in self._named:
            call = self._calls.get(at)
            hits = self._matcher.in_call(call) if call is not None else ()
            items = [hit for hit in hits if hit.name in self._answer]
            tables = self._tables.get(at)
            if tables is None:
                tables = tables_in(call) if call is not None and items else ()
            places = tuple(_located(items, tables))
            self._named[at] = _Names(
                places,
                frozenset(named.row for named in places),
                frozenset((named.row, named.column) for named in places),
            )
        return self._named[at]


def _located(hits: Iterable[Hit], tables: tuple[TextTable, ...]) -> Iterator[_Named]:
    for hit in hits:
        row, column = hit.row, hit.column
        if row is None and hit.start is not None:
            for table in tables:
                place = table.at(hit.start)
                if place is not None:
                    row, column = table.first_row + place[0] + 1, table.columns[place[1]]
                    break
        yield _Named(hit.name, row, column.lower(), hit.start)


def _is_in(named: _Named, leaked: _Leaked) -> bool:
    if leaked.whole or named.row in leaked.rows or (named.row, named.column) in leaked.cells:
        return True
    start = named.start
    return start is not None and any(begin <= start < end for begin, end in leaked.spans)


def _calls_of(finding: Finding) -> set[_At]:
    return {(place.step, place.call or 0) for place in finding.places}


def leaked_items(
    trajectory: Trajectory, findings: Iterable[Finding], matcher: Matcher | None = None
) -> tuple[str, ...]:
    """Answered items that the run's results name, and only in rows, cells or pages that fail a T-rule."""
    return Support(trajectory, findings, matcher).leaked_items()


def _leaked(findings: Iterable[Finding], at: _At) -> _Leaked:
    whole = False
    rows: set[int] = set()
    cells: set[tuple[int, str]] = set()
    spans: list[tuple[int, int]] = []
    for finding in findings:
        scope = finding.evidence.get("leaked")
        whole = whole or scope == "call"
        for place in finding.places:
            if (place.step, place.call) != at or scope not in {"cell", "row"}:
                continue
            if place.row is not None and scope == "row":
                rows.add(place.row)
            elif place.row is not None:
                cells.add((place.row, place.column.lower()))
            elif place.start is not None and place.end is not None:
                spans.append((place.start, place.end))
    return _Leaked(whole, rows, cells, spans)
