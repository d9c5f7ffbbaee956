"""A MIMIC-IV tree as PhysioNet ships it: which file holds which table, and one patient's rows, typed."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.ehr.candidates import CANDIDATE_TABLES, CandidateTable
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.errors import InputError
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import CONTRACT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["check_tree", "read_candidates", "read_patient"]

_SUFFIXES = (".csv.gz", ".csv")
# Notes are the longest cells of MIMIC-IV: tens of kilobytes; a line over this is not one of its rows.
_MAX_LINE_BYTES = 8 * 1024 * 1024


def check_tree(root: Path) -> None:
    """Raise InputError, with the remedy, unless `root` is a MIMIC-IV tree with its patients file."""
    if not root.exists():
        raise InputError(f"{root}: does not exist; --ehr takes the folder that holds hosp/, icu/, ed/")
    if not root.is_dir():
        raise InputError(f"{root}: is a file; --ehr takes the folder that holds hosp/, icu/, ed/")
    if _file_of(root, tables()["patients"]) is None:
        raise InputError(
            f"{root}: no hosp/patients.csv or hosp/patients.csv.gz in it; is this a MIMIC-IV tree?"
        )


def read_patient(
    con: DuckDBPyConnection, root: Path, subject_id: int, on_progress: Callable[[str], None]
) -> tuple[str, ...]:
    """Fill schema `raw` with every table of the contract: the patient's rows, dictionaries whole.

    A file that is missing gives an empty table with all its columns. Columns that the catalogue does not
    know are left out. Returns what was noticed: such columns, and cells that are not of their column's type.
    """
    notices: list[str] = []
    con.execute("CREATE SCHEMA raw")
    for name in CONTRACT:
        info = tables()[name]
        path = _file_of(root, info)
        if path is None:
            con.execute(f"CREATE TABLE raw.{name} ({_columns_ddl(info)})")
            continue
        on_progress(f"reading {info.module}/{path.name}")
        notices += _read_table(con, info, path, subject_id)
    if not con.execute("SELECT count(*) FROM raw.patients").fetchone()[0]:  # type: ignore[index]
        raise InputError(
            f"{root}: no patient {subject_id} in hosp/patients; "
            "see `clinseek-tui run --help` for how to name a patient"
        )
    return tuple(notices)


def read_candidates(
    con: DuckDBPyConnection, root: Path, subject_id: int, on_progress: Callable[[str], None]
) -> None:
    """Make the candidate tables in schema `raw`, after `read_patient` has filled the dictionaries."""
    for name, candidates in CANDIDATE_TABLES.items():
        if candidates.from_rows:
            on_progress(f"listing the names in {candidates.source}")
            con.execute(f"CREATE TABLE raw.{name} AS {_names_of_others(con, root, candidates, subject_id)}")
        else:
            cells = ", ".join((f"{candidates.column} AS candidate", *candidates.codes))
            con.execute(
                f"CREATE TABLE raw.{name} AS SELECT {cells} FROM raw.{candidates.source}"
                f" WHERE {candidates.column} IS NOT NULL ORDER BY ALL"
            )
    con.execute("DROP TABLE IF EXISTS raw_text")


def _names_of_others(con: DuckDBPyConnection, root: Path, candidates: CandidateTable, subject_id: int) -> str:
    """The query for the distinct names in the rows of every patient but this one."""
    path = _file_of(root, tables()[candidates.source])
    header = [] if path is None else _header(path)
    if path is None or not {candidates.column, "subject_id"} <= set(header):
        return "SELECT NULL::VARCHAR AS candidate WHERE FALSE"
    con.execute("DROP TABLE IF EXISTS raw_text")
    _load_text(con, path, header, f"WHERE TRY_CAST(subject_id AS BIGINT) <> {int(subject_id)}")
    name = quoted(candidates.column)
    return f"SELECT DISTINCT {name} AS candidate FROM raw_text WHERE {name} IS NOT NULL ORDER BY ALL"


def _file_of(root: Path, info: TableInfo) -> Path | None:
    candidates = (root / info.module / (info.file + suffix) for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _columns_ddl(info: TableInfo) -> str:
    return ", ".join(f"{quoted(column.name)} {column.type}" for column in info.columns)


def _read_table(con: DuckDBPyConnection, info: TableInfo, path: Path, subject_id: int) -> list[str]:
    header = _header(path)
    present = {name.lower(): name for name in header}
    where = ""
    if info.kind == "patient":
        if "subject_id" not in present:
            raise InputError(f"{path}:1: no column subject_id; a table of {info.module} must have one")
        where = f"WHERE TRY_CAST({quoted(present['subject_id'])} AS BIGINT) = {int(subject_id)}"
    _load_text(con, path, header, where)
    cells = ", ".join(_typed(column.name, column.type, present) for column in info.columns)
    con.execute(f"CREATE TABLE raw.{info.name} AS SELECT {cells} FROM raw_text")
    notices = _misfits(con, info, present)
    con.execute("DROP TABLE raw_text")
    known = {column.name.lower() for column in info.columns}
    unknown = [name for name in header if name.lower() not in known]
    if unknown:
        notices.append(f"{info.name}: not exposed, not in the contract: {', '.join(unknown)}")
    return notices


def _header(path: Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as lines:
            row = next(csv.reader(lines), None)
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV ({error})") from error
    if not row:
        raise InputError(f"{path}:1: empty; a MIMIC-IV file begins with a header line")
    return row


def _load_text(con: DuckDBPyConnection, path: Path, header: list[str], where: str) -> None:
    columns = ", ".join(f"'{_escaped(name)}': 'VARCHAR'" for name in header)
    import duckdb  # noqa: PLC0415 - heavy: loaded where a record is read

    try:
        con.execute(
            f"CREATE TABLE raw_text AS SELECT * FROM read_csv('{_escaped(str(path))}', header = true,"
            f" auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}},"
            f" max_line_size = {_MAX_LINE_BYTES}) {where}"
        )
    except duckdb.Error as error:
        raise InputError(f"{path}: not readable as CSV ({_csv_fault(str(error))})") from error


def _csv_fault(message: str) -> str:
    """DuckDB's message without the patient's line, its settings and its advice."""
    lines = message.strip().partition("Possible fixes")[0].splitlines()
    return "; ".join(line.strip() for line in lines if line and not line.startswith("Original Line"))


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _typed(name: str, kind: str, present: dict[str, str]) -> str:
    source = present.get(name.lower())
    cell = f"TRY_CAST({quoted(source)} AS {kind})" if source else f"CAST(NULL AS {kind})"
    return f"{cell} AS {quoted(name)}"


def _misfits(con: DuckDBPyConnection, info: TableInfo, present: dict[str, str]) -> list[str]:
    typed = [c for c in info.columns if c.type != "VARCHAR" and c.name.lower() in present]
    counts = [
        f"count(*) FILTER (WHERE {quoted(present[c.name.lower()])} IS NOT NULL"
        f" AND TRY_CAST({quoted(present[c.name.lower()])} AS {c.type}) IS NULL)"
        for c in typed
    ]
    if not counts:
        return []
    row = con.execute(f"SELECT {', '.join(counts)} FROM raw_text").fetchone() or ()
    return [
        f"{info.name}.{column.name}: {count} cells are no {column.type} and are shown as missing"
        for column, count in zip(typed, row, strict=True)
        if count
    ]
