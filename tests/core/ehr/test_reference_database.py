"""The reference implementation's databases: what went in comes out, and nothing in them is trusted."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
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
from clinseek_core.ehr.record import Record, Relation, date_record
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
from clinseek_core.ehr.untrusted_sqlite import SqliteColumn, open_sqlite
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
        "labevents_candidates": ("d_labitems", "label"),
        "diagnoses_ccs_candidates": ("d_icd_diagnoses", "long_title"),
    }
    found = {
        name: [
            {"candidate" if key == title else key: cell for key, cell in row.items()}
            for row in frames[source]
        ]
        for name, (source, title) in named.items()
    }
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
            declared = ", ".join(f'"{column}" TEXT' for column in columns)
            con.execute(f'CREATE TABLE "{name}" ({declared})')
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
    record = Record({name: Relation(f"dated.{name}") for name in CONTRACT}, references, ())
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


@pytest.mark.parametrize(
    ("case", "basis"),
    zip(bundled_cases(), ("available", "event", "upstream"), strict=True),
    ids=lambda value: value if isinstance(value, str) else value.qid,
)
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
@pytest.mark.parametrize("every", [100, pytest.param(10, marks=pytest.mark.slow)])
def test_every_cell_of_the_real_demo_comes_back(tmp_path: Path, every: int) -> None:
    patients = [
        int(row["subject_id"]) for row in frame(Path(DEMO) / "hosp/patients.csv.gz", tables()["patients"])
    ]
    some = sorted(patients)[::every]
    demo = write_root(tmp_path / "demo", Path(DEMO), some)
    for subject in some:
        con, _ = read(demo, subject)
        tree = read_tree(Path(DEMO), subject)
        for name in CONTRACT:
            assert cells(con, name) == cells(tree, name), (subject, name)


def test_what_the_reference_made_up_is_not_exposed_and_said(root: Path) -> None:
    _, notices = read(root)
    assert notices == (
        "admissions: not exposed, not in the contract: text",
        "diagnoses_icd: not exposed, not in the contract: charttime",
        "diagnosis: not exposed, not in the contract: charttime",
        "reference_table.db: not exposed, not in the contract: d_atc_prescriptions",
    )


def test_progress_names_the_file_and_the_table(root: Path) -> None:
    said: list[str] = []
    read_database(attach_record(), Databases(root / "database"), SUBJECT, said.append)
    assert {"reading patient_90000001.db: labevents", "reading reference_table.db: d_items"} <= set(said)


# Cells.


@pytest.mark.parametrize(
    ("table", "column", "text", "cell"),
    [
        ("labevents", "hadm_id", "92001084.0", 92001084),
        ("labevents", "hadm_id", "92001084", 92001084),
        ("labevents", "hadm_id", "nan", None),
        ("labevents", "hadm_id", "1.5", None),
        ("labevents", "hadm_id", "99999999999", None),
        ("datetimeevents", "warning", "0.0", 0),
        ("labevents", "valuenum", "7", 7.0),
        ("labevents", "valuenum", "NAN", None),
        ("labevents", "value", "7.0", "7.0"),
        ("labevents", "value", "NaN", None),
        ("labevents", "comments", "___", "___"),
        ("labevents", "comments", " ", " "),
        ("labevents", "storetime", "NaT", None),
        ("labevents", "charttime", "2150-03-02 14:41:00", datetime(2150, 3, 2, 14, 41)),
        ("labevents", "charttime", "2150-03-02T14:41:00", datetime(2150, 3, 2, 14, 41)),
        ("labevents", "charttime", "2150-03-02 14:41:00.000000", datetime(2150, 3, 2, 14, 41)),
        ("labevents", "charttime", "2150-03-02", datetime(2150, 3, 2)),
        ("labevents", "charttime", "infinity", None),
        ("microbiologyevents", "chartdate", "2150-03-02 00:00:00", datetime(2150, 3, 2)),
        ("microbiologyevents", "chartdate", "2150-03-02 23:59:00", datetime(2150, 3, 2)),
        ("omr", "chartdate", "2150-03-02", date(2150, 3, 2)),
        ("omr", "chartdate", "2150-03-02 23:59:00", date(2150, 3, 2)),
        ("omr", "chartdate", "2150-03-02 00:00:00", date(2150, 3, 2)),
        ("patients", "dod", "<NA>", None),
        ("prescriptions", "ndc", "2821501.0", "00002821501"),
        ("prescriptions", "ndc", "49502069724", "49502069724"),
        ("prescriptions", "ndc", "0.0", "0"),
        ("prescriptions", "gsn", "1356.0", "001356"),
        ("prescriptions", "gsn", "009326 009327", "009326 009327"),
        ("prescriptions", "dose_val_rx", "4.0", "4.0"),
        ("medrecon", "etccode", "3", "00000003"),
        ("drgcodes", "drg_code", "54", "054"),
        ("diagnoses_icd", "icd_code", "4019.0", "4019"),
        ("diagnoses_icd", "icd_code", "V10.83", "V10.83"),
        ("diagnoses_icd", "icd_code", "None", None),
    ],
)
def test_a_text_becomes_a_cell(
    database: Callable[..., Path], table: str, column: str, text: str, cell: object
) -> None:
    con, _ = read(database(**{table: [{column: text}]}))
    assert cells(con, table, column) == [(cell,)]


whole = st.integers(-(2**31), 2**31 - 1)
times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda time: time.replace(microsecond=0))
texts = st.text(st.characters(codec="utf-8"))
many = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_cells(folder: Path, table: str, columns: Mapping[str, Sequence[str]]) -> dict[str, list[Any]]:
    """What the cells of one table's columns come back as."""
    file = folder / f"patient_{SUBJECT}.db"
    file.unlink(missing_ok=True)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    write_database(file, {table: rows})
    con, _ = read(folder)
    found = con.execute(f"SELECT {', '.join(columns)} FROM raw.{table} ORDER BY rowid").fetchall()
    return dict(zip(columns, map(list, zip(*found, strict=True)), strict=True))


@many
@given(values=st.lists(st.tuples(whole, st.booleans()), min_size=1))
def test_ids_come_back_however_they_were_held(tmp_path: Path, values: list[tuple[int, bool]]) -> None:
    said = [str(float(value)) if as_float else str(value) for value, as_float in values]
    assert read_cells(tmp_path, "labevents", {"hadm_id": said})["hadm_id"] == [value for value, _ in values]


@many
@given(values=st.lists(st.floats(allow_nan=True), min_size=1))
def test_numbers_come_back_to_the_last_digit(tmp_path: Path, values: list[float]) -> None:
    found = read_cells(tmp_path, "labevents", {"valuenum": [str(value) for value in values]})["valuenum"]
    assert found == [None if value != value else value for value in values]


@many
@given(values=st.lists(times, min_size=1))
def test_times_and_days_come_back(tmp_path: Path, values: list[datetime]) -> None:
    assert read_cells(tmp_path, "labevents", {"charttime": [str(v) for v in values]})["charttime"] == values
    said = [str(value.date() if value.second % 2 else value) for value in values]
    assert read_cells(tmp_path, "omr", {"chartdate": said})["chartdate"] == [v.date() for v in values]


@many
@given(values=st.lists(texts, min_size=1))
def test_any_text_is_kept_in_a_column_of_text_and_typed_or_missing_in_another(
    tmp_path: Path, values: list[str]
) -> None:
    typed = {"itemid": int, "valuenum": float, "charttime": datetime}
    found = read_cells(tmp_path, "labevents", dict.fromkeys(("comments", *typed), values))
    missing = {"", "nan", "NaN", "None", "NaT", "<NA>"}
    assert found["comments"] == [None if value in missing else value for value in values]
    for column, kind in typed.items():
        assert all(isinstance(cell, kind | None) for cell in found[column])


@many
@given(values=st.lists(st.from_regex(r"[0-9]{1,12}", fullmatch=True), min_size=1))
def test_a_code_of_digits_is_the_same_whether_it_was_a_number_or_a_text(
    tmp_path: Path, values: list[str]
) -> None:
    as_numbers = [str(float(int(value))) for value in values]
    codes = {"ndc": values, "gsn": as_numbers}
    found = read_cells(tmp_path, "prescriptions", codes)
    assert found["ndc"] == [value if value == "0" else value.zfill(11) for value in values]
    assert found["gsn"] == [str(int(v)) if int(v) == 0 else str(int(v)).zfill(6) for v in values]


def test_cells_that_fit_no_type_are_missing_and_counted(database: Callable[..., Path]) -> None:
    labs = [{"valuenum": text, "charttime": text} for text in ("high", "nan", "7", "2150-03-02")]
    _, notices = read(database(labevents=labs))
    assert "labevents.valuenum: 2 cells are no DOUBLE and are shown as missing" in notices
    assert "labevents.charttime: 2 cells are no TIMESTAMP and are shown as missing" in notices


# Whose file it is.


def test_a_column_of_patients_is_filled_where_it_is_missing(database: Callable[..., Path]) -> None:
    labs = [{"itemid": "1"}]
    stays = [{"subject_id": str(SUBJECT), "stay_id": "2"}, {"subject_id": "nan", "stay_id": "3"}]
    con, _ = read(database(labevents=labs, icustays=stays))
    assert cells(con, "labevents", "subject_id, itemid") == [(SUBJECT, 1)]
    assert cells(con, "icustays", "subject_id, stay_id") == [(SUBJECT, 2), (SUBJECT, 3)]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"patients": [{"subject_id": "7"}]}, "1 rows of patients are of 7 patient"),
        (
            {"admissions": [{"subject_id": "7.0"}, {"subject_id": "8"}]},
            "2 rows of admissions are of 7 patient",
        ),
        ({"vitalsign": [{"subject_id": "seven", "pain": "5"}]}, "1 rows of vitalsign are of no patient"),
        ({"poe": [{"poe_id": "7-1"}, {"poe_id": f"{SUBJECT}-1"}]}, "1 rows of poe are of 7 patient"),
        ({"discharge": [{"note_id": "7-DS-1"}]}, "1 rows of discharge are of 7 patient"),
    ],
)
def test_rows_of_another_patient_are_refused(database: Callable[..., Path], found: Any, said: str) -> None:
    folder = database(**found)
    with pytest.raises(InputError) as raised:
        read(folder)
    assert said in str(raised.value)
    assert "patient_90000001.db" in str(raised.value)


def test_a_patient_without_a_file_is_refused_and_ten_of_those_there_are_named(tmp_path: Path) -> None:
    for subject in range(20, 32):
        (tmp_path / f"patient_{subject}.db").touch()
    with pytest.raises(InputError, match=r"no patient_7\.db .* there: 20, 21, .*, 29 and 2 more$"):
        read(tmp_path, 7)


def test_the_file_of_one_patient_is_of_no_other(root: Path) -> None:
    with pytest.raises(InputError, match=r"no patient_90000002\.db .* there: 90000001$"):
        read(root / "database/patient_90000001.db", 90000002)


def test_without_a_row_of_its_own_the_patient_is_known_by_number_alone(database: Callable[..., Path]) -> None:
    folder = database(
        patients=[{"gender": "F"}], stays=[{"stay_id": "1", "age": "80", "intime": "2150-01-01"}]
    )
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute("DELETE FROM patients")
        con.commit()
    raw, notices = read(folder)
    assert cells(raw, "patients", "subject_id, gender, anchor_age") == [(SUBJECT, None, None)]
    assert "patients: no row in the file; age and gender are missing" in notices
    seen = snapshot(raw, SUBJECT, datetime(2150, 3, 2), Policy())
    assert seen.select("SELECT subject_id, gender, age FROM patients").rows == ((SUBJECT, None, None),)


def test_a_file_that_was_built_twice_is_refused(database: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="2 rows of patients; was it built twice"):
        read(database(patients=[{"gender": "F"}, {"gender": "F"}]))


# What else such files hold.


def test_names_in_any_case_are_read(database: Callable[..., Path]) -> None:
    con, notices = read(
        database(LABEVENTS=[{"ROW_ID": "1", "ITEMID": "50912.0", "ChartTime": "2150-03-02 09:00:00"}])
    )
    assert cells(con, "labevents", "itemid, charttime") == [(50912, datetime(2150, 3, 2, 9))]
    assert "labevents: not exposed, not in the contract: ROW_ID" in notices
    assert "labevents: no column hadm_id, storetime; what is dated by it is known later, or never" in notices


def test_tables_that_are_none_of_mimic_iv_s_are_not_exposed_and_said(database: Callable[..., Path]) -> None:
    row = [{"subject_id": str(SUBJECT), "charttime": "2150-01-01"}]
    con, notices = read(database(events=row, stays=row, tb_cxr=row, cost=row, d_items=row, caregiver=row))
    assert all(not cells(con, name) for name in CONTRACT if name != "patients")
    left_out = "caregiver, cost, d_items, events, stays, tb_cxr"
    assert f"patient_90000001.db: not exposed, not in the contract: {left_out}" in notices
    assert "reference_table.db: not there; the dictionaries are empty" in notices


def test_dictionaries_that_are_missing_are_said(database: Callable[..., Path]) -> None:
    folder = database()
    write_database(folder / "reference_table.db", {"d_items": [{"itemid": "220045", "label": "Heart Rate"}]})
    con, notices = read(folder)
    assert cells(con, "d_items", "itemid, label") == [(220045, "Heart Rate")]
    left_out = "d_labitems, d_icd_diagnoses, d_icd_procedures, d_hcpcs"
    assert f"reference_table.db: no table {left_out}; empty" in notices


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_any_encoding_and_any_kind_of_table_is_read(database: Callable[..., Path], encoding: str) -> None:
    folder = database()
    file = folder / f"patient_{SUBJECT}.db"
    file.unlink()
    with closing(sqlite3.connect(file)) as con:
        con.execute(f"PRAGMA encoding = '{encoding}'")
        con.execute("CREATE TABLE omr (result_name TEXT PRIMARY KEY, result_value ANY) WITHOUT ROWID")
        con.execute("INSERT INTO omr VALUES ('größe', 1.5)")
        con.commit()
    raw, _ = read(folder)
    assert cells(raw, "omr", "result_name, result_value") == [("größe", "1.5")]


@pytest.mark.parametrize(
    ("table", "column"), [("edstays", "hadm_id"), ("hcpcsevents", "hadm_id"), ("chartevents", "itemid")]
)
def test_a_table_whose_rows_would_be_dated_too_early_is_not_exposed(
    database: Callable[..., Path], table: str, column: str
) -> None:
    rows = [{name.name: "1" for name in tables()[table].columns if name.name not in {column, "subject_id"}}]
    con, notices = read(database(**{table: rows}))
    assert cells(con, table) == []
    assert f"{table}: not exposed, it has no column {column} to be dated by" in notices


def test_a_table_without_a_known_column_is_empty(database: Callable[..., Path]) -> None:
    con, notices = read(database(labevents=[{"x": "1"}]))
    assert cells(con, "labevents") == []
    assert "labevents: not exposed, not in the contract: x" in notices


def test_names_in_notices_can_not_act_on_a_terminal(database: Callable[..., Path]) -> None:
    _, notices = read(
        database(**{"bell\x07": [{"a": "1"}], "labevents": [{"esc\x1b[31m": "1", "itemid": "1"}]})
    )
    assert not any(character < " " for notice in notices for character in notice)


def test_cells_that_are_no_text_are_read_too(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute("CREATE TABLE labevents (itemid INTEGER, hadm_id REAL, valuenum REAL, value, comments)")
        rows = [(50912, 92001084.0, 11.083333333333334, 1.9, b"text"), (None, None, None, 5, None)]
        con.executemany("INSERT INTO labevents VALUES (?, ?, ?, ?, ?)", rows)
        con.commit()
    raw, _ = read(folder)
    assert raw.execute("SELECT itemid, hadm_id, valuenum, value, comments FROM raw.labevents").fetchall() == [
        (50912, 92001084, 11.083333333333334, "1.9", "text"),
        (None, None, None, "5", None),
    ]


def test_bytes_that_are_no_utf_8_are_marked_and_counted(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute("CREATE TABLE discharge (text TEXT)")
        con.execute("INSERT INTO discharge VALUES (CAST(x'63616665ff22' AS TEXT)), (?)", ['café\0"'])
        con.commit()
    raw, notices = read(folder)
    assert cells(raw, "discharge", "text") == [('cafe�"',), ('café\0"',)]
    assert "discharge: 1 rows hold bytes that are no UTF-8" in notices


# Files that are damaged, in use, or made to do harm.


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", "empty"),
        (lambda data: b"subject_id,gender\n" * 20, "no SQLite database"),
        (lambda data: b"no SQLite" + data[9:], "no SQLite database"),
        (lambda data: data[:-4096], "damaged"),
        (lambda data: data[:4096] + b"\xff" * (len(data) - 4096), "damaged"),
    ],
    ids=["empty", "text", "another magic number", "cut off", "overwritten"],
)
def test_a_file_that_is_no_database_is_refused(
    database: Callable[..., Path], damage: Callable[[bytes], bytes], said: str
) -> None:
    folder = database(labevents=[{"itemid": str(number), "comments": "x" * 50} for number in range(500)])
    file = folder / f"patient_{SUBJECT}.db"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError) as raised:
        read(folder)
    assert str(raised.value).startswith(f"{file}: ")
    assert said in str(raised.value)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a small database."""
    file = tmp_path_factory.mktemp("sound") / "sound.db"
    with closing(sqlite3.connect(file)) as con:
        con.execute("PRAGMA page_size = 512")
    notes = [{"note_id": f"{SUBJECT}-DS-{number}", "text": "word " * number} for number in range(0, 400, 9)]
    return write_database(file, {"patients": [{"gender": "F"}], "discharge": notes}).read_bytes()


@settings(parent=many, max_examples=30)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1))
def test_any_damage_is_an_input_error_or_another_text(
    tmp_path: Path, sound: bytes, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(sound)
    for place, byte in flips:
        data[int(place * len(data))] = byte
    (tmp_path / f"patient_{SUBJECT}.db").write_bytes(data)
    with suppress(InputError):
        read(tmp_path)


def test_a_file_that_shows_its_pages_again_and_again_is_refused(database: Callable[..., Path]) -> None:
    folder = database()
    file = folder / f"patient_{SUBJECT}.db"
    file.unlink()
    with closing(sqlite3.connect(file)) as con:
        con.execute("PRAGMA page_size = 512")
        for table in ("vitalsign", "labevents"):
            con.execute(f"CREATE TABLE {table} (flag TEXT, pain TEXT)")
            con.executemany(f"INSERT INTO {table} VALUES (?, ?)", [("", "")] * 2500)
        con.commit()
        roots = dict(con.execute("SELECT name, rootpage FROM sqlite_master").fetchall())
    data = bytearray(file.read_bytes())
    page = memoryview(data)[(roots["labevents"] - 1) * 512 : roots["labevents"] * 512]
    assert page[0] == 5, "an inner page of a table"
    again = roots["vitalsign"].to_bytes(4, "big")
    for number in range(int.from_bytes(page[3:5], "big")):
        cell = int.from_bytes(page[12 + 2 * number : 14 + 2 * number], "big")
        page[cell : cell + 4] = again
    file.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read(folder)


def test_a_row_without_end_is_refused(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute("CREATE TABLE discharge (text TEXT)")
        con.execute("INSERT INTO discharge VALUES (zeroblob(33 * 1024 * 1024))")
        con.commit()
    with pytest.raises(InputError, match="a row of more than 32 MiB"):
        read(folder)


def test_a_file_that_is_being_written_is_refused(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db", isolation_level=None)) as con:
        con.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="another program is writing it"):
            read(folder)


def test_a_write_that_was_cut_off_is_refused(database: Callable[..., Path], tmp_path: Path) -> None:
    folder = database(labevents=[{"comments": "x" * 500} for _ in range(200)])
    cut = tmp_path / "cut"
    cut.mkdir()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db", isolation_level=None)) as con:
        con.execute("PRAGMA cache_size = 2")
        con.execute("BEGIN")
        con.execute("UPDATE labevents SET comments = 'y'")
        for file in folder.glob("patient_*"):
            (cut / file.name).write_bytes(file.read_bytes())
    assert len(list(cut.iterdir())) == 2, "the file and its journal"
    with pytest.raises(InputError, match="its last writer was cut off"):
        read(cut)


def test_a_write_ahead_log_must_be_empty(database: Callable[..., Path]) -> None:
    folder = database(labevents=[{"itemid": "1"}])
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db", isolation_level=None)) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("INSERT INTO labevents VALUES ('2')")
        with pytest.raises(InputError, match=r"rows in patient_90000001\.db-wal are not in it yet"):
            read(folder)
    raw, _ = read(folder)
    assert cells(raw, "labevents", "itemid") == [(1,), (2,)]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_reading_leaves_the_folder_as_it_was(database: Callable[..., Path], mode: str) -> None:
    folder = database(labevents=[{"itemid": "1"}])
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute(f"PRAGMA journal_mode = {mode}")
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}
    read(folder)
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()} == before


def test_views_and_virtual_tables_are_never_run(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute(
            "CREATE VIEW labevents AS WITH RECURSIVE n(itemid) AS (SELECT 1 UNION ALL SELECT 1 FROM n)"
            " SELECT itemid FROM n"
        )
        con.execute("CREATE VIRTUAL TABLE chartevents USING fts5(itemid)")
        con.execute("INSERT INTO chartevents VALUES ('1')")
        con.execute("CREATE TABLE omr (seq_num TEXT)")
        con.execute("INSERT INTO omr VALUES ('1')")
        con.execute("ALTER TABLE omr ADD COLUMN result_value AS (hex(zeroblob(1 << 30)))")
        con.commit()
    raw, notices = read(folder)
    assert cells(raw, "labevents") == cells(raw, "chartevents") == []
    assert cells(raw, "omr", "seq_num, result_value") == [(1, None)]
    assert any(notice.endswith("chartevents_idx, chartevents, labevents") for notice in notices)


def test_a_query_that_would_run_a_view_is_refused(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        con.execute("CREATE VIEW labevents AS SELECT gender AS flag FROM patients")
    with pytest.raises(InputError, match="prohibited"), open_sqlite(folder / f"patient_{SUBJECT}.db") as file:
        list(file.rows("labevents", [SqliteColumn("flag", "TEXT")]))


def test_an_index_that_lies_is_not_used(database: Callable[..., Path]) -> None:
    folder = database()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        for table, said in {"omr": "true", "other": "false"}.items():
            con.execute(f"CREATE TABLE {table} (result_value TEXT, a TEXT, b TEXT, c TEXT, d TEXT)")
            con.execute(f"CREATE INDEX {table}_values ON {table} (result_value)")
            con.execute(f"INSERT INTO {table} (result_value) VALUES ('{said}')")
        con.commit()
        con.execute("PRAGMA writable_schema = ON")
        other = "SELECT rootpage FROM sqlite_master WHERE name = 'other_values'"
        con.execute(f"UPDATE sqlite_master SET rootpage = ({other}) WHERE name = 'omr_values'")
        con.commit()
    with closing(sqlite3.connect(folder / f"patient_{SUBJECT}.db")) as con:
        assert con.execute("SELECT result_value FROM omr").fetchall() == [("false",)], "the index lies"
    raw, _ = read(folder)
    assert cells(raw, "omr", "result_value") == [("true",)]


# Candidate tables.


def test_candidate_tables_are_listed_with_their_codes(root: Path) -> None:
    found, notices = read_reference_candidates(Databases(root / "database"))
    assert notices == ()
    lists = {name: (columns, list(rows)) for name, columns, rows in found}
    assert sorted(lists) == [
        "diagnoses_ccs_candidates",
        "labevents_candidates",
        "microbiologyevents_candidates",
        "prescriptions_atc_candidates",
    ]
    columns, rows = lists["labevents_candidates"]
    assert columns == ("candidate", "itemid", "fluid", "category", "only_subject")
    con = read_tree(world_path(), SUBJECT)
    labels = con.execute("SELECT label, itemid, fluid, category, NULL FROM raw.d_labitems").fetchall()
    assert sorted(rows) == sorted(labels)
    columns, rows = lists["prescriptions_atc_candidates"]
    assert columns == ("candidate", "ndc", "long_drug_name", "only_subject")
    assert rows == [("Insulins", "00002821501", "Insulin lispro", None)]


def test_a_candidate_index_is_built_from_them(root: Path) -> None:
    found, _ = read_reference_candidates(Databases(root / "database"))
    index = CandidateIndex(build(None, found), SUBJECT)
    assert set(index.tables) == {name for name, *_ in found}


def test_what_is_no_candidate_table_is_said(tmp_path: Path) -> None:
    tables_there = {
        "labevents": [{"candidate": "x"}],
        "odd name_candidates": [{"candidate": "x"}],
        "nameless_candidates": [{"label": "x"}],
        "UPPER_candidates": [{"Candidate": "x", "only_subject": "7", "odd name": "y"}],
    }
    write_database(tmp_path / "candidate_table.db", tables_there)
    found, notices = read_reference_candidates(Databases(tmp_path))
    assert [(name, columns, list(rows)) for name, columns, rows in found] == [
        ("upper_candidates", ("candidate", "only_subject"), [("x", None)])
    ]
    assert notices == (
        "candidate_table.db: not exposed, not in the contract:"
        " labevents, nameless_candidates, odd name_candidates",
    )


def test_without_candidate_tables_there_are_none(database: Callable[..., Path]) -> None:
    assert read_reference_candidates(Databases(database())) == (
        (),
        ("candidate_table.db: not there; the candidate tables are missing",),
    )
