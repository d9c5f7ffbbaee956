"""Inclusion terms of ICD-10-CM as other names of diagnoses."""

from __future__ import annotations

import sys

import pytest

from clinseek_core.candidates.terms import inclusion_terms
from clinseek_core.errors import InputError


def test_codes_have_their_terms_and_unspecified_forms_those_of_their_category() -> None:
    pytest.importorskip("simple_icd_10_cm", reason="the extra `terms` is not installed")
    terms = inclusion_terms()
    assert "Renal stone" in terms(("Calculus of kidney", "N200", 10))
    assert "high blood pressure" in terms(("Essential (primary) hypertension", "I10", 10))
    assert "cardiac infarction" in terms(("Acute myocardial infarction, unspecified", "I219", 10))
    assert terms(("Unspecified essential hypertension", "I10", 9)) == ()
    assert terms(("no such code", "ZZZ", 10)) == terms(("no code", None, None)) == ()


def test_a_missing_package_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simple_icd_10_cm", None)
    with pytest.raises(InputError, match=r'pip install "clinseek-tui\[terms\]"'):
        inclusion_terms()
