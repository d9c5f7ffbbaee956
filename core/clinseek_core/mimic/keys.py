"""The columns that tell the rows of a patient's tables apart."""

from __future__ import annotations

__all__ = ["KEYS"]

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
