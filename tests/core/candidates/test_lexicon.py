"""The lexicon is a table that can be read and whose every line does something."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from clinseek_core.candidates.lexicon import key, meanings
from clinseek_core.candidates.reading import readings
from clinseek_core.candidates.wording import stem, terms, words

LINES = (files("clinseek_core.candidates") / "lexicon.tsv").read_text(encoding="utf-8").splitlines()
KINDS = {
    "same",
    "synonym",
    "lay",
    "abbreviation",
    "procedure",
    "word",
    "lab",
    "item",
    "place",
    "brand",
    "drugs",
}


def test_lines_have_a_known_kind_words_and_what_they_mean() -> None:
    assert LINES[0] == "kind\twords\tmeans"
    for line in LINES[1:]:
        kind, entries, means = line.split("\t")
        assert kind in KINDS, line
        assert all(words(part) for cell in (entries, means) for part in cell.split("|")), line
        assert line.isascii(), line
        assert line == line.lower(), line
        assert kind != "same" or "|" not in means, line


def test_no_line_says_only_itself_and_none_is_said_twice() -> None:
    assert [line for line, count in Counter(LINES).items() if count > 1] == []
    for line in LINES[1:]:
        _, entries, means = line.split("\t")
        assert entries != means, line


def test_entries_are_found_whatever_the_order_and_form_of_their_words() -> None:
    assert key(words("stones in the kidney")) == key(words("kidney stone"))
    assert key(words("taking out the gallbladder")) == key(words("gallbladder removed"))
    assert ("myocardial", "infarction") in meanings()[key(words("a heart attack"))].names


def test_a_query_is_read_as_it_is_first_and_in_clinical_words_next() -> None:
    found = readings("the heart attack", known={"heart", "attack"}, vocabulary=[])
    assert found[0] == ((("heart",), ("attack",)), 1.0)
    assert (("myocardial", "infarction"),) in [slots for slots, _ in found]


def test_a_word_that_no_dictionary_has_is_read_as_the_nearest_ones() -> None:
    found = readings("pnuemonia", known={"pneumonia"}, vocabulary=["ammonia", "anemia", "pneumonia"])
    assert found[1][0] == (("pneumonia",),)
    known = readings("hypotension", known={"hypotension"}, vocabulary=["hypertension"])
    assert all("hypertension" not in slot for slots, _ in known for slot in slots)


@pytest.mark.parametrize(
    "forms",
    [
        "fracture fractures fractured",
        "infection infections infected infectious infective",
        "diabetes diabetic",
        "anemia anaemia anemic",
        "thrombosis thromboses thrombotic",
        "ulcer ulcers ulcerative ulceration ulcerated",
        "obstruction obstructive obstructed",
        "allergy allergic allergies",
        "hypoxia hypoxic",
        "edema oedema",
        "hemorrhage haemorrhage hemorrhages",
        "esophageal oesophageal",
    ],
)
def test_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(word) for word in forms.split()}) == 1


@pytest.mark.parametrize(
    "pair", ["creatine creatinine", "hypertension hypotension", "ileum ilium", "hyperkalemia hypokalemia"]
)
def test_words_that_only_look_alike_keep_different_stems(pair: str) -> None:
    first, second = pair.split()
    assert stem(first) != stem(second)


def test_what_is_told_absent_is_another_term() -> None:
    assert terms(words("without mention of complication"))[-1] != terms(words("with complication"))[-1]
