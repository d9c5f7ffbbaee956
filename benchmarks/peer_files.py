"""The baseline's files, made from a MIMIC-IV tree: SQLite databases whose columns are all TEXT."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd
from patients import connect

from clinseek_core.mimic import tables

__all__ = ["build", "build_patients"]

_CANDIDATES = {
    "microbiologyevents_candidates": "SELECT 'Culture ' || range AS candidate FROM range(171)",
    "radiology_candidates": "SELECT 'CHEST VIEW ' || range AS candidate FROM range(963)",
    "transfers_candidates": "SELECT 'Care unit ' || range AS candidate FROM range(38)",
    "diagnoses_ccs_candidates": "SELECT diagnosis_code(range) AS icd_code, 10 AS icd_version,"
    " diagnosis_title(range) AS candidate FROM range(87103)",
    "procedures_ccs_candidates": "SELECT procedure_code(range) AS icd_code, 10 AS icd_version,"
    " procedure_title(range) AS candidate FROM range(83131)",
    "labevents_candidates": "SELECT 60000 + range AS itemid, 'Laboratory item ' || range AS candidate,"
    " 'Blood' AS fluid, 'Chemistry' AS category FROM range(1619)",
    "prescriptions_atc_candidates": "SELECT lpad(range::VARCHAR, 11, '0') AS ndc,"
    " drug_name(range) AS candidate FROM range(156201)",
}
"""As many terms as the reference's tables have."""


def build(root: Path, folder: Path, subject_id: int) -> None:
    """Write `patient_<id>.db`, `reference_table.db` and `candidate_table.db` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    con = connect()
    _write(folder / "candidate_table.db", {name: con.execute(sql).df() for name, sql in _CANDIDATES.items()})
    dictionaries, patient = {}, {}
    for info in tables().values():
        path = root / info.module / f"{info.file}.csv"
        if not path.exists() or info.kind == "staff":
            continue
        table = pd.read_csv(path, low_memory=False)
        if info.kind == "dictionary":
            dictionaries[info.name] = table
        else:
            patient[info.name] = table[table["subject_id"] == subject_id]
    _write(folder / "reference_table.db", dictionaries)
    _write(folder / f"patient_{subject_id}.db", _with_made_up_times(patient))


def build_patients(root: Path, folder: Path) -> None:
    """Write every patient's database: each file loaded whole, and each row put in as text, one by one.

    The original holds the rows of all files before it writes; here a file's are written and forgotten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for info in tables().values():
        for path in (root / info.module).glob(f"{info.file}.csv*"):
            table = pd.read_csv(path, low_memory=False)
            if info.kind != "patient":
                continue
            for subject_id, rows in table.groupby("subject_id"):
                _append(folder / f"patient_{subject_id}.db", info.name, rows.to_dict("records"))


def _append(path: Path, name: str, records: list[dict[Hashable, Any]]) -> None:
    con = sqlite3.connect(path)
    con.execute("PRAGMA synchronous = OFF")
    columns = ", ".join(f'"{column}" TEXT' for column in records[0])
    con.execute(f'CREATE TABLE "{name}" ({columns})')
    insert = f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(records[0]))})'
    for record in records:
        con.execute(insert, [str(value) for value in record.values()])
    con.commit()
    con.close()


def _with_made_up_times(patient: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """A charttime for diagnoses and the head of the discharge note in admissions, as the original adds."""
    discharged = patient["admissions"].set_index("hadm_id")["dischtime"]
    left = patient["edstays"].set_index("stay_id")["outtime"]
    for name, key, ends in (("diagnoses_icd", "hadm_id", discharged), ("diagnosis", "stay_id", left)):
        minute_before = pd.to_datetime(patient[name][key].map(ends)) - pd.Timedelta(minutes=1)
        patient[name] = patient[name].assign(charttime=minute_before.dt.strftime("%Y-%m-%d %H:%M:%S"))
    heads = patient["discharge"].set_index("hadm_id")["text"].str.split("Physical Exam", n=1).str[0]
    patient["admissions"] = patient["admissions"].assign(text=patient["admissions"]["hadm_id"].map(heads))
    return patient


def _write(path: Path, frames: dict[str, pd.DataFrame]) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as con:
        for name, frame in frames.items():
            if frame.empty:
                continue
            columns = ", ".join(f'"{column}" TEXT' for column in frame.columns)
            con.execute(f'CREATE TABLE "{name}" ({columns})')
            marks = ", ".join("?" * len(frame.columns))
            rows = zip(*(frame[column].map(str) for column in frame.columns), strict=True)
            con.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
