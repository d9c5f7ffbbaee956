"""How candidate tables are made: which rows, in which order, and what of them is stored."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.candidates import CANDIDATE_TABLES, CandidateIndex, build
from clinseek_core.errors import InputError

LABS = ("candidate", "itemid", "fluid", "category", "only_subject")
DRUGS = ("candidate", "only_subject")
ICD = ("candidate", "icd_code", "icd_version", "only_subject")


def index(*tables: tuple[str, tuple[str, ...], list[tuple[Any, ...]]], subject: int = 1) -> CandidateIndex:
    return CandidateIndex(build(None, tables), subject)


def test_rows_come_out_once_each_in_order_of_name_then_codes() -> None:
    labs = [
        ("Sodium", 50983, "Blood", "Chemistry", None),
        ("Glucose", 51478, "Urine", "Hematology", None),
        ("Glucose", 50809, "Blood", "Blood Gas", None),
        ("Glucose", 50809, "Blood", "Blood Gas", None),
    ]
    with index(("labevents_candidates", LABS, labs)) as made:
        assert list(made.rows("labevents_candidates")) == [
            ("Glucose", 50809, "Blood", "Blood Gas"),
            ("Glucose", 51478, "Urine", "Hematology"),
            ("Sodium", 50983, "Blood", "Chemistry"),
        ]
        told = made.tables["labevents_candidates"]
        assert (told.columns, told.rows, told.names) == (("candidate", "itemid", "fluid", "category"), 3, 2)


def test_rows_without_a_name_are_left_out_and_codes_keep_their_types() -> None:
    rows = [
        (None, "A", 9, None),
        ("  ", "B", 9, None),
        ("Cholera ", " A00 ", 10, None),
        ("X", None, 1.5, None),
    ]
    with index(("diagnoses_icd_candidates", ICD, rows)) as made:
        assert list(made.rows("diagnoses_icd_candidates")) == [("Cholera", "A00", 10), ("X", None, 1.5)]


def test_pairs_of_name_and_patient_tell_who_alone_has_a_name() -> None:
    pairs = [("Aspirin", 1), ("Aspirin", 1), ("Heparin", 1), ("Heparin", 2), ("Heparin", 1), ("Warfarin", 2)]
    seen = {
        subject: [
            name
            for (name,) in index(("prescriptions_candidates", DRUGS, pairs), subject=subject).rows(
                "prescriptions_candidates"
            )
        ]
        for subject in (1, 2, 3)
    }
    assert seen == {
        1: ["Heparin", "Warfarin"],
        2: ["Aspirin", "Heparin"],
        3: ["Aspirin", "Heparin", "Warfarin"],
    }


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [(f"Name {n % 40} of {n}", n, n % 3 or None) for n in range(200)]
    columns = ("candidate", "itemid", "only_subject")
    for name in ("first", "second"):
        random.Random(name).shuffle(rows)
        build(tmp_path / name, [("labevents_candidates", columns, rows)]).close()
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_file_answers_like_the_same_names_in_memory(tmp_path: Path) -> None:
    table = "diagnoses_icd_candidates"
    rows = [
        (f"Fracture of {bone}, {side}", f"S{n}", 10, None)
        for n, (bone, side) in enumerate(
            (bone, side) for bone in ("femur", "tibia", "skull") for side in ("left", "right", "unspecified")
        )
    ]
    path = tmp_path / "candidates.sqlite"
    build(path, [(table, ICD, rows)]).close()
    with CandidateIndex.open(path, 1) as stored, index((table, ICD, rows)) as made:
        assert list(stored.rows(table)) == list(made.rows(table))
        for query in ("femur", "left tibia", "broken shin", "S4", "fractur"):
            assert stored.keyword(table, query, 9) == made.keyword(table, query, 9)
            assert stored.fuzzy(table, query, 9) == made.fuzzy(table, query, 9)
            assert stored.similar(table, query, 9) == made.similar(table, query, 9)


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "candidates.sqlite"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        build(path, [])
    assert path.read_text() == "mine"


def test_names_that_sqlite_or_utf8_can_not_hold_are_kept_with_a_mark() -> None:
    names = ["a\x00b", "c\ud800d", "line\nbreak", "Zoë", "\U0001f489 needle"]
    with index(("prescriptions_candidates", DRUGS, [(name, None) for name in names])) as made:
        found = [name for (name,) in made.rows("prescriptions_candidates")]
        assert sorted(found) == sorted(["a\ufffdb", "c\ufffdd", "line\nbreak", "Zoë", "\U0001f489 needle"])
        assert made.keyword("prescriptions_candidates", "line break", 5)[1] == 1
        assert made.exact("prescriptions_candidates", "LINE  BREAK") == [("line\nbreak",)]


def test_members_names_and_other_names_lead_to_the_class() -> None:
    titles = [("Hallux valgus (acquired)", "M201", 10, None), ("Acute appendicitis", "K35", 10, None)]
    classes = [
        ("Acquired foot deformities", "M201", 10, None),
        ("Appendicitis and other appendiceal conditions", "K35", 10, None),
    ]
    tables = [
        ("diagnoses_icd_candidates", ICD, titles),
        ("diagnoses_ccs_candidates", ICD, classes),
    ]
    aliases = {"diagnoses_icd_candidates": lambda row: ["Crooked great toe"] if row[1] == "M201" else []}
    with CandidateIndex(build(None, tables, aliases=aliases), 1) as made:
        for query in ("hallux valgus", "crooked great toe"):
            assert made.similar("diagnoses_ccs_candidates", query, 1)[0][0] == "Acquired foot deformities"
            assert made.similar("diagnoses_icd_candidates", query, 1)[0][0] == "Hallux valgus (acquired)"


def test_every_candidate_table_says_where_its_names_come_from() -> None:
    for name, table in CANDIDATE_TABLES.items():
        assert name.endswith("_candidates")
        assert table.members in ("", *CANDIDATE_TABLES)
        assert table.shown > 0
        assert not (table.from_rows and (table.codes or table.ccs))


@pytest.mark.parametrize("broken", ["other program", "other version", "no database", "missing"])
def test_a_file_that_is_none_of_ours_is_refused_with_the_remedy(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "a b#?%.sqlite"
    if broken == "no database":
        path.write_bytes(b"x" * 5000)
    elif broken == "other program":
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE t (x)")
        other.close()
    elif broken == "other version":
        made = build(path, [])
        made.execute("PRAGMA user_version = 999")
        made.close()
    with pytest.raises(InputError, match="ingest again") as raised:
        CandidateIndex.open(path, 1)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_opened_file_is_only_read_and_needs_no_writable_folder(tmp_path: Path) -> None:
    path = tmp_path / "a b#?%.sqlite"
    build(path, [("prescriptions_candidates", DRUGS, [("Aspirin", None)])]).close()
    before = path.read_bytes()
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with CandidateIndex.open(path, 1) as opened:
            assert opened.similar("prescriptions_candidates", "aspirin", 1) == [("Aspirin", 1.0)]
        assert [item.name for item in tmp_path.iterdir()] == [path.name]
    finally:
        tmp_path.chmod(0o700)
    assert path.read_bytes() == before


def test_of_a_class_with_many_codes_a_few_rows_are_shown_and_all_can_be_had() -> None:
    table = "diagnoses_icd_candidates"
    rows = [("Burn", f"T{n}", 10, None) for n in range(30)] + [("BURN", "948", 9, None)]
    with index((table, ICD, rows)) as made:
        few = sorted(row[:3] for row in rows[:30])[: CANDIDATE_TABLES[table].shown]
        assert made.shown(table, "Burn") == few
        assert made.shown(table, "burn") == []
        assert len(made.exact(table, "burn")) == 31
