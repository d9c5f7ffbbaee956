"""Runs beside each other share nothing that one could see from another: each answers as if it were alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from generated_calls import Call, made_call
from two_worlds import answers_to

from clinseek_core.candidates import CANDIDATE_TABLES, CandidateIndex
from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.tools.ehr import EhrTools
from clinseek_fixtures import world_store_path

PATIENTS = (90000001, 90000002, 90000003)


@dataclass(frozen=True)
class Run:
    """Whose record is open, as of when and under which policy."""

    subject_id: int
    cutoff: datetime
    policy: Policy = Policy()  # noqa: RUF009 - it is frozen

    @property
    def calls(self) -> list[Call]:
        """Calls that read, fill and search all that runs could share; the last are made from a seed."""
        asked = [
            ("ehr.load_ehr", {"subject_id": str(self.subject_id), "timestamp": str(self.cutoff)}),
            ("ehr.get_latest_records", {"table_name": "labevents", "limit": 5}),
            *(("ehr.run_sql_query", {"sql_query": sql}) for sql in STATEMENTS),
            *(
                (f"ehr.get_candidates_by_{how}", {"table_name": table, word: "heparin"})
                for how, word in SEARCHES.items()
                for table in ("prescriptions_candidates", "labevents_candidates")
            ),
        ]
        random = Random(self.subject_id)
        return asked + [made_call(random, self.cutoff) for _ in range(20)]


STATEMENTS = (
    "SELECT subject_id, gender, age, now() FROM patients",
    "SELECT count(*), min(hadm_id), max(known_at) FROM admissions",
    "SELECT * FROM prescriptions_candidates ORDER BY ALL",
    "SELECT * FROM d_labitems ORDER BY ALL LIMIT 3",
    "CREATE TABLE seen_by_others AS SELECT 1",
    "SELECT * FROM seen_by_others",
    "SET VARIABLE seen = 1",
    "SELECT getvariable('seen')",
    "PREPARE seen AS SELECT 1",
    "SELECT count(*) FROM range(100000) a, range(50) b",
    "SELECT table_name FROM duckdb_tables()",
)
SEARCHES = {"keyword": "keyword", "fuzzy_matching": "keywords", "semantic_similarity": "query"}
RUNS = (
    Run(90000001, datetime(2150, 3, 2, 12)),
    Run(90000001, datetime(2150, 3, 4), Policy(basis="event")),
    Run(90000002, datetime(2151, 1, 1)),
    Run(90000003, datetime(2151, 1, 1), Policy(basis="upstream")),
)


@pytest.fixture(scope="module")
def store() -> Path:
    """The bundled patients as a store."""
    return world_store_path()


Do = Callable[[Any, Callable[[], Any]], Any]
"""Does something with the first; where it calls the second, it waits for those beside it."""


def together(do: Do, each: tuple[Any, ...]) -> list[Any]:
    barrier = threading.Barrier(len(each))
    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(lambda one: do(one, lambda: barrier.wait(120)), each))


def alone(do: Do, each: tuple[Any, ...]) -> list[Any]:
    return [do(one, lambda: None) for one in each]


def test_sessions_answer_as_if_they_were_alone(store: Path) -> None:
    def answers(run: Run, wait: Callable[[], Any]) -> tuple[Any, ...]:
        wait()
        with EhrSession(store, run.subject_id, run.cutoff, run.policy) as session:
            found = []
            for number, call in enumerate(run.calls):
                wait()
                if number == run.subject_id % 10:
                    # Its worker is gone, and comes back with the next call.
                    session.close()
                found += answers_to(session.call, [call])
            return (session.digest, session.notices, *found)

    assert together(answers, RUNS) == alone(answers, RUNS)


def test_snapshots_of_one_process_answer_as_if_they_were_alone(store: Path) -> None:
    def answers(run: Run, wait: Callable[[], Any]) -> tuple[Any, ...]:
        wait()
        snapshot = open_snapshot(store, run.subject_id, run.cutoff, run.policy)
        tools, found = EhrTools(snapshot), []
        for call in run.calls:
            wait()
            found += answers_to(tools.call, [call])
        digest = snapshot.digest()
        snapshot.close()
        return (digest, *found)

    assert together(answers, RUNS) == alone(answers, RUNS)


def test_candidate_tables_of_different_patients_do_not_mix(store: Path) -> None:
    def answers(subject_id: int, wait: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        with CandidateIndex.open(store / "candidates.sqlite", subject_id) as index:
            for table in CANDIDATE_TABLES:
                wait()
                found += [
                    list(index.rows(table)),
                    index.keyword(table, "a", 5),
                    index.similar(table, "heart", 5),
                ]
        return found

    everyone = (*PATIENTS, PATIENTS[0])
    first, second, third, again = together(answers, everyone)
    assert [first, second, third, again] == alone(answers, everyone)
    assert first == again
    # What a patient alone has is a candidate for the others only.
    assert first != second != third != first
