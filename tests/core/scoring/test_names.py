import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.scoring import folded
from clinseek_core.scoring.names import folded_in_place

SAME = {
    "case": ("HEPARIN", "heparin"),
    "blanks": ("  heart \n failure", "Heart Failure"),
    "signs between words": ("Piperacillin-Tazobactam", "piperacillin/tazobactam"),
    "a full stop at the end": ("Sepsis.", "sepsis"),
    "an apostrophe of either kind": ("Alzheimer's", "Alzheimer\u2019s"),
    "wide letters": ("Ｈｅｐａｒｉｎ", "heparin"),
    "a sharp s": ("STRASSE", "straße"),
    "accents in one or two characters": ("caf\u00e9", "cafe\u0301"),
    "a sign that stands alone or not": ("K +", "K+"),
}
DIFFERENT = {
    "above and below": ("> 0.5", "< 0.5"),
    "an ion and a letter": ("K+", "K"),
    "digits parted and not": ("1.5", "15"),
    "accents are kept": ("café", "cafe"),
    "only punctuation": ("-", "--"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_these_are_the_same_name(one, other):
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_these_are_different_names(one, other):
    assert folded(one) != folded(other)


@given(st.text())
def test_a_normal_form_is_its_own(name):
    assert folded(folded(name)) == folded(name)


@given(st.text())
def test_how_a_text_is_composed_makes_no_difference(name):
    forms = {folded(unicodedata.normalize(form, name)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1


@given(st.text(st.characters(max_codepoint=127)))
def test_in_place_every_character_stays_where_it_was(text):
    plain = folded_in_place(text)
    assert len(plain) == len(text)
    assert plain.replace(" ", "") == "".join(c for c in text.lower() if c.isalnum() or c in "<>+")
