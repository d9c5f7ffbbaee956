"""The tables of a snapshot as tools read them: found by name, with their columns' types and labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from clinseek_core.candidates import CANDIDATE_TABLES
from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.mimic import tables as catalogue
from clinseek_core.tools.arguments import CallError, text
from clinseek_core.tools.names import meant, nearest, shown

__all__ = ["LABELS", "Labels", "TableColumn", "Tables"]


class Labels(msgspec.Struct, frozen=True):
    """What a dictionary says of a table's codes: shown beside them by the tools that give records."""

    dictionary: str
    keys: Mapping[str, str]
    """The table's code columns, each to the dictionary's."""
    columns: tuple[str, ...]


_ITEM = Labels("d_items", {"itemid": "itemid"}, ("label",))
_ICD = {"icd_code": "icd_code", "icd_version": "icd_version"}

LABELS: dict[str, Labels] = {
    "labevents": Labels("d_labitems", {"itemid": "itemid"}, ("label", "fluid", "category")),
    "chartevents": _ITEM,
    "datetimeevents": _ITEM,
    "outputevents": _ITEM,
    "inputevents": _ITEM,
    "ingredientevents": _ITEM,
    "procedureevents": _ITEM,
    "diagnoses_icd": Labels("d_icd_diagnoses", _ICD, ("long_title",)),
    "procedures_icd": Labels("d_icd_procedures", _ICD, ("long_title",)),
}
"""The reference implementation joins the same names to the laboratory and diagnosis tables."""


class TableColumn(msgspec.Struct, frozen=True):
    """A column of a table, or of its labels."""

    name: str
    sql: str
    """It, in a query whose table is called `t`."""
    kind: str
    """Its DuckDB type."""
    code: bool
    """Whether it holds codes of a vocabulary, which are texts even where they look like numbers."""


class Tables:
    """The tables of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._columns: dict[str, dict[str, TableColumn]] = {}

    def find(self, arguments: dict[str, Any]) -> SnapshotTable:
        """The table that `table_name` means; CallError with the nearest names where it means none."""
        written = text(arguments, "table_name")
        name = meant(written, self._snapshot.tables)
        if name is None:
            hint = nearest(written, self._by_size, "see ehr.get_table_names")
            raise CallError(f"there is no table {shown(written)}{hint}")
        return self._snapshot.tables[name]

    @cached_property
    def _by_size(self) -> list[str]:
        """Tables with rows first: of two names that are as near, the one that answers."""
        return sorted(self._snapshot.tables, key=lambda name: self._snapshot.tables[name].rows == 0)

    def find_column(self, table: SnapshotTable, arguments: dict[str, Any]) -> TableColumn:
        """The column that `column_name` means, of the table or of its labels."""
        written, columns = text(arguments, "column_name"), self.columns(table)
        name = meant(written, columns)
        if name is None:
            hint = nearest(written, columns, f"it has {', '.join(columns)}")
            raise CallError(f"{table.name} has no column {shown(written)}{hint}")
        return columns[name]

    def columns(self, table: SnapshotTable) -> Mapping[str, TableColumn]:
        """A table's columns in order, each code with its labels behind it."""
        if table.name not in self._columns:
            self._columns[table.name] = {column.name: column for column in self._described(table)}
        return self._columns[table.name]

    def labels(self, table: SnapshotTable) -> Labels | None:
        """The labels of a table, where its dictionary holds any."""
        labels = LABELS.get(table.name)
        return labels if labels and self._snapshot.tables[labels.dictionary].rows else None

    def _described(self, table: SnapshotTable) -> list[TableColumn]:
        kinds = self._kinds(table.name)
        labels = self.labels(table)
        found = []
        for name in table.columns:
            found.append(TableColumn(name, f"t.{quoted(name)}", kinds[name], _is_code(table.name, name)))
            if labels and name == list(labels.keys)[-1]:
                of_labels = self._kinds(labels.dictionary)
                found += [
                    TableColumn(label, _label_sql(labels, label), of_labels[label], code=False)
                    for label in labels.columns
                    if label not in table.columns
                ]
        return found

    def _kinds(self, name: str) -> dict[str, str]:
        rows = self._snapshot.select(f"SELECT column_name, column_type FROM (DESCRIBE {quoted(name)})").rows
        return {str(column): str(kind) for column, kind in rows}


def _label_sql(labels: Labels, label: str) -> str:
    # A scalar subquery, not a join: a code that stands in the dictionary twice doesn't double a row.
    same = " AND ".join(f"d.{quoted(there)} = t.{quoted(here)}" for here, there in labels.keys.items())
    return f"(SELECT min(d.{quoted(label)}) FROM {quoted(labels.dictionary)} d WHERE {same})"


def _is_code(table: str, name: str) -> bool:
    if table in CANDIDATE_TABLES:
        return name in CANDIDATE_TABLES[table].codes
    column = catalogue()[table].column(name)
    return column is not None and column.role == "code"
