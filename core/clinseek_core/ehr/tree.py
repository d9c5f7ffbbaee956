"""A MIMIC-IV tree as PhysioNet ships it: which file holds which table, and one patient's rows, typed."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.ehr.cells import cell_of_text
from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.errors import InputError
from clinseek_core.mimic import Column, TableInfo, tables
from clinseek_core.mimic.contract import CONTRACT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "check_tree",
    "columns_ddl",
    "csv_relation",
    "file_of",
    "header_of",
    "lacks_a_clock",
    "null_cell",
    "read_patient",
    "readable",
    "rows_of_all",
    "typed_cell",
]

_SUFFIXES = (".csv.gz", ".csv", ".parquet")
# Notes are the longest cells of MIMIC-IV: tens of kilobytes; a line over this is not one of its rows.
_MAX_LINE_BYTES = 8 * 1024 * 1024


def check_tree(root: Path) -> None:
    """Raise InputError, with the remedy, unless `root` is a MIMIC-IV tree with its patients file."""
    if not root.exists():
        raise InputError(f"{root}: does not exist; --ehr takes a store, or the folder with hosp/, icu/, ed/")
    if not root.is_dir():
        raise InputError(f"{root}: is a file; --ehr takes a store, or the folder with hosp/, icu/, ed/")
    if file_of(root, tables()["patients"]) is None:
        raise InputError(
            f"{root}: no hosp/patients.csv or hosp/patients.csv.gz in it; is this a MIMIC-IV tree?"
        )


def file_of(root: Path, info: TableInfo) -> Path | None:
    """The file that holds a table, None where the tree has none."""
    candidates = (root / info.module / (info.file + suffix) for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def header_of(path: Path) -> list[str]:
    """The names in a CSV file's first line, or of a Parquet file's columns; InputError for neither."""
    if path.suffix == ".parquet":
        return _columns_of(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            line = file.readline(_MAX_LINE_BYTES)
        row = next(csv.reader([line.decode("utf-8-sig")]), None)
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV ({error})") from error
    if not row:
        raise InputError(f"{path}:1: empty; a MIMIC-IV file begins with a header line")
    return row


def csv_relation(
    path: Path, header: Sequence[str], kinds: Mapping[str, str], *, rejects: bool = False
) -> str:
    """The SQL that reads a CSV file, columns as text but for those in `kinds`.

    A line that is no row of it is an error, or with `rejects` goes to DuckDB's table `reject_errors`.
    A Parquet file is read as if its cells were text too; all that it holds are rows.
    """
    if path.suffix == ".parquet":
        cells = ", ".join(
            f"CAST({quoted(name)} AS {kinds.get(name, 'VARCHAR')}) AS {quoted(name)}" for name in header
        )
        return f"(SELECT {cells} FROM read_parquet({literal(str(path))}))"
    columns = ", ".join(f"{literal(name)}: {literal(kinds.get(name, 'VARCHAR'))}" for name in header)
    apart = ", store_rejects = true, rejects_limit = 0" if rejects else ""
    return (
        f"read_csv({literal(str(path))}, header = true, auto_detect = false, delim = ',', quote = '\"',"
        f" escape = '\"', columns = {{{columns}}}, max_line_size = {_MAX_LINE_BYTES}{apart})"
    )


def _columns_of(path: Path) -> list[str]:
    """The names of a Parquet file's columns, in order."""
    import duckdb  # noqa: PLC0415 - heavy: loaded where a record is read

    try:
        rows = duckdb.connect().execute(f"DESCRIBE FROM read_parquet({literal(str(path))})").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{path}: not readable as Parquet ({_fault(str(error))})") from error
    return [str(row[0]) for row in rows]


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Inside, a database error that reading the file `path` raises becomes an InputError."""
    import duckdb  # noqa: PLC0415 - heavy: loaded where a record is read

    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        kind = "Parquet" if path.suffix == ".parquet" else "CSV"
        raise InputError(f"{path}: not readable as {kind} ({_fault(str(error))})") from error


def columns_ddl(info: TableInfo) -> str:
    """The columns of a table's CREATE TABLE."""
    return ", ".join(f"{quoted(column.name)} {column.type}" for column in info.columns)


def typed_cell(column: Column, present: Mapping[str, str]) -> str:
    """The SQL of a column out of text, `present` its name in the file; NULL for what is not of its type."""
    source = present.get(column.name.lower())
    return (
        f"TRY_CAST({quoted(source)} AS {column.type}) AS {quoted(column.name)}"
        if source
        else null_cell(column)
    )


def null_cell(column: Column) -> str:
    """The SQL of a column that a file does not have."""
    return f"CAST(NULL AS {column.type}) AS {quoted(column.name)}"


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
        path = file_of(root, info)
        if path is None:
            con.execute(f"CREATE TABLE raw.{name} ({columns_ddl(info)})")
            continue
        on_progress(f"reading {info.module}/{path.name}")
        notices += _read_table(con, info, path, subject_id)
    if not con.execute("SELECT count(*) FROM raw.patients").fetchone()[0]:  # type: ignore[index]
        raise InputError(
            f"{root}: no patient {subject_id} in hosp/patients; "
            "see `clinseek-tui run --help` for how to name a patient"
        )
    return tuple(notices)


def lacks_a_clock(info: TableInfo, header: Iterable[str]) -> str:
    """Why a table with such columns can't be dated and so is not shown; empty where it can."""
    needed = CONTRACT[info.name].needs
    if not needed or needed in map(str.lower, header):
        return ""
    return f"{info.name}: not exposed, it has no column {needed} to be dated by"


def rows_of_all(root: Path, info: TableInfo) -> str | None:
    """The SQL that reads a whole table, typed; None where the tree has no such table."""
    path = file_of(root, info)
    header = [] if path is None else header_of(path)
    present = {name.lower(): name for name in header}
    if path is None or (info.kind == "patient" and "subject_id" not in present):
        return None
    cells = ", ".join(typed_cell(column, present) for column in info.columns)
    return f"(SELECT {cells} FROM {csv_relation(path, header, {})})"


def _read_table(con: DuckDBPyConnection, info: TableInfo, path: Path, subject_id: int) -> list[str]:
    header = header_of(path)
    present = {name.lower(): name for name in header}
    where = ""
    if info.kind == "patient":
        if "subject_id" not in present:
            raise InputError(f"{path}:1: no column subject_id; a table of {info.module} must have one")
        where = f"WHERE TRY_CAST({quoted(present['subject_id'])} AS BIGINT) = {int(subject_id)}"
    undated = lacks_a_clock(info, header)
    if undated:
        con.execute(f"CREATE TABLE raw.{info.name} ({columns_ddl(info)})")
        return [undated]
    with readable(path):
        con.execute(f"CREATE TABLE raw_text AS SELECT * FROM {csv_relation(path, header, {})} {where}")
    cells = ", ".join(typed_cell(column, present) for column in info.columns)
    con.execute(f"CREATE TABLE raw.{info.name} AS SELECT {cells} FROM raw_text")
    notices = _misfits(con, info, present)
    con.execute("DROP TABLE raw_text")
    unknown = [name for name in header if info.column(name) is None]
    if unknown:
        notices.append(f"{info.name}: not exposed, not in the contract: {', '.join(unknown)}")
    return notices


def _fault(message: str) -> str:
    """DuckDB's message without the patient's line, its settings and its advice."""
    lines = message.strip().partition("Possible fixes")[0].splitlines()
    return "; ".join(line.strip() for line in lines if line and not line.startswith("Original Line"))


def _misfits(con: DuckDBPyConnection, info: TableInfo, present: dict[str, str]) -> list[str]:
    typed = [c for c in info.columns if c.type != "VARCHAR" and c.name.lower() in present]
    counts = [
        f"count(*) FILTER (WHERE {quoted(present[c.name.lower()])} IS NOT NULL"
        f" AND {cell_of_text(quoted(present[c.name.lower()]), c.type)} IS NULL)"
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
