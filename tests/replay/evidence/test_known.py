"""What the record held, asked of the bundled world: the states that need it, and codes."""

import pytest
from planting import Ask, Say, Script

from clinseek_core.errors import InputError
from clinseek_fixtures import world_store_path
from clinseek_replay.evidence.known import known_by_curated, known_by_ehr
from clinseek_replay.evidence.provenance import states_of
from clinseek_replay.evidence.reading import read_run
from clinseek_replay.evidence.report import evidence
from clinseek_replay.evidence.synonyms import drug_names
from clinseek_replay.recordings import open_recordings

PLANTED = {
    "Atorvastatin": "NEVER_RETRIEVED",
    "Creatinine": "NEVER_RETRIEVED",
    "Amlodipine": "QUERIED_EMPTY",
    "Dilaudid": "SEEN_CUT",
    "Cefpodoxime": "NOT_AVAILABLE",
    "Ondansetron": "SEEN_IGNORED",
    "yes": "UNKNOWN",
}
"""Of patient 90000001 at the planted time: cefpodoxime is ordered four days after it."""


def script():
    empty = Ask(
        "ehr.get_records_by_keyword",
        {"table_name": "omr", "keyword": "amlodipine"},
        text="No records found in table 'omr' containing the keyword 'amlodipine'.",
        status="empty",
    )
    cut = Ask("ehr.get_latest_records", {"table_name": "pyxis"}, text="name", full=200_000)
    seen = Ask(
        "ehr.get_latest_records",
        {"table_name": "services"},
        ("charttime", "name"),
        [("2150-03-02 14:31:00", "Ondansetron 4mg/2mL VIAL")],
        "services",
    )
    return Script([Say(asks=(empty,)), Say(asks=(cut, seen))], ("Zorvamax",), tuple(PLANTED))


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """What the bundled record holds of the planted names: reading it takes longest here."""
    return known_by_ehr(script().read("journal", tmp_path_factory.mktemp("known")), world_store_path())


def gold_states(trajectory, known):
    reading = read_run(trajectory, codes=known.codes)
    return {state.item: state for state in states_of(trajectory, reading, known)[0]}


def test_the_record_decides_what_the_recording_alone_can_not(tmp_path):
    trajectory = script().read("record", tmp_path)
    report = evidence(trajectory, world_store_path())
    assert {state.item: state.state for state in report.gold} == PLANTED
    assert {state.item: state.tier for state in report.gold}["Cefpodoxime"] == "X"
    assert report.waterfall.data_verified
    data, retrieval, *_ = report.waterfall.bars
    assert data.items == ("Cefpodoxime",)
    assert set(retrieval.items) == set(PLANTED) - {"Cefpodoxime", "Ondansetron"}
    assert retrieval.unknown == ("yes",)


def test_a_journal_comes_out_as_the_reference_s_record_does(tmp_path, known):
    found = gold_states(script().read("journal", tmp_path), known)
    assert {item: state.state for item, state in found.items()} == PLANTED


@pytest.mark.parametrize("form", ["journal", "record"])
def test_without_the_record_it_is_not_known_and_said_so(form, tmp_path):
    alone = evidence(script().read(form, tmp_path))
    assert {state.state for state in alone.gold} == {"UNKNOWN", "SEEN_IGNORED"}
    assert not alone.waterfall.data_verified
    assert any("--ehr" in each.reason for each in alone.not_verified)


def test_where_the_record_holds_an_item_is_told(known):
    assert known.found["Atorvastatin"].tables == ("medrecon",)
    assert known.found["Atorvastatin"].column == "name"
    assert known.found["Creatinine"].tables == ("labevents",)
    assert known.absent >= {"Cefpodoxime", "Zorvamax"}
    assert "yes" not in known.absent
    assert ("itemid", "50912") in known.codes["Creatinine"]


@pytest.mark.parametrize("form", ["journal", "record"])
def test_a_row_that_prints_only_a_code_of_the_record_names_its_item(form, tmp_path, known):
    seen = Ask(
        "ehr.get_latest_records",
        {"table_name": "labevents"},
        ("charttime", "itemid", "value"),
        [("2150-03-02 14:47:00", 50912, "1.1")],
        "labevents",
    )
    trajectory = Script([Say(asks=(seen,))], ("Creatinine",), ("Creatinine",)).read(form, tmp_path)
    assert evidence(trajectory).gold[0].state == "PARAMETRIC"
    found = gold_states(trajectory, known)["Creatinine"]
    assert (found.state, found.matched_by) == ("SUPPORTED", "row" if form == "journal" else "code")


def test_a_lookup_of_the_run_links_its_code(tmp_path):
    lookup = Ask(
        "ehr.get_candidates_by_keyword",
        {"table_name": "labevents_candidates", "keyword": "x"},
        ("candidate", "itemid"),
        [("Other", 51001), ("Urea Quotient", 51999)],
        "labevents_candidates",
    )
    seen = Ask(
        "ehr.get_latest_records",
        {"table_name": "labevents"},
        ("charttime", "itemid", "value"),
        [("2150-03-02 14:47:00", 51999, "1.1")],
        "labevents",
    )
    for form in ("journal", "record"):
        for turns in ([Say(asks=(lookup,)), Say(asks=(seen,))], [Say(asks=(seen,)), Say(asks=(lookup,))]):
            trajectory = Script(turns, ("Urea Quotient",), ("Urea Quotient",)).read(form, tmp_path)
            assert evidence(trajectory).gold[0].state == "SUPPORTED"
        alone = Script([Say(asks=(lookup,))], ("Urea Quotient",), ("Urea Quotient",)).read(form, tmp_path)
        assert evidence(alone).gold[0].state == "CANDIDATE_ONLY"


def test_another_name_of_a_drug_supports_it_and_says_so(tmp_path):
    seen = Ask(
        "ehr.get_latest_records",
        {"table_name": "emar"},
        ("charttime", "medication"),
        [("2150-03-02 14:47:00", "Zosyn 4.5 g")],
        "emar",
    )
    trajectory = Script([Say(asks=(seen,))], ("Piperacillin-Tazobactam",), ("Piperacillin-Tazobactam",))
    found = evidence(trajectory.read("record", tmp_path)).gold[0]
    assert (found.state, found.matched_by) == ("SUPPORTED", "synonym")
    assert "zosyn" in drug_names("Piperacillin/Tazobactam")
    assert drug_names("Zorvamax") == ()


def test_the_curated_context_says_what_there_was_and_never_what_there_was_not(tmp_path):
    trajectory = Script([], (), ("Zorvamax", "Drenolactone"), curated="## Drugs [None]\n- ZORVAMAX 5 mg\n")
    known = known_by_curated(trajectory.read("record", tmp_path))
    assert (known.by, set(known.found), known.absent) == ("curated", {"Zorvamax"}, frozenset())
    assert known_by_curated(Script([], (), ("a",)).read("record", tmp_path)) is None


def test_without_a_patient_the_record_is_not_guessed(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"qid": "q", "messages": [], "status": "success", "label": ["Heparin"]}\n')
    with pytest.raises(InputError, match="which patient"):
        evidence(open_recordings([path]).run(0), world_store_path())
