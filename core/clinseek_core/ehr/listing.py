"""The names for the candidate tables, out of dictionaries and of all patients' rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from clinseek_core.candidates import CANDIDATE_TABLES, CandidateTable, SourceTable
from clinseek_core.ehr.sql_text import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Classes", "listed_names"]

_BATCH = 10_000

Classes = Mapping[str, Mapping[tuple[str, int], str]]
"""By `diagnoses` and `procedures` the CCS name of each code: (icd_code, icd_version)."""


def listed_names(
    con: DuckDBPyConnection, relation_of: Callable[[str], str | None], classes: Classes
) -> Iterator[SourceTable]:
    """Every candidate table with its rows; a source that `relation_of` has no SQL for gives none."""
    for name, table in CANDIDATE_TABLES.items():
        relation = relation_of(table.source)
        rows: Iterator[tuple[Any, ...]] = iter(())
        if relation is not None and not table.ccs:
            rows = _batches(con.cursor(), _query(table, relation))
        elif relation is not None and classes:
            rows = _classes(con.cursor(), table, relation, classes)
        yield name, ("candidate", *table.codes, "only_subject"), rows


def _query(table: CandidateTable, relation: str) -> str:
    where = f"WHERE {table.where}" if table.where else ""
    if table.from_rows:
        only = "CASE WHEN min(subject_id) = max(subject_id) THEN min(subject_id) END"
        return f"SELECT {quoted(table.column)}, {only} FROM {relation} {where} GROUP BY ALL"
    cells = ", ".join(quoted(name) for name in (table.column, *table.codes))
    return f"SELECT {cells}, NULL FROM {relation} {where}"


def _classes(
    con: DuckDBPyConnection, table: CandidateTable, relation: str, classes: Classes
) -> Iterator[tuple[Any, ...]]:
    """The CCS name of each code that the dictionary has."""
    kind = next(kind for kind in classes if table.source.endswith(kind))
    codes = ", ".join(quoted(name) for name in table.codes)
    for code, version in _batches(con, f"SELECT {codes} FROM {relation}"):
        name = classes[kind].get((str(code).strip(), version))
        if name is not None:
            yield name, code, version, None


def _batches(con: DuckDBPyConnection, sql: str) -> Iterator[tuple[Any, ...]]:
    con.execute(sql)
    while rows := con.fetchmany(_BATCH):
        yield from rows
