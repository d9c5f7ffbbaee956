"""First pass of an ingest: each CSV file read once, typed, split by shard; what is no row is kept apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from clinseek_core.ehr.cells import FINITE
from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.ehr.store.layout import dictionary_file
from clinseek_core.ehr.tree import csv_relation, header_of, null_cell, typed_cell
from clinseek_core.errors import InputError
from clinseek_core.mimic import Column, TableInfo

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["SUBJECTS", "Staged", "stage_dictionary", "stage_table", "staged_shards"]

SUBJECTS = "subjects"
"""The table of the ingest's database that says where a patient goes: subject_id, shard."""

_NO_SHARD = -1

Run = Callable[[str], None]
"""Runs a long statement and shows how far it is."""


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the lines of one file."""

    rows: int
    mended: int = 0
    rejected: int = 0
    unknown: tuple[str, ...] = ()
    """Columns that the catalogue does not know; they are not read."""


def stage_table(con: DuckDBPyConnection, run: Run, info: TableInfo, path: Path, work: Path) -> Staged:
    """Read a table of patients' rows into `work`/staging/<table>/shard=<n>/.

    Raises InputError for a file that is no CSV, or has no subject_id.
    """
    header = header_of(path)
    present = {name.lower(): name for name in header}
    if "subject_id" not in present:
        raise InputError(f"{path}:1: no column subject_id; a table of {info.module} must have one")
    folder = work / "staging" / info.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    kinds = {present[c.name.lower()]: _read_as(c.type) for c in info.columns if c.name.lower() in present}
    cells = ", ".join(_cell(column, present) for column in info.columns)
    _forget_rejects(con)
    run(_split(f"SELECT {cells} FROM {csv_relation(path, header, kinds, rejects=True)}", folder))
    _note_rejects(con)
    mended = _mend(con, info, header, folder)
    _reject_orphans(con, folder)
    rejected = _write_rejects(con, path, work / "rejects" / f"{info.name}.parquet")
    unknown = tuple(name for name in header if info.column(name) is None)
    rows = sum(_count(con, files) for files in staged_shards(work, info.name).values())
    return Staged(rows=rows, mended=mended, rejected=rejected - mended, unknown=unknown)


def stage_dictionary(con: DuckDBPyConnection, run: Run, info: TableInfo, path: Path, work: Path) -> Staged:
    """Read a dictionary into its place in the store; cells of the wrong type are missing."""
    header = header_of(path)
    present = {name.lower(): name for name in header}
    cells = ", ".join(typed_cell(column, present) for column in info.columns)
    file = dictionary_file(work, info.name)
    file.parent.mkdir(exist_ok=True)
    _forget_rejects(con)
    rows = f"SELECT {cells} FROM {csv_relation(path, header, {}, rejects=True)} ORDER BY ALL"
    run(f"COPY ({rows}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")
    _note_rejects(con)
    rejected = _write_rejects(con, path, work / "rejects" / f"{info.name}.parquet")
    return Staged(rows=_count(con, str(file)), rejected=rejected)


def staged_shards(work: Path, table: str) -> dict[int, str]:
    """Per shard the staged files of a table, as a glob that DuckDB reads."""
    folders = (work / "staging" / table).glob("shard=*")
    return {int(folder.name.partition("=")[2]): str(folder / "*.parquet") for folder in folders}


def _cell(column: Column, present: Mapping[str, str]) -> str:
    """A column as the reader has already typed it."""
    source = present.get(column.name.lower())
    if source is None:
        return null_cell(column)
    cell = f"{quoted(source)}::{column.type}"
    finite = FINITE.format(cell) if column.type in {"DATE", "TIMESTAMP"} else cell
    return f"{finite} AS {quoted(column.name)}"


def _read_as(kind: str) -> str:
    """MIMIC-IV writes some dates with a midnight behind them."""
    return "TIMESTAMP" if kind == "DATE" else kind


def _split(rows: str, folder: Path) -> str:
    return (
        f"COPY (SELECT r.*, coalesce(s.shard, {_NO_SHARD}) AS shard FROM ({rows}) r"
        f" LEFT JOIN {SUBJECTS} s USING (subject_id)) TO {literal(str(folder))}"
        " (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (shard), APPEND true)"
    )


def _forget_rejects(con: DuckDBPyConnection) -> None:
    con.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")


def _note_rejects(con: DuckDBPyConnection) -> None:
    """A line may have several faults; it can be mended where all of them are cells of the wrong type."""
    # Reading Parquet makes no such table: it rejects no line.
    con.execute(
        "CREATE TEMP TABLE IF NOT EXISTS reject_errors (line UBIGINT, line_byte_position UBIGINT,"
        " error_type VARCHAR, column_name VARCHAR, error_message VARCHAR, csv_line VARCHAR)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE rejects AS SELECT line, bool_and(error_type = 'CAST') AS kept,"
        " string_agg(DISTINCT coalesce(column_name || ': ', '') || error_message, '; ') AS reason,"
        " any_value(csv_line) AS text FROM reject_errors GROUP BY line, line_byte_position"
    )


def _mend(con: DuckDBPyConnection, info: TableInfo, header: list[str], folder: Path) -> int:
    """Read the lines again whose only fault is a cell of the wrong type, such cells as missing."""
    lines = con.execute("SELECT text FROM rejects WHERE kept ORDER BY line")
    present = {name.lower(): name for name in header}
    cells = ", ".join(typed_cell(column, present) for column in info.columns)
    again = folder.with_suffix(".mended.csv")
    mended = 0
    with again.open("w", encoding="utf-8", newline="") as file:
        # The names only keep the reader from taking the first line for a header.
        file.write(",".join(f"c{place}" for place in range(len(header))) + "\n")
        while some := lines.fetchmany(1000):
            file.writelines(f"{text}\n" for (text,) in some)
            mended += len(some)
    if mended:
        con.execute(_split(f"SELECT {cells} FROM {csv_relation(again, header, {})}", folder))
    again.unlink()
    return mended


def _reject_orphans(con: DuckDBPyConnection, folder: Path) -> None:
    orphans = folder / f"shard={_NO_SHARD}"
    if orphans.exists():
        con.execute(
            "INSERT INTO rejects SELECT NULL, FALSE, 'no patient of this subject_id in patients',"
            f" to_json(r)::VARCHAR FROM read_parquet({literal(str(orphans / '*.parquet'))}) r"
        )
        shutil.rmtree(orphans)


def _write_rejects(con: DuckDBPyConnection, path: Path, file: Path) -> int:
    (count,) = con.execute("SELECT count(*) FROM rejects").fetchone() or (0,)
    file.unlink(missing_ok=True)
    if count:
        file.parent.mkdir(exist_ok=True)
        rows = f"SELECT {literal(path.name)} AS file, * FROM rejects ORDER BY line, text"
        con.execute(f"COPY ({rows}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")
    return int(count)


def _count(con: DuckDBPyConnection, files: str) -> int:
    row = con.execute(f"SELECT count(*) FROM read_parquet({literal(files)})").fetchone()
    return int(row[0]) if row else 0
