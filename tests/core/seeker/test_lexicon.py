"""The lexicon and the weights as data: complete, consistent, and true of MIMIC-IV's own names."""

import csv
import gzip
import os
from pathlib import Path

import pytest

from clinseek_core.mimic import tables
from clinseek_core.seeker import signs
from clinseek_core.seeker.data import lines
from clinseek_core.seeker.evidence import _NOW
from clinseek_core.seeker.lexicon import concepts, named_in, treatments
from clinseek_core.seeker.risk import _DRUG_SIGNS, _ORDERS
from clinseek_core.seeker.sources import SOURCES

DEMO = "CLINSEEK_MIMIC_DEMO"
NAMED_SIGNS = {limit.sign for limit in signs._LIMITS} | {
    "Creatinine rise",
    "Hemoglobin drop",
    "culture sent",
    "culture grew",
    "intensive care",
}
LAB_SIGNS = {
    sign
    for concept in concepts().values()
    for sign in (*concept.defining, *concept.supporting)
    if sign not in NAMED_SIGNS
}


def test_it_knows_the_common_conditions_drugs_and_procedures():
    kinds = [concept.kind for concept in concepts().values()]
    assert len(kinds) > 300
    assert {"condition", "drug", "procedure", "test", "place"} == set(kinds)


@pytest.mark.parametrize("kind", ["drug", "procedure", "test", "place"])
def test_what_serves_a_condition_names_a_known_one(kind):
    for concept in concepts().values():
        if concept.kind == kind:
            assert {concepts()[name].kind for name in concept.serves} <= {"condition"}, concept.name


def test_every_drug_is_for_something_and_every_condition_has_its_class():
    assert not [c.name for c in concepts().values() if c.kind == "drug" and not c.serves]
    classes = {c.group for c in concepts().values() if c.kind == "condition"}
    assert classes == {"chronic", "acute", "need"}


def test_words_are_lower_case_and_name_themselves():
    for concept in concepts().values():
        for words in concept.members:
            for word in words:
                assert word == word.lower().strip() != ""
                assert concept.name in {named.concept.name for named in named_in(f"the {word}.")}, word


def test_laboratory_signs_have_a_direction():
    assert not [sign for sign in LAB_SIGNS if not sign.endswith((" +", " -"))]


def test_laboratory_signs_are_labels_of_the_real_dictionary():
    root = os.environ.get(DEMO)
    if not root:
        pytest.skip(f"{DEMO} is not set: give it the folder of the MIMIC-IV demo (hosp/, icu/, ed/)")
    with gzip.open(Path(root) / "hosp" / "d_labitems.csv.gz", "rt") as file:
        known = {(row["label"], row["fluid"]) for row in csv.DictReader(file)}
    used = {sign[:-2].rstrip("]").partition(" [") for sign in LAB_SIGNS}
    assert not {(label, fluid or "Blood") for label, _, fluid in used} - known


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Congestive heart failure; nonhypertensive", ["heart failure"]),
        ("Piperacillin-Tazobactam 4.5g Frozen Bag", ["piperacillin-tazobactam"]),
        ("Ampicillin-Sulbactam", ["ampicillin-sulbactam"]),
        ("Pulmonary hypertension", ["pulmonary hypertension"]),
        ("DM2 with CKD", ["diabetes mellitus", "chronic kidney disease"]),
        ("Metoclopramide", ["metoclopramide"]),
        ("Shockwave", []),
    ],
)
def test_the_longest_name_counts(text, names):
    assert [named.concept.name for named in named_in(text)] == names


def test_a_drug_is_known_by_its_own_names_and_not_by_its_group():
    (lasix,) = named_in("Lasix 40 mg")
    assert set(lasix.words) == {"furosemide", "lasix"}
    assert "furosemide" in {drug.name for drug in treatments()["heart failure"]}


def test_weights_are_for_evidence_that_is_found():
    found = (
        {source.role for source in SOURCES}
        | set(_NOW)
        | {
            "report earlier",
            "denied",
            "coded chronic",
            "coded acute",
            "exact",
            "defining",
            "supporting",
            "hint",
            "treated",
            "waiting",
            "reason",
            "running",
            "done before",
            "repeated",
            "earlier",
        }
    )
    weights = lines("weights.tsv")
    assert {line["evidence"] for line in weights} <= found
    assert all(float(line["most"]) > 0 and line["why"] for line in weights)


def test_signs_of_risk_are_signs_that_are_found():
    computed = {
        *(f"acuity {level}" for level in range(1, 6)),
        "many abnormal results",
        "nothing abnormal",
        "age 75 or more",
        "ambulance",
        "long earlier stays",
        "very long earlier stays",
        "several earlier stays",
        "stayed in the last month",
        "worsening",
        "improving",
    }
    known = NAMED_SIGNS | LAB_SIGNS | computed | set(_ORDERS) | set(_DRUG_SIGNS.values())
    assert {line["sign"] for line in lines("risk.tsv")} <= known


def test_sources_name_columns_of_the_catalogue():
    for source in SOURCES:
        columns = {column.name for column in tables()[source.table].columns}
        assert set(source.needs) <= columns, source.table
