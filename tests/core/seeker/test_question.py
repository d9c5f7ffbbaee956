"""What kind of thing a question asks for."""

from datetime import datetime

import pytest

from clinseek_core.seeker.brief import Brief
from clinseek_core.seeker.question import read_question


def asked(question, *candidates, one=False):
    brief = Brief(question=question, subject_id="1", now=datetime(2150, 1, 1), candidates=candidates, one=one)
    return read_question(brief)


@pytest.mark.parametrize(
    ("question", "candidates", "kind", "focus"),
    [
        ("Which medication is dispensed next from Pyxis?", ("Aspirin", "Heparin"), "drug", "pyxis"),
        ("Which medications will be administered next?", (), "drug", "emar"),
        (
            "Which of these conditions apply to this admission?",
            ("Anemia", "Gout"),
            "condition",
            "diagnoses_icd",
        ),
        ("Which lab tests come next?", (), "test", "labevents"),
        ("Which cultures will be sent?", (), "test", "microbiologyevents"),
        ("Where will the patient be transferred?", (), "place", "transfers"),
        ("Which procedures will be done?", (), "procedure", "procedureevents"),
        ("What is next?", ("Furosemide", "Aspirin", "Heparin"), "drug", "prescriptions"),
        ("What is the matter?", (), "condition", "diagnoses_icd"),
    ],
)
def test_kind_and_table(question, candidates, kind, focus):
    found = asked(question, *candidates)
    assert (found.whether, found.kind, found.focus) == (False, kind, focus)


@pytest.mark.parametrize(
    ("question", "outcome", "days"),
    [
        ("Will the stay last longer than three days?", "length of stay", 3),
        ("Will the length of stay exceed 2 weeks?", "length of stay", 14),
        ("Will the patient die in hospital?", "death", 3),
        ("Is the patient moved to intensive care within 12 hours?", "intensive care", 0.5),
        ("Will she be readmitted within 30 days?", "return", 30),
        ("Will the patient be hospitalised?", "admission", 3),
        ("Does the patient have heart failure?", None, 3),
    ],
)
def test_yes_or_no_about_an_outcome_in_a_time(question, outcome, days):
    for candidates in ((), ("yes", "no"), ("No", "Yes")):
        found = asked(question, *candidates)
        assert (found.whether, found.outcome, found.days) == (True, outcome, days)


@pytest.mark.parametrize(
    ("question", "one"),
    [
        ("Which medication is next?", True),
        ("Which drug will be given?", True),
        ("Which diagnosis is the most likely?", True),
        ("Which medications will be given?", False),
        ("Which of the following conditions apply?", False),
        ("List all conditions that apply.", False),
    ],
)
def test_one_thing_or_many(question, one):
    assert asked(question).one is one
    assert asked(question, one=True).one


def test_return_only_the_answer_asks_about_no_return():
    assert asked("Return only the final answer, yes or no. Is there a fracture?").outcome is None
