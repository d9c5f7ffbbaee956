"""Second pass of an ingest: the staged rows of one shard's patients become its dated tables."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from clinseek_core.ehr.record import dated_sql, install_clocks, row_order, split_stays
from clinseek_core.ehr.sql_text import literal
from clinseek_core.ehr.store.layout import CONTENTS, Contents, Shard, dictionary_file, shard_folder
from clinseek_core.ehr.store.staging import SUBJECTS, staged_shards
from clinseek_core.ehr.tree import columns_ddl
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["date_shard"]

_ROW_GROUP = 8192
"""Rows that are read at least, to find a patient's in a shard: a few thousand are a patient's usual lot."""
_DONE = "shard.json"
_PATIENTS = [name for name in CONTRACT if tables()[name].kind == "patient"]


def date_shard(con: DuckDBPyConnection, work: Path, number: int) -> tuple[Shard, tuple[str, ...]]:
    """Write the dated tables of a shard, whole or not at all, and let its staged rows go.

    A shard that is there is only read: what it is, and what was noticed when it was made.
    """
    folder = shard_folder(work, number)
    if folder.exists():
        _let_go(work, number)
        return msgspec.json.decode((folder / _DONE).read_bytes(), type=tuple[Shard, tuple[str, ...]])
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    con.execute("DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw")
    staged = {name: staged_shards(work, name).get(number) for name in _PATIENTS}
    for name in CONTRACT:
        con.execute(f"CREATE {_raw(name, staged.get(name), work)}")
    install_clocks(con)
    notices = split_stays(con)
    contents = Contents(rows={}, ties={})
    rows = 0
    for name in _PATIENTS:
        if staged[name] is not None:
            written, contents.rows[name], contents.ties[name] = _write(con, name, partial / f"{name}.parquet")
            rows += written
    (partial / CONTENTS).write_bytes(msgspec.json.encode(contents))
    patients = contents.rows.get("patients", ())
    (first,) = con.execute(f"SELECT min(subject_id) FROM {SUBJECTS} WHERE shard = {number}").fetchone() or (
        0,
    )
    shard = Shard(first_subject=first, patients=len(patients), rows=rows, sha256=_digest(partial))
    (partial / _DONE).write_bytes(msgspec.json.encode((shard, notices)))
    partial.rename(folder)
    _let_go(work, number)
    return shard, notices


def _write(con: DuckDBPyConnection, name: str, file: Path) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Write one dated table; how many rows, whose, and who has some that are alike in their order."""
    info, rule = tables()[name], CONTRACT[name]
    order = ", ".join(("subject_id", *row_order(info, rule)))
    dated = f"SELECT * FROM ({dated_sql(info, rule)}) ORDER BY {order}"
    target = f"{literal(str(file))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    (rows,) = con.execute(f"COPY ({dated}) TO {target}").fetchone() or (0,)
    written = f"read_parquet({literal(str(file))})"
    whose = f"SELECT DISTINCT subject_id FROM {written} ORDER BY 1"
    alike = f"SELECT subject_id FROM {written} GROUP BY {order} HAVING count(*) > 1"
    return int(rows), _subjects(con, whose), _subjects(con, f"SELECT DISTINCT * FROM ({alike}) ORDER BY 1")


def _subjects(con: DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    return tuple(subject for (subject,) in con.execute(sql).fetchall())


def _let_go(work: Path, number: int) -> None:
    for name in _PATIENTS:
        shutil.rmtree(work / "staging" / name / f"shard={number}", ignore_errors=True)


def _raw(name: str, files: str | None, work: Path) -> str:
    """A view of the staged rows; a table where they are changed, or where there are none."""
    dictionary = dictionary_file(work, name)
    if name == "icustays" and files is not None:
        return f"TABLE raw.{name} AS FROM read_parquet({literal(files)}, hive_partitioning = false)"
    if files is not None:
        return f"VIEW raw.{name} AS FROM read_parquet({literal(files)}, hive_partitioning = false)"
    if dictionary.exists():
        return f"VIEW raw.{name} AS FROM read_parquet({literal(str(dictionary))})"
    return f"TABLE raw.{name} ({columns_ddl(tables()[name])})"


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
