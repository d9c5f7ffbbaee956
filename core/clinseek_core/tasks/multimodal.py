"""The six multimodal groups: chest films with the record, asked by finding, by change and by outcome."""

from __future__ import annotations

from clinseek_core.ehr.sql_text import literal, quoted
from clinseek_core.mimic import tables
from clinseek_core.tasks.task import Cutoff, Need, Task

__all__ = ["FINDINGS", "MULTIMODAL", "PHENOTYPES"]

FINDINGS: tuple[str, ...] = tuple(
    column.name for column in tables()["cxr_chexpert"].columns if column.type == "DOUBLE"
)
"""The 14 labels of CheXpert, in the order of MIMIC-CXR's file."""

PHENOTYPES: tuple[str, ...] = (
    "Acute and unspecified renal failure",
    "Acute cerebrovascular disease",
    "Acute myocardial infarction",
    "Cardiac dysrhythmias",
    "Chronic kidney disease",
    "Chronic obstructive pulmonary disease and bronchiectasis",
    "Complications of surgical procedures or medical care",
    "Conduction disorders",
    "Congestive heart failure; nonhypertensive",
    "Coronary atherosclerosis and other heart disease",
    "Diabetes mellitus with complications",
    "Diabetes mellitus without complication",
    "Disorders of lipid metabolism",
    "Essential hypertension",
    "Fluid and electrolyte disorders",
    "Gastrointestinal hemorrhage",
    "Hypertension with complications and secondary hypertension",
    "Other liver diseases",
    "Other lower respiratory disease",
    "Other upper respiratory disease",
    "Pleurisy; pneumothorax; pulmonary collapse",
    "Pneumonia (except that caused by tuberculosis or sexually transmitted disease)",
    "Respiratory failure; insufficiency; arrest (adult)",
    "Septicemia (except in labor)",
    "Shock",
)
"""The 25 care conditions of the MIMIC benchmarks' phenotyping task; CCS categories but for `Shock`."""

_STATED = " UNION ALL ".join(
    f"SELECT subject_id, study_id, {literal(name)} AS finding, {quoted(name)} AS stated FROM cxr_chexpert"
    for name in FINDINGS
)
# When a study's films were taken is when the study became known; its report comes later.
_FINDINGS_OF = (
    f"SELECT f.*, s.known_at AS taken FROM ({_STATED}) f"
    " JOIN cxr_study_list s ON s.study_id = f.study_id WHERE s.known_at IS NOT NULL"
)
_NO_STAY = "NULL AS hadm_id, NULL AS stay_id"
_NEVER = "NULL::TIMESTAMP AS settled_at"

_PRESENCE = f"""
    SELECT subject_id, {_NO_STAY}, taken AS at, {_NEVER},
        CASE WHEN stated = 1 THEN 'yes' ELSE 'no' END AS name, lower(finding) AS about, [study_id] AS studies
    FROM ({_FINDINGS_OF}) WHERE stated IN (0, 1) AND finding <> 'No Finding'
"""
_ENUMERATION = f"""
    SELECT subject_id, {_NO_STAY}, taken AS at, {_NEVER}, finding AS name, '' AS about,
        [study_id] AS studies
    FROM ({_FINDINGS_OF}) WHERE stated = 1
"""
# An unmentioned finding counts as absent only beside a film that states it: reports name what changed.
_CHANGE = f"""
    SELECT subject_id, {_NO_STAY}, taken AS at, {_NEVER},
        CASE WHEN now AND before THEN 'still there' WHEN now THEN 'new' ELSE 'gone' END AS name,
        lower(finding) AS about, [prior_id, study_id] AS studies
    FROM (
        SELECT *, coalesce(stated, 0) = 1 AS now,
            lag(coalesce(stated, 0) = 1) OVER w AS before, lag(study_id) OVER w AS prior_id,
            coalesce(stated, 0) = -1 OR coalesce(lag(stated) OVER w, 0) = -1 AS unsure
        FROM ({_FINDINGS_OF}) WINDOW w AS (PARTITION BY subject_id, finding ORDER BY taken, study_id)
    )
    WHERE prior_id IS NOT NULL AND (now OR before) AND NOT unsure
        AND finding NOT IN ('No Finding', 'Support Devices')
"""
_LAST_FILM = """
    (SELECT list(study_id) FROM (
        SELECT s.study_id FROM cxr_study_list s
        WHERE s.subject_id = e.subject_id AND s.known_at >= e.intime AND s.known_at < {0}
        ORDER BY s.known_at DESC, s.study_id LIMIT 1))
"""
_DIED = "(SELECT max(a.deathtime) FROM admissions a WHERE a.subject_id = e.subject_id)"
_HOURS = "(e.intime + to_hours(h.hour))"
_DECOMPENSATION = f"""
    SELECT e.subject_id, e.hadm_id, e.stay_id, {_HOURS} AS at,
        least({_DIED}, {_HOURS} + INTERVAL 24 HOUR) AS settled_at,
        CASE WHEN {_DIED} <= {_HOURS} + INTERVAL 24 HOUR THEN 'yes' ELSE 'no' END AS name, '' AS about,
        coalesce({_LAST_FILM.format(_HOURS)}, []) AS studies
    FROM icustays e, (SELECT unnest([6, 12, 24, 36, 48, 72, 96]) AS hour) h
    WHERE {_HOURS} < e.outtime
"""
_MORTALITY_AT = "(e.intime + INTERVAL 48 HOUR)"
_MORTALITY = f"""
    SELECT e.subject_id, e.hadm_id, e.stay_id, {_MORTALITY_AT} AS at, least(e.outtime, {_DIED}) AS settled_at,
        CASE WHEN {_DIED} <= e.outtime + INTERVAL 6 HOUR THEN 'yes' ELSE 'no' END AS name, '' AS about,
        coalesce({_LAST_FILM.format(_MORTALITY_AT)}, []) AS studies
    FROM icustays e WHERE {_MORTALITY_AT} < e.outtime
"""
_SHOCK = (
    "d.icd_version = 10 AND regexp_matches(trim(d.icd_code), '^(R57|R6521$|T8112XA$)')"
    " OR d.icd_version = 9 AND regexp_matches(trim(d.icd_code), '^(7855|9980)')"
)
_PHENOTYPING = f"""
    SELECT e.subject_id, e.hadm_id, e.stay_id, e.outtime AS at, d.known_at AS settled_at,
        CASE WHEN {_SHOCK} THEN 'Shock' ELSE c.name END AS name, '' AS about,
        coalesce({_LAST_FILM.format("e.outtime")}, []) AS studies
    FROM icustays e JOIN diagnoses_icd d ON d.hadm_id = e.hadm_id
    LEFT JOIN ccs c ON c.kind = 'diagnoses' AND c.icd_code = trim(d.icd_code)
        AND c.icd_version = d.icd_version
    WHERE c.name IN ({", ".join(map(literal, PHENOTYPES))}) OR {_SHOCK}
"""
_SEEK = " Seek the evidence in the record up to now and on the films."


def _task(
    name: str,
    group: str,
    question: str,
    rows: str,
    candidates: tuple[str, ...],
    *,
    one: bool,
    needs: frozenset[Need],
    cutoff: Cutoff,
) -> Task:
    return Task(
        name=name,
        kind="multimodal",
        group=group,
        question=question + _SEEK,
        rows=rows,
        one=one,
        candidates=candidates,
        needs=needs,
        cutoff=cutoff,
        next=False,
    )


_FILMS = frozenset[Need]({"films"})
_CCS = frozenset[Need]({"ccs"})
_YES_NO = ("yes", "no")

MULTIMODAL: tuple[Task, ...] = (
    _task(
        "cxr_finding_presence",
        "CXR finding presence",
        "A chest film was just taken. Does it show {about}? Answer yes or no.",
        _PRESENCE,
        _YES_NO,
        one=True,
        needs=_FILMS,
        cutoff="film",
    ),
    _task(
        "cxr_finding_enumeration",
        "CXR finding enumeration",
        "A chest film was just taken. List all findings of the candidates that it shows.",
        _ENUMERATION,
        FINDINGS,
        one=False,
        needs=_FILMS,
        cutoff="film",
    ),
    _task(
        "cxr_change_comparison",
        "CXR change comparison",
        "A chest film was just taken; there is an earlier one. Compare {about} between the two: "
        "is it new, gone, or still there?",
        _CHANGE,
        ("new", "gone", "still there"),
        one=True,
        needs=_FILMS,
        cutoff="film",
    ),
    _task(
        "decompensation",
        "Mortality (24 h)",
        "The patient is in intensive care. Will the patient die within the next 24 hours? Answer yes or no.",
        _DECOMPENSATION,
        _YES_NO,
        one=True,
        needs=frozenset(),
        cutoff="last_known",
    ),
    _task(
        "in_hospital_mortality",
        "Inpatient mortality",
        "The patient has been in intensive care for two days. Will the patient die during this stay there? "
        "Answer yes or no.",
        _MORTALITY,
        _YES_NO,
        one=True,
        needs=frozenset(),
        cutoff="last_known",
    ),
    _task(
        "phenotyping",
        "Phenotype (CCS groups)",
        "The patient is about to leave intensive care. Decide which of the candidate conditions will be "
        "coded for this admission.",
        _PHENOTYPING,
        PHENOTYPES,
        one=False,
        needs=_CCS,
        cutoff="last_known",
    ),
)
