"""The 18 risk tasks: will it happen, yes or no, asked at an anchor of a stay."""

from __future__ import annotations

from clinseek_core.tasks.task import Task

__all__ = ["RISKS"]

_YES_NO = ("yes", "no")
_SEEK = " Seek the evidence in the record up to now. Answer yes or no."
_DIED = "(SELECT max(a.deathtime) FROM admissions a WHERE a.subject_id = e.subject_id)"
_DOD = "(SELECT max(p.dod) FROM patients p WHERE p.subject_id = e.subject_id)"


def _rows(table: str, at: str, yes: str, settled: str, *, stay: str = "NULL", where: str = "TRUE") -> str:
    return (
        f"SELECT e.subject_id, e.hadm_id, {stay} AS stay_id, {at} AS at, {settled} AS settled_at,"
        f" CASE WHEN {yes} THEN 'yes' ELSE 'no' END AS name, '' AS about, []::INTEGER[] AS studies"
        f" FROM {table} e WHERE ({at}) IS NOT NULL AND {where}"
    )


def _ed(name: str, question: str, yes: str, settled: str = "e.outtime") -> Task:
    """Asked two hours into a visit, or in the middle of a shorter one."""
    middle = "e.intime + least(INTERVAL 2 HOUR, to_seconds(date_diff('second', e.intime, e.outtime) // 2))"
    return _risk(name, "ED", question, _rows("edstays", middle, yes, settled, stay="e.stay_id"))


def _icu_death(days: int) -> Task:
    """Asked a day into the stay: does the patient die within so many days from then."""
    at = "e.intime + INTERVAL 24 HOUR"
    end = f"({at} + INTERVAL {days} DAY)"
    died = f"coalesce({_DIED}, {_DOD}::TIMESTAMP + INTERVAL 1 DAY)"
    return _risk(
        f"ICU_Mortality_{days}day",
        "ICU_Mortality",
        f"The patient is in intensive care. Will the patient die within {days} day{'s' * (days > 1)}?",
        _rows(
            "icustays",
            at,
            f"{died} <= {end}",
            f"least(coalesce({died}, {end}), {end}, coalesce({_DIED}, 'infinity'::TIMESTAMP))",
            stay="e.stay_id",
            # A stay that ended before the anchor is of a patient who is not in intensive care any more.
            where=f"e.outtime > {at}",
        ),
    )


def _icu_stay(days: int) -> Task:
    return _risk(
        f"ICU_Stay_{days}day",
        "ICU_StayLength",
        f"The patient is in intensive care. Will this stay there last longer than {days} days in all?",
        _rows(
            "icustays",
            "e.intime + INTERVAL 24 HOUR",
            f"e.outtime > e.intime + INTERVAL {days} DAY",
            f"least(e.outtime, e.intime + INTERVAL {days} DAY)",
            stay="e.stay_id",
        ),
    )


def _length(days: int) -> Task:
    return _risk(
        f"LengthOfStay_{days}day",
        "LengthOfStay",
        f"The patient was admitted to hospital. Will the stay last longer than {days} days in all?",
        _rows(
            "admissions",
            "e.admittime + INTERVAL 24 HOUR",
            f"e.dischtime > e.admittime + INTERVAL {days} DAY",
            f"least(e.dischtime, e.admittime + INTERVAL {days} DAY)",
        ),
    )


def _readmission(days: int) -> Task:
    after = (
        "(SELECT min(n.admittime) FROM admissions n"
        " WHERE n.subject_id = e.subject_id AND n.admittime > e.dischtime)"
    )
    return _risk(
        f"Readmission_{days}day",
        "Readmission_Hospital",
        f"The patient is about to be discharged. Will the patient be admitted again within {days} days?",
        _rows(
            "admissions",
            "e.dischtime",
            f"{after} <= e.dischtime + INTERVAL {days} DAY",
            f"least({after}, e.dischtime + INTERVAL {days} DAY)",
            where="coalesce(e.hospital_expire_flag, 0) = 0",
        ),
    )


def _risk(name: str, group: str, question: str, rows: str) -> Task:
    return Task(
        name=name,
        kind="risk_prediction",
        group=group,
        question=question + _SEEK,
        rows=rows,
        one=True,
        candidates=_YES_NO,
        next=False,
    )


_ICU_AFTER_ED = (
    "(SELECT min(i.intime) FROM icustays i WHERE i.subject_id = e.subject_id AND i.intime >= e.intime"
    " AND i.intime <= e.intime + INTERVAL 12 HOUR)"
)
_DEATH_AFTER_ED = f"(CASE WHEN {_DIED} <= e.intime + INTERVAL 12 HOUR THEN {_DIED} END)"
_VISIT = "The patient is in the emergency department. "
_NEXT_VISIT = (
    "(SELECT min(n.intime) FROM edstays n WHERE n.subject_id = e.subject_id AND n.intime > e.outtime)"
)
_NEXT_ICU = "(SELECT min(n.intime) FROM icustays n WHERE n.hadm_id = e.hadm_id AND n.intime > e.outtime)"
_LEFT = "(SELECT max(a.dischtime) FROM admissions a WHERE a.hadm_id = e.hadm_id)"
_EXPIRED = (
    "coalesce((SELECT max(a.hospital_expire_flag) FROM admissions a WHERE a.hadm_id = e.hadm_id), 0) = 1"
)

RISKS: tuple[Task, ...] = (
    _ed(
        "ED_Critical_Outcomes",
        _VISIT + "Will the patient die or be taken to intensive care within 12 hours of arrival?",
        f"{_ICU_AFTER_ED} IS NOT NULL OR {_DEATH_AFTER_ED} IS NOT NULL",
        f"least({_ICU_AFTER_ED}, {_DEATH_AFTER_ED}, e.intime + INTERVAL 12 HOUR)",
    ),
    _ed(
        "ED_Hospitalization",
        _VISIT + "Will the patient be admitted to hospital from there?",
        "coalesce(e.disposition = 'ADMITTED', FALSE) OR e.hadm_id IS NOT NULL",
        "least(e.outtime, (SELECT min(a.admittime) FROM admissions a WHERE a.hadm_id = e.hadm_id))",
    ),
    _ed(
        "ED_ICU_Tranfer_12hour",
        _VISIT + "Will the patient be taken to intensive care within 12 hours of arrival?",
        f"{_ICU_AFTER_ED} IS NOT NULL",
        f"least({_ICU_AFTER_ED}, e.intime + INTERVAL 12 HOUR)",
    ),
    _ed(
        "ED_Inpatient_Mortality",
        _VISIT + "Will the patient die in hospital, there or in the stay that follows?",
        f"coalesce(e.disposition = 'EXPIRED', FALSE) OR {_EXPIRED}",
        f"coalesce({_LEFT}, e.outtime)",
    ),
    _risk(
        "ED_Reattendance_3day",
        "ED",
        "The patient is about to leave the emergency department. "
        "Will the patient come back to it within three days?",
        _rows(
            "edstays",
            "e.outtime",
            f"{_NEXT_VISIT} <= e.outtime + INTERVAL 3 DAY",
            f"least({_NEXT_VISIT}, e.outtime + INTERVAL 3 DAY)",
            stay="e.stay_id",
        ),
    ),
    *(_icu_death(days) for days in (1, 2, 3, 7, 14)),
    _risk(
        "ICU_Readmission",
        "ICU_StayLength",
        "The patient is about to leave intensive care. Will the patient come back to it in this admission?",
        _rows(
            "icustays",
            "e.outtime",
            f"{_NEXT_ICU} IS NOT NULL",
            f"least({_NEXT_ICU}, {_LEFT})",
            stay="e.stay_id",
            where=f"NOT ({_EXPIRED} AND e.outtime >= {_LEFT})",
        ),
    ),
    *(_icu_stay(days) for days in (7, 14)),
    _risk(
        "Inpatient_Mortality",
        "Mortality_Hospital",
        "The patient was admitted to hospital. Will the patient die in this stay?",
        _rows(
            "admissions",
            "e.admittime + INTERVAL 24 HOUR",
            "coalesce(e.hospital_expire_flag, 0) = 1",
            "least(e.dischtime, e.deathtime)",
        ),
    ),
    *(_length(days) for days in (3, 7)),
    *(_readmission(days) for days in (30, 60)),
)
"""An anchor after the outcome is refused: who has left by then has no question to be asked."""
