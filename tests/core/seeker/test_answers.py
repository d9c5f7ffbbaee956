"""What is answered and why, on small records that differ in what matters."""

import pytest

ARRIVED = {"stay_id": 1, "intime": "2150-03-03 08:00:00", "arrival_transport": "AMBULANCE"}
ADMITTED = {"hadm_id": 5, "admittime": "2150-03-03 09:00:00", "admission_location": "EMERGENCY ROOM"}
EARLIER = {"hadm_id": 4, "admittime": "2149-05-01 10:00:00", "dischtime": "2149-05-11 10:00:00"}
NEXT_DRUG = "Which medication is dispensed next from Pyxis?"
APPLY = "Which of these conditions apply to this admission?"
LONG = "Will this hospital stay last longer than three days?"
ED = {"edstays": [ARRIVED]}
WARD = {"admissions": [ADMITTED], "edstays": [ARRIVED | {"hadm_id": 5}]}


def lab(itemid, value, low, high, at="2150-03-03 09:00:00"):
    return {
        "itemid": itemid,
        "specimen_id": itemid,
        "charttime": at,
        "storetime": at,
        "value": value,
        "valuenum": value,
        "ref_range_lower": low,
        "ref_range_upper": high,
        "flag": "" if low <= value <= high else "abnormal",
    }


LABITEMS = [
    {"itemid": 50912, "label": "Creatinine", "fluid": "Blood", "category": "Chemistry"},
    {"itemid": 50971, "label": "Potassium", "fluid": "Blood", "category": "Chemistry"},
    {"itemid": 51301, "label": "White Blood Cells", "fluid": "Blood", "category": "Hematology"},
]


def order(drug, number=1, at="2150-03-03 10:00:00", frequency=""):
    return {
        "pharmacy_id": number,
        "medication": drug,
        "entertime": at,
        "starttime": at,
        "route": "IV",
        "frequency": frequency,
    }


def dose(drug, number, at="2150-03-03 11:00:00"):
    return {
        "emar_id": f"90000001-{number}",
        "pharmacy_id": number,
        "medication": drug,
        "event_txt": "Administered",
        "charttime": at,
        "storetime": at,
    }


class TestTheNextDrug:
    def test_an_order_without_a_dose_comes_next(self, seek_in):
        run = seek_in(
            NEXT_DRUG,
            "Furosemide",
            "Vancomycin",
            "Aspirin",
            **ED,
            pharmacy=[order("Vancomycin", frequency="Q12H")],
        )
        assert run.answer == ["Vancomycin"]
        assert "ordered Q12H at 2150-03-03 10:00:00, no dose yet" in run.thoughts[-1]

    def test_an_order_that_goes_on_comes_before_one_that_is_carried_out(self, seek_in):
        orders = [order("Aspirin", 1, frequency="ONCE"), order("Vancomycin", 2, frequency="Q12H")]
        doses = [dose("Aspirin", 1), dose("Vancomycin", 2)]
        run = seek_in(NEXT_DRUG, "Aspirin", "Vancomycin", **ED, pharmacy=orders, emar=doses)
        assert run.answer == ["Vancomycin"]
        assert "ordered Q12H, 1 dose given" in run.thoughts[-1]

    def test_an_order_that_was_stopped_does_not_wait(self, seek_in):
        stopped = order("Aspirin", 1) | {"stoptime": "2150-03-03 10:30:00"}
        run = seek_in(NEXT_DRUG, "Aspirin", "Vancomycin", **ED, pharmacy=[stopped, order("Vancomycin", 2)])
        assert run.answer == ["Vancomycin"]

    def test_an_order_is_followed_to_its_pharmacy_row(self, seek_in):
        run = seek_in(NEXT_DRUG, "Vancomycin", "Aspirin", **ED, pharmacy=[order("Vancomycin")])
        assert any("LEFT JOIN poe" in query and "'vancomyc'" in query for query in run.queries)

    def test_without_orders_the_reason_decides(self, seek_in):
        complaint = [{"stay_id": 1, "chiefcomplaint": "Wheezing, Asthma", "acuity": 3}]
        run = seek_in(NEXT_DRUG, "Furosemide", "Albuterol", "Warfarin", **ED, triage=complaint)
        assert run.answer == ["Albuterol"]
        assert "it is for asthma" in run.thoughts[-1]

    @pytest.mark.parametrize(
        ("label", "is_metronidazole", "is_aspirin"),
        [
            ("MetroNIDAZ 500mg/100mL BAG", True, False),
            ("Flagyl 500mg TAB", True, False),
            ("ASA 81mg TAB", False, True),
            ("Asacol 400mg TAB", False, False),
        ],
    )
    def test_labels_of_the_cabinet_are_understood(self, seek_in, label, is_metronidazole, is_aspirin):
        taken = {"stay_id": 1, "charttime": "2150-03-03 09:00:00", "med_rn": 1, "name": label}
        run = seek_in(NEXT_DRUG, "Metronidazole", "Aspirin", **ED, pyxis=[taken])
        assert ("Metronidazole (2 points)" in run.thoughts[-1]) == is_metronidazole
        assert ("Aspirin (2 points)" in run.thoughts[-1]) == is_aspirin


class TestConditions:
    def test_a_result_that_makes_the_condition(self, seek_in):
        run = seek_in(
            APPLY,
            "Hyperkalemia",
            "Hypokalemia",
            "Hyponatremia",
            **WARD,
            d_labitems=LABITEMS,
            labevents=[lab(50971, 6.4, 3.3, 5.1)],
        )
        assert run.answer == ["Hyperkalemia"]

    @pytest.mark.parametrize(("before", "answer"), [(0.9, "Acute kidney injury"), (2.6, "Gout")])
    def test_the_kidneys_are_judged_by_their_earlier_level(self, seek_in, before, answer):
        run = seek_in(
            APPLY,
            "Acute kidney injury",
            "Gout",
            **WARD,
            d_labitems=LABITEMS,
            labevents=[
                lab(50912, before, 0.4, 1.1, at="2149-05-02 08:00:00"),
                lab(50912, 2.7, 0.4, 1.1),
            ],
            medrecon=[{"stay_id": 1, "charttime": "2150-03-03 08:30:00", "name": "allopurinol"}],
        )
        assert answer in run.answer
        assert ("Acute kidney injury" in run.answer) == (before < 1)

    def test_a_lasting_condition_of_an_earlier_stay_still_applies(self, seek_in):
        run = seek_in(
            APPLY,
            "Pneumonia",
            "Diabetes mellitus without complication",
            admissions=[ADMITTED, EARLIER],
            d_icd_diagnoses=[
                {
                    "icd_code": "E119",
                    "icd_version": 10,
                    "long_title": "Type 2 diabetes mellitus without complications",
                },
                {"icd_code": "J189", "icd_version": 10, "long_title": "Pneumonia, unspecified organism"},
            ],
            diagnoses_icd=[
                {"hadm_id": 4, "seq_num": 1, "icd_code": "J189", "icd_version": 10},
                {"hadm_id": 4, "seq_num": 2, "icd_code": "E119", "icd_version": 10},
            ],
        )
        assert run.answer == ["Diabetes mellitus without complication"]

    def test_the_complaint_of_an_earlier_visit_is_not_todays(self, seek_in):
        visits = [ARRIVED, {"stay_id": 2, "intime": "2149-01-01 08:00:00", "outtime": "2149-01-01 12:00:00"}]
        complaints = [{"stay_id": 1, "chiefcomplaint": "Gout"}, {"stay_id": 2, "chiefcomplaint": "Asthma"}]
        assert seek_in(APPLY, "Gout", "Asthma", edstays=visits, triage=complaints).answer == ["Gout"]

    def test_home_drugs_speak_for_lasting_conditions_only(self, seek_in):
        home = [
            {"stay_id": 1, "charttime": "2150-03-03 08:30:00", "name": name}
            for name in ("levothyroxine", "nitrofurantoin")
        ]
        run = seek_in(APPLY, "Hypothyroidism", "Urinary tract infection", **ED, medrecon=home)
        assert run.answer == ["Hypothyroidism"]

    def test_signs_that_many_conditions_share_make_none(self, seek_in):
        """Fever and a fast heart go with sepsis and with much else: something must speak for it alone."""
        vital = {"stay_id": 1, "charttime": "2150-03-03 09:00:00", "temperature": 102, "heartrate": 125}
        run = seek_in(
            APPLY,
            "Sepsis",
            "Asthma",
            "Gout",
            **ED,
            vitalsign=[vital],
            triage=[{"stay_id": 1, "chiefcomplaint": "Asthma", "acuity": 2}],
        )
        assert run.answer == ["Asthma"]

    def test_signs_of_an_infection_lead_to_cultures_and_antibiotics(self, seek_in):
        culture = {
            "micro_specimen_id": 1,
            "spec_type_desc": "BLOOD CULTURE",
            "chartdate": "2150-03-03 00:00:00",
        }
        run = seek_in(
            APPLY,
            "Sepsis",
            "Gout",
            **WARD,
            d_labitems=LABITEMS,
            labevents=[lab(51301, 19, 4, 11)],
            microbiologyevents=[culture | {"charttime": "2150-03-03 09:00:00"}],
            pharmacy=[order("CefTRIAXone")],
        )
        assert any("ab_name, interpretation" in query for query in run.queries)
        assert any("Antibiotics ordered: CefTRIAXone." in thought for thought in run.thoughts)


class TestYesOrNo:
    def test_few_signs_mean_a_short_stay(self, seek_in):
        calm = [{"stay_id": 1, "acuity": 4, "heartrate": 80, "sbp": 125, "chiefcomplaint": "Fall"}]
        run = seek_in(LONG, "Yes", "No", **WARD, triage=calm)
        assert run.answer == ["No"]

    def test_many_signs_mean_a_long_one_and_each_is_told_with_its_points(self, seek_in):
        ill = [
            {"stay_id": 1, "acuity": 1, "heartrate": 130, "sbp": 80, "o2sat": 85, "chiefcomplaint": "Fall"}
        ]
        run = seek_in(LONG, "Yes", "No", **WARD, triage=ill)
        assert run.answer == ["Yes"]
        assert "systolic pressure 80 mmHg (+2)" in run.thoughts[-1]

    def test_a_result_that_moves_away_from_its_range_counts(self, seek_in):
        course = [lab(50971, 5.6, 3.3, 5.1), lab(50971, 6.4, 3.3, 5.1, at="2150-03-03 11:00:00")]
        run = seek_in(LONG, **WARD, d_labitems=LABITEMS, labevents=course)
        assert "Potassium 5.6 → 6.4 (+1)" in run.thoughts[-1]
        back = [lab(50971, 6.4, 3.3, 5.1), lab(50971, 5.6, 3.3, 5.1, at="2150-03-03 11:00:00")]
        run = seek_in(LONG, **WARD, d_labitems=LABITEMS, labevents=back)
        assert "Potassium 6.4 → 5.6 (-1)" in run.thoughts[-1]

    def test_a_stay_that_has_lasted_longer_already(self, seek_in):
        run = seek_in(LONG, now="2150-03-09 12:00:00", **WARD)
        assert run.answer == ["yes"]
        assert "has lasted 6 days already" in run.thoughts[-1]

    @pytest.mark.parametrize(
        ("question", "answer"),
        [
            ("Was vancomycin given?", "no"),
            ("Has vancomycin been ordered?", "yes"),
            ("Was aspirin given?", "yes"),
            ("Does the patient have asthma?", "yes"),
            ("Does the patient have gout?", "no"),
            ("Is the patient quite well?", "no"),
        ],
    )
    def test_a_fact_must_stand_in_the_record(self, seek_in, question, answer):
        taken = {"stay_id": 1, "charttime": "2150-03-03 09:00:00", "med_rn": 1, "name": "Aspirin 81mg TAB"}
        complaint = [{"stay_id": 1, "chiefcomplaint": "Asthma", "acuity": 3}]
        run = seek_in(question, **ED, triage=complaint, pyxis=[taken], pharmacy=[order("Vancomycin")])
        assert run.answer == [answer]


class TestWithoutCandidates:
    def test_conditions_are_spelled_as_the_dictionary_has_them(self, seek_in):
        run = seek_in(
            "Which diagnoses explain why the patient came?",
            **WARD,
            triage=[{"stay_id": 1, "chiefcomplaint": "Asthma", "acuity": 3, "pain": 9}],
            d_icd_diagnoses=[
                {"icd_code": "J45901", "icd_version": 10, "long_title": "Asthma with (acute) exacerbation"},
                {"icd_code": "J45909", "icd_version": 10, "long_title": "Asthma, unspecified"},
            ],
        )
        assert run.answer == ["Asthma, unspecified"], "pain is a need and no diagnosis"
        assert "ehr.get_candidates_by_keyword" in run.names

    def test_drugs_that_wait_are_proposed(self, seek_in):
        run = seek_in("Which medications will be given next?", **ED, pharmacy=[order("Vancomycin")])
        assert run.answer == ["Vancomycin"]

    def test_results_beyond_their_range_will_be_measured_again(self, seek_in):
        labs = [lab(50971, 6.4, 3.3, 5.1), lab(50971, 6.1, 3.3, 5.1, at="2150-03-03 10:00:00")]
        run = seek_in("Which lab tests come next?", **WARD, d_labitems=LABITEMS, labevents=labs)
        assert run.answer == ["Potassium"]

    def test_nothing_known_is_said_to_be_nothing(self, seek_in):
        run = seek_in("Which medications will be given next?", **ED)
        assert run.answer == []
        assert "I found nothing" in run.thoughts[-1]
