"""Every table of a store as one database, the future included: cases are made of it, no tool reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from clinseek_core.ehr.record import dated_columns
from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.ehr.store.layout import dictionary_file, read_manifest
from clinseek_core.ehr.tree import csv_relation, file_of, header_of, typed_cell
from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tasks.task import Need

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from clinseek_core.ehr.listing import Classes

__all__ = ["Whole", "open_whole"]


class Whole:
    """A database with a view for each table, and tables `ccs`, `drug_class`, `cxr_chexpert` where there are.

    Patients' tables have the store's own columns beside MIMIC-IV's: `known_at` and `<column>@known`.
    """

    def __init__(self, con: DuckDBPyConnection, root: Path, has: frozenset[Need]) -> None:
        self.con = con
        self.root = root
        """The store."""
        self.has = has

    def known_moments(self, subject_id: int) -> tuple[datetime, ...]:
        """When anything became known of a patient, sorted, each moment once."""
        of_patients = (name for name in CONTRACT if tables()[name].kind != "dictionary")
        parts = " UNION ALL ".join(
            f"SELECT known_at FROM {name} WHERE subject_id = {subject_id:d}" for name in of_patients
        )
        rows = self.con.execute(
            f"SELECT DISTINCT known_at FROM ({parts}) WHERE known_at > TIMESTAMP '1000-01-01' ORDER BY 1"
        ).fetchall()
        return tuple(moment for (moment,) in rows)

    def __enter__(self) -> Whole:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.con.close()


def open_whole(
    store: Path,
    *,
    classes: Classes | None = None,
    drug_classes: Mapping[str, str] | None = None,
    films: Path | None = None,
    memory: str = "2GB",
) -> Whole:
    """Open the store `store`; `films` is a MIMIC-IV tree whose `cxr/` says what is on its films.

    Raises InputError for what is no store, and for films' labels that can't be read.
    """
    manifest = read_manifest(store)
    if manifest is None:
        raise InputError(f"{store}: is no store; make one by `clinseek-tui ingest TREE {store}`")
    import duckdb  # noqa: PLC0415 - heavy: loaded where cases are made

    con = duckdb.connect(":memory:", config={"memory_limit": memory, "preserve_insertion_order": False})
    for name, rule in CONTRACT.items():
        if name in manifest.dictionaries:
            con.execute(
                f"CREATE VIEW {name} AS FROM read_parquet({literal(str(dictionary_file(store, name)))})"
            )
        elif any(store.glob(f"shards/*/{name}.parquet")):
            files = literal(str(store / "shards" / "*" / f"{name}.parquet"))
            con.execute(f"CREATE VIEW {name} AS FROM read_parquet({files})")
        else:
            columns = ", ".join(f"{quoted(c)} {kind}" for c, kind in dated_columns(tables()[name], rule))
            con.execute(f"CREATE TABLE {name} ({columns})")
    has: set[Need] = set()
    con.execute("CREATE TABLE ccs (kind VARCHAR, icd_code VARCHAR, icd_version SMALLINT, name VARCHAR)")
    if classes:
        _fill(con, "ccs", ((kind, *code, name) for kind, of in classes.items() for code, name in of.items()))
        has.add("ccs")
    con.execute("CREATE TABLE drug_class (drug VARCHAR, name VARCHAR)")
    if drug_classes:
        _fill(con, "drug_class", ((drug.lower(), name) for drug, name in drug_classes.items()))
        has.add("drug_classes")
    if films is not None and _read_labels(con, films):
        has.add("films")
    else:
        columns = ", ".join(f"{quoted(c.name)} {c.type}" for c in tables()["cxr_chexpert"].columns)
        con.execute(f"CREATE TABLE cxr_chexpert ({columns})")
    return Whole(con, store, frozenset(has))


def _fill(con: DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    cells = ", ".join("unnest(?)" for _ in columns)
    con.execute(f"INSERT INTO {table} SELECT {cells}", columns)


def _read_labels(con: DuckDBPyConnection, tree: Path) -> bool:
    """The labels of a tree's films; False where it has none."""
    info = tables()["cxr_chexpert"]
    path = file_of(tree, info)
    if path is None:
        return False
    header = header_of(path)
    present = {name.lower(): name for name in header}
    cells = ", ".join(typed_cell(column, present) for column in info.columns)
    con.execute(f"CREATE TABLE cxr_chexpert AS SELECT {cells} FROM {csv_relation(path, header, {})}")
    return True
