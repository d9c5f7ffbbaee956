"""The 27 decision-making tasks: what will happen next, table by table."""

from __future__ import annotations

import msgspec

from clinseek_core.tasks.happenings import HAPPENINGS, rows_of, rows_of_any
from clinseek_core.tasks.task import Need, Task

__all__ = ["DECISIONS"]


class _Asked(msgspec.Struct, frozen=True):
    """How a task is put: its group in reports, and what the agent is to decide."""

    group: str
    what: str
    needs: frozenset[Need] = frozenset()


_CCS = frozenset[Need]({"ccs"})
_DRUGS = frozenset[Need]({"drug_classes"})
_ASKED: dict[str, _Asked] = {
    "admissions": _Asked(
        "Transfers_Services_Admissions", "as which type of admission the patient will next be admitted"
    ),
    "chartevents": _Asked("ICU_Events", "which observations will be charted next in the intensive care unit"),
    "datetimeevents": _Asked("ICU_Events", "which dates (of lines, dressings, tests) will be charted next"),
    "diagnoses_ccs": _Asked(
        "Diagnosis_coding",
        "which conditions (CCS categories) will be coded for this admission at discharge",
        _CCS,
    ),
    "diagnoses_icd": _Asked(
        "Diagnosis_coding", "which ICD diagnoses will be coded for this admission at discharge"
    ),
    "diagnosis": _Asked(
        "Diagnosis_coding", "which diagnoses will be coded for this emergency department visit"
    ),
    "diagnosis_ccs": _Asked(
        "Diagnosis_coding",
        "which conditions (CCS categories) will be coded for this emergency department visit",
        _CCS,
    ),
    "emar": _Asked("Medication_suggestion", "which medications will be given next"),
    "ingredientevents": _Asked("ICU_Events", "which ingredients of infusions and nutrition will start next"),
    "inputevents": _Asked("ICU_Events", "which infusions, boluses or feeds will be started next"),
    "labevents": _Asked("Lab_Microbiology_orders", "which laboratory tests will be taken next"),
    "medrecon": _Asked(
        "Medication_suggestion",
        "which home medications will be listed when medication is reconciled in the emergency department",
    ),
    "medrecon_atc": _Asked(
        "Medication_suggestion",
        "which therapeutic classes of home medication will be listed when it is reconciled",
        _DRUGS,
    ),
    "microbiologyevents": _Asked("Lab_Microbiology_orders", "which microbiology tests will be taken next"),
    "omr": _Asked("Outpatient_Records", "which measurements will be recorded at the next outpatient visit"),
    "outputevents": _Asked("ICU_Events", "which outputs (urine, drains) will be measured next"),
    "poe": _Asked("Provider_Orders", "which kinds of order will be placed next"),
    "prescriptions": _Asked("Medication_suggestion", "which drugs will be prescribed next"),
    "prescriptions_atc": _Asked(
        "Medication_suggestion", "drugs of which therapeutic classes will be prescribed next", _DRUGS
    ),
    "procedureevents": _Asked("ICU_Events", "which procedures will be done next in the intensive care unit"),
    "procedures_ccs": _Asked(
        "Procedure_coding", "which procedures (CCS categories) will be done on the next day with any", _CCS
    ),
    "procedures_icd": _Asked(
        "Procedure_coding", "which ICD procedures will be done on the next day with any"
    ),
    "pyxis": _Asked(
        "Medication_suggestion", "which medications will be taken next out of the dispensing cabinet (Pyxis)"
    ),
    "radiology": _Asked("Radiology_Orders", "which radiology examinations will be done next"),
    "services": _Asked("Transfers_Services_Admissions", "which service will care for the patient next"),
    "transfers": _Asked("Transfers_Services_Admissions", "to which care unit the patient will go next"),
}
_CODING = ("diagnoses_ccs", "diagnoses_icd", "diagnosis", "diagnosis_ccs")


def _task(name: str, asked: _Asked) -> Task:
    return Task(
        name=name,
        kind="decision_making",
        group=asked.group,
        question=f"Decide {asked.what}, after the current time. Seek the evidence in the record up to now.",
        rows=rows_of(name),
        needs=asked.needs,
        next=name not in _CODING,
    )


DECISIONS: tuple[Task, ...] = (
    *(_task(name, asked) for name, asked in _ASKED.items()),
    Task(
        name="next_event",
        kind="decision_making",
        group="Next_Event",
        question="Decide what kind of event the record will hold next, after the current time. "
        "Seek the evidence in the record up to now.",
        rows=rows_of_any(),
        one=True,
        candidates=tuple(sorted({of.label for of in HAPPENINGS.values() if of.label})),
    ),
)
