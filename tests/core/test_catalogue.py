"""The column catalogue: well-formed as data, of one mind with the contract, and true of the open demo."""

import csv
import gzip
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from clinseek_core.mimic import TableInfo, table, tables
from clinseek_core.mimic.contract import CONTRACT

DEMO = "CLINSEEK_MIMIC_DEMO"
DEMO_TABLES = [info.name for info in tables().values() if info.module in ("hosp", "icu", "ed")]
TIMES = {"DATE", "TIMESTAMP"}


@pytest.fixture(scope="module")
def demo() -> Path:
    root = os.environ.get(DEMO)
    if not root:
        pytest.skip(f"{DEMO} is not set: give it the folder of the MIMIC-IV demo (hosp/, icu/, ed/)")
    return Path(root)


def _demo_file(demo: Path, info: TableInfo) -> Path:
    path = demo / info.module / f"{info.file}.csv.gz"
    if not path.exists():
        pytest.skip(f"this demo has no {info.module}/{path.name}")
    return path


def _lines(name: str) -> list[dict[str, str]]:
    text = (files("clinseek_core.mimic") / name).read_text(encoding="utf-8")
    header, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_both_files_tell_of_the_same_tables_in_the_same_order():
    places = [(line["module"], line["table"]) for line in _lines("catalogue.tsv")]
    assert list(dict.fromkeys(places)) == [(line["module"], line["table"]) for line in _lines("tables.tsv")]
    assert sum(len(info.columns) for info in tables().values()) == len(places)


def test_no_cell_is_empty_or_padded():
    cells = [
        cell for name in ("catalogue.tsv", "tables.tsv") for line in _lines(name) for cell in line.values()
    ]
    assert not [cell for cell in cells if not cell or cell != " ".join(cell.split())]


@pytest.mark.parametrize("info", tables().values(), ids=lambda info: info.name)
class TestEveryTable:
    def test_has_each_column_once_in_any_case(self, info):
        names = [column.name.casefold() for column in info.columns]
        assert len(names) == len(set(names)) > 0

    def test_knows_its_patient_if_and_only_if_it_holds_patients(self, info):
        subjects = [column.name for column in info.columns if column.role == "subject"]
        assert subjects == (["subject_id"] if info.kind == "patient" else [])

    def test_every_date_and_time_says_which_kind_of_time_it_is(self, info):
        timeless = [
            c.name for c in info.columns if c.type in TIMES and c.role in ("value", "code", "key", "id")
        ]
        # A charted date, such as that of a line's insertion, is the observation itself.
        assert timeless == (["value"] if info.name == "datetimeevents" else [])

    def test_when_it_happened_and_was_stored_are_times(self, info):
        clocks = [
            c.name for c in info.columns if c.role in ("event", "store", "plan") and c.type not in TIMES
        ]
        # DICOM headers write the date as YYYYMMDD and the time as HHMMSS.
        assert clocks == (["StudyDate", "StudyTime"] if info.name == "cxr_metadata" else [])

    def test_columns_are_of_some_release_in_order(self, info):
        assert {column.versions for column in info.columns} <= {("2.2",), ("3.1",), ("2.2", "3.1")}


def test_every_key_names_a_row_that_some_table_identifies():
    ids = tuple(c.name for info in tables().values() for c in info.columns if c.role == "id")
    keys = {(info.name, c.name) for info in tables().values() for c in info.columns if c.role == "key"}
    dangling = {place for place in keys if not place[1].endswith(ids)}
    # Cells of the order that a prescription repeats: they are known when the order is.
    assert dangling == {("prescriptions", "poe_seq"), ("prescriptions", "order_provider_id")}


@pytest.mark.parametrize("name", CONTRACT)
class TestTheContractAgrees:
    def test_what_the_row_cannot_know_yet_is_dated_or_hidden(self, name):
        rule = CONTRACT[name]
        pending = {c.name for c in table(name).columns} - set(rule.pending.columns) if rule.pending else set()
        held_back = {*rule.later, *rule.never, *pending}
        later = {c.name for c in table(name).columns if c.role in ("end", "final", "outcome", "cohort")}
        assert not later - held_back

    def test_what_counts_rows_is_numbered_anew(self, name):
        counters = {column.name for column in table(name).columns if column.role == "counter"}
        assert counters == set(CONTRACT[name].counters)

    def test_what_is_dated_on_its_own_is_no_plain_fact_of_the_row(self, name):
        roles = {c.role for c in table(name).columns if c.name in CONTRACT[name].later}
        assert roles <= {"end", "final", "outcome", "key", "event"}


def test_columns_are_found_in_any_case_and_keep_their_own_spelling():
    assert table("procedureevents").column("originalamount").name == "ORIGINALAMOUNT"
    assert table("patients").column("originalamount") is None


def test_an_unknown_table_is_refused():
    with pytest.raises(KeyError):
        table("noteevents")


def test_the_catalogue_is_read_once_and_cannot_be_changed():
    assert tables() is tables()
    with pytest.raises(TypeError):
        tables()["patients"] = table("admissions")


def test_the_catalogue_loads_without_a_database():
    code = "import sys, clinseek_core.mimic as m; m.tables(); print('duckdb' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize("module", ["hosp", "icu", "ed"])
def test_every_file_of_the_demo_is_in_the_catalogue(demo, module):
    published = {path.name.removesuffix(".csv.gz") for path in (demo / module).glob("*.csv.gz")}
    assert published
    assert published <= {info.file for info in tables().values() if info.module == module}


@pytest.mark.parametrize("name", DEMO_TABLES)
def test_the_demos_headers_are_the_catalogues_columns_in_order(demo, name):
    with gzip.open(_demo_file(demo, table(name)), "rt", encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines))
    assert header == [column.name for column in table(name).columns]


@pytest.mark.parametrize("name", DEMO_TABLES)
def test_every_value_of_the_demo_is_of_its_columns_type(demo, name):
    path = _demo_file(demo, table(name))
    lost = {
        f"{name}.{column.name}": f'count(*) FILTER ("{column.name}" IS NOT NULL AND NOT {_fits(column)})'
        for column in table(name).columns
    }
    query = f"SELECT {', '.join(lost.values())} FROM read_csv(?, all_varchar = true, header = true)"
    counts = duckdb.execute(query, [str(path)]).fetchone()
    assert {place: count for place, count in zip(lost, counts, strict=True) if count} == {}


def _fits(column) -> str:
    """SQL: the text is a value of the type, and of no wider one: casts round fractions and cut off times."""
    wider = {"SMALLINT": "DOUBLE", "INTEGER": "DOUBLE", "DATE": "TIMESTAMP"}.get(column.type, column.type)
    narrow, wide = (f'TRY_CAST("{column.name}" AS {kind})' for kind in (column.type, wider))
    return f"coalesce({narrow} = {wide}, false)"
