"""The reference implementation's databases: what comes out of them is what went in, and they are not trusted."""

from __future__ import annotations

import csv
import gzip
import os
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.candidates import CandidateIndex, build
from clinseek_core.case import Policy
from clinseek_core.ehr.record import Record, date_record
from clinseek_core.ehr.reference_database import (
    Databases,
    find_databases,
    read_database,
    read_reference_candidates,
)
from clinseek_core.ehr.references import References
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.source import attach_record
from clinseek_core.ehr.tree import file_of, read_patient
from clinseek_core.ehr.visible import take_snapshot
from clinseek_core.errors import InputError
from clinseek_core.mimic import Column, TableInfo, tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_fixtures import bundled_cases, world_path

SUBJECT = 90000001
PATIENTS = (90000001, 90000002, 90000003)
DEMO = os.environ.get("CLINSEEK_MIMIC_DEMO", "")

PANDAS_MISSING = {"", "NULL", "null", "None", "NaN", "nan", "-nan", "NA", "N/A", "n/a", "#N/A", "<NA>"}
"""Texts that pandas reads as missing; what the databases say of them is `nan`."""
BUILT = ("hosp", "icu", "ed", "note")

Rows = list[dict[str, str]]


# The reference's way of building a database: a frame per CSV file, typed by what all of its cells are,
# and of each patient's rows the `str()` of every value.


@cache
def frame(path: Path, info: TableInfo) -> Rows:
    """The rows of a CSV file as texts of pandas' values."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as file:
        rows: Rows = list(csv.DictReader(file))
    for column in info.columns:
        cells = [row[column.name] for row in rows if column.name in row]
        for row, said in zip(rows, as_pandas(cells, column), strict=True):
            row[column.name] = said
    return rows


def as_pandas(cells: list[str], column: Column) -> list[str]:
    """A column as pandas holds it, in text. In the whole of MIMIC-IV a column of free text holds some words,
    so that its numbers stay as they were; a column of codes may hold nothing but digits."""
    given = [cell for cell in cells if cell not in PANDAS_MISSING]
    free_text = column.type == "VARCHAR" and column.role != "code"
    if not free_text and all(map(is_number, given)):
        whole = len(given) == len(cells) and all("." not in cell for cell in given)
        number: Callable[[str], str] = (
            (lambda cell: str(int(cell))) if whole else (lambda cell: str(float(cell)))
        )
        return ["nan" if cell in PANDAS_MISSING else number(cell) for cell in cells]
    return ["nan" if cell in PANDAS_MISSING else cell for cell in cells]


def is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).removeprefix("-").isdecimal()


def write_root(root: Path, tree: Path, patients: Sequence[int]) -> Path:
    """Write `<root>/database` as the reference does: patients, reference and candidate tables."""
    folder = root / "database"
    folder.mkdir(parents=True)
    frames = {
        name: frame(path, info)
        for name, info in tables().items()
        if (path := file_of(tree, info)) is not None
    }
    for subject in patients:
        found = {
            name: rows_of(rows, subject) for name, rows in frames.items() if tables()[name].module in BUILT
        }
        made_up(found)
        write_database(folder / f"patient_{subject}.db", {name: rows for name, rows in found.items() if rows})
    dictionaries = {name: frames[name] for name in frames if name.startswith("d_")}
    atc = [{"ndc": "2821501.0", "long_drug_name": "Insulin lispro", "atc_name": "Insulins"}]
    write_database(folder / "reference_table.db", {**dictionaries, "d_atc_prescriptions": atc})
    write_database(folder / "candidate_table.db", candidate_tables(frames))
    return root


def rows_of(rows: Rows, subject: int) -> Rows:
    """A patient's rows without the patient's id, which is the key that they were grouped by."""
    mine = [row for row in rows if row.get("subject_id") == str(subject)]
    return [{name: cell for name, cell in row.items() if name != "subject_id"} for row in mine]


def made_up(found: dict[str, Rows]) -> None:
    """The columns that the reference adds."""
    discharged = {row["hadm_id"]: row["dischtime"] for row in found["admissions"]}
    left = {row["stay_id"]: row["outtime"] for row in found["edstays"]}
    for row in found["diagnoses_icd"]:
        row["charttime"] = minute_before(discharged[row["hadm_id"]])
    for row in found["diagnosis"]:
        row["charttime"] = minute_before(left[row["stay_id"]])
    summaries = {row["hadm_id"]: row["text"] for row in found.get("discharge", [])}
    for row in found["admissions"]:
        row["text"] = summaries.get(row["hadm_id"], "").partition("Physical Exam")[0].strip()


def minute_before(time: str) -> str:
    return str(datetime.fromisoformat(time) - timedelta(minutes=1))


def candidate_tables(frames: Mapping[str, Rows]) -> dict[str, Rows]:
    named = {
        "d_labitems": ("labevents_candidates", "label"),
        "d_icd_diagnoses": ("diagnoses_ccs_candidates", ""),
    }
    found = {}
    for source, (name, title) in named.items():
        title = title or "long_title"
        found[name] = [
            {"candidate" if key == title else key: cell for key, cell in row.items()}
            for row in frames[source]
        ]
    tests = sorted({row["test_name"] for row in frames["microbiologyevents"]} - {"nan"})
    found["microbiologyevents_candidates"] = [{"candidate": name} for name in tests]
    found["prescriptions_atc_candidates"] = [
        {"ndc": "2821501.0", "long_drug_name": "Insulin lispro", "candidate": "Insulins"}
    ]
    return found


def write_database(path: Path, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Write a table per name, all columns TEXT."""
    with closing(sqlite3.connect(path)) as con:
        for name, rows in found.items():
            columns = list(rows[0])
            con.execute(f'CREATE TABLE "{name}" ({", ".join(f"""{column!r} TEXT""" for column in columns)})')
            marks = ", ".join("?" * len(columns))
            con.executemany(
                f'INSERT INTO "{name}" VALUES ({marks})',
                ([row[column] for column in columns] for row in rows),
            )
        con.commit()
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_root(tmp_path_factory.mktemp("reference"), world_path(), PATIENTS)


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    """Write one patient's file of the given tables; the folder it is in."""

    def write(subject: int = SUBJECT, **found: list[dict[str, Any]]) -> Path:
        found.setdefault("patients", [{"gender": "F", "anchor_age": "57", "anchor_year": "2149"}])
        write_database(tmp_path / f"patient_{subject}.db", found)
        return tmp_path

    return write


def read(path: Path, subject: int = SUBJECT) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    databases = find_databases(path)
    assert databases is not None
    con = attach_record()
    return con, read_database(con, databases, subject, lambda _: None)


def read_tree(path: Path, subject: int) -> duckdb.DuckDBPyConnection:
    """The patient from the CSV files, less what pandas loses and the reference leaves out."""
    con = attach_record()
    read_patient(con, path, subject, lambda _: None)
    words = ", ".join(f"'{word}'" for word in PANDAS_MISSING)
    for name in CONTRACT:
        info = tables()[name]
        if info.module not in BUILT:
            con.execute(f"DELETE FROM raw.{name}")
        texts = [f'"{c.name}"' for c in info.columns if c.type == "VARCHAR"]
        if texts:
            lost = ", ".join(f"{text} = CASE WHEN {text} NOT IN ({words}) THEN {text} END" for text in texts)
            con.execute(f"UPDATE raw.{name} SET {lost}")
    return con


def cells(con: duckdb.DuckDBPyConnection, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM raw.{table} ORDER BY ALL").fetchall()


def schema(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'raw'"
        " ORDER BY table_name, column_index"
    ).fetchall()


def snapshot(con: duckdb.DuckDBPyConnection, subject: int, cutoff: datetime, policy: Policy) -> Snapshot:
    date_record(con)
    references = References(CandidateIndex(build(None, ()), subject), {})
    record = Record({name: f"dated.{name}" for name in CONTRACT}, references, ())
    return take_snapshot(con, record, subject, cutoff, policy)


# Which path is what.


def test_the_root_the_folder_and_one_file_are_found(root: Path) -> None:
    folder = root / "database"
    assert find_databases(root) == Databases(folder)
    assert find_databases(folder) == Databases(folder)
    assert find_databases(folder / "patient_90000002.db") == Databases(folder, 90000002)


def test_other_paths_are_none(root: Path, tmp_path: Path) -> None:
    (tmp_path / "patient_x.db").touch()
    (tmp_path / "patient_007.db").touch()
    (tmp_path / "database").mkdir()
    others = (
        world_path(),
        tmp_path,
        tmp_path / "nowhere",
        Path(__file__),
        root / "database/candidate_table.db",
    )
    assert [find_databases(path) for path in others] == [None] * len(others)


# What comes out is what went in.


@pytest.mark.parametrize("subject", PATIENTS)
def test_every_cell_is_what_the_csv_files_say(root: Path, subject: int) -> None:
    con, _ = read(root, subject)
    tree = read_tree(world_path(), subject)
    assert schema(con) == schema(tree)
    filled = [name for name in CONTRACT if cells(con, name)]
    assert len(filled) > 20
    for name in CONTRACT:
        assert cells(con, name) == cells(tree, name), name


@pytest.mark.parametrize("basis", ["available", "event", "upstream"])
@pytest.mark.parametrize("case", bundled_cases(), ids=lambda case: case.qid)
def test_the_snapshot_is_the_one_of_the_csv_files(root: Path, case: Any, basis: Any) -> None:
    policy = Policy(basis=basis)
    con, _ = read(root, case.subject_id)
    one = snapshot(con, case.subject_id, case.prediction_time, policy)
    tree = read_tree(world_path(), case.subject_id)
    other = snapshot(tree, case.subject_id, case.prediction_time, policy)
    assert one.digest() == other.digest()
    assert one.select("SELECT count(*) FROM labevents").rows[0][0] > 0


@pytest.mark.skipif(
    not DEMO, reason="set CLINSEEK_MIMIC_DEMO to a folder with the open MIMIC-IV demo (PhysioNet)"
)
def test_every_cell_of_the_real_demo_comes_back(tmp_path: Path) -> None:
    patients = [
        int(row["subject_id"]) for row in frame(Path(DEMO) / "hosp/patients.csv.gz", tables()["patients"])
    ]
    some = sorted(patients)[::33]
    demo = write_root(tmp_path / "demo", Path(DEMO), some)
    for subject in some:
        con, _ = read(demo, subject)
        tree = read_tree(Path(DEMO), subject)
        for name in CONTRACT:
            assert cells(con, name) == cells(tree, name), (subject, name)
