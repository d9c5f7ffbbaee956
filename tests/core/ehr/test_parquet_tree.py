"""A tree may hold Parquet files beside or instead of CSV: the same patient is read out of both."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from clinseek_core.ehr.store import ingest
from clinseek_core.ehr.tree import file_of, header_of, read_patient, rows_of_all
from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_fixtures import world_path

PATIENT = 90_000_002


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled world with every table as Parquet, typed as the catalogue says."""
    root = tmp_path_factory.mktemp("parquet")
    con = duckdb.connect()
    for info in tables().values():
        path = root / info.module / f"{info.file}.parquet"
        path.parent.mkdir(exist_ok=True)
        con.execute(f"COPY {rows_of_all(world_path(), info)} TO '{path}' (FORMAT parquet)")
    return root


def _read(root: Path) -> dict[str, list[tuple[object, ...]]]:
    con = duckdb.connect()
    assert read_patient(con, root, PATIENT, lambda _: None) == ()
    return {name: con.execute(f"FROM raw.{name} ORDER BY ALL").fetchall() for name in CONTRACT}


def test_a_patient_out_of_parquet_is_the_one_out_of_csv(tree):
    read = _read(tree)
    assert read == _read(world_path())
    assert len(read["labevents"]) > 100


def test_the_header_is_the_columns_in_order(tree):
    info = tables()["labevents"]
    path = file_of(tree, info)
    assert path is not None
    assert header_of(path) == [column.name for column in info.columns]


def test_a_store_is_made_of_it(tree, tmp_path):
    ingest(tree, tmp_path / "made")
    ingest(world_path(), tmp_path / "of-csv")
    con = duckdb.connect()
    counts = [
        con.execute(
            f"SELECT count(*), sum(valuenum) FROM '{tmp_path / name}/shards/*/labevents.parquet'"
        ).fetchone()
        for name in ("made", "of-csv")
    ]
    assert counts[0] == pytest.approx(counts[1])


def test_a_broken_file_is_named(tmp_path):
    broken = tmp_path / "labevents.parquet"
    broken.write_bytes(b"PAR1 but no more of it")
    with pytest.raises(InputError, match=r"labevents.parquet: not readable as Parquet"):
        header_of(broken)
