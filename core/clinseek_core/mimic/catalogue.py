"""The column catalogue of MIMIC-IV: what every table and column is, read from two tables of data.

`tables.tsv` has a line a table, `catalogue.tsv` a line a column, in the order of the files PhysioNet
publishes. Facts from the data's documentation, its published build scripts and the open demo.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Column", "ColumnType", "Kind", "Module", "Role", "TableInfo", "Version", "table", "tables"]

Module = Literal["hosp", "icu", "ed", "note", "cxr"]

Version = Literal["2.2", "3.1"]

Kind = Literal["patient", "dictionary", "staff"]
"""`patient`: rows with a subject_id; `dictionary`: what codes mean; `staff`: lists of ids."""

ColumnType = Literal["SMALLINT", "INTEGER", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"]
"""A DuckDB type; `VARCHAR` also for codes that may begin with 0 and for doses that may be a range or text."""

Role = Literal[
    "subject",
    "id",
    "key",
    "counter",
    "event",
    "store",
    "end",
    "plan",
    "final",
    "outcome",
    "cohort",
    "code",
    "staff",
    "value",
]
"""What a column is to the temporal contract.

`subject` the patient · `id` the row's own identifier · `key` another row's identifier, or a cell copied with
it · `counter` an id without gaps, which counts rows · `event` when it happened · `store` when it reached the
record · `end` when or how it ended, known only later · `plan` a planned time, a fact of the row · `final` a
state rewritten after the row's own time · `outcome` death · `cohort` a constant of the data set, hidden ·
`code` a code of a vocabulary · `staff` who did it · `value` any other fact of the row.
"""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column, by the name MIMIC-IV 2.2 spells it with; 3.1 has procedureevents all in lower case."""

    name: str
    type: ColumnType
    versions: tuple[Version, ...]
    """The releases of MIMIC-IV that have it; ED, notes and films are released apart and go with both."""
    role: Role
    meaning: str


class TableInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A table: the file it comes from (without `.csv` or `.csv.gz`), what it holds, its columns in order."""

    module: Module
    name: str
    file: str
    kind: Kind
    meaning: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name in any case, as SQL takes names; None where the table has none."""
        return next((column for column in self.columns if column.name.casefold() == name.casefold()), None)


@cache
def tables() -> Mapping[str, TableInfo]:
    """All tables by name, module after module, each module in the order of its files."""
    columns: dict[str, list[Column]] = {}
    for row in _rows("catalogue.tsv"):
        line = {**row, "name": row["column"], "versions": tuple(row["versions"].split(","))}
        columns.setdefault(row["table"], []).append(msgspec.convert(line, Column))
    infos = (
        msgspec.convert({**row, "name": row["table"], "columns": columns[row["table"]]}, TableInfo)
        for row in _rows("tables.tsv")
    )
    return MappingProxyType({info.name: info for info in infos})


def table(name: str) -> TableInfo:
    """The table of that name; KeyError where the catalogue has none."""
    return tables()[name]


def _rows(name: str) -> list[dict[str, str]]:
    lines = (files(__package__) / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE, strict=True))
