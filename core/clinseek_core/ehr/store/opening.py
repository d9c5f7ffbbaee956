"""A store as a source of records: one patient's rows are read, the dictionaries only when they are named."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.candidates import CandidateIndex
from clinseek_core.candidates.encoder import SentenceEncoder
from clinseek_core.ehr.record import Record, Relation, dated_columns
from clinseek_core.ehr.references import References
from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.ehr.store.layout import (
    CANDIDATES,
    EMBEDDING,
    Manifest,
    dictionary_file,
    read_contents,
    read_manifest,
    shard_folder,
)
from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Store", "find_store"]


def find_store(path: Path) -> Store | None:
    """The store at `path`, None where there is none; raises InputError for one that can't be used."""
    manifest = read_manifest(path)
    return None if manifest is None else Store(path, manifest)


class Store:
    """A columnar store that `ingest` made."""

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._root = root
        self.manifest = manifest

    def record(self, con: DuckDBPyConnection, subject_id: int, _: Callable[[str], None]) -> Record:
        """What of a shard's files is the patient's; nothing is read yet."""
        firsts = [shard.first_subject for shard in self.manifest.shards]
        folder = shard_folder(self._root, max(bisect_right(firsts, subject_id) - 1, 0))
        contents = read_contents(folder)
        if subject_id not in contents.rows.get("patients", ()):
            patients = sum(shard.patients for shard in self.manifest.shards)
            raise InputError(f"{self._root}: no patient {subject_id} among the {patients:,} of this store")
        open_index = partial(self._candidates, subject_id)
        dictionaries = {
            name: (rows, dictionary_file(self._root, name))
            for name, rows in self.manifest.dictionaries.items()
        }
        con.execute("CREATE SCHEMA dated")
        relations = {
            name: Relation(
                _rows_of(folder / f"{name}.parquet", subject_id)
                if subject_id in contents.rows.get(name, ())
                else _no_rows(con, name),
                sorted=subject_id not in contents.ties.get(name, ()),
            )
            for name in CONTRACT
            if name not in dictionaries
        }
        return Record(relations, References(open_index, dictionaries), self.manifest.notices)

    def _candidates(self, subject_id: int) -> CandidateIndex:
        model = self._root / EMBEDDING
        encoder = SentenceEncoder(model) if model.exists() else None
        return CandidateIndex.open(self._root / CANDIDATES, subject_id, encoder)


def _rows_of(file: Path, subject_id: int) -> str:
    return f"(FROM read_parquet({literal(str(file))}) WHERE subject_id = {int(subject_id)})"


def _no_rows(con: DuckDBPyConnection, name: str) -> str:
    columns = dated_columns(tables()[name], CONTRACT[name])
    con.execute(f"CREATE TABLE dated.{name} ({', '.join(f'{quoted(c)} {kind}' for c, kind in columns)})")
    return f"dated.{name}"
