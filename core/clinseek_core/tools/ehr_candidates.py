"""The tools that search the candidate tables: by words, by letters and by meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from clinseek_core.candidates import CANDIDATE_TABLES, CandidateIndex
from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.journal.events import Table
from clinseek_core.tools.arguments import CallError, text, texts
from clinseek_core.tools.ehr_tables import Tables
from clinseek_core.tools.names import nearest, shown
from clinseek_core.tools.paging import Call, fitting, next_call, page_of, rows_result
from clinseek_core.tools.spec import ToolResult

__all__ = ["CandidateTools"]

_NAMES = 20
_NEAREST = 10

Search = Callable[[str, str, int], list[tuple[str, float]]]


class _Found(NamedTuple):
    """Rows, each with what was asked for in front, which is told where that was several things."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    several: bool
    left: int = 0
    """Names that are not among them."""


class CandidateTools:
    """Answers from the candidate tables of a snapshot."""

    def __init__(self, snapshot: Snapshot, tables: Tables) -> None:
        self._snapshot = snapshot
        self._tables = tables

    @property
    def _index(self) -> CandidateIndex:
        return self._snapshot.candidates

    @property
    def tools(self) -> dict[str, Callable[[Call], ToolResult]]:
        """The tools by name."""
        return {
            "ehr.get_candidates_by_keyword": self._by_keyword,
            "ehr.get_candidates_by_fuzzy_matching": self._by_spelling,
            "ehr.get_candidates_by_semantic_similarity": self._by_meaning,
        }

    def _by_keyword(self, call: Call) -> ToolResult:
        table, page = self._table(call), page_of(call, _NAMES)
        choices = list(
            dict.fromkeys(filter(None, map(str.strip, text(call.arguments, "keyword").split("|"))))
        )
        if not choices:
            raise CallError("keyword is empty; give at least one word")
        found, counts = [], []
        for choice in choices:
            rows, total = self._index.keyword(table.name, choice, page.limit, page.offset)
            found += [(choice, *row) for row in rows]
            counts.append(total)
        said = ", ".join(
            f"{total} with {shown(choice)!r}" for choice, total in zip(choices, counts, strict=True)
        )
        words = f"{table.name}: names that hold every word: {said}"
        words += f"; from name {page.offset + 1} on" if page.offset else ""
        last = page.offset + page.limit
        left = sum(total - last for total in counts if total > last)
        words += f"; {page.limit} names here, {next_call(call, last)}" if left else ""
        return _result(
            words, table, _Found(("keyword", *self._columns(table)), found, len(choices) > 1, left)
        )

    def _by_spelling(self, call: Call) -> ToolResult:
        return self._near(call, "keywords", self._index.fuzzy, "by spelling; score: 100 for the same letters")

    def _by_meaning(self, call: Call) -> ToolResult:
        return self._near(call, "query", self._index.similar, "by meaning; score: 1 for the same meaning")

    def _near(self, call: Call, argument: str, search: Search, how: str) -> ToolResult:
        table, page = self._table(call), page_of(call, _NEAREST)
        queries, found = texts(call.arguments, argument), []
        for query in queries:
            for name, score in search(table.name, query, page.limit):
                found += [(query, *row, score) for row in self._rows_of(table, name)]
        columns = (argument, *self._columns(table), "score")
        return _result(
            f"{table.name}: the nearest names {how}", table, _Found(columns, found, len(queries) > 1)
        )

    def _columns(self, table: SnapshotTable) -> tuple[str, ...]:
        return self._index.tables[table.name].columns

    def _rows_of(self, table: SnapshotTable, name: str) -> list[tuple[Any, ...]]:
        """The rows of a name with its codes; the first ones of a name that has very many."""
        rows = [row for row in self._index.exact(table.name, name) if row[0] == name]
        return rows[: CANDIDATE_TABLES[table.name].shown]

    def _table(self, call: Call) -> SnapshotTable:
        table = self._tables.find(call.arguments)
        if table.name not in CANDIDATE_TABLES:
            hint = nearest(
                f"{table.name}_candidates", CANDIDATE_TABLES, f"there are {', '.join(CANDIDATE_TABLES)}"
            )
            raise CallError(f"{table.name} is no candidate table{hint}")
        filled = [name for name, names in self._index.tables.items() if names.rows]
        if table.name not in filled:
            hint = nearest(table.name, filled, f"there are {', '.join(filled)}")
            raise CallError(f"{table.name} holds no names here{hint}", "empty")
        return table


def _result(words: str, table: SnapshotTable, found: _Found) -> ToolResult:
    columns, rows = found.columns, found.rows
    if not found.several:
        columns, rows = columns[1:], [row[1:] for row in rows]
    here = tuple(rows[: fitting(rows)])
    if len(here) < len(rows):
        words += f"; the first {len(here)} of {len(rows)} rows here, give a smaller limit for the others"
    return rows_result(
        words, Table(columns=columns, rows=here, total=len(rows) + found.left, source=table.name)
    )
