"""The tools that tell what the record holds: its tables, their columns, and what these mean."""

from __future__ import annotations

from collections.abc import Callable

from clinseek_core.candidates import CANDIDATE_TABLES
from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.journal.events import Table
from clinseek_core.mimic import table as catalogue_table
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools.ehr_tables import Tables
from clinseek_core.tools.paging import Call, rows_result
from clinseek_core.tools.spec import ToolResult

__all__ = ["SchemaTools"]

_MADE_HERE = {
    "known_at": "when the row reached the record",
    "age": "age in years at the case's current time",
}
"""Columns that the source doesn't have."""


class SchemaTools:
    """Answers about the tables of a snapshot."""

    def __init__(self, snapshot: Snapshot, tables: Tables) -> None:
        self._snapshot = snapshot
        self._tables = tables

    @property
    def tools(self) -> dict[str, Callable[[Call], ToolResult]]:
        """The tools by name."""
        return {
            "ehr.get_table_names": lambda _: self.table_names(()),
            "ehr.get_table_description": self._table_description,
            "ehr.get_column_names": self._column_names,
        }

    def table_names(self, notes: tuple[str, ...]) -> ToolResult:
        """All tables with their row counts, below `notes`."""
        rows = tuple((_kind(table), table.name, table.rows) for table in self._snapshot.tables.values())
        table = Table(columns=("kind", "table", "rows"), rows=rows, total=len(rows))
        return rows_result(f"{len(rows)} tables; candidate tables are not counted", table, notes)

    def _table_description(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        if table.name in CANDIDATE_TABLES:
            return ToolResult(status="ok", text=_of_candidates(table))
        info, rule = catalogue_table(table.name), CONTRACT[table.name]
        later = {} if self._snapshot.policy.basis == "upstream" else rule.later
        rows = []
        for name, kind in self._own_kinds(table).items():
            column = info.column(name)
            meaning = column.meaning if column and name in table.columns else _MADE_HERE.get(name, "")
            rows.append((name, kind, meaning, later.get(name)))
        notes = [f"{table.name} ({info.module}), {table.rows} rows: {info.meaning}"]
        if self._snapshot.policy.basis == "available" and not table.dictionary:
            notes.append(f"Rows become known {rule.says or 'at ' + rule.available}.")
        if labels := self._tables.labels(table):
            names = ", ".join(labels.columns)
            notes.append(
                f"The tools that give records show {names} from {labels.dictionary} beside the code."
            )
        columns = ("column", "type", "meaning", "null_until")
        found = Table(columns=columns, rows=tuple(rows), total=len(rows), source=table.name)
        return rows_result(f"{len(rows)} columns", found, notes, plain=True)

    def _column_names(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        rows = tuple(self._own_kinds(table).items())
        found = Table(columns=("column", "type"), rows=rows, total=len(rows), source=table.name)
        words = f"{table.name}: {len(rows)} columns"
        if labels := self._tables.labels(table):
            on = " and ".join(labels.keys)
            words += f"; {', '.join(labels.columns)} by {on} in {labels.dictionary}"
        return rows_result(words, found, plain=True)

    def _own_kinds(self, table: SnapshotTable) -> dict[str, str]:
        columns = self._tables.columns(table)
        return {name: columns[name].kind for name in table.columns}


def _kind(table: SnapshotTable) -> str:
    if table.name in CANDIDATE_TABLES:
        return "candidates"
    return "dictionary" if table.dictionary else "record"


def _of_candidates(table: SnapshotTable) -> str:
    source = CANDIDATE_TABLES[table.name]
    what = "the CCS classes of its codes" if source.ccs else f"its {source.column}"
    rows = " in the rows of all patients" if source.from_rows else ", with their codes"
    return (
        f"{table.name}: names that an answer may use, from {source.source}, {what}{rows}."
        f" Columns: {', '.join(table.columns)}. Search it with ehr.get_candidates_by_keyword,"
        " ehr.get_candidates_by_fuzzy_matching or ehr.get_candidates_by_semantic_similarity."
    )
