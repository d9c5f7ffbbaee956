"""What candidate search answers, whatever it is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from clinseek_core.candidates import CandidateIndex, build

TABLE = "diagnoses_icd_candidates"
LABS = "labevents_candidates"
ICD = ("candidate", "icd_code", "icd_version", "only_subject")
TITLES = [
    "Acute myocardial infarction",
    "Acute myocardial infarction, unspecified",
    "Old myocardial infarction",
    "Heart failure",
    "Heart failure, unspecified",
    "Left heart failure",
    "Failure of heart transplant",
    "Fracture of unspecified part of neck of left femur",
    "Fracture of shaft of femur",
    "Calculus of kidney",
    "Type 2 diabetes mellitus without complications",
    "Type 2 diabetes mellitus with ketoacidosis without coma",
    "Chronic obstructive pulmonary disease with (acute) exacerbation",
    "Urinary tract infection, site not specified",
    "Pneumonia, unspecified organism",
    "Anemia, unspecified",
    "Oral mucositis",
    "Hyperkalemia",
    "Hypokalemia",
    "Esophageal varices with bleeding",
    "Esophageal varices without bleeding",
]


@pytest.fixture(scope="module")
def index() -> CandidateIndex:
    rows: list[tuple[Any, ...]] = [
        (title, f"X{n:02}.1".replace(".", ""), 10, None) for n, title in enumerate(TITLES)
    ]
    labs = [("Glucose", n, fluid, "Chemistry", None) for n, fluid in enumerate(("Blood", "Urine", "Ascites"))]
    labs += [("Urea Nitrogen", 7, "Blood", "Chemistry", None), ("Hemoglobin", 8, "Blood", "Hematology", None)]
    tables: list[Any] = [
        (TABLE, ICD, rows),
        (LABS, ("candidate", "itemid", "fluid", "category", "only_subject"), labs),
    ]
    return CandidateIndex(build(None, tables), 1)


def names(found: tuple[list[tuple[Any, ...]], int]) -> list[str]:
    return [row[0] for row in found[0]]


def test_keyword_gives_the_equal_name_first_then_the_phrase_then_scattered_words(
    index: CandidateIndex,
) -> None:
    found = index.keyword(TABLE, "heart failure", 10)
    assert names(found) == [
        "Heart failure",
        "Heart failure, unspecified",
        "Left heart failure",
        "Failure of heart transplant",
    ]
    assert found[1] == 4


def test_keyword_finds_codes_with_or_without_their_dot_and_words_within_words(index: CandidateIndex) -> None:
    assert names(index.keyword(TABLE, "x09.1", 5)) == ["Calculus of kidney"]
    assert names(index.keyword(TABLE, "X091", 5)) == ["Calculus of kidney"]
    assert names(index.keyword(TABLE, "kalemia", 5)) == ["Hypokalemia", "Hyperkalemia"]


def test_keyword_shows_all_rows_of_a_laboratory_name_and_counts_names(index: CandidateIndex) -> None:
    rows, total = index.keyword(LABS, "glucose chemistry", 1)
    assert rows == [
        ("Glucose", 0, "Blood", "Chemistry"),
        ("Glucose", 1, "Urine", "Chemistry"),
        (
            "Glucose",
            2,
            "Ascites",
            "Chemistry",
        ),
    ]
    assert total == 1


@settings(max_examples=80, deadline=None)
@given(query=st.text(st.sampled_from("ace finuHo, 2(x0"), min_size=1, max_size=9))
def test_keyword_answers_like_plain_substrings(index: CandidateIndex, query: str) -> None:
    words = query.lower().split()
    expected = {
        title
        for n, title in enumerate(TITLES)
        if words and all(word in title.lower() or word in f"x{n:02}1" or word in "10" for word in words)
    }
    rows, total = index.keyword(TABLE, query, 100)
    assert {row[0] for row in rows} == expected
    assert total == len(expected)


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 7), query=st.sampled_from(["e", "of", "unspecified", "acute"]))
def test_pages_of_a_keyword_search_join_to_the_whole(index: CandidateIndex, limit: int, query: str) -> None:
    whole, total = index.keyword(TABLE, query, 100)
    pages = [index.keyword(TABLE, query, limit, offset)[0] for offset in range(0, total, limit)]
    assert [row for page in pages for row in page] == whole


@settings(max_examples=80, deadline=None)
@given(query=st.text(st.sampled_from("acdefhilortu y,2"), max_size=30), limit=st.integers(1, 30))
def test_fuzzy_gives_what_comparing_every_name_gives(index: CandidateIndex, query: str, limit: int) -> None:
    asked = " ".join(query.split())
    scored = [(title, round(fuzz.ratio(asked, title.lower()), 1)) for title in TITLES]
    best = sorted(
        (pair for pair in scored if pair[1] > 0), key=lambda pair: (-pair[1], len(pair[0]), pair[0].lower())
    )
    found = index.fuzzy(TABLE, query, limit)
    assert [score for _, score in found] == pytest.approx([score for _, score in best[:limit]], abs=0.11)
    assert all(dict(scored)[name] == pytest.approx(score, abs=0.11) for name, score in found)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("heart attack", "Acute myocardial infarction"),
        ("had a heart attack", "Acute myocardial infarction"),
        ("miocardial infarktion", "Acute myocardial infarction"),
        ("MI", "Acute myocardial infarction"),
        ("kidney stones", "Calculus of kidney"),
        ("broken hip", "Fracture of unspecified part of neck of left femur"),
        ("thigh bone broken", "Fracture of shaft of femur"),
        ("copd flare", "Chronic obstructive pulmonary disease with (acute) exacerbation"),
        ("uti", "Urinary tract infection, site not specified"),
        ("anaemia", "Anemia, unspecified"),
        ("pnuemonia", "Pneumonia, unspecified organism"),
        ("low potassium", "Hypokalemia"),
        ("bleeding esophageal varices", "Esophageal varices with bleeding"),
        ("failing hearts", "Heart failure"),
        ("t2dm", "Type 2 diabetes mellitus without complications"),
    ],
)
def test_meaning_is_found_in_lay_words_abbreviations_misspellings_and_word_forms(
    index: CandidateIndex, query: str, name: str
) -> None:
    assert index.similar(TABLE, query, 3)[0][0] == name


def test_short_laboratory_names_are_found(index: CandidateIndex) -> None:
    found = {query: index.similar(LABS, query, 1)[0][0] for query in ("BUN", "Hgb", "blood sugar", "sugar")}
    assert found == {
        "BUN": "Urea Nitrogen",
        "Hgb": "Hemoglobin",
        "blood sugar": "Glucose",
        "sugar": "Glucose",
    }


def test_a_name_asked_for_in_its_own_words_scores_one_and_comes_first(index: CandidateIndex) -> None:
    for title in TITLES:
        assert index.similar(TABLE, title.upper(), 1) == [(title, 1.0)]


@settings(max_examples=60, deadline=None)
@given(query=st.lists(st.sampled_from(" ".join(TITLES).lower().split()), max_size=6).map(" ".join))
def test_scores_fall_and_stay_between_0_and_1(index: CandidateIndex, query: str) -> None:
    found = index.similar(TABLE, query, 20)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert len({name for name, _ in found}) == len(found)


HOSTILE = [
    "",
    " \t\n",
    "\x00",
    "\ud800 heart \udfff",
    '"heart" AND NEAR(failure) OR * -x ^y {a b}: (',
    "' OR 1=1 --",
    "(PORTABLE",
    "a" * 100_000,
    "heart " * 20_000,
    "x y " * 30_000,
    "ﬁ ß İ ǅ",
    "心臓 발작 инфаркт",
    "\u202e\u200b\ufeff",
    "%_*?[",
    "1.5e309 -0 NaN",
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_gets_an_answer(index: CandidateIndex, query: str) -> None:
    for table in (TABLE, LABS):
        json.dumps(index.keyword(table, query, 5))
        json.dumps(index.exact(table, query))
        json.dumps(index.fuzzy(table, query, 5))
        json.dumps(index.similar(table, query, 5))


@settings(max_examples=100, deadline=None)
@given(query=st.text(st.characters(), max_size=40), limit=st.integers(-2, 5), offset=st.integers(-2, 5))
def test_any_text_gets_an_answer_and_the_same_one_again(
    index: CandidateIndex, query: str, limit: int, offset: int
) -> None:
    def answer() -> list[Any]:
        return [
            index.keyword(TABLE, query, limit, offset),
            index.exact(TABLE, query),
            index.fuzzy(TABLE, query, limit),
            index.similar(TABLE, query, limit),
        ]

    assert answer() == answer()


def test_a_table_without_names_answers_with_none() -> None:
    with CandidateIndex(build(None, [(TABLE, ICD, [])]), 1) as empty:
        assert empty.keyword(TABLE, "heart", 5) == ([], 0)
        assert (
            empty.exact(TABLE, "heart")
            == empty.fuzzy(TABLE, "heart", 5)
            == empty.similar(TABLE, "x", 5)
            == []
        )


def test_another_process_gives_the_same_bytes(index: CandidateIndex, tmp_path: Path) -> None:
    path = tmp_path / "candidates.sqlite"
    build(path, [(TABLE, ICD, [(*row, None) for row in index.rows(TABLE)])]).close()
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom clinseek_core.candidates import CandidateIndex\n"
        "with CandidateIndex.open(Path(sys.argv[1]), 1) as index:\n"
        "    t = 'diagnoses_icd_candidates'\n"
        "    print(json.dumps([[index.keyword(t, q, 9), index.fuzzy(t, q, 9), index.similar(t, q, 9)]"
        " for q in ('heart attack', 'fractur femr', 'e', 'sugar')]))\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
