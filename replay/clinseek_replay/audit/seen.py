"""When stays, orders, doses and notes began and ended, as far as the run itself shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from clinseek_replay.tables import TextTable, stamp_of

__all__ = ["PARENTS", "Encounters", "Parent", "Span", "number_of"]


class Parent(NamedTuple):
    """A table whose rows others belong to."""

    key: str
    begin: str
    end: str = ""


class Span(NamedTuple):
    """From when to when; empty where that is not shown."""

    begin: str
    end: str


PARENTS: Mapping[str, Parent] = {
    "admissions": Parent("hadm_id", "admittime", "dischtime"),
    "edstays": Parent("stay_id", "intime", "outtime"),
    "icustays": Parent("stay_id", "intime", "outtime"),
    "emar": Parent("emar_id", "charttime"),
    "poe": Parent("poe_id", "ordertime"),
    "discharge": Parent("note_id", "charttime"),
    "radiology": Parent("note_id", "charttime"),
}


class Encounters:
    """Spans by table and key."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str], Span] = {}

    @staticmethod
    def may_be_in(names: tuple[str, ...], text: str) -> bool:
        """Whether a result may show such rows: by the tables it reads, else by their columns."""
        if names:
            return any(name in PARENTS for name in names)
        return "admittime" in text or "intime" in text or "ordertime" in text

    def read(self, table: TextTable, names: tuple[str, ...]) -> None:
        """Keep what a table shows."""
        for name, parent in PARENTS.items():
            if (
                (names and name not in names)
                or parent.key not in table.index
                or parent.begin not in table.index
            ):
                continue
            if not names and parent.end and parent.end not in table.index:
                continue
            for row in range(len(table)):
                key, begin = table.value(row, parent.key), stamp_of(table.value(row, parent.begin))
                if key and begin is not None:
                    self._keep(name, number_of(key), Span(begin.at, _ended(table, row, parent.end)))

    def _keep(self, name: str, key: str, span: Span) -> None:
        before = self._spans.get((name, key))
        # A row that shows an end tells more than one that doesn't.
        if before is None or not before.end or (before.end == "open" and span.end):
            self._spans[name, key] = span

    def span(self, table: str, key: str) -> Span | None:
        """From when to when a row of `table` went, `open` for an end that is shown as missing."""
        return self._spans.get((table, number_of(key)))

    def any_begins_after(self, is_beyond: Callable[[str], bool]) -> bool:
        """Whether any of them began beyond a time: else no identifier can name what was to come."""
        return any(is_beyond(span.begin) for span in self._spans.values())


def _ended(table: TextTable, row: int, column: str) -> str:
    """When a row ended; `open` where that is shown as missing, empty where it is not shown."""
    if not column or column not in table.index:
        return ""
    end = stamp_of(table.value(row, column))
    return end.at if end else "open"


def number_of(text: str) -> str:
    """An identifier as it is compared: `90200001.0` in the reference's databases is 90200001."""
    return text.removesuffix(".0")
