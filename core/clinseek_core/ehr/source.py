"""What `--ehr` may name: where one patient's dated record comes from, whatever it lies in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from clinseek_core.candidates import CandidateIndex, build
from clinseek_core.ehr.listing import listed_names
from clinseek_core.ehr.record import Record, Relation, date_record
from clinseek_core.ehr.reference_database import (
    Databases,
    find_databases,
    read_database,
    read_reference_candidates,
)
from clinseek_core.ehr.references import References
from clinseek_core.ehr.store import find_store
from clinseek_core.ehr.tree import check_tree, read_patient, rows_of_all
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RECORD", "ReferenceDatabases", "Source", "Tree", "attach_record", "find_source"]

RECORD = "record"
"""The attached database that holds the dated record, in schema `dated`."""

Progress = Callable[[str], None]


class Source(Protocol):
    """One of the forms that the record of patients lies in."""

    def record(self, con: DuckDBPyConnection, subject_id: int, on_progress: Progress) -> Record:
        """The record of a patient, for a database with an empty one attached.

        Raises InputError for data that can't be read and for a patient who is not there.
        """
        ...


class Tree:
    """A MIMIC-IV tree of CSV files: read, typed and dated at each opening, and so for small trees."""

    def __init__(self, root: Path) -> None:
        check_tree(root)
        self._root = root

    def record(self, con: DuckDBPyConnection, subject_id: int, on_progress: Progress) -> Record:
        """Read the patient's rows from every file, and the names that all patients' rows hold."""
        notices = read_patient(con, self._root, subject_id, on_progress)
        on_progress("dating the record")
        notices += date_record(con)
        references = References(partial(self._names, subject_id), {})
        return Record({name: Relation(f"dated.{name}") for name in CONTRACT}, references, notices)

    def _names(self, subject_id: int) -> CandidateIndex:
        import duckdb  # noqa: PLC0415 - heavy: loaded where names are listed

        # A database of its own: the snapshot's has no way out.
        with duckdb.connect(":memory:", config={"threads": 1}) as con:
            names = build(None, listed_names(con, lambda name: rows_of_all(self._root, tables()[name]), {}))
        return CandidateIndex(names, subject_id)


class ReferenceDatabases:
    """The reference implementation's databases, a SQLite file per patient."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def record(self, con: DuckDBPyConnection, subject_id: int, on_progress: Progress) -> Record:
        """Read the patient's file and the dictionaries beside it, and date the rows."""
        notices = read_database(con, self._databases, subject_id, on_progress)
        on_progress("dating the record")
        notices += date_record(con)
        references = References(partial(self._names, subject_id), {})
        return Record({name: Relation(f"dated.{name}") for name in CONTRACT}, references, notices)

    def _names(self, subject_id: int) -> CandidateIndex:
        tables_found, _ = read_reference_candidates(self._databases)
        return CandidateIndex(build(None, tables_found), subject_id)


def find_source(path: Path) -> Source:
    """The source at `path`: a store made by `ingest`, databases of the reference, else a MIMIC-IV tree.

    Raises InputError, with the remedy, where it is none of them.
    """
    store = find_store(path)
    if store is not None:
        return store
    databases = find_databases(path)
    return ReferenceDatabases(databases) if databases is not None else Tree(path)


def attach_record() -> DuckDBPyConnection:
    """A database in memory with an empty record attached and in use."""
    import duckdb  # noqa: PLC0415 - heavy: loaded where a record is read

    con = duckdb.connect(":memory:")
    con.execute(f"ATTACH ':memory:' AS {RECORD}; USE {RECORD}")
    return con
