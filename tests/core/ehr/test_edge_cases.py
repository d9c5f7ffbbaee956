"""The 27 edge cases of the temporal contract, each on a small tree: what is seen at which time, and why.

The cases were found in the real MIMIC-IV demo, and the figures say how often they occur there.
`docs/temporal-contract.md` has the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from clinseek_core.ehr.snapshot import Snapshot

STAY = {
    "hadm_id": 92000001,
    "admittime": "2150-03-01 12:00:00",
    "dischtime": "2150-03-05 16:00:00",
    "admission_type": "EW EMER.",
    "discharge_location": "HOME",
    "hospital_expire_flag": 0,
    "insurance": "Medicare",
    "edregtime": "2150-03-01 08:00:00",
    "edouttime": "2150-03-01 14:30:00",
}
NEXT_STAY = {
    "hadm_id": 92000002,
    "admittime": "2150-03-07 10:00:00",
    "dischtime": "2150-03-09 10:00:00",
    "insurance": "Other",
}
DIED = STAY | {
    "deathtime": "2150-03-06 02:00:00",
    "discharge_location": "DIED",
    "hospital_expire_flag": 1,
}
ED = {
    "hadm_id": 92000001,
    "stay_id": 93000001,
    "intime": "2150-03-01 08:00:00",
    "outtime": "2150-03-01 14:00:00",
    "disposition": "ADMITTED",
}
ED_PLACE = {
    "hadm_id": 92000001,
    "transfer_id": 1,
    "eventtype": "ED",
    "careunit": "Emergency Department",
    "intime": "2150-03-01 08:00:00",
    "outtime": "2150-03-01 14:00:00",
}
LAB = {
    "itemid": 50912,
    "charttime": "2150-03-01 09:00:00",
    "storetime": "2150-03-01 10:00:00",
    "valuenum": 1.9,
}
UNSTORED_LAB = {"itemid": 50912, "charttime": "2150-03-01 09:00:00", "valuenum": 1.9}
CHART = {"stay_id": 95000001, "charttime": "2150-03-01 09:00:00", "valuenum": 1.9}
CHART_ITEMS = [
    {"itemid": 220615, "label": "Creatinine (serum)", "category": "Labs"},
    {"itemid": 220045, "label": "Heart Rate", "category": "Routine Vital Signs"},
]
SPECIMEN = {"spec_type_desc": "BLOOD CULTURE", "charttime": "2150-03-01 09:00:00"}
GROWTH = SPECIMEN | {"micro_specimen_id": 1, "test_name": "Blood Culture", "org_name": "E. COLI"}
ORDER = {"poe_id": "90000001-1", "ordertime": "2150-03-03 10:00:00"}
DRUG = {
    "pharmacy_id": 1,
    "medication": "Heparin",
    "starttime": "2150-03-01 16:00:00",
    "stoptime": "2150-03-03 08:00:00",
    "status": "Discontinued",
    "entertime": "2150-03-01 15:00:00",
}
INFUSION = {
    "stay_id": 95000001,
    "starttime": "2150-03-02 01:00:00",
    "endtime": "2150-03-02 05:00:00",
    "storetime": "2150-03-02 01:05:00",
    "rate": 3,
    "amount": 12,
    "statusdescription": "ChangeDose/Rate",
    "patientweight": 70,
}
VENTILATION = {
    "starttime": "2150-03-02 01:00:00",
    "endtime": "2150-03-04 01:00:00",
    "storetime": "2150-03-04 01:02:00",
    "value": 2880,
    "ORIGINALAMOUNT": 2880,
    "location": "Oral",
}
ICU = {
    "stay_id": 95000001,
    "first_careunit": "Medical Intensive Care Unit (MICU)",
    "last_careunit": "Surgical Intensive Care Unit (SICU)",
    "intime": "2150-03-01 18:00:00",
    "outtime": "2150-03-04 18:00:00",
    "los": 3,
}


def place(unit: str, intime: str, outtime: str) -> dict[str, Any]:
    return {"eventtype": "transfer", "careunit": unit, "intime": intime, "outtime": outtime}


INTERLUDE = [
    place(ICU["first_careunit"], "2150-03-01 18:00:00", "2150-03-02 18:00:00"),
    place("Medicine", "2150-03-02 18:00:00", "2150-03-03 06:00:00"),
    place(ICU["last_careunit"], "2150-03-03 06:00:00", "2150-03-04 18:00:00"),
]
FIRST_PART = ("2150-03-01 18:00:00", "2150-03-02 18:00:00", 1.0)

Seen = dict[str, list[tuple[Any, ...]]]
"""Cutoff to the rows that a query finds there."""


@dataclass(frozen=True)
class Case:
    number: int
    words: str
    rule: str
    """What the project does, and the reason where it is not the first thing to come to mind."""
    tables: dict[str, list[dict[str, Any]]]
    asked: str
    seen: Seen
    policy: dict[str, Any] | None = None


CASES = [
    Case(
        1,
        "a patient who is still in the ED has no admission",
        "181 of 182: what the ED knows is shown; the admission and links to it wait for admittime",
        {
            "admissions": [STAY],
            "edstays": [ED],
            "transfers": [ED_PLACE],
            "triage": [{"stay_id": 93000001, "acuity": 2}],
            "vitalsign": [{"stay_id": 93000001, "charttime": "2150-03-01 08:10:00"}],
            "pyxis": [{"stay_id": 93000001, "charttime": "2150-03-01 08:40:00"}],
            "poe": [{"hadm_id": 92000001, "poe_id": "90000001-1", "ordertime": "2150-03-01 09:00:00"}],
            "labevents": [LAB | {"hadm_id": 92000001}],
        },
        "SELECT (FROM edstays SELECT hadm_id), (FROM edstays SELECT disposition),"
        " (FROM transfers SELECT hadm_id), (FROM poe SELECT hadm_id), (FROM labevents SELECT hadm_id),"
        " (FROM admissions SELECT count(*)),"
        " (FROM triage SELECT count(*)), (FROM vitalsign SELECT count(*)), (FROM pyxis SELECT count(*))",
        {
            "2150-03-01 11:00:00": [(None, None, None, None, None, 0, 1, 1, 1)],
            "2150-03-01 12:00:01": [(92000001, None, 92000001, 92000001, 92000001, 1, 1, 1, 1)],
        },
    ),
    Case(
        2,
        "a patient admitted who still lies in the ED",
        "171 of 172: the link is known from admittime, as the admission is; the end of the ED stay is not",
        {"admissions": [STAY], "edstays": [ED]},
        "SELECT e.hadm_id, e.outtime, e.disposition, a.edregtime, a.edouttime FROM edstays e, admissions a",
        {"2150-03-01 13:00:00": [(92000001, None, None, "2150-03-01 08:00:00", None)]},
    ),
    Case(
        3,
        "an ED visit that the ed module does not have",
        "14 visits: early years are not in it; what hosp says is shown and no row is made up",
        {"admissions": [STAY], "transfers": [ED_PLACE]},
        "SELECT (FROM transfers SELECT eventtype), (FROM admissions SELECT edregtime),"
        " (FROM edstays SELECT count(*))",
        {"2150-03-02 00:00:00": [("ED", "2150-03-01 08:00:00", 0)]},
    ),
    Case(
        4,
        "an ED stay that ends at two times",
        "33 of 172 differ between the modules: each is known by its own clock",
        {"admissions": [STAY], "edstays": [ED]},
        "SELECT e.outtime, a.edouttime FROM edstays e, admissions a",
        {
            "2150-03-01 14:15:00": [("2150-03-01 14:00:00", None)],
            "2150-03-01 14:30:01": [("2150-03-01 14:00:00", "2150-03-01 14:30:00")],
        },
    ),
    Case(
        5,
        "a death after the discharge",
        "4 of 15: flag and place of discharge tell it, so they wait for it and not for dischtime alone",
        {"admissions": [DIED]},
        "SELECT dischtime, discharge_location, hospital_expire_flag, deathtime FROM admissions",
        {
            "2150-03-05 20:00:00": [("2150-03-05 16:00:00", None, None, None)],
            "2150-03-06 02:00:01": [("2150-03-05 16:00:00", "DIED", 1, "2150-03-06 02:00:00")],
        },
    ),
    Case(
        6,
        "ends that come after the discharge",
        "5,353 rows: a discharge row, the end of an ICU stay or of a drug has its own clock, not dischtime",
        {
            "admissions": [STAY],
            "transfers": [{"eventtype": "discharge", "intime": "2150-03-05 16:04:00"}],
            "icustays": [ICU | {"outtime": "2150-03-05 16:30:00"}],
            "pharmacy": [DRUG | {"stoptime": "2150-03-05 20:00:00"}],
        },
        "SELECT (FROM admissions SELECT dischtime), (FROM transfers SELECT count(*)),"
        " (FROM icustays SELECT outtime), (FROM pharmacy SELECT stoptime)",
        {
            "2150-03-05 16:01:00": [("2150-03-05 16:00:00", 0, None, None)],
            "2150-03-05 16:10:00": [("2150-03-05 16:00:00", 1, None, None)],
            "2150-03-05 20:30:00": [("2150-03-05 16:00:00", 1, "2150-03-05 16:30:00", None)],
            "2150-03-05 21:00:01": [("2150-03-05 16:00:00", 1, "2150-03-05 16:30:00", "2150-03-05 20:00:00")],
        },
    ),
    Case(
        7,
        "a laboratory result without a store time",
        "992: it counts as stored a day after it was drawn, which is true of 99.6 % of the known ones",
        {"labevents": [UNSTORED_LAB]},
        "SELECT valuenum, known_at FROM labevents",
        {"2150-03-02 09:00:00": [], "2150-03-02 09:00:01": [(1.9, "2150-03-02 09:00:00")]},
    ),
    Case(
        8,
        "rows of the ICU chart without a store time",
        "25,954 laboratory items: with the laboratory's own result of that time and value, else a day after;"
        " what is no laboratory item waits for the day: a pulse that equals a result is no result",
        {
            "d_items": CHART_ITEMS,
            "labevents": [LAB],
            "chartevents": [
                CHART | {"itemid": 220615},
                CHART | {"itemid": 220615, "valuenum": 2.5},
                CHART | {"itemid": 220045},
            ],
        },
        "SELECT itemid, valuenum FROM chartevents ORDER BY ALL",
        {
            "2150-03-01 10:00:00": [],
            "2150-03-01 10:00:01": [(220615, 1.9)],
            "2150-03-02 09:00:01": [(220045, 1.9), (220615, 1.9), (220615, 2.5)],
        },
    ),
    Case(
        9,
        "a result that was corrected or called",
        "comments say so in 188: they come with the row, whose store time may be the correction's;"
        " an earlier value does not exist in the data",
        {"labevents": [LAB | {"comments": "CORRECTED FROM 1.7", "storetime": "2150-03-01 15:00:00"}]},
        "SELECT valuenum, comments FROM labevents",
        {"2150-03-01 12:00:00": [], "2150-03-01 15:00:01": [(1.9, "CORRECTED FROM 1.7")]},
    ),
    Case(
        10,
        "a result that stands in its comment",
        "6,823 values are ___: the comment is the result and has its clock, never the time of the draw",
        {"labevents": [LAB | {"value": "___", "valuenum": "", "comments": "NEGATIVE"}]},
        "SELECT value, comments FROM labevents",
        {"2150-03-01 09:30:00": [], "2150-03-01 10:00:01": [("___", "NEGATIVE")]},
    ),
    Case(
        11,
        "a culture that is not back",
        "several rows are there only where something grew: one line stands for a specimen, with no test"
        " and no number of tests",
        {
            "microbiologyevents": [
                GROWTH | {"ab_name": "CEFTRIAXONE", "storetime": "2150-03-03 10:00:00"},
                GROWTH | {"ab_name": "CIPROFLOXACIN", "storetime": "2150-03-03 10:00:00"},
                SPECIMEN
                | {"micro_specimen_id": 2, "test_name": "Blood Culture", "storetime": "2150-03-06 10:00:00"},
            ]
        },
        "SELECT micro_specimen_id, microevent_id, test_name, org_name, ab_name FROM microbiologyevents"
        " ORDER BY ALL",
        {
            "2150-03-02 00:00:00": [(1, 1, None, None, None), (2, 2, None, None, None)],
            "2150-03-04 00:00:00": [
                (1, 1, "Blood Culture", "E. COLI", "CEFTRIAXONE"),
                (1, 2, "Blood Culture", "E. COLI", "CIPROFLOXACIN"),
                (2, 3, None, None, None),
            ],
        },
    ),
    Case(
        12,
        "an ICU stay that was merged over time on a ward",
        "documented, none in the demo: it is shown as its parts, for an open ICU stay of a patient on a ward"
        " foretells the return; rows in the first part name their stay at once",
        {
            "icustays": [ICU],
            "transfers": INTERLUDE,
            "outputevents": [
                {
                    "stay_id": 95000001,
                    "charttime": "2150-03-02 09:00:00",
                    "storetime": "2150-03-02 09:01:00",
                    "value": 200,
                }
            ],
        },
        "SELECT i.intime, i.outtime, i.los, i.last_careunit, o.stay_id"
        " FROM icustays i LEFT JOIN outputevents o ON TRUE ORDER BY ALL",
        {
            "2150-03-02 12:00:00": [(FIRST_PART[0], None, None, None, 95000001)],
            "2150-03-03 00:00:00": [(*FIRST_PART, ICU["first_careunit"], 95000001)],
            "2150-03-03 12:00:00": [
                (*FIRST_PART, ICU["first_careunit"], 95000001),
                ("2150-03-03 06:00:00", None, None, None, 95000001),
            ],
            "2150-03-05 00:00:00": [
                (*FIRST_PART, ICU["first_careunit"], 95000001),
                ("2150-03-03 06:00:00", "2150-03-04 18:00:00", 1.5, ICU["last_careunit"], 95000001),
            ],
        },
    ),
    Case(
        13,
        "a drug order that was renewed",
        "2,300: the row names its last order; it is there when entered, and names it when that is given",
        {"pharmacy": [DRUG | {"poe_id": "90000001-1"}], "poe": [ORDER]},
        "SELECT medication, poe_id FROM pharmacy",
        {"2150-03-02 00:00:00": [("Heparin", None)], "2150-03-03 10:00:01": [("Heparin", "90000001-1")]},
    ),
    Case(
        14,
        "a start that was put back",
        "1,084 prescriptions start before they were entered: the entry decides",
        {
            "pharmacy": [DRUG],
            "prescriptions": [{"pharmacy_id": 1, "drug": "Heparin", "starttime": "2150-03-01 09:00:00"}],
        },
        "SELECT drug FROM prescriptions",
        {"2150-03-01 15:00:00": [], "2150-03-01 15:00:01": [("Heparin",)]},
    ),
    Case(
        15,
        "a planned start that lies ahead",
        "92 % after their entry: the plan is a fact of the row",
        {"pharmacy": [DRUG]},
        "SELECT starttime, stoptime FROM pharmacy",
        {"2150-03-01 15:30:00": [("2150-03-01 16:00:00", None)]},
    ),
    Case(
        15,
        "a planned start that lies ahead, by when things happened",
        "under basis event it has not happened: a whole hour is known when it is over",
        {"pharmacy": [DRUG]},
        "SELECT starttime, stoptime FROM pharmacy",
        {"2150-03-01 17:00:00": [], "2150-03-01 17:00:01": [("2150-03-01 16:00:00", None)]},
        {"basis": "event"},
    ),
    Case(
        16,
        "an order that expires by itself",
        "1,916: its stop was planned at entry, but nothing tells it from one cut short: it waits too",
        {"pharmacy": [DRUG | {"status": "Expired"}]},
        "SELECT stoptime, status FROM pharmacy",
        {
            "2150-03-03 08:59:00": [(None, None)],
            "2150-03-03 09:00:01": [("2150-03-03 08:00:00", "Expired")],
        },
    ),
    Case(
        17,
        "an infusion that runs",
        "8,243 of 11,854: rate and start are known, the end and the amount are not; nothing is interpolated",
        {"inputevents": [INFUSION]},
        "SELECT rate, starttime, endtime, amount, statusdescription FROM inputevents",
        {
            "2150-03-02 03:00:00": [(3.0, "2150-03-02 01:00:00", None, None, None)],
            "2150-03-02 05:00:01": [
                (3.0, "2150-03-02 01:00:00", "2150-03-02 05:00:00", 12.0, "ChangeDose/Rate")
            ],
        },
    ),
    Case(
        18,
        "a ventilation that runs is not stored yet",
        "644 of 690: such rows are stored at their end, and so are absent by default",
        {"procedureevents": [VENTILATION]},
        "SELECT starttime, endtime, value, ORIGINALAMOUNT, location FROM procedureevents",
        {
            "2150-03-03 00:00:00": [],
            "2150-03-04 01:02:01": [("2150-03-02 01:00:00", "2150-03-04 01:00:00", 2880.0, 2880.0, "Oral")],
        },
    ),
    Case(
        18,
        "a ventilation that runs, by when it began",
        "interval_rows: started shows it from its start, with the same cells missing",
        {"procedureevents": [VENTILATION]},
        "SELECT starttime, endtime, value, ORIGINALAMOUNT, location FROM procedureevents",
        {
            "2150-03-02 01:00:00": [],
            "2150-03-03 00:00:00": [("2150-03-02 01:00:00", None, None, None, "Oral")],
            "2150-03-04 01:01:00": [("2150-03-02 01:00:00", None, None, None, "Oral")],
        },
        {"interval_rows": "started"},
    ),
    Case(
        19,
        "an ICU row stored before the ICU stay began",
        "31 rows: it is shown, and names its stay when that has begun",
        {
            "icustays": [ICU],
            "inputevents": [INFUSION | {"starttime": "2150-03-01 17:00:00", "storetime": ICU["intime"]}],
        },
        "SELECT rate, stay_id FROM inputevents",
        {"2150-03-01 17:30:00": [(3.0, None)], "2150-03-01 18:00:01": [(3.0, 95000001)]},
        {"interval_rows": "started"},
    ),
    Case(
        20,
        "rows within an admission that do not name it",
        "796 results, a third of the cultures: rows are chosen by patient and time, never by hadm_id",
        {"admissions": [STAY], "labevents": [LAB, LAB | {"itemid": 50971, "hadm_id": 92000001}]},
        "SELECT itemid, hadm_id FROM labevents ORDER BY ALL",
        {"2150-03-01 13:00:00": [(50912, None), (50971, 92000001)]},
    ),
    Case(
        21,
        "two results of one item at one time",
        "455 groups: both are kept, and known_at says which came first",
        {"labevents": [LAB | {"valuenum": 2.2, "storetime": "2150-03-01 11:00:00"}, LAB]},
        "SELECT valuenum, known_at FROM labevents ORDER BY known_at",
        {
            "2150-03-01 10:30:00": [(1.9, "2150-03-01 10:00:00")],
            "2150-03-01 12:00:00": [(1.9, "2150-03-01 10:00:00"), (2.2, "2150-03-01 11:00:00")],
        },
    ),
    Case(
        22,
        "an insurance that changes between admissions",
        "17 of 48 patients change insurance, marital status or race: each stays with its admission's row",
        {"admissions": [STAY, NEXT_STAY]},
        "SELECT hadm_id, insurance FROM admissions ORDER BY ALL",
        {
            "2150-03-06 00:00:00": [(92000001, "Medicare")],
            "2150-03-07 10:00:01": [(92000001, "Medicare"), (92000002, "Other")],
        },
    ),
    Case(
        23,
        "a readmission before the last stay is coded",
        "10 of 175 within three days: with no lag its codes are there from the discharge",
        {"admissions": [STAY, NEXT_STAY], "drgcodes": [{"hadm_id": 92000001, "drg_code": "871"}]},
        "SELECT drg_code FROM drgcodes",
        {"2150-03-05 16:00:00": [], "2150-03-07 12:00:00": [("871",)]},
    ),
    Case(
        23,
        "a readmission before the last stay is coded, with a coding lag",
        "coding_lag_hours sets them later: figures are to be reported with 72 too",
        {"admissions": [STAY, NEXT_STAY], "drgcodes": [{"hadm_id": 92000001, "drg_code": "871"}]},
        "SELECT drg_code FROM drgcodes",
        {"2150-03-07 12:00:00": [], "2150-03-08 16:00:00": [], "2150-03-08 16:00:01": [("871",)]},
        {"coding_lag_hours": 72},
    ),
    Case(
        24,
        "a weight that differs within one stay",
        "12 of 138 stays: it comes with its row, no later clock exists",
        {
            "inputevents": [
                INFUSION,
                INFUSION
                | {
                    "starttime": "2150-03-03 01:00:00",
                    "storetime": "2150-03-03 01:05:00",
                    "patientweight": 82,
                },
            ]
        },
        "SELECT patientweight FROM inputevents ORDER BY ALL",
        {"2150-03-02 02:00:00": [(70.0,)], "2150-03-03 02:00:00": [(70.0,), (82.0,)]},
    ),
    Case(
        25,
        "a time that equals the cutoff",
        "known before t is not known at t; times are compared as times, with seconds or without",
        {"labevents": [LAB, LAB | {"storetime": "2150-03-01 10:00", "valuenum": 2.2}]},
        "SELECT valuenum FROM labevents ORDER BY ALL",
        {"2150-03-01 10:00:00": [], "2150-03-01 10:00:01": [(1.9,), (2.2,)]},
    ),
    Case(
        25,
        "a time that equals the cutoff, boundary inclusive",
        "known at t counts",
        {"labevents": [LAB, LAB | {"storetime": "2150-03-01 10:00", "valuenum": 2.2}]},
        "SELECT valuenum FROM labevents ORDER BY ALL",
        {"2150-03-01 09:59:59": [], "2150-03-01 10:00:00": [(1.9,), (2.2,)]},
        {"boundary": "inclusive"},
    ),
    Case(
        26,
        "signs and drugs charted after the ED stay ended",
        "67 and 49 rows: they have no store time; their own charttime counts",
        {
            "edstays": [ED],
            "vitalsign": [{"stay_id": 93000001, "charttime": "2150-03-01 15:00:00", "heartrate": 80}],
            "pyxis": [{"stay_id": 93000001, "charttime": "2150-03-01 16:00:00", "name": "Heparin"}],
        },
        "SELECT (FROM vitalsign SELECT heartrate), (FROM pyxis SELECT name)",
        {
            "2150-03-01 15:00:00": [(None, None)],
            "2150-03-01 15:30:00": [(80.0, None)],
            "2150-03-01 16:00:01": [(80.0, "Heparin")],
        },
    ),
    Case(
        27,
        "tables without a row",
        "every table is listed with its columns whether or not it has rows, now or later",
        {"admissions": [STAY], "drgcodes": [{"hadm_id": 92000001, "drg_code": "871"}]},
        "SELECT (FROM drgcodes SELECT count(drg_code)), (FROM edstays SELECT count(disposition)),"
        " (FROM radiology SELECT count(text)), (FROM cxr_metadata SELECT count(StudyDate))",
        {"2150-03-02 00:00:00": [(0, 0, 0, 0)]},
    ),
]


NAMED = [f"{case.number:02d} {case.words}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_what_is_seen_at_first_and_at_last_is_what_was_known(
    known_at: Callable[..., Snapshot], case: Case
) -> None:
    moments = list(case.seen.items())
    check(known_at, case, dict([moments[0], moments[-1]]))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_what_is_seen_is_what_was_known(known_at: Callable[..., Snapshot], case: Case) -> None:
    check(known_at, case, case.seen)


def check(known_at: Callable[..., Snapshot], case: Case, seen: dict[str, Any]) -> None:
    for cutoff, rows in seen.items():
        tables = {name: list(rows) for name, rows in case.tables.items()}
        assert list(known_at(cutoff, case.policy, **tables).select(case.asked).rows) == rows, (
            cutoff,
            case.rule,
        )


def test_each_of_the_27_edge_cases_is_there() -> None:
    assert {case.number for case in CASES} == set(range(1, 28))


@pytest.mark.parametrize(("cutoff", "said"), [("2150-03-05 20:00:00", False), ("2150-03-06 02:00:01", True)])
def test_a_case_asked_after_the_death_is_flagged_and_not_before(
    known_at: Callable[..., Snapshot], cutoff: str, said: bool
) -> None:
    """Edge case 5: a case asked at or after its outcome proves nothing; before it nothing may be said."""
    notices = known_at(cutoff, admissions=[DIED]).notices
    assert any("2150-03-06 02:00:00" in notice for notice in notices) is said


def test_an_icu_stay_without_time_elsewhere_stays_whole(known_at: Callable[..., Snapshot]) -> None:
    """Edge case 12: a change of ICU is no interruption."""
    icu_only = [place(row["careunit"], row["intime"], row["outtime"]) for row in INTERLUDE]
    icu_only[1]["careunit"] = "Coronary Care Unit (CCU)"
    rows = known_at("2150-03-05 00:00:00", icustays=[ICU], transfers=icu_only).select(
        "SELECT intime, outtime, los, first_careunit, last_careunit FROM icustays"
    )
    assert rows.rows == ((ICU["intime"], ICU["outtime"], 3.0, ICU["first_careunit"], ICU["last_careunit"]),)


def test_tables_and_columns_do_not_tell_of_the_future(known_at: Callable[..., Snapshot]) -> None:
    """Edge case 27: what is to come adds no table and no column."""
    future = known_at("2150-01-01 00:00:00", admissions=[DIED, NEXT_STAY], edstays=[ED], icustays=[ICU])
    nothing = known_at("2150-01-01 00:00:00", admissions=[], edstays=[], icustays=[])
    assert future.tables == nothing.tables


# Found since, against the naive record -------------------------------------------------------------------

REPORT = {"note_id": "90000001-RR-4", "note_type": "RR", "charttime": "2150-03-01 09:00:00"}
ADDENDUM = {"note_id": "90000001-AR-2", "note_type": "AR", "charttime": "2150-03-03 09:00:00"}
LINKS = [
    {"note_id": REPORT["note_id"], "field_name": "exam_code", "field_value": "C72"},
    {"note_id": REPORT["note_id"], "field_name": "addendum_note_id", "field_value": ADDENDUM["note_id"]},
    {"note_id": ADDENDUM["note_id"], "field_name": "parent_note_id", "field_value": REPORT["note_id"]},
]


@pytest.mark.parametrize(
    ("cutoff", "seen"),
    [
        ("2150-03-02 12:00:00", [("90000001-RR-1", "C72")]),
        (
            "2150-03-05 00:00:00",
            [
                ("90000001-AR-2", "90000001-RR-1"),
                ("90000001-RR-1", "90000001-AR-2"),
                ("90000001-RR-1", "C72"),
            ],
        ),
    ],
)
def test_a_report_does_not_tell_of_an_addendum_to_come(
    known_at: Callable[..., Snapshot], cutoff: str, seen: list[tuple[str, str]]
) -> None:
    """What points to another note is known with both, and by the numbers that notes have in the snapshot."""
    snapshot = known_at(cutoff, radiology=[REPORT, ADDENDUM], radiology_detail=LINKS)
    rows = snapshot.select("SELECT note_id, field_value FROM radiology_detail ORDER BY ALL")
    assert list(rows.rows) == seen


def test_details_of_a_report_come_with_it_by_when_things_happened(known_at: Callable[..., Snapshot]) -> None:
    report = REPORT | {"storetime": "2150-03-02 09:00:00"}
    snapshot = known_at(
        "2150-03-01 12:00:00", {"basis": "event"}, radiology=[report], radiology_detail=LINKS[:1]
    )
    rows = snapshot.select(
        "SELECT r.note_id, d.field_value FROM radiology r JOIN radiology_detail d USING (note_id)"
    )
    assert rows.rows == (("90000001-RR-1", "C72"),)


def test_notes_of_one_time_have_one_number_each(known_at: Callable[..., Snapshot]) -> None:
    notes = [REPORT | {"note_id": f"90000001-RR-{n}", "note_seq": n, "text": str(n)} for n in range(3, 16)]
    notes.append(ADDENDUM | {"charttime": REPORT["charttime"]})
    rows = (
        known_at("2150-03-05 00:00:00", radiology=notes)
        .select("SELECT note_id, note_seq FROM radiology")
        .rows
    )
    assert [int(note_id.rsplit("-")[-1]) for note_id, _ in rows] == [note_seq for _, note_seq in rows]


def test_a_prescription_ends_when_its_own_order_was_discontinued(known_at: Callable[..., Snapshot]) -> None:
    """Another order that was discontinued, earlier or later, does not count."""
    orders = [
        {"poe_id": "90000001-1", "ordertime": "2150-03-01 14:00:00", "discontinued_by_poe_id": "90000001-3"},
        {"poe_id": "90000001-2", "ordertime": "2150-03-01 14:00:00", "discontinued_by_poe_id": "90000001-9"},
        {"poe_id": "90000001-3", "ordertime": "2150-03-04 10:30:00"},
        {"poe_id": "90000001-9", "ordertime": "2150-03-02 10:30:00"},
    ]
    world = {
        "poe": orders,
        "pharmacy": [DRUG | {"poe_id": "90000001-1"}],
        "prescriptions": [{"pharmacy_id": 1, "stoptime": DRUG["stoptime"]}],
    }
    for cutoff, stop in (("2150-03-04 10:30:00", None), ("2150-03-04 10:30:01", DRUG["stoptime"])):
        snapshot = known_at(cutoff, **{name: list(rows) for name, rows in world.items()})
        rows = snapshot.select("SELECT p.stoptime, r.stoptime FROM pharmacy p, prescriptions r").rows
        assert rows == ((stop, stop),), cutoff
