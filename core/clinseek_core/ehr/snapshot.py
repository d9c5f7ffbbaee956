"""The snapshot as the tools see it: tables, our queries and a model's, on a locked in-memory database."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.ehr.candidates import CANDIDATE_TABLES
from clinseek_core.ehr.sandbox import Vocabulary, checked, vocabulary
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.mimic import TableInfo, tables
from clinseek_core.mimic.contract import CONTRACT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RowOrigins", "Rows", "Snapshot", "SnapshotTable", "event_clock"]


class SnapshotTable(msgspec.Struct, frozen=True):
    """A table of the snapshot: its columns in order, and how many rows it holds."""

    name: str
    columns: tuple[str, ...]
    rows: int
    clock: str = ""
    """The SQL expression that says when a row happened, else when it became known; empty for no time."""
    dictionary: bool = False


class RowOrigins(msgspec.Struct, frozen=True):
    """The rows of one table behind an answer: per row a rowid, None where an outer join found none."""

    table: str
    rowids: tuple[int | None, ...]


class Rows(msgspec.Struct, frozen=True):
    """Rows of an answer, as JSON can carry them; `more` where the query had rows beyond them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    origins: tuple[RowOrigins, ...] = ()
    """One per table of a model's plain SELECT; empty where an answer's row is not one row of the record."""
    notes: tuple[str, ...] = ()
    """What the reader must know of how a model's query was read."""


class Snapshot:
    """A locked database that holds nothing but what was known; made by `take_snapshot`."""

    def __init__(self, con: DuckDBPyConnection, subject_id: int, cutoff: datetime, policy: Policy) -> None:
        self.subject_id = subject_id
        self.cutoff = cutoff
        self.policy = policy
        self.notices: tuple[str, ...] = ()
        """What was noticed in the source: columns left out, cells of the wrong type."""
        self._con = con
        self.tables = {table.name: table for table in _tables(con)}
        self._words: Vocabulary = vocabulary(con, self.tables)

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run a query of ours; `sql` is never made from data."""
        self._con.execute(sql, list(parameters))
        return _fetch(self._con, None)

    def select_untrusted(self, sql: str, limit: int) -> Rows:
        """Run a query of a model's, at most `limit` rows of it.

        Raises RefusedError, or duckdb.Error as the query deserves.
        """
        statement = checked(self._con, sql, self._words)
        with self._read_only():
            self._con.execute(statement)
            # The Python client needs a time zone package to fetch such a column; its text needs nothing.
            if any("TIME ZONE" in str(column[1]) for column in self._con.description or ()):
                self._con.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({statement})")
            return _fetch(self._con, limit)

    def digest(self) -> str:
        """SHA-256 over every visible cell of the patient's tables, in order."""
        per_table = [
            "SELECT sha256(coalesce(string_agg(to_json(t)::VARCHAR, chr(10)), '')) AS d"
            f" FROM {quoted(name)} t"
            for name, table in self.tables.items()
            if not table.dictionary
        ]
        row = self._con.execute(
            f"SELECT sha256(string_agg(d, '')) FROM ({' UNION ALL '.join(per_table)})"
        ).fetchone()
        return str(row[0]) if row else ""

    def close(self) -> None:
        """Let the database go."""
        self._con.close()

    @contextlib.contextmanager
    def _read_only(self) -> Iterator[None]:
        self._con.execute("BEGIN TRANSACTION READ ONLY")
        try:
            yield
        finally:
            self._con.execute("ROLLBACK")


def event_clock(info: TableInfo) -> str:
    """The row's own time, its date where the time is missing; for orders the planned time."""
    dated = [column for column in info.columns if column.type in {"TIMESTAMP", "DATE"}]
    columns = [c for c in dated if c.role == "event"] or [c for c in dated if c.role == "plan"]
    columns.sort(key=lambda column: "date" in column.name.lower())
    if len(columns) < 2:
        return "".join(quoted(column.name) for column in columns)
    return f"coalesce({', '.join(f'{quoted(column.name)}::TIMESTAMP' for column in columns)})"


def _tables(con: DuckDBPyConnection) -> Iterator[SnapshotTable]:
    for name in (*CONTRACT, *CANDIDATE_TABLES):
        columns = con.execute(f"SELECT * FROM {name} LIMIT 0").description or ()
        (rows,) = con.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,)
        info = tables().get(name)
        names = tuple(str(column[0]) for column in columns)
        clock = (event_clock(info) if info else "") or ("known_at" if "known_at" in names else "")
        yield SnapshotTable(name, names, rows, clock, info is None or info.kind == "dictionary")


def _fetch(con: DuckDBPyConnection, limit: int | None) -> Rows:
    columns = tuple(str(column[0]) for column in con.description or ())
    found = con.fetchall() if limit is None else con.fetchmany(limit + 1)
    shown = found if limit is None else found[:limit]
    return Rows(columns, tuple(tuple(_plain(cell) for cell in row) for row in shown), len(found) > len(shown))


def _plain(value: Any) -> Any:
    """A cell as JSON can carry it; times as MIMIC-IV writes them."""
    for kinds, plain in _PLAIN:
        if isinstance(value, kinds):
            return plain(value)
    return str(value)


_PLAIN: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((type(None), bool, str), lambda value: value),
    ((int,), lambda value: value if -(2**63) <= value < 2**63 else str(value)),
    ((float,), lambda value: value if math.isfinite(value) else str(value)),
    ((datetime,), lambda value: value.isoformat(" ")),
    ((Decimal,), lambda value: int(value) if value == value.to_integral_value() else float(value)),
    ((bytes,), bytes.hex),
    ((list, tuple), lambda value: [_plain(item) for item in value]),
    ((dict,), lambda value: {str(key): _plain(item) for key, item in value.items()}),
)
