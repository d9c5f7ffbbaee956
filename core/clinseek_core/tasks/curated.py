"""The curated input of a case: its last events as text, for a model that seeks nothing itself.

Made from the same snapshot that the agent's tools read, so what the agent can't know is not in it. The form
is EHR-Bench's: a heading with section and time, then a line for each event.
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

import msgspec

from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.tasks.cutoffs import WINDOW

__all__ = ["MAX_EVENTS", "curated_text"]

MAX_EVENTS = 100
_MAX_CHARACTERS = 2_000
"""Of one event: notes are longer than all else together."""


class _Section(msgspec.Struct, frozen=True):
    """A section of the text: the rows of a table, as `e`, and what is said of each, in SQL."""

    title: str
    table: str
    says: str
    joins: str = ""


_ITEM = "JOIN d_items i ON i.itemid = e.itemid"
_MEASURED = "concat(i.label, ': ', concat_ws(' ', e.value, e.valueuom))"
_POURED = "concat(i.label, ': ', concat_ws(' ', e.amount, e.amountuom))"
_TITLE = "JOIN {0} d ON d.icd_code = e.icd_code AND d.icd_version = e.icd_version"
_VITALS = (
    "concat_ws(', ', 'temperature ' || e.temperature, 'heart rate ' || e.heartrate, "
    "'respirations ' || e.resprate, 'oxygen saturation ' || e.o2sat, "
    "'blood pressure ' || e.sbp || '/' || e.dbp, 'pain ' || e.pain)"
)

_SECTIONS = (
    _Section("Admission", "admissions", "concat_ws(', ', e.admission_type, e.admission_location)"),
    _Section("Emergency Department Visit", "edstays", "concat_ws(', ', 'arrived', e.arrival_transport)"),
    _Section("Triage", "triage", f"concat_ws(', ', e.chiefcomplaint, 'acuity ' || e.acuity, {_VITALS})"),
    _Section("Vital Signs", "vitalsign", _VITALS),
    _Section("Home Medication", "medrecon", "concat_ws(', ', e.name, e.etcdescription)"),
    _Section("Dispensing Cabinet", "pyxis", "e.name"),
    _Section("Emergency Department Diagnosis", "diagnosis", "e.icd_title"),
    _Section("Transfer", "transfers", "concat_ws(', ', e.eventtype, e.careunit)"),
    _Section("Service", "services", "concat_ws(' to ', e.prev_service, e.curr_service)"),
    _Section("Intensive Care", "icustays", "concat('admitted to ', e.first_careunit)"),
    _Section(
        "Laboratory Test",
        "labevents",
        "concat(i.label, ': ', concat_ws(' ', coalesce(e.value, e.comments), e.valueuom, e.flag))",
        "JOIN d_labitems i ON i.itemid = e.itemid",
    ),
    _Section(
        "Microbiology",
        "microbiologyevents",
        "concat_ws(', ', e.spec_type_desc, e.test_name, e.org_name, e.ab_name || ' ' || e.interpretation,"
        " e.comments)",
    ),
    _Section("Provider Order", "poe", "concat_ws(', ', e.order_type, e.order_subtype, e.transaction_type)"),
    _Section(
        "Prescription",
        "prescriptions",
        "concat_ws(' ', e.drug, e.dose_val_rx, e.dose_unit_rx, e.route)",
    ),
    _Section("Medication Given", "emar", "concat_ws(', ', e.medication, e.event_txt)"),
    _Section("Charted Observation", "chartevents", _MEASURED, _ITEM),
    _Section("Charted Date", "datetimeevents", "i.label", _ITEM),
    _Section("Infusion", "inputevents", _POURED, _ITEM),
    _Section("Infusion Ingredient", "ingredientevents", _POURED, _ITEM),
    _Section("Output", "outputevents", _MEASURED, _ITEM),
    _Section("Procedure in Intensive Care", "procedureevents", "i.label", _ITEM),
    _Section("Procedure", "procedures_icd", "d.long_title", _TITLE.format("d_icd_procedures")),
    _Section("Coded Diagnosis", "diagnoses_icd", "d.long_title", _TITLE.format("d_icd_diagnoses")),
    _Section("Measurement", "omr", "concat(e.result_name, ': ', e.result_value)"),
    _Section(
        "Chest Film", "cxr_metadata", "concat_ws(', ', e.PerformedProcedureStepDescription, e.ViewPosition)"
    ),
    _Section("Radiology Report", "radiology", "e.text"),
    _Section("Discharge Summary", "discharge", "e.text"),
)


def curated_text(snapshot: Snapshot) -> tuple[str, datetime | None]:
    """The text, and when the last event in it happened; None where the last 24 hours hold none.

    At most 100 events, the latest; an event that is planned for later stands where it became known.
    """
    events = sorted(
        (at, place, says)
        for place, section in enumerate(_SECTIONS)
        for at, says in _events(snapshot, section)
    )[-MAX_EVENTS:]
    blocks = [f"## Patient Demographics [None]\n{_demographics(snapshot)}"]
    for (at, place), lines in groupby(events, key=lambda event: event[:2]):
        said = "\n".join(f"- {says}" for _, _, says in lines)
        blocks.append(f"## {_SECTIONS[place].title} [{at}]\n{said}")
    latest = datetime.fromisoformat(events[-1][0]) if events else None
    return "\n\n".join(blocks) + "\n", latest


def _events(snapshot: Snapshot, section: _Section) -> list[tuple[str, str]]:
    table = snapshot.tables[section.table]
    if not table.rows:
        return []
    clock = f"({table.clock})::TIMESTAMP"
    cutoff = f"TIMESTAMP '{snapshot.cutoff:%Y-%m-%d %H:%M:%S}'"
    rows = (
        f"SELECT *, CASE WHEN {clock} < {cutoff} THEN {clock} ELSE known_at END AS happened_at"
        f" FROM {section.table}"
    )
    sql = (
        f"SELECT strftime(e.happened_at, '%Y-%m-%d %H:%M:%S') AS moment, {section.says} AS says"
        f" FROM ({rows}) e {section.joins}"
        f" WHERE e.happened_at >= {cutoff} - INTERVAL {WINDOW.total_seconds():.0f} SECOND AND says <> ''"
        f" ORDER BY moment DESC, says LIMIT {MAX_EVENTS}"
    )
    return [(at, str(says)[:_MAX_CHARACTERS].strip()) for at, says in snapshot.select(sql).rows]


def _demographics(snapshot: Snapshot) -> str:
    said = []
    for gender, age in snapshot.select("SELECT gender, age FROM patients").rows:
        said += [f"- gender: {gender}", f"- age: {age}"]
    latest = "SELECT race, marital_status, insurance FROM admissions ORDER BY known_at DESC, hadm_id LIMIT 1"
    for row in snapshot.select(latest).rows:
        told = zip(("race", "marital status", "insurance"), row, strict=True)
        said += [f"- {name}: {value}" for name, value in told if value]
    return "\n".join(said)
