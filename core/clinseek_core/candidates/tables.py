"""Which candidate tables there are, and where their names come from."""

from __future__ import annotations

import msgspec

__all__ = ["CANDIDATE_TABLES", "CandidateTable"]


class CandidateTable(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate table: the table and column its names come from, and the codes that go with a name."""

    source: str
    column: str
    codes: tuple[str, ...] = ()
    where: str = ""
    """An SQL condition on the source's rows; empty for all of them."""
    from_rows: bool = False
    """Names in patients' rows, each with the only patient who has it, instead of a dictionary's lines."""
    ccs: bool = False
    """Names of the CCS classes, from the user's HCUP files; `source` is the dictionary of their codes."""
    members: str = ""
    """The candidate table whose names, by the same codes, are other names for this table's classes."""
    shown: int = 20
    """How many of a name's rows a search shows: a class has hundreds of codes, a laboratory test a few."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns as a model sees them."""
        return ("candidate", *self.codes)


_ICD = ("icd_code", "icd_version")

CANDIDATE_TABLES = {
    "diagnoses_icd_candidates": CandidateTable(
        source="d_icd_diagnoses", column="long_title", codes=_ICD, shown=5
    ),
    "procedures_icd_candidates": CandidateTable(
        source="d_icd_procedures", column="long_title", codes=_ICD, shown=5
    ),
    "diagnoses_ccs_candidates": CandidateTable(
        source="d_icd_diagnoses",
        column="ccs",
        codes=_ICD,
        ccs=True,
        members="diagnoses_icd_candidates",
        shown=1,
    ),
    "procedures_ccs_candidates": CandidateTable(
        source="d_icd_procedures",
        column="ccs",
        codes=_ICD,
        ccs=True,
        members="procedures_icd_candidates",
        shown=1,
    ),
    "labevents_candidates": CandidateTable(
        source="d_labitems", column="label", codes=("itemid", "fluid", "category")
    ),
    "icu_items_candidates": CandidateTable(
        source="d_items", column="label", codes=("itemid", "linksto", "category")
    ),
    "microbiologyevents_candidates": CandidateTable(
        source="microbiologyevents", column="test_name", from_rows=True
    ),
    "radiology_candidates": CandidateTable(
        source="radiology_detail", column="field_value", where="field_name = 'exam_name'", from_rows=True
    ),
    "transfers_candidates": CandidateTable(
        source="transfers", column="careunit", where="eventtype = 'transfer'", from_rows=True
    ),
    "prescriptions_candidates": CandidateTable(source="prescriptions", column="drug", from_rows=True),
}
