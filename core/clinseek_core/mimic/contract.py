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
    needs: str = ""
    """A column in which NULL makes a row known earlier ("not admitted", "no laboratory item"): a table whose
    source lacks it is not shown."""
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
    names_note: str = ""
    """The rows whose `field_value` is the `note_id` of another note: a condition on the row."""
    pending: Pending | None = None
    upstream: str = ""
    """The filter time the reference implementation makes up, where it has no column to filter by."""


CLOCKS = """
CREATE OR REPLACE MACRO latest(x) AS CASE WHEN count(*) = count(x) THEN max(x) END;
CREATE OR REPLACE MACRO earliest(x) AS CASE WHEN count(*) = count(x) THEN min(x) END;
CREATE OR REPLACE MACRO later_of(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN greatest(a, b) END;
CREATE OR REPLACE MACRO at_least(a, b) AS CASE WHEN a IS NOT NULL THEN greatest(a, coalesce(b, a)) END;
CREATE OR REPLACE MACRO end_of_day(d) AS date_trunc('day', d::TIMESTAMP) + INTERVAL 1 DAY;
CREATE OR REPLACE MACRO end_of_hour(t) AS t + INTERVAL 60 MINUTE;
CREATE OR REPLACE MACRO admitted(h) AS (
    SELECT latest(stay.admittime) FROM raw.admissions stay WHERE stay.hadm_id = h);
CREATE OR REPLACE MACRO discharged(h) AS (
    SELECT latest(stay.dischtime) FROM raw.admissions stay WHERE stay.hadm_id = h);
CREATE OR REPLACE MACRO ed_arrived(s) AS (
    SELECT latest(visit.intime) FROM raw.edstays visit WHERE visit.stay_id = s);
CREATE OR REPLACE MACRO ed_left(s) AS (
    SELECT latest(visit.outtime) FROM raw.edstays visit WHERE visit.stay_id = s);
CREATE OR REPLACE MACRO ed_admission(s) AS (
    SELECT max(visit.hadm_id) FROM raw.edstays visit WHERE visit.stay_id = s);
CREATE OR REPLACE MACRO icu_entered(s) AS (
    SELECT earliest(unit.intime) FROM raw.icustays unit WHERE unit.stay_id = s);
CREATE OR REPLACE MACRO ordered(p) AS (
    SELECT latest(placed.ordertime) FROM raw.poe placed WHERE placed.poe_id = p);
CREATE OR REPLACE MACRO discontinuing(p) AS (
    SELECT max(placed.discontinued_by_poe_id) FROM raw.poe placed WHERE placed.poe_id = p);
CREATE OR REPLACE MACRO entered(ph) AS (
    SELECT latest(entry.entertime) FROM raw.pharmacy entry WHERE entry.pharmacy_id = ph);
CREATE OR REPLACE MACRO drug_ended(stop, entry, p) AS CASE
    WHEN discontinuing(p) IS NULL THEN later_of(end_of_hour(stop), entry)
    ELSE later_of(later_of(end_of_hour(stop), entry), ordered(discontinuing(p))) END;
CREATE OR REPLACE MACRO pharmacy_ended(ph) AS (
    SELECT latest(drug_ended(entry.stoptime, entry.entertime, entry.poe_id)) FROM raw.pharmacy entry
    WHERE entry.pharmacy_id = ph);
CREATE OR REPLACE MACRO given(e) AS (
    SELECT latest(later_of(dose.storetime, dose.charttime)) FROM raw.emar dose WHERE dose.emar_id = e);
CREATE OR REPLACE MACRO given_at(e) AS (
    SELECT latest(dose.charttime) FROM raw.emar dose WHERE dose.emar_id = e);
CREATE OR REPLACE MACRO lab_known(stored, drawn) AS
    later_of(coalesce(stored, drawn + INTERVAL 24 HOUR), drawn);
CREATE OR REPLACE MACRO lab_clock(s, drawn, v) AS (
    SELECT max(lab_known(result.storetime, result.charttime)) FROM raw.labevents result
    WHERE result.subject_id = s AND result.charttime = drawn AND result.valuenum = v);
CREATE OR REPLACE MACRO is_lab(i) AS coalesce(
    (SELECT bool_or(item.category = 'Labs') FROM raw.d_items item WHERE item.itemid = i), TRUE);
CREATE OR REPLACE MACRO charted(stored, drawn, s, i, v) AS CASE
    WHEN is_lab(i) THEN at_least(coalesce(lab_clock(s, drawn, v), drawn + INTERVAL 24 HOUR), stored)
    ELSE later_of(coalesce(stored, drawn + INTERVAL 24 HOUR), drawn) END;
CREATE OR REPLACE MACRO moment(clock, day) AS coalesce(clock, end_of_day(day));
CREATE OR REPLACE MACRO written(stored, charted_at) AS
    coalesce(later_of(stored, charted_at), end_of_day(charted_at));
CREATE OR REPLACE MACRO discharge_written(n) AS (
    SELECT latest(written(summary.storetime, summary.charttime)) FROM raw.discharge summary
    WHERE summary.note_id = n);
CREATE OR REPLACE MACRO discharge_charted(n) AS (
    SELECT latest(end_of_day(summary.charttime)) FROM raw.discharge summary WHERE summary.note_id = n);
CREATE OR REPLACE MACRO radiology_written(n) AS (
    SELECT latest(written(report.storetime, report.charttime)) FROM raw.radiology report
    WHERE report.note_id = n);
CREATE OR REPLACE MACRO radiology_charted(n) AS (
    SELECT latest(report.charttime) FROM raw.radiology report WHERE report.note_id = n);
CREATE OR REPLACE MACRO film_taken(day, clock) AS coalesce(
    try_strptime(day::VARCHAR || lpad(split_part(clock::VARCHAR, '.', 1), 6, '0'), '%Y%m%d%H%M%S'),
    end_of_day(try_strptime(day::VARCHAR, '%Y%m%d')));
CREATE OR REPLACE MACRO study_taken(s) AS (
    SELECT latest(film_taken(film.StudyDate, film.StudyTime)) FROM raw.cxr_metadata film
    WHERE film.study_id = s);
"""
"""The clocks an expression may use. DuckDB pastes an argument into a macro as it stands: a clock that calls
another must not share an alias with it. `latest` is NULL when any row it reads has no time (rule 3);
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

_NAMES_A_NOTE = "field_name IN ('addendum_note_id', 'parent_note_id')"

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
        needs="hadm_id",
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
        needs="itemid",
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
    "edstays": Rule(
        needs="hadm_id", available="intime", later=_HADM | {"outtime": "outtime", "disposition": "outtime"}
    ),
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
        available="discharge_written(note_id)",
        says="with their note",
        event="discharge_charted(note_id)",
        note_ids="discharge",
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
        available=f"CASE WHEN {_NAMES_A_NOTE} THEN later_of(radiology_written(note_id),"
        " radiology_written(field_value)) ELSE radiology_written(note_id) END",
        says="with their note; a row that names another note, with both",
        event=f"CASE WHEN {_NAMES_A_NOTE} THEN later_of(radiology_charted(note_id),"
        " radiology_charted(field_value)) ELSE radiology_charted(note_id) END",
        note_ids="radiology",
        names_note=_NAMES_A_NOTE,
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
