"""Candidate tables: the names an answer may use, and how to search them.

They come from the data's dictionaries and from the rows of *other* patients, so that they are the same
whatever this patient's future holds.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = ["CANDIDATE_TABLES", "CandidateIndex", "CandidateTable"]

_RANK_CONSTANT = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher, SIGIR 2009)."""
_POOL = 200


class CandidateTable(msgspec.Struct, frozen=True):
    """A candidate table: the table and column its names come from, and the codes that go with a name."""

    source: str
    column: str
    codes: tuple[str, ...] = ()
    from_rows: bool = False
    """Distinct values in the rows of other patients, instead of a dictionary's lines."""


CANDIDATE_TABLES = {
    "diagnoses_icd_candidates": CandidateTable("d_icd_diagnoses", "long_title", ("icd_code", "icd_version")),
    "procedures_icd_candidates": CandidateTable(
        "d_icd_procedures", "long_title", ("icd_code", "icd_version")
    ),
    "labevents_candidates": CandidateTable("d_labitems", "label", ("itemid", "fluid", "category")),
    "icu_items_candidates": CandidateTable("d_items", "label", ("itemid", "linksto", "category")),
    "microbiologyevents_candidates": CandidateTable("microbiologyevents", "test_name", from_rows=True),
    "transfers_candidates": CandidateTable("transfers", "careunit", from_rows=True),
    "prescriptions_candidates": CandidateTable("prescriptions", "drug", from_rows=True),
}


class CandidateIndex:
    """A lexical index over the names of one candidate table: stemmed words, and runs of three letters."""

    def __init__(self, names: Iterable[str]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE VIRTUAL TABLE words USING fts5(name, tokenize = 'porter unicode61')")
        self._db.execute("CREATE VIRTUAL TABLE runs USING fts5(name, tokenize = 'trigram')")
        rows = [(number, name) for number, name in enumerate(names)]
        for table in ("words", "runs"):
            self._db.executemany(f"INSERT INTO {table}(rowid, name) VALUES (?, ?)", rows)

    def search(self, query: str, limit: int) -> list[tuple[str, float]]:
        """The nearest names with a score in 0 to 1: the two rankings, fused by reciprocal rank."""
        scores: dict[str, float] = {}
        for table, terms in (("words", _words(query)), ("runs", _runs(query))):
            for rank, name in enumerate(self._ranked(table, terms), 1):
                scores[name] = scores.get(name, 0.0) + 1 / (_RANK_CONSTANT + rank)
        best = 2 / (_RANK_CONSTANT + 1)
        ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return [(name, round(score / best, 3)) for name, score in ordered[:limit]]

    def _ranked(self, table: str, terms: list[str]) -> list[str]:
        if not terms:
            return []
        match = " OR ".join(f'"{term}"' for term in terms)
        sql = f"SELECT name FROM {table} WHERE {table} MATCH ? ORDER BY rank, name LIMIT {_POOL}"
        return [name for (name,) in self._db.execute(sql, [match])]


def _words(query: str) -> list[str]:
    return re.findall(r"\w+", query.lower())[:40]


def _runs(query: str) -> list[str]:
    runs: dict[str, Any] = {}
    for word in _words(query):
        runs |= dict.fromkeys(word[start : start + 3] for start in range(len(word) - 2))
    return list(runs)[:120]
