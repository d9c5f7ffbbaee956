"""The temporal contract as data: when each row, and each cell that is written later, became known.

Every time is a SQL expression over the row's own columns and the CLOCKS below, evaluated once over a
patient's whole record. An expression that is NULL means *never*: nothing falls back to an earlier clock.
`docs/temporal-contract.md` explains the rules; what was measured for each line stands there too.
"""

from __future__ import annotations

import msgspec

from clinseek_core.mimic.catalogue import TableInfo

__all__ = ["ALWAYS", "CLOCKS", "CONTRACT", "Pending", "Rule", "upstream_clock"]


class Pending(msgspec.Struct, frozen=True):
    """A row that stands for results still to come: one for each `key`, until the first result is known."""

    key: str
    known: str
    columns: tuple[str, ...]
    """The only columns that are known while the result is pending."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When the rows and cells of one table became known.

    Columns that no field names are known with their row.
    """

    available: str
    """When a row reached the record: basis `available`."""
    coded: bool = False
    """Rows of billing codes: the policy's coding lag is added to `available`."""
    says: str = ""
    """`available` in words, where the expression does not say it plainly."""
    event: str = ""
    """When it happened: basis `event`; as `available` where it is empty."""
    started: str = ""
    """When it began, for rows of intervals under `interval_rows: started`."""
    later: dict[str, str] = {}
    """Column to the time its cell became known; NULL until then."""
    never: tuple[str, ...] = ()
    """Columns that are not exposed."""
    derived: dict[str, str] = {}
    """Column to an expression that may use `cutoff()`; it stands where the hidden columns were."""
    counters: tuple[str, ...] = ()
    """Ids that count rows: numbered anew within the snapshot."""
    note_ids: str = ""
    """The notes table whose `note_id` values are numbered anew."""
    pending: Pending | None = None
    upstream: str = ""
    """The filter time the reference implementation makes up, where it has no column to filter by."""


CLOCKS = """
CREATE MACRO latest(x) AS CASE WHEN count(*) = count(x) THEN max(x) END;
CREATE MACRO later_of(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN greatest(a, b) END;
CREATE MACRO at_least(a, b) AS CASE WHEN a IS NOT NULL THEN greatest(a, coalesce(b, a)) END;
CREATE MACRO end_of_day(d) AS date_trunc('day', d::TIMESTAMP) + INTERVAL 1 DAY;
CREATE MACRO end_of_hour(t) AS t + INTERVAL 60 MINUTE;
CREATE MACRO admitted(h) AS (SELECT latest(x.admittime) FROM raw.admissions x WHERE x.hadm_id = h);
CREATE MACRO discharged(h) AS (SELECT latest(x.dischtime) FROM raw.admissions x WHERE x.hadm_id = h);
CREATE MACRO ed_arrived(s) AS (SELECT latest(x.intime) FROM raw.edstays x WHERE x.stay_id = s);
CREATE MACRO ed_left(s) AS (SELECT latest(x.outtime) FROM raw.edstays x WHERE x.stay_id = s);
CREATE MACRO ed_admission(s) AS (SELECT max(x.hadm_id) FROM raw.edstays x WHERE x.stay_id = s);
CREATE MACRO icu_entered(s) AS (SELECT latest(x.intime) FROM raw.icustays x WHERE x.stay_id = s);
CREATE MACRO ordered(p) AS (SELECT latest(x.ordertime) FROM raw.poe x WHERE x.poe_id = p);
CREATE MACRO discontinuing(p) AS (SELECT max(x.discontinued_by_poe_id) FROM raw.poe x WHERE x.poe_id = p);
CREATE MACRO entered(ph) AS (SELECT latest(x.entertime) FROM raw.pharmacy x WHERE x.pharmacy_id = ph);
CREATE MACRO drug_ended(stop, entry, p) AS CASE
    WHEN discontinuing(p) IS NULL THEN later_of(end_of_hour(stop), entry)
    ELSE later_of(later_of(end_of_hour(stop), entry), ordered(discontinuing(p))) END;
CREATE MACRO pharmacy_ended(ph) AS (
    SELECT latest(drug_ended(x.stoptime, x.entertime, x.poe_id)) FROM raw.pharmacy x
    WHERE x.pharmacy_id = ph);
CREATE MACRO given(e) AS (
    SELECT latest(later_of(x.storetime, x.charttime)) FROM raw.emar x WHERE x.emar_id = e);
CREATE MACRO given_at(e) AS (SELECT latest(x.charttime) FROM raw.emar x WHERE x.emar_id = e);
CREATE MACRO lab_known(stored, drawn) AS later_of(coalesce(stored, drawn + INTERVAL 24 HOUR), drawn);
CREATE MACRO lab_clock(s, drawn, v) AS (
    SELECT max(lab_known(x.storetime, x.charttime)) FROM raw.labevents x
    WHERE x.subject_id = s AND x.charttime = drawn AND x.valuenum = v);
CREATE MACRO is_lab(i) AS coalesce(
    (SELECT bool_or(x.category = 'Labs') FROM raw.d_items x WHERE x.itemid = i), FALSE);
CREATE MACRO charted(stored, drawn, s, i, v) AS CASE
    WHEN is_lab(i) OR stored IS NULL
    THEN at_least(coalesce(lab_clock(s, drawn, v), drawn + INTERVAL 24 HOUR), stored)
    ELSE later_of(stored, drawn) END;
CREATE MACRO moment(clock, day) AS coalesce(clock, end_of_day(day));
CREATE MACRO written(stored, charted_at) AS
    coalesce(later_of(stored, charted_at), end_of_day(charted_at));
CREATE MACRO discharge_note_written(n) AS (
    SELECT latest(written(x.storetime, x.charttime)) FROM raw.discharge x WHERE x.note_id = n);
CREATE MACRO radiology_note_written(n) AS (
    SELECT latest(written(x.storetime, x.charttime)) FROM raw.radiology x WHERE x.note_id = n);
CREATE MACRO film_taken(day, clock) AS coalesce(
    try_strptime(day::VARCHAR || lpad(split_part(clock::VARCHAR, '.', 1), 6, '0'), '%Y%m%d%H%M%S'),
    end_of_day(try_strptime(day::VARCHAR, '%Y%m%d')));
CREATE MACRO study_taken(s) AS (
    SELECT latest(film_taken(x.StudyDate, x.StudyTime)) FROM raw.cxr_metadata x WHERE x.study_id = s);
"""
"""The clocks an expression may use. `latest` is NULL when any row it reads has no time (rule 3);
`cutoff()` comes from the run."""

_HADM = {"hadm_id": "admitted(hadm_id)"}
_ED_STAY = {"stay_id": "ed_arrived(stay_id)"}
_ICU_KEYS = _HADM | {"stay_id": "icu_entered(stay_id)"}
_CODED = "discharged(hadm_id)"
_STORED_INTERVAL = "later_of(storetime, starttime)"
_INTERVAL_END = "later_of(endtime, storetime)"
_INFUSION_END = dict.fromkeys(
    ("endtime", "amount", "amountuom", "totalamount", "totalamountuom", "statusdescription"), _INTERVAL_END
) | dict.fromkeys(("isopenbag", "continueinnextdept"), _INTERVAL_END)
_PROCEDURE_END = dict.fromkeys(
    (
        "endtime",
        "value",
        "valueuom",
        "ORIGINALAMOUNT",
        "ORIGINALRATE",
        "statusdescription",
        "isopenbag",
        "continueinnextdept",
    ),
    _INTERVAL_END,
)

ALWAYS = "TIMESTAMP '0001-01-01'"
"""The known time of what was never unknown: dictionaries, and who a patient is."""

CONTRACT: dict[str, Rule] = {
    "patients": Rule(
        available=ALWAYS,
        never=("anchor_age", "anchor_year", "anchor_year_group", "dod"),
        derived={"age": "anchor_age + year(cutoff()) - anchor_year"},
    ),
    "admissions": Rule(
        available="admittime",
        later={
            "dischtime": "dischtime",
            "admission_type": "dischtime",
            "discharge_location": "at_least(dischtime, deathtime)",
            "hospital_expire_flag": "at_least(dischtime, deathtime)",
            "deathtime": "deathtime",
            "edregtime": "edregtime",
            "edouttime": "edouttime",
        },
    ),
    "transfers": Rule(available="intime", later=_HADM | {"outtime": "outtime"}),
    "services": Rule(available="transfertime", later=_HADM),
    "diagnoses_icd": Rule(
        available=_CODED,
        coded=True,
        upstream="discharged(hadm_id) - INTERVAL 1 MINUTE",
        says="at the admission's dischtime (codes are billed after discharge), plus the coding lag",
    ),
    "procedures_icd": Rule(
        available="later_of(discharged(hadm_id), end_of_day(chartdate))",
        coded=True,
        says="at the later of the admission's dischtime and the end of chartdate, plus the coding lag",
    ),
    "drgcodes": Rule(
        available=_CODED,
        coded=True,
        says="at the admission's dischtime (codes are billed after discharge), plus the coding lag",
    ),
    "hcpcsevents": Rule(
        available="CASE WHEN hadm_id IS NULL THEN end_of_day(chartdate)"
        " ELSE later_of(discharged(hadm_id), end_of_day(chartdate)) END",
        coded=True,
        says="at the later of the admission's dischtime and the end of chartdate, plus the coding lag",
    ),
    "labevents": Rule(
        available="lab_known(storetime, charttime)",
        says="at the later of storetime and charttime; without a storetime 24 h after charttime",
        event="charttime",
        later=_HADM,
        counters=("labevent_id",),
    ),
    "microbiologyevents": Rule(
        available="later_of(moment(storetime, storedate), moment(charttime, chartdate))",
        says="results at storetime; until then one row per specimen stands for them, from charttime",
        later=_HADM,
        counters=("microevent_id",),
        pending=Pending(
            key="micro_specimen_id",
            known="moment(charttime, chartdate)",
            columns=(
                "subject_id",
                "hadm_id",
                "micro_specimen_id",
                "chartdate",
                "charttime",
                "spec_itemid",
                "spec_type_desc",
            ),
        ),
    ),
    "pharmacy": Rule(
        available="entertime",
        says="at entertime",
        event="end_of_hour(starttime)",
        later=_HADM
        | {
            "stoptime": "drug_ended(stoptime, entertime, poe_id)",
            "status": "drug_ended(stoptime, entertime, poe_id)",
            "poe_id": "ordered(poe_id)",
            "verifiedtime": "verifiedtime",
        },
        never=("expirationdate", "fill_quantity"),
    ),
    "prescriptions": Rule(
        available="coalesce(entered(pharmacy_id), later_of(starttime, ordered(poe_id)))",
        says="at their pharmacy row's entertime, else the later of starttime and their order's ordertime",
        event="end_of_hour(starttime)",
        later=_HADM
        | {
            "pharmacy_id": "entered(pharmacy_id)",
            "stoptime": "pharmacy_ended(pharmacy_id)",
            "poe_id": "ordered(poe_id)",
            "poe_seq": "ordered(poe_id)",
            "order_provider_id": "ordered(poe_id)",
        },
    ),
    "poe": Rule(
        available="ordertime",
        later=_HADM
        | {
            "discontinue_of_poe_id": "ordered(discontinue_of_poe_id)",
            "discontinued_by_poe_id": "ordered(discontinued_by_poe_id)",
        },
        never=("order_status",),
    ),
    "poe_detail": Rule(available="ordered(poe_id)", says="with their order, at its ordertime"),
    "emar": Rule(
        available="later_of(storetime, charttime)",
        says="at the later of storetime and charttime",
        event="charttime",
        later=_HADM | {"pharmacy_id": "entered(pharmacy_id)", "poe_id": "ordered(poe_id)"},
    ),
    "emar_detail": Rule(
        available="given(emar_id)",
        says="with their emar row",
        event="given_at(emar_id)",
        later={"pharmacy_id": "entered(pharmacy_id)"},
    ),
    "omr": Rule(available="end_of_day(chartdate)", says="at the end of chartdate"),
    "icustays": Rule(
        available="intime",
        later=_HADM | {"outtime": "outtime", "los": "outtime", "last_careunit": "outtime"},
    ),
    "chartevents": Rule(
        available="charted(storetime, charttime, subject_id, itemid, valuenum)",
        says="at the later of storetime and charttime; laboratory items with the laboratory's own result",
        event="charttime",
        later=_ICU_KEYS,
    ),
    "datetimeevents": Rule(
        available="later_of(storetime, charttime)",
        says="at the later of storetime and charttime",
        event="charttime",
        later=_ICU_KEYS,
    ),
    "outputevents": Rule(
        available="later_of(storetime, charttime)",
        says="at the later of storetime and charttime",
        event="charttime",
        later=_ICU_KEYS,
    ),
    "inputevents": Rule(
        available=_STORED_INTERVAL,
        event="starttime",
        says="at the later of storetime and starttime",
        started="starttime",
        later=_ICU_KEYS | _INFUSION_END,
    ),
    "ingredientevents": Rule(
        available=_STORED_INTERVAL,
        says="at the later of storetime and starttime",
        event="starttime",
        started="starttime",
        later=_ICU_KEYS
        | dict.fromkeys(("endtime", "amount", "amountuom", "statusdescription"), _INTERVAL_END),
    ),
    "procedureevents": Rule(
        available=_STORED_INTERVAL,
        event="starttime",
        says="at the later of storetime and starttime",
        started="starttime",
        later=_ICU_KEYS | _PROCEDURE_END,
    ),
    "edstays": Rule(available="intime", later=_HADM | {"outtime": "outtime", "disposition": "outtime"}),
    "triage": Rule(
        available="ed_arrived(stay_id) + INTERVAL 5 MINUTE", says="5 minutes after the ED stay's intime"
    ),
    "vitalsign": Rule(available="charttime", later=_ED_STAY),
    "medrecon": Rule(available="charttime", later=_ED_STAY),
    "pyxis": Rule(available="charttime", later=_ED_STAY),
    "diagnosis": Rule(
        available="CASE WHEN ed_admission(stay_id) IS NULL THEN ed_left(stay_id)"
        " ELSE discharged(ed_admission(stay_id)) END",
        coded=True,
        says="at the ED stay's outtime, or if admitted the admission's dischtime, plus the coding lag",
        upstream="ed_left(stay_id) - INTERVAL 1 MINUTE",
    ),
    "discharge": Rule(
        available="written(storetime, charttime)",
        says="at the later of storetime and charttime, else at the end of charttime's day",
        event="end_of_day(charttime)",
        note_ids="discharge",
        counters=("note_seq",),
        later=_HADM,
    ),
    "discharge_detail": Rule(
        available="discharge_note_written(note_id)", says="with their note", note_ids="discharge"
    ),
    "radiology": Rule(
        available="written(storetime, charttime)",
        says="at the later of storetime and charttime, else at the end of charttime's day",
        event="charttime",
        note_ids="radiology",
        counters=("note_seq",),
        later=_HADM,
    ),
    "radiology_detail": Rule(
        available="radiology_note_written(note_id)", says="with their note", note_ids="radiology"
    ),
    "cxr_metadata": Rule(available="film_taken(StudyDate, StudyTime)", says="at StudyDate and StudyTime"),
    "cxr_study_list": Rule(available="study_taken(study_id)", says="with the study's films"),
    "cxr_record_list": Rule(available="study_taken(study_id)", says="with the study's films"),
} | dict.fromkeys(
    ("d_labitems", "d_items", "d_icd_diagnoses", "d_icd_procedures", "d_hcpcs"), Rule(available=ALWAYS)
)
"""Table to rule. A table that is not here is not exposed: provider and caregiver (lists of the whole
hospital), cxr_split (a cohort constant), cxr_chexpert and cxr_negbio (made from reports that carry no
time of their own)."""


def upstream_clock(info: TableInfo, rule: Rule) -> str:
    """The SQL of the time by which the reference implementation filters a table; empty for no filter.

    It takes the first column whose name holds `time` or `date`, a date as 23:59 of its day, or where
    `rule.upstream` says so a time that it makes up.
    """
    if rule.upstream:
        return rule.upstream
    for column in info.columns:
        if any(word in column.name.lower() for word in ("time", "date")):
            if column.type == "DATE":
                return f"\"{column.name}\"::TIMESTAMP + INTERVAL '23:59:00'"
            return f'TRY_CAST("{column.name}" AS TIMESTAMP)'
    return ""
