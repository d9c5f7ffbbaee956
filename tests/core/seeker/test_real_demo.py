"""The seeker on a patient of the open MIMIC-IV demo."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from clinseek_core.case import Case, Policy
from clinseek_core.ehr.session import EhrSession

DEMO = "CLINSEEK_MIMIC_DEMO"
SUBJECT, CUTOFF = 10000032, datetime(2180, 7, 23, 20)


@pytest.fixture(scope="module")
def session():
    root = os.environ.get(DEMO)
    if not root:
        pytest.skip(f"{DEMO} is not set: give it the folder of the MIMIC-IV demo (hosp/, icu/, ed/)")
    with EhrSession(Path(root), SUBJECT, CUTOFF, Policy()) as session:
        yield session


@pytest.mark.parametrize(
    ("question", "candidates"),
    [
        ("Which of these conditions apply?", ("Cirrhosis", "Hyponatremia", "Hyperkalemia", "Hip fracture")),
        ("Which medication is dispensed next from Pyxis?", ("Lactulose", "Warfarin", "Amlodipine")),
        ("Will this stay last longer than three days?", ("yes", "no")),
        ("Which diagnoses explain why this patient came to the hospital?", ()),
        ("Which lab tests come next?", ()),
    ],
)
def test_it_seeks_in_a_real_record(seeking, session, question, candidates):
    case = Case(qid="q", subject_id=SUBJECT, prediction_time=CUTOFF, question=question, candidates=candidates)
    run = seeking.converse(case, session)
    assert run.errors == []
    assert 8 <= len(run.replies) <= 30
    assert run.answer
    assert not {"Hip fracture", "Warfarin"} & set(run.answer)
    assert [seeking.ask(messages) for messages, _ in run.replies] == [reply for _, reply in run.replies]
