"""Small MIMIC-IV trees made in a test, and worlds that agree on everything known at a cutoff."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.record import Record, Relation
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.source import Tree, attach_record
from clinseek_core.ehr.visible import open_snapshot, take_snapshot
from clinseek_core.mimic import table, tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_fixtures import world_path

Rows = list[dict[str, Any]]
SUBJECT = 90000001


@pytest.fixture
def write_tree(tmp_path: Path) -> Callable[..., Path]:
    """Write a tree of the given tables; a patient row is added where none is given."""

    def write(**tables: Rows) -> Path:
        tables.setdefault("patients", [{"gender": "F", "anchor_age": 70, "anchor_year": 2150}])
        for name, rows in tables.items():
            info = table(name)
            folder = tmp_path / "tree" / info.module
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{info.file}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, [column.name for column in info.columns], restval="")
                writer.writeheader()
                subject = {"subject_id": SUBJECT} if info.kind == "patient" else {}
                writer.writerows([subject | row for row in rows])
        return tmp_path / "tree"

    return write


@pytest.fixture
def known_at(write_tree: Callable[..., Path]) -> Callable[..., Snapshot]:
    """The snapshot of a small tree at a time, under a policy."""

    def take(cutoff: str, policy: dict[str, Any] | None = None, **tables: Rows) -> Snapshot:
        root = write_tree(**tables)
        return open_snapshot(root, SUBJECT, datetime.fromisoformat(cutoff), Policy(**(policy or {})))

    return take


class Worlds:
    """Twins of one patient's dated record that agree on every cell known at a cutoff, and on nothing else."""

    def __init__(self, root: Path, subject_id: int, folder: Path) -> None:
        self.subject_id = subject_id
        self._folder = folder
        con = attach_record()
        self._references = Tree(root).record(con, subject_id, lambda _: None).references
        self.moments: list[datetime] = _moments(con)
        """Every time at which something became known: the boundaries that a cutoff can hit."""
        for name in CONTRACT:
            con.execute(f"COPY dated.{name} TO '{folder}/{subject_id}-{name}.parquet'")
        con.close()

    def ask(self, question: str, name: str) -> datetime:
        """A time in the dated record of one table, future included: where a test sets its cutoff."""
        record = f"read_parquet('{self._folder}/{self.subject_id}-{name}.parquet')"
        (answer,) = duckdb.connect().execute(f"SELECT {question} FROM {record}").fetchone() or (None,)
        assert isinstance(answer, datetime), (question, name)
        return answer

    def take(
        self,
        cutoff: datetime,
        policy: Policy,
        change: str = "same",
        broken: str = "",
    ) -> Snapshot:
        """The snapshot at `cutoff` of a world whose future was changed, under a contract broken by SQL."""
        con = attach_record()
        con.execute("CREATE SCHEMA dated")
        for name in CONTRACT:
            con.execute(
                f"CREATE TABLE dated.{name} AS FROM '{self._folder}/{self.subject_id}-{name}.parquet'"
            )
        for name in CONTRACT:
            if change != "same" and tables()[name].kind == "patient":
                _change_future(con, name, cutoff, policy, CHANGES[change])
        if broken:
            con.execute(broken)
        record = Record({name: Relation(f"dated.{name}") for name in CONTRACT}, self._references, ())
        return take_snapshot(con, record, self.subject_id, cutoff, policy)


# How an unknown cell `x` of each type is changed; None deletes it.
CHANGES: dict[str, dict[str, str] | None] = {
    "delete": None,
    "canary": {
        "VARCHAR": "'CANARY'",
        "BIGINT": "987654321",
        "INTEGER": "987654321",
        "SMALLINT": "98",
        "DOUBLE": "987654.321",
        "DATE": "DATE '2199-09-09'",
        "later TIMESTAMP": "x + INTERVAL 1 DAY",
    },
    "permute": {
        "VARCHAR": "reverse(x)",
        "BIGINT": "x + 1",
        "INTEGER": "x + 1",
        "DOUBLE": "-x",
        "TIMESTAMP": "x + INTERVAL 3 DAY",
    },
}


def _moments(con: duckdb.DuckDBPyConnection) -> list[datetime]:
    columns = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'dated'"
        " AND (column_name IN ('known_at', 'happened_at') OR column_name LIKE '%@known')"
    ).fetchall()
    found = {
        row[0]
        for name, column in columns
        for row in con.execute(f'SELECT DISTINCT "{column}" FROM dated.{name}').fetchall()
        if row[0] is not None and row[0].year > 1
    }
    return sorted(found)


def _change_future(
    con: duckdb.DuckDBPyConnection, name: str, cutoff: datetime, policy: Policy, change: dict[str, str] | None
) -> None:
    """Change every row and cell of a table that is not known at the cutoff, and what is never shown."""
    rule = CONTRACT[name]
    known = f"{'<=' if policy.boundary == 'inclusive' else '<'} TIMESTAMP '{cutoff}'"
    clock = "happened_at" if policy.basis == "event" and rule.event else "known_at"
    unknown_row = f"NOT coalesce({clock} {known}, FALSE)"
    if change is None:
        con.execute(f"DELETE FROM dated.{name} WHERE {unknown_row}")
    cells = []
    for column in tables()[name].columns:
        if column.role == "subject" or (name == "patients" and column.name.startswith("anchor_")):
            continue
        cell = f'"{column.name}"'
        where, kind = unknown_row, column.type
        if column.name in rule.later:
            kind = f"later {kind}" if f"later {kind}" in (change or ()) else kind
            where += f' OR NOT coalesce("{column.name}@known" {known}, FALSE)'
        if column.name in (*rule.never, *rule.counters):
            where = "TRUE"
        new = "NULL" if change is None else re.sub(r"\bx\b", cell, change.get(kind, "x"))
        if column.name in rule.counters:
            new = f"{cell} - 1000"
        cells.append(f"{cell} = CASE WHEN {where} THEN {new} ELSE {cell} END")
    con.execute(f"UPDATE dated.{name} SET {', '.join(cells)}")
    if rule.pending:
        con.execute(
            f"UPDATE dated.{name} SET superseded_at = NULL WHERE NOT coalesce(superseded_at {known}, FALSE)"
        )
    if change is not None:
        con.execute(f"INSERT INTO dated.{name} SELECT * FROM dated.{name} WHERE {unknown_row}")


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Worlds]:
    """The bundled patients' worlds, each read and dated once."""

    @cache
    def of(subject_id: int) -> Worlds:
        return Worlds(world_path(), subject_id, tmp_path_factory.mktemp("worlds"))

    return of
