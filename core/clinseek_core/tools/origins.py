"""Where the rows of an answer come from: their table, their key, and when they happened and were known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clinseek_core.ehr.snapshot import RowOrigins, Snapshot, SnapshotTable
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.journal.events import Origin, OriginRow

__all__ = ["KEYS", "event_time_sql", "origins_of", "rows_origin"]

_STAY, _ITEM = ("stay_id", "charttime", "itemid"), ("orderid", "itemid")

KEYS: dict[str, tuple[str, ...]] = {
    "patients": ("subject_id",),
    "admissions": ("hadm_id",),
    "transfers": ("transfer_id",),
    "services": ("hadm_id", "transfertime"),
    "diagnoses_icd": ("hadm_id", "seq_num"),
    "procedures_icd": ("hadm_id", "seq_num"),
    "drgcodes": ("hadm_id", "drg_type", "drg_code"),
    "hcpcsevents": ("hadm_id", "chartdate", "hcpcs_cd", "seq_num"),
    "labevents": ("labevent_id", "specimen_id", "itemid"),
    "microbiologyevents": ("microevent_id", "micro_specimen_id"),
    "pharmacy": ("pharmacy_id",),
    "prescriptions": ("pharmacy_id", "drug_type", "drug", "starttime"),
    "poe": ("poe_id",),
    "poe_detail": ("poe_id", "field_name"),
    "emar": ("emar_id",),
    "emar_detail": ("emar_id", "parent_field_ordinal"),
    "omr": ("chartdate", "seq_num", "result_name"),
    "icustays": ("stay_id",),
    "chartevents": _STAY,
    "datetimeevents": _STAY,
    "outputevents": _STAY,
    "inputevents": _ITEM,
    "ingredientevents": _ITEM,
    "procedureevents": ("orderid",),
    "edstays": ("stay_id",),
    "triage": ("stay_id",),
    "vitalsign": ("stay_id", "charttime"),
    "medrecon": ("stay_id", "charttime", "name", "gsn", "ndc", "etc_rn"),
    "pyxis": ("stay_id", "charttime", "med_rn", "gsn_rn"),
    "diagnosis": ("stay_id", "seq_num"),
    "discharge": ("note_id",),
    "discharge_detail": ("note_id", "field_name", "field_ordinal"),
    "radiology": ("note_id",),
    "radiology_detail": ("note_id", "field_name", "field_ordinal"),
    "cxr_metadata": ("dicom_id",),
    "cxr_study_list": ("study_id",),
    "cxr_record_list": ("dicom_id",),
}
"""Table to the columns that tell its rows of one patient apart, as found in the open MIMIC-IV demo.

`labevent_id` and `microevent_id` are numbered anew within a snapshot; the ids beside them are not."""


def event_time_sql(table: SnapshotTable) -> str:
    """When a row happened, as text; NULL for tables that only say when a row was known."""
    return f"CAST({table.clock} AS VARCHAR)" if table.clock not in {"", "known_at"} else "NULL"


def rows_origin(
    table: SnapshotTable, columns: Sequence[str], rows: Sequence[Sequence[Any]], event_times: Sequence[Any]
) -> tuple[Origin, ...]:
    """The origin of rows that hold the table's key and `known_at`; none for dictionaries."""
    key = KEYS.get(table.name)
    if key is None:
        return ()
    at = {name: index for index, name in enumerate(columns)}
    known = at.get("known_at")
    found = tuple(
        OriginRow(tuple(row[at[name]] for name in key), event_time, None if known is None else row[known])
        for row, event_time in zip(rows, event_times, strict=True)
    )
    return (Origin(table=table.name, key=key, rows=found),)


def origins_of(snapshot: Snapshot, found: Sequence[RowOrigins]) -> tuple[Origin, ...]:
    """The origins of a query's rows, looked up by their rowids; none for dictionaries."""
    return tuple(_looked_up(snapshot, each) for each in found if each.table in KEYS)


def _looked_up(snapshot: Snapshot, found: RowOrigins) -> Origin:
    table, key = snapshot.tables[found.table], KEYS[found.table]
    wanted = sorted({rowid for rowid in found.rowids if rowid is not None})
    known = "known_at" if "known_at" in table.columns else "NULL"
    cells = ", ".join(map(quoted, key))
    sql = f"SELECT rowid, {event_time_sql(table)}, {known}, {cells} FROM {quoted(table.name)}"
    rows = snapshot.select(f"{sql} WHERE rowid IN (SELECT unnest(?::BIGINT[]))", [wanted]).rows
    by_rowid = {row[0]: OriginRow(tuple(row[3:]), row[1], row[2]) for row in rows}
    return Origin(table=table.name, key=key, rows=tuple(by_rowid.get(rowid) for rowid in found.rowids))
