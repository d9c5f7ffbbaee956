"""What happens to patients, table by table: the rows that tasks about the next event are made of."""

from __future__ import annotations

import msgspec

__all__ = ["HAPPENINGS", "Happening", "rows_of", "rows_of_any"]


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing that happens: a table, when, and what it is called, in SQL over the table as `e`."""

    table: str
    at: str
    name: str
    joins: str = ""
    where: str = "TRUE"
    hadm: str = "e.hadm_id"
    stay: str = "NULL"
    label: str = ""
    """What an event of this kind is called where kinds are candidates; empty where it is none of them."""


_ICU = {"stay": "e.stay_id", "joins": "JOIN d_items i ON i.itemid = e.itemid", "name": "i.label"}
_ED = {"hadm": "NULL", "stay": "e.stay_id"}
_CODED = "JOIN admissions a ON a.hadm_id = e.hadm_id"
_TITLE = "JOIN {0} d ON d.icd_code = e.icd_code AND d.icd_version = e.icd_version"
_CLASS = "JOIN ccs c ON c.kind = '{0}' AND c.icd_code = trim(e.icd_code) AND c.icd_version = e.icd_version"
_DRUG = "JOIN drug_class k ON k.drug = lower(e.{0})"
_ENTERED = "least(e.starttime, e.known_at)"

HAPPENINGS: dict[str, Happening] = {
    "admissions": Happening(table="admissions", at="e.admittime", name="e.admission_type", label="Admission"),
    "chartevents": Happening(table="chartevents", at="e.charttime", label="Charted observation", **_ICU),
    "datetimeevents": Happening(table="datetimeevents", at="e.charttime", label="Charted date", **_ICU),
    "diagnoses_ccs": Happening(
        table="diagnoses_icd",
        at="a.dischtime",
        name="c.name",
        joins=f"{_CODED} {_CLASS.format('diagnoses')}",
    ),
    "diagnoses_icd": Happening(
        table="diagnoses_icd",
        at="a.dischtime",
        name="d.long_title",
        joins=f"{_CODED} {_TITLE.format('d_icd_diagnoses')}",
    ),
    "diagnosis": Happening(
        table="diagnosis",
        at="s.outtime",
        name="e.icd_title",
        joins="JOIN edstays s ON s.stay_id = e.stay_id",
        **_ED,
    ),
    "diagnosis_ccs": Happening(
        table="diagnosis",
        at="s.outtime",
        name="c.name",
        joins=f"JOIN edstays s ON s.stay_id = e.stay_id {_CLASS.format('diagnoses')}",
        **_ED,
    ),
    "emar": Happening(
        table="emar",
        at="e.charttime",
        name="e.medication",
        where="e.event_txt IN ('Administered', 'Started', 'Applied', 'Restarted', 'Confirmed')",
        label="Medication given",
    ),
    "ingredientevents": Happening(table="ingredientevents", at=_ENTERED, **_ICU),
    "inputevents": Happening(table="inputevents", at=_ENTERED, label="Infusion", **_ICU),
    "labevents": Happening(
        table="labevents",
        at="e.charttime",
        name="i.label",
        joins="JOIN d_labitems i ON i.itemid = e.itemid",
        label="Laboratory test",
    ),
    "medrecon": Happening(table="medrecon", at="e.charttime", name="e.name", **_ED),
    "medrecon_atc": Happening(
        table="medrecon", at="e.charttime", name="k.name", joins=_DRUG.format("name"), **_ED
    ),
    "microbiologyevents": Happening(
        table="microbiologyevents",
        at="coalesce(e.charttime, e.chartdate)",
        name="e.test_name",
        where="NOT e.pending",
        label="Microbiology",
    ),
    "omr": Happening(table="omr", at="e.chartdate::TIMESTAMP", name="e.result_name", hadm="NULL"),
    "outputevents": Happening(table="outputevents", at="e.charttime", label="Output", **_ICU),
    "poe": Happening(
        table="poe",
        at="e.ordertime",
        name="concat_ws(': ', e.order_type, e.order_subtype)",
        where="e.transaction_type = 'New'",
        label="Provider order",
    ),
    "prescriptions": Happening(table="prescriptions", at=_ENTERED, name="e.drug", label="Prescription"),
    "prescriptions_atc": Happening(
        table="prescriptions", at=_ENTERED, name="k.name", joins=_DRUG.format("drug")
    ),
    "procedureevents": Happening(table="procedureevents", at=_ENTERED, label="Procedure", **_ICU),
    "procedures_ccs": Happening(
        table="procedures_icd",
        at="e.chartdate::TIMESTAMP",
        name="c.name",
        joins=_CLASS.format("procedures"),
    ),
    "procedures_icd": Happening(
        table="procedures_icd",
        at="e.chartdate::TIMESTAMP",
        name="d.long_title",
        joins=_TITLE.format("d_icd_procedures"),
    ),
    "pyxis": Happening(
        table="pyxis", at="e.charttime", name="e.name", label="Medication from the cabinet", **_ED
    ),
    "radiology": Happening(
        table="radiology",
        at="e.charttime",
        name="x.field_value",
        joins="JOIN radiology_detail x ON x.note_id = e.note_id AND x.field_name = 'exam_name'",
        label="Radiology",
    ),
    "services": Happening(table="services", at="e.transfertime", name="e.curr_service", label="Service"),
    "transfers": Happening(
        table="transfers",
        at="e.intime",
        name="e.careunit",
        where="e.eventtype IN ('admit', 'transfer') AND e.careunit IS NOT NULL",
        label="Transfer",
    ),
}
"""By the name of the benchmark's task. Drugs are dated by their order where that came before their start,
since an order tells of them; drug classes and CCS classes come from what the user names."""


def rows_of(name: str, settled: str = "") -> str:
    """The rows of a task (see `Task.rows`) about one kind of happening.

    It is settled when it happened, or when it became known if that was before; or as `settled` says.
    """
    of = HAPPENINGS[name]
    return (
        f"SELECT e.subject_id, {of.hadm} AS hadm_id, {of.stay} AS stay_id, {of.at} AS at,"
        f" {settled or f'least({of.at}, e.known_at)'} AS settled_at, {of.name} AS name, '' AS about,"
        " []::INTEGER[] AS studies"
        f" FROM {of.table} e {of.joins} WHERE {of.where} AND ({of.at}) IS NOT NULL"
    )


def rows_of_any() -> str:
    """The rows of the task about the next event of whatever kind: `name` is the kind."""
    parts = (
        f"SELECT e.subject_id, {of.hadm} AS hadm_id, {of.stay} AS stay_id, {of.at} AS at,"
        f" least({of.at}, e.known_at) AS settled_at, '{of.label}' AS name"
        f" FROM {of.table} e {of.joins} WHERE {of.where} AND ({of.at}) IS NOT NULL"
        for of in HAPPENINGS.values()
        if of.label
    )
    return (
        'SELECT subject_id, hadm_id, stay_id, "at", min(settled_at) AS settled_at, min(name) AS name,'
        " '' AS about, []::INTEGER[] AS studies FROM (" + " UNION ALL ".join(parts) + ")"
        " GROUP BY ALL HAVING count(DISTINCT name) = 1"
    )
