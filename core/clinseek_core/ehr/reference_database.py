"""The databases of the reference implementation: a SQLite file per patient, every cell a text.

`docs/formats/reference-database.md` says what is in them and how each cell is read.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.ehr.cells import cell_of_text
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.ehr.tree import lacks_a_clock
from clinseek_core.ehr.untrusted_sqlite import SqliteFile, open_sqlite
from clinseek_core.errors import InputError
from clinseek_core.mimic import Column, ColumnType, Kind, TableInfo, tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.text import one_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from clinseek_core.candidates import SourceTable

__all__ = ["Databases", "find_databases", "read_database", "read_reference_candidates"]

_PATIENT_FILE = re.compile(r"patient_(0|[1-9][0-9]{0,8})\.db")
_CANDIDATE_FILE = "candidate_table.db"
_REFERENCE_FILE = "reference_table.db"

_MISSING = ("", "nan", "NaN", "None", "NaT", "<NA>")
"""What the missing values of pandas are as texts."""
_CODE_WIDTHS = {"ndc": 11, "gsn": 6, "etccode": 8, "drg_code": 3}
"""Digits of the codes that lose their leading zeros where pandas takes a column of them for numbers."""
_OWNED_IDS = {"poe": "poe_id", "emar": "emar_id", "discharge": "note_id", "radiology": "note_id"}
"""Ids that begin with the patient's: in most files nothing else says whose the rows are."""

_CANDIDATE_TABLE = re.compile(r"[a-z][a-z0-9_]*_candidates")
_CANDIDATE_COLUMN = re.compile(r"[a-z][a-z0-9_]*")
_CANDIDATE_TYPES: dict[str, ColumnType] = {"itemid": "INTEGER", "icd_version": "SMALLINT"}
_CANDIDATE_CODES = {"icd_code", *_CODE_WIDTHS}

_MOST_NAMED = 10
_CHUNK_ROWS = 10_000


class Databases(msgspec.Struct, frozen=True):
    """A folder of databases, or one patient's file in it."""

    folder: Path
    only: int | None = None
    """The patient whose file was named; None where the folder was."""


def find_databases(path: Path) -> Databases | None:
    """The databases at `path`: their root folder, its `database/`, or one `patient_<id>.db`; else None.

    Raises InputError for a folder that can't be listed.
    """
    named = _PATIENT_FILE.fullmatch(path.name)
    if named and path.is_file():
        return Databases(path.parent, int(named[1]))
    for folder in (path / "database", path):
        for name in _names_in(folder):
            if name in {_CANDIDATE_FILE, _REFERENCE_FILE} or _PATIENT_FILE.fullmatch(name):
                return Databases(folder)
    return None


def read_database(
    con: DuckDBPyConnection, databases: Databases, subject_id: int, on_progress: Callable[[str], None]
) -> tuple[str, ...]:
    """Fill schema `raw` with every table of the contract: the patient's rows, dictionaries whole.

    A table that is missing is empty, with all its columns; the patient has a row even if the file has none.
    What is no table or column of the contract is left out. Returns what was noticed: that, and cells that are
    not of their column's type. Raises InputError for a patient without a file, for rows of another patient,
    and for a file that can't be read.
    """
    path = _patient_file(databases, subject_id)
    con.execute("CREATE SCHEMA raw")
    for name in CONTRACT:
        _create(con, f"raw.{name}", tables()[name].columns)
    with open_sqlite(path) as file:
        notices = _read_tables(con, file, "patient", subject_id, on_progress)
    notices += _complete_patient(con, path, subject_id)
    reference = databases.folder / _REFERENCE_FILE
    if not reference.is_file():
        return (*notices, f"{_REFERENCE_FILE}: not there; the dictionaries are empty")
    with open_sqlite(reference) as file:
        notices += _read_tables(con, file, "dictionary", subject_id, on_progress)
    return tuple(notices)


def read_reference_candidates(databases: Databases) -> tuple[tuple[SourceTable, ...], tuple[str, ...]]:
    """The candidate tables, as a candidate index is built from them, and what was noticed.

    Per table: its name; its columns, which are `candidate`, the codes and `only_subject`; its rows, read when
    they are asked for, once. The lists are the whole cohort's, so `only_subject` is None in every row. Raises
    InputError, also while rows are read, for a file that can't be.
    """
    path = databases.folder / _CANDIDATE_FILE
    if not path.is_file():
        return (), (f"{_CANDIDATE_FILE}: not there; the candidate tables are missing",)
    with open_sqlite(path) as file:
        layout = {table: _candidate_columns(file, table) for table in file.tables}
        notices = _not_exposed(file, [table for table, columns in layout.items() if not columns])
    found = tuple(
        (table.lower(), (*(c.name for c in columns), "only_subject"), _candidates(path, table, columns))
        for table, columns in layout.items()
        if columns
    )
    return found, tuple(notices)


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder)) if folder.is_dir() else []
    except OSError as error:
        raise InputError(f"{folder}: can't be listed ({error.strerror})") from error


def _patient_file(databases: Databases, subject_id: int) -> Path:
    path = databases.folder / f"patient_{subject_id}.db"
    if databases.only in {None, subject_id} and _PATIENT_FILE.fullmatch(path.name) and path.is_file():
        return path
    found = (_PATIENT_FILE.fullmatch(name) for name in _names_in(databases.folder))
    there = sorted(int(name[1]) for name in found if name) if databases.only is None else [databases.only]
    raise InputError(
        f"{databases.folder}: no patient_{subject_id}.db to read; patients there: {_listed(there) or 'none'}"
    )


def _create(con: DuckDBPyConnection, target: str, columns: Iterable[Column]) -> None:
    con.execute(f"CREATE TABLE {target} ({', '.join(f'{quoted(c.name)} {c.type}' for c in columns)})")


def _read_tables(
    con: DuckDBPyConnection, file: SqliteFile, kind: Kind, subject_id: int, on_progress: Callable[[str], None]
) -> list[str]:
    """Read every table of the contract of one kind; what was noticed."""
    wanted = [name for name in CONTRACT if tables()[name].kind == kind]
    stored = {name.lower(): name for name in file.tables if name.isascii()}
    notices = _not_exposed(file, [name for name in file.tables if name.lower() not in wanted])
    absent = [name for name in wanted if name not in stored]
    if absent and kind == "dictionary":
        notices.append(f"{file.path.name}: no table {_listed(absent)}; empty")
    for name in wanted:
        if name in stored:
            on_progress(f"reading {file.path.name}: {name}")
            notices += _read_table(con, file, tables()[name], stored[name], subject_id)
    return notices


def _read_table(
    con: DuckDBPyConnection, file: SqliteFile, info: TableInfo, source: str, subject_id: int
) -> list[str]:
    """Read one table; what was noticed."""
    present = [column.name for column in file.columns(source)]
    undated = lacks_a_clock(info, present)
    if undated:
        return [undated]
    broken = file.broken_rows
    said = _copy(con, file, source, f"raw.{info.name}", info.columns, subject_id=subject_id)
    if info.kind == "patient":
        _check_owner(con, file.path, info, subject_id)
    filled = _filled(con, f"raw.{info.name}", info.columns)
    notices = [
        f"{info.name}.{column.name}: {said[column.name] - filled[column.name]} cells are no {column.type}"
        " and are shown as missing"
        for column in info.columns
        if said[column.name] > filled[column.name]
    ]
    if file.broken_rows > broken:
        notices.append(f"{info.name}: {file.broken_rows - broken} rows hold bytes that are no UTF-8")
    unknown = [name for name in present if not (name.isascii() and info.column(name))]
    if unknown:
        notices.append(f"{info.name}: not exposed, not in the contract: {_listed(unknown)}")
    lacking = [name for name in _dated_by(info) if name not in said]
    if lacking:
        notices.append(
            f"{info.name}: no column {_listed(lacking)}; what is dated by it is known later, or never"
        )
    return notices


def _dated_by(info: TableInfo) -> list[str]:
    """The columns that the contract's times of a table are made of."""
    rule = CONTRACT[info.name]
    times = [rule.available, rule.event, *rule.later.values()]
    if rule.pending:
        times += [rule.pending.key, rule.pending.known]
    words = set(re.findall(r"\w+", " ".join(times)))
    return [column.name for column in info.columns if column.name in words and column.role != "subject"]


def _copy(
    con: DuckDBPyConnection,
    file: SqliteFile,
    source: str,
    target: str,
    columns: Sequence[Column],
    *,
    subject_id: int | None = None,
) -> Counter[str]:
    """Append a table's rows, typed; per column that the file has, how many of its cells say anything."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded where a record is read

    stored = {column.name.lower(): column for column in file.columns(source) if column.name.isascii()}
    present = [column for column in columns if column.name.lower() in stored]
    said = Counter(dict.fromkeys((column.name for column in present), 0))
    if not present:
        return said
    missing = ", ".join(f"'{word}'" for word in _MISSING)
    texts = ", ".join(
        f"CASE WHEN cells[{place}] NOT IN ({missing}) THEN cells[{place}] END AS {quoted(column.name)}"
        for place, column in enumerate(present, 1)
    )
    typed = ", ".join(_typed(column, column in present, subject_id) for column in columns)
    for rows in file.rows(source, [stored[column.name.lower()] for column in present]):
        con.register("chunk", {"cells": np.array(rows, dtype=object)})
        con.execute(
            f"CREATE OR REPLACE TABLE raw_text AS SELECT {texts}"
            """ FROM (SELECT from_json(cells, '["VARCHAR"]') AS cells FROM chunk)"""
        )
        con.unregister("chunk")
        con.execute(f"INSERT INTO {target} SELECT {typed} FROM raw_text")
        said.update(_filled(con, "raw_text", present))
    con.execute("DROP TABLE IF EXISTS raw_text")
    return said


def _typed(column: Column, present: bool, subject_id: int | None) -> str:
    """The expression that makes a column's cells of its texts."""
    text = quoted(column.name)
    if not present:
        return str(subject_id) if column.role == "subject" else f"NULL::{column.type}"
    cell = cell_of_text(text, column.type)
    if column.role == "subject":
        return f"CASE WHEN {text} IS NULL THEN {subject_id} ELSE {cell} END"
    if column.type == "TIMESTAMP" and column.name.endswith("date"):
        # A day, which MIMIC-IV writes as its midnight and the reference's filter as its 23:59.
        return f"date_trunc('day', {cell})"
    return _code(column) if column.role == "code" and column.type == "VARCHAR" else cell


def _code(column: Column) -> str:
    """A code as MIMIC-IV writes it: without the `.0` of a number, with the zeros that a number lost."""
    text = quoted(column.name)
    digits = f"split_part({text}, '.', 1)"
    if column.name in _CODE_WIDTHS:
        # A lone 0 stands for no code.
        width = (
            f"CASE WHEN {digits} = '0' THEN 1 ELSE greatest({_CODE_WIDTHS[column.name]}, len({digits})) END"
        )
        digits = f"lpad({digits}, ({width})::INTEGER, '0')"
    return f"CASE WHEN regexp_full_match({text}, '[0-9]+([.]0)?') THEN {digits} ELSE {text} END"


def _filled(con: DuckDBPyConnection, table: str, columns: Sequence[Column]) -> dict[str, int]:
    """Per column how many cells are not NULL."""
    counts = ", ".join(f"count({quoted(column.name)})" for column in columns)
    # `fetchone` would leave the result open, and the connection to it.
    (row,) = con.execute(f"SELECT {counts} FROM {table}").fetchall()
    return dict(zip((column.name for column in columns), row, strict=True))


def _check_owner(con: DuckDBPyConnection, path: Path, info: TableInfo, subject_id: int) -> None:
    others = {"subject_id::VARCHAR": f"subject_id IS DISTINCT FROM {subject_id}"}
    if info.name in _OWNED_IDS:
        owner = f"regexp_extract({_OWNED_IDS[info.name]}, '^([0-9]+)-', 1)"
        others[owner] = f"{owner} NOT IN ('', '{subject_id}')"
    for owner, is_other in others.items():
        query = f"SELECT count(*), min({owner}) FROM raw.{info.name} WHERE {is_other}"
        ((rows, other),) = con.execute(query).fetchall()
        if rows:
            raise InputError(
                f"{path}: {rows} rows of {info.name} are of {other or 'no'} patient, not of {subject_id},"
                " whom the file's name says; rename it, or build it again"
            )


def _complete_patient(con: DuckDBPyConnection, path: Path, subject_id: int) -> list[str]:
    """Make sure that the patient has one row; what was noticed."""
    ((rows,),) = con.execute("SELECT count(*) FROM raw.patients").fetchall()
    if rows > 1:
        raise InputError(
            f"{path}: {rows} rows of patients; was it built twice into one file? Remove it and build it again"
        )
    if rows:
        return []
    con.execute("INSERT INTO raw.patients (subject_id) VALUES (?)", [subject_id])
    return ["patients: no row in the file; age and gender are missing"]


def _candidate_columns(file: SqliteFile, table: str) -> tuple[Column, ...]:
    """The columns of a candidate table, the name first; none for what is no such table."""
    if not _CANDIDATE_TABLE.fullmatch(table.lower()) or not table.isascii():
        return ()
    names = [column.name.lower() for column in file.columns(table) if column.name.isascii()]
    codes = [name for name in names if _CANDIDATE_COLUMN.fullmatch(name)]
    if "candidate" not in codes:
        return ()
    codes = [name for name in codes if name not in {"candidate", "only_subject"}]
    return tuple(
        Column(
            name=name,
            type=_CANDIDATE_TYPES.get(name, "VARCHAR"),
            versions=(),
            role="code" if name in _CANDIDATE_CODES else "value",
            meaning="",
        )
        for name in ("candidate", *codes)
    )


def _candidates(path: Path, table: str, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    import duckdb  # noqa: PLC0415 - heavy: loaded where a record is read

    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        _create(con, "names", columns)
        with open_sqlite(path) as file:
            _copy(con, file, table, "names", columns)
        con.execute("SELECT *, NULL FROM names WHERE candidate IS NOT NULL")
        while rows := con.fetchmany(_CHUNK_ROWS):
            yield from rows


def _not_exposed(file: SqliteFile, strange: Sequence[str]) -> list[str]:
    """What to say of the tables, views and virtual tables of a file that nothing is read from."""
    names = [name for name in (*strange, *file.others) if not name.lower().startswith("sqlite_")]
    return [f"{file.path.name}: not exposed, not in the contract: {_listed(names)}"] if names else []


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(one_line(str(name), 40) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
