"""Searching words: named, hinted at, denied; and nothing that a name could break."""

import pytest

ARRIVED = {"stay_id": 1, "intime": "2150-03-03 08:00:00"}
NOTE = {"note_id": "90000001-RR-1", "note_type": "RR", "note_seq": 1, "charttime": "2150-03-03 09:00:00"}
CONDITIONS = "Which of these conditions apply?"


def triage(complaint):
    return {"edstays": [ARRIVED], "triage": [{"stay_id": 1, "chiefcomplaint": complaint, "acuity": 2}]}


def reported(text):
    return triage("Fall") | {"radiology": [NOTE | {"storetime": "2150-03-03 09:30:00", "text": text}]}


def test_a_complaint_that_names_the_condition(seek_in):
    run = seek_in(CONDITIONS, "Gout", "Asthma", **triage("Asthma, wheezing"))
    assert run.answer == ["Asthma"]
    assert "complaint says “asthma, wheezing”" in run.thoughts[-1]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("There is a new left pleural effusion.", "Pleural effusion"),
        ("No pneumothorax. Moderate pleural effusion.", "Pleural effusion"),
        ("No pleural effusion. There is a pneumothorax.", "Pneumothorax"),
        ("No change in the known pleural\neffusion, and no pneumothorax.", "Pleural effusion"),
        ("Without effusion or other finding, but a small pneumothorax.", "Pneumothorax"),
    ],
)
def test_a_report_states_one_thing_and_denies_another(seek_in, text, answer):
    assert seek_in(CONDITIONS, "Pleural effusion", "Pneumothorax", **reported(text)).answer == [answer]


def test_what_a_report_denies_the_complaint_cannot_make(seek_in):
    tables = reported("No pneumothorax.") | triage("Pneumothorax, back pain")
    assert seek_in(CONDITIONS, "Pneumothorax", "Back pain", **tables).answer == ["Back pain"]


def test_a_short_name_is_no_part_of_a_word(seek_in):
    run = seek_in(CONDITIONS, "Influenza", "Fracture", **triage("Fluctuating pain after fracture"))
    assert run.answer == ["Fracture"]
    assert seek_in(CONDITIONS, "Influenza", "Fracture", **triage("Flu")).answer == ["Influenza"]


@pytest.mark.parametrize(
    "name", ["Crohn's disease'); DROP TABLE triage; --", "a|b", "$start", "100% \\b(.*)", "日本", " \n x"]
)
def test_a_name_is_never_code(seek_in, name):
    run = seek_in(CONDITIONS, name, "Asthma", **triage("Asthma"))
    assert run.errors == []
    assert run.answer == ["Asthma"]


def test_very_many_candidates_are_searched_in_statements_that_fit(seek_in):
    names = [f"Condition number {n} of a very long list of names" for n in range(600)]
    run = seek_in(CONDITIONS, *names, "Asthma", **triage("Asthma"))
    assert run.errors == []
    assert max(map(len, run.queries)) < 20_000
    assert len(run.replies) <= 30
