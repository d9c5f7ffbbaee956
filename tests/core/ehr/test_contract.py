"""When each row and each later cell of the record becomes visible, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clinseek_core.ehr.record import dated_columns, dated_sql, install_clocks
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.source import attach_record
from clinseek_core.ehr.tree import columns_ddl
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import ALWAYS, CONTRACT

STAY = {
    "hadm_id": 92000001,
    "admittime": "2150-03-01 12:00:00",
    "dischtime": "2150-03-05 16:00:00",
    "admission_type": "EW EMER.",
    "discharge_location": "HOME",
    "hospital_expire_flag": 0,
    "edregtime": "2150-03-01 08:00:00",
    "edouttime": "2150-03-01 14:00:00",
}
ED = {
    "hadm_id": 92000001,
    "stay_id": 93000001,
    "intime": "2150-03-01 08:00:00",
    "outtime": "2150-03-01 14:00:00",
    "disposition": "ADMITTED",
}
ORDER = {"poe_id": "90000001-1", "poe_seq": 1, "ordertime": "2150-03-01 10:00:00", "hadm_id": 92000001}

# (what it shows, tables, table and column looked at, {cutoff: what is seen there}); None is an unknown cell,
# [] a row that is not known.
CASES: list[tuple[str, dict[str, list[dict[str, Any]]], str, dict[str, list[Any]]]] = [
    (
        "an admission's end is unknown until it has come",
        {"admissions": [STAY]},
        "admissions.dischtime",
        {
            "2150-03-01 12:00:00": [],
            "2150-03-05 16:00:00": [None],
            "2150-03-05 16:00:01": ["2150-03-05 16:00:00"],
        },
    ),
    (
        "the type of an admission is decided in hindsight",
        {"admissions": [STAY]},
        "admissions.admission_type",
        {"2150-03-05 16:00:00": [None], "2150-03-06 00:00:00": ["EW EMER."]},
    ),
    (
        "a death after the discharge keeps the flag hidden until the death",
        {"admissions": [STAY | {"deathtime": "2150-03-06 02:00:00", "hospital_expire_flag": 1}]},
        "admissions.hospital_expire_flag",
        {"2150-03-06 02:00:00": [None], "2150-03-06 02:00:01": [1]},
    ),
    (
        "an ED stay does not tell that it ends in an admission",
        {"admissions": [STAY], "edstays": [ED]},
        "edstays.hadm_id",
        {"2150-03-01 12:00:00": [None], "2150-03-01 12:00:01": [92000001]},
    ),
    (
        "nor how it ends",
        {"admissions": [STAY], "edstays": [ED]},
        "edstays.disposition",
        {"2150-03-01 13:00:00": [None], "2150-03-01 14:00:01": ["ADMITTED"]},
    ),
    (
        "triage follows its stay by five minutes",
        {"edstays": [ED], "triage": [{"stay_id": 93000001, "acuity": 2}]},
        "triage.acuity",
        {"2150-03-01 08:05:00": [], "2150-03-01 08:05:01": [2]},
    ),
    (
        "a vital sign charted before its stay began has no stay yet",
        {"edstays": [ED], "vitalsign": [{"stay_id": 93000001, "charttime": "2150-03-01 07:50:00"}]},
        "vitalsign.stay_id",
        {"2150-03-01 07:55:00": [None], "2150-03-01 08:00:01": [93000001]},
    ),
    (
        "a laboratory result is known when it is stored",
        {
            "labevents": [
                {"charttime": "2150-03-01 09:00:00", "storetime": "2150-03-01 10:05:00", "valuenum": 18}
            ]
        },
        "labevents.valuenum",
        {"2150-03-01 10:05:00": [], "2150-03-01 10:05:01": [18.0]},
    ),
    (
        "without a store time it counts as stored a day later",
        {"labevents": [{"charttime": "2150-03-01 09:00:00", "valuenum": 18}]},
        "labevents.valuenum",
        {"2150-03-02 09:00:00": [], "2150-03-02 09:00:01": [18.0]},
    ),
    (
        "a store time before the event does not come first",
        {
            "outputevents": [
                {"charttime": "2150-03-02 09:00:00", "storetime": "2150-03-02 08:00:00", "value": 5}
            ]
        },
        "outputevents.value",
        {"2150-03-02 08:30:00": [], "2150-03-02 09:00:01": [5.0]},
    ),
    (
        "diagnoses are coded after the discharge",
        {
            "admissions": [STAY],
            "diagnoses_icd": [{"hadm_id": 92000001, "icd_code": "K572", "icd_version": 10}],
        },
        "diagnoses_icd.icd_code",
        {"2150-03-05 16:00:00": [], "2150-03-05 16:00:01": ["K572"]},
    ),
    (
        "a procedure's date is known at the end of its day",
        {
            "admissions": [STAY],
            "procedures_icd": [{"hadm_id": 92000001, "icd_code": "0W9G", "chartdate": "2150-03-05"}],
        },
        "procedures_icd.icd_code",
        {"2150-03-05 20:00:00": [], "2150-03-06 00:00:01": ["0W9G"]},
    ),
    (
        "codes of an admission that is not there are never known",
        {"drgcodes": [{"hadm_id": 92000009, "drg_code": "871"}]},
        "drgcodes.drg_code",
        {"2199-01-01 00:00:00": []},
    ),
    (
        "an order tells of its discontinuation when that is ordered",
        {
            "poe": [
                ORDER | {"discontinued_by_poe_id": "90000001-2"},
                {
                    "poe_id": "90000001-2",
                    "ordertime": "2150-03-02 10:00:00",
                    "discontinue_of_poe_id": "90000001-1",
                },
            ]
        },
        "poe.discontinued_by_poe_id",
        {"2150-03-02 10:00:00": [None], "2150-03-02 10:00:01": ["90000001-2", None]},
    ),
    (
        "a drug order renewed later has no order number until then",
        {
            "poe": [ORDER | {"ordertime": "2150-03-03 10:00:00"}],
            "pharmacy": [
                {
                    "pharmacy_id": 1,
                    "poe_id": "90000001-1",
                    "entertime": "2150-03-01 10:00:00",
                    "starttime": "2150-03-01 11:00:00",
                }
            ],
        },
        "pharmacy.poe_id",
        {"2150-03-01 10:00:01": [None], "2150-03-03 10:00:01": ["90000001-1"]},
    ),
    (
        "a back-dated prescription appears when it was entered",
        {
            "pharmacy": [{"pharmacy_id": 1, "entertime": "2150-03-01 15:00:00"}],
            "prescriptions": [{"pharmacy_id": 1, "starttime": "2150-03-01 09:00:00", "drug": "Heparin"}],
        },
        "prescriptions.drug",
        {"2150-03-01 15:00:00": [], "2150-03-01 15:00:01": ["Heparin"]},
    ),
    (
        "a planned start may lie after the cutoff",
        {
            "pharmacy": [{"pharmacy_id": 1, "entertime": "2150-03-01 15:00:00"}],
            "prescriptions": [{"pharmacy_id": 1, "starttime": "2150-03-02 08:00:00", "drug": "Heparin"}],
        },
        "prescriptions.starttime",
        {"2150-03-01 16:00:00": ["2150-03-02 08:00:00"]},
    ),
    (
        "a stop is known an hour later, and never before the order that made it",
        {
            "poe": [
                ORDER | {"discontinued_by_poe_id": "90000001-2"},
                {"poe_id": "90000001-2", "ordertime": "2150-03-03 10:30:00"},
            ],
            "pharmacy": [
                {
                    "pharmacy_id": 1,
                    "poe_id": "90000001-1",
                    "entertime": "2150-03-01 10:00:00",
                    "stoptime": "2150-03-03 08:00:00",
                }
            ],
        },
        "pharmacy.stoptime",
        {"2150-03-03 10:30:00": [None], "2150-03-03 10:30:01": ["2150-03-03 08:00:00"]},
    ),
    (
        "an infusion that runs shows its rate and not its end",
        {
            "inputevents": [
                {
                    "starttime": "2150-03-02 01:00:00",
                    "endtime": "2150-03-02 05:00:00",
                    "storetime": "2150-03-02 01:05:00",
                    "rate": 3,
                    "amount": 12,
                }
            ]
        },
        "inputevents.amount",
        {"2150-03-02 01:05:00": [], "2150-03-02 03:00:00": [None], "2150-03-02 05:00:01": [12.0]},
    ),
    (
        "an outpatient measurement is known at the end of its day",
        {"omr": [{"chartdate": "2150-03-01", "result_name": "Weight", "result_value": "70"}]},
        "omr.result_value",
        {"2150-03-01 23:59:59": [], "2150-03-02 00:00:01": ["70"]},
    ),
    (
        "a note without a store time is known at the end of its day",
        {"discharge": [{"note_id": "90000001-DS-7", "note_type": "DS", "charttime": "2150-03-05 00:00:00"}]},
        "discharge.note_id",
        {"2150-03-05 17:00:00": [], "2150-03-06 00:00:01": ["90000001-DS-1"]},
    ),
    (
        "a laboratory item in the ICU chart waits for the laboratory",
        {
            "d_items": [{"itemid": 220615, "label": "Creatinine", "category": "Labs"}],
            "labevents": [
                {"charttime": "2150-03-01 09:00:00", "storetime": "2150-03-01 11:00:00", "valuenum": 1.9}
            ],
            "chartevents": [
                {
                    "itemid": 220615,
                    "charttime": "2150-03-01 09:00:00",
                    "storetime": "2150-03-01 09:01:00",
                    "valuenum": 1.9,
                }
            ],
        },
        "chartevents.valuenum",
        {"2150-03-01 10:00:00": [], "2150-03-01 11:00:01": [1.9]},
    ),
    (
        "age is the age at the cutoff",
        {"patients": [{"gender": "F", "anchor_age": 70, "anchor_year": 2148, "dod": "2155-01-01"}]},
        "patients.age",
        {"2150-03-01 00:00:00": [72], "2160-01-01 00:00:00": [82]},
    ),
]


@pytest.mark.parametrize(("tables_", "place", "seen"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_cell_becomes_visible_when_it_became_known(
    known_at: Callable[..., Snapshot], tables_: dict[str, Any], place: str, seen: dict[str, list[Any]]
) -> None:
    name, column = place.split(".")
    for cutoff, expected in seen.items():
        rows = known_at(cutoff, **{key: list(rows) for key, rows in tables_.items()}).select(
            f"SELECT {column} FROM {name}"
        )
        assert [row[0] for row in rows.rows] == expected, cutoff


SPECIMEN = {"micro_specimen_id": 5, "spec_type_desc": "BLOOD CULTURE", "charttime": "2150-03-01 09:00:00"}
CULTURE = [
    SPECIMEN | {"test_name": "Blood Culture", "org_name": "E. COLI", "storetime": "2150-03-03 10:00:00"},
    SPECIMEN | {"test_name": "Gram Stain", "storetime": "2150-03-02 10:00:00"},
    SPECIMEN | {"test_name": "never stored"},
]


@pytest.mark.parametrize(
    ("cutoff", "expected"),
    [
        ("2150-03-01 09:00:00", []),
        ("2150-03-01 09:00:01", [("BLOOD CULTURE", None)]),
        ("2150-03-02 10:00:01", [("BLOOD CULTURE", "Gram Stain")]),
        ("2150-03-04 00:00:00", [("BLOOD CULTURE", "Blood Culture"), ("BLOOD CULTURE", "Gram Stain")]),
    ],
)
def test_a_pending_culture_is_one_row_that_names_no_test(
    known_at: Callable[..., Snapshot], cutoff: str, expected: list[tuple[str, str | None]]
) -> None:
    snapshot = known_at(cutoff, microbiologyevents=CULTURE)
    rows = snapshot.select("SELECT spec_type_desc, test_name FROM microbiologyevents ORDER BY ALL")
    assert list(rows.rows) == expected


def test_row_counters_are_numbered_anew(known_at: Callable[..., Snapshot]) -> None:
    lab = {"charttime": "2150-03-01 09:00:00", "storetime": "2150-03-01 09:30:00"}
    labs = [lab | {"labevent_id": 7, "itemid": 1}, lab | {"labevent_id": 12, "itemid": 2}]
    rows = known_at("2150-03-02 00:00:00", labevents=labs).select("SELECT labevent_id, itemid FROM labevents")
    assert rows.rows == ((1, 1), (2, 2))


def test_notes_are_numbered_anew_and_their_details_follow(known_at: Callable[..., Snapshot]) -> None:
    notes = [
        {"note_id": "90000001-RR-9", "note_type": "RR", "charttime": "2150-03-01 09:00:00"},
        {"note_id": "90000001-RR-4", "note_type": "RR", "charttime": "2150-03-02 09:00:00"},
        {"note_id": "90000001-RR-5", "note_type": "RR", "charttime": "2150-03-08 09:00:00"},
    ]
    details = [{"note_id": note["note_id"], "field_value": note["charttime"][:10]} for note in notes]
    snapshot = known_at("2150-03-05 00:00:00", radiology=notes, radiology_detail=details)
    for name in ("radiology", "radiology_detail"):
        rows = snapshot.select(f"SELECT note_id FROM {name}")
        assert [row[0] for row in rows.rows] == ["90000001-RR-1", "90000001-RR-2"], name
    joined = snapshot.select("SELECT field_value FROM radiology_detail ORDER BY note_id")
    assert joined.rows == (("2150-03-01",), ("2150-03-02",))


@pytest.mark.parametrize(
    ("policy", "visible"),
    [({}, 0), ({"boundary": "inclusive"}, 1), ({"basis": "event"}, 1), ({"basis": "upstream"}, 1)],
)
def test_policies_move_the_boundary(
    known_at: Callable[..., Snapshot], policy: dict[str, Any], visible: int
) -> None:
    lab = {"charttime": "2150-03-01 09:00:00", "storetime": "2150-03-01 10:00:00"}
    snapshot = known_at("2150-03-01 10:00:00", policy, labevents=[lab])
    assert snapshot.tables["labevents"].rows == visible


def test_coding_lag_moves_billing_codes_alone(known_at: Callable[..., Snapshot]) -> None:
    world = {"admissions": [STAY], "drgcodes": [{"hadm_id": 92000001, "drg_code": "871"}]}
    snapshot = known_at("2150-03-08 15:00:00", {"coding_lag_hours": 72}, **world)
    assert (snapshot.tables["admissions"].rows, snapshot.tables["drgcodes"].rows) == (1, 0)


def test_started_intervals_show_their_start_alone(known_at: Callable[..., Snapshot]) -> None:
    ventilation = {
        "starttime": "2150-03-02 01:00:00",
        "endtime": "2150-03-04 01:00:00",
        "storetime": "2150-03-04 01:02:00",
        "value": 2880,
    }
    snapshot = known_at("2150-03-03 00:00:00", {"interval_rows": "started"}, procedureevents=[ventilation])
    rows = snapshot.select("SELECT starttime, endtime, value FROM procedureevents")
    assert rows.rows == (("2150-03-02 01:00:00", None, None),)


def test_tables_and_columns_are_the_same_whatever_the_record_holds(known_at: Callable[..., Snapshot]) -> None:
    empty = known_at("2150-01-01 00:00:00")
    full = known_at("2199-01-01 00:00:00", admissions=[STAY], edstays=[ED], poe=[ORDER])
    assert {t.name: t.columns for t in empty.tables.values()} == {
        t.name: t.columns for t in full.tables.values()
    }


def test_what_can_foretell_is_not_exposed(known_at: Callable[..., Snapshot]) -> None:
    snapshot = known_at("2150-01-01 00:00:00")
    assert snapshot.tables["patients"].columns == ("subject_id", "gender", "age")
    assert "order_status" not in snapshot.tables["poe"].columns
    assert not {"provider", "caregiver", "cxr_split", "cxr_chexpert"} & set(snapshot.tables)


def test_every_column_that_is_written_later_has_a_rule() -> None:
    """The catalogue says what a column is; what is no fact of its row must be dated or hidden."""
    later_roles = {"end", "final", "outcome", "cohort"}
    open_cells = [
        f"{name}.{column.name}"
        for name, rule in CONTRACT.items()
        if rule.available != ALWAYS or name == "patients"
        for column in tables()[name].columns
        if column.role in later_roles and not rule.pending
        if column.name not in rule.later and column.name not in rule.never
    ]
    assert open_cells == []


def test_every_column_of_the_contract_is_in_the_catalogue() -> None:
    for name, rule in CONTRACT.items():
        columns = {column.name for column in tables()[name].columns}
        assert {*rule.later, *rule.never, *rule.counters} <= columns, name


def test_a_table_without_rows_has_the_columns_of_one_with_rows() -> None:
    con = attach_record()
    con.execute("CREATE SCHEMA raw")
    for name in CONTRACT:
        con.execute(f"CREATE TABLE raw.{name} ({columns_ddl(tables()[name])})")
    install_clocks(con)
    for name, rule in CONTRACT.items():
        told = con.execute(f"DESCRIBE {dated_sql(tables()[name], rule)}").fetchall()
        assert [(column, kind) for column, kind, *_ in told] == list(dated_columns(tables()[name], rule)), (
            name
        )
