"""Candidate tables: the names an answer may use, made from the user's own data, and how to search them."""

from clinseek_core.candidates.build import Aliases, SourceTable, build
from clinseek_core.candidates.index import CandidateIndex, CandidateList
from clinseek_core.candidates.tables import CANDIDATE_TABLES, CandidateTable

__all__ = [
    "CANDIDATE_TABLES",
    "Aliases",
    "CandidateIndex",
    "CandidateList",
    "CandidateTable",
    "SourceTable",
    "build",
]
