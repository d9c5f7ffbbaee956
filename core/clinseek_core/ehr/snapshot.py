"""The snapshot as the tools see it: tables, our queries and a model's, on a locked in-memory database."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from clinseek_core.case import Policy
from clinseek_core.ehr.origins import Carried
from clinseek_core.ehr.query_plan import EXPLAIN, EXPLAIN_ONLY, QueryPlan, read_plan
from clinseek_core.ehr.sandbox import (
    RefusedError,
    Statement,
    UnreadableError,
    Vocabulary,
    checked,
    expressions,
    vocabulary,
)
from clinseek_core.ehr.sql_errors import explained
from clinseek_core.ehr.sql_text import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from clinseek_core.candidates import CandidateIndex
    from clinseek_core.ehr.references import References

__all__ = ["RowOrigins", "Rows", "Snapshot", "SnapshotTable"]

T = TypeVar("T", "Rows", QueryPlan)


class SnapshotTable(msgspec.Struct, frozen=True):
    """A table of the snapshot: its columns in order, and how many rows it holds."""

    name: str
    columns: tuple[str, ...]
    rows: int | None
    """None for a candidate table: its names are listed when they are first asked for."""
    clock: str = ""
    """The SQL expression that says when a row happened, else when it became known; empty for no time."""
    dictionary: bool = False
    key: tuple[str, ...] = ()
    """The columns that tell its rows apart; none for dictionaries."""

    @property
    def event_time(self) -> str:
        """The SQL expression that says when a row happened, as text; NULL where only known_at is known."""
        return f"CAST({self.clock} AS VARCHAR)" if self.clock not in {"", "known_at"} else "NULL"

    @property
    def identity(self) -> tuple[str, ...]:
        """SQL expressions of what tells a row and its times: rowid, event time, known_at, then the key."""
        known = "known_at" if "known_at" in self.columns else "NULL"
        return ("rowid", self.event_time, known, *map(quoted, self.key))


class RowOrigins(msgspec.Struct, frozen=True):
    """The rows of one table behind an answer."""

    table: str
    rows: tuple[tuple[Any, ...] | None, ...]
    """Event time, known_at and the key of each; None where an outer join found none."""


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

    def __init__(  # noqa: PLR0917 - one caller, `take_snapshot`
        self,
        con: DuckDBPyConnection,
        found: tuple[SnapshotTable, ...],
        subject_id: int,
        cutoff: datetime,
        policy: Policy,
        references: References,
    ) -> None:
        self.subject_id = subject_id
        self.cutoff = cutoff
        self.policy = policy
        self.notices: tuple[str, ...] = ()
        """What was noticed in the source: columns left out, cells of the wrong type."""
        self._con = con
        self._references = references
        self._unfilled = set(references.columns)
        self.tables = {table.name: table for table in found}

    @property
    def candidates(self) -> CandidateIndex:
        """The search over the candidate tables."""
        return self._references.index

    @cached_property
    def _words(self) -> Vocabulary:
        return vocabulary(self._con, self.tables)

    @cached_property
    def _carried(self) -> Carried:
        """What a model's query carries along of each row of the record, as syntax trees."""
        told = [table for table in self.tables.values() if table.key]
        trees = iter(expressions(self._con, [sql for table in told for sql in table.identity]))
        return {table.name: tuple(islice(trees, len(table.identity))) for table in told}

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run a query of ours; `sql` is never made from data."""
        self._fill_what_is_named_in(sql)
        self._con.execute(sql, list(parameters))
        return _fetch(self._con, None)

    def select_untrusted(self, sql: str, limit: int) -> Rows:
        """Run a query of a model's, at most `limit` rows of it.

        A statement that DuckDB refuses is read again with SQLite's habits, and a note says so. Raises
        RefusedError with words for the model, and duckdb's InterruptException or OutOfMemoryException where
        a limit stopped it.
        """
        return self._as_written_or_read_again(sql, partial(self._answer, limit=limit))

    def plan_untrusted(self, sql: str) -> QueryPlan:
        """How a query of a model's is answered; it runs for that, and its rows are let go.

        Guarded and read as `select_untrusted` does, and raises what that does.
        """
        return self._as_written_or_read_again(sql, self._planned)

    def _as_written_or_read_again(self, sql: str, answer: Callable[[str], T]) -> T:
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is

        try:
            return answer(sql)
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except (UnreadableError, duckdb.Error) as error:
            return self._read_again(sql, answer, error)

    def _read_again(self, sql: str, answer: Callable[[str], T], refused: Exception) -> T:
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is

        # It brings sqlglot, which most runs never need.
        from clinseek_core.ehr.dialect import read_again  # noqa: PLC0415

        reading = read_again(sql, self._words.columns, parsed=getattr(refused, "parsed", True))
        if reading is not None:
            try:
                return msgspec.structs.replace(answer(reading.sql), notes=(reading.note,))
            except (duckdb.InterruptException, duckdb.OutOfMemoryException):
                raise
            except (UnreadableError, duckdb.Error) as error:
                if getattr(error, "parsed", True):
                    refused = error
        raise RefusedError(explained(str(refused), sql, self._words.columns)) from refused

    def _planned(self, sql: str) -> QueryPlan:
        statement = checked(self._con, sql, self._words, {})
        self._fill_what_is_named_in(" ".join(statement.tables))
        with self._read_only():
            plan = self._explained(EXPLAIN, statement)
            if plan.steps:
                return plan
            began = time.perf_counter()
            self._con.execute(statement.sql).fetchall()
            ms = 1000 * (time.perf_counter() - began)
            return msgspec.structs.replace(self._explained(EXPLAIN_ONLY, statement), ms=ms)

    def _explained(self, how: str, statement: Statement) -> QueryPlan:
        row = self._con.execute(f"{how} {statement.sql}").fetchone()
        return read_plan(str(row[1]) if row else "{}")

    def _answer(self, sql: str, limit: int) -> Rows:
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is

        words = self._words
        statement = checked(self._con, sql, words, self._carried)
        if statement.origins:
            # Where the hidden columns are what can't be bound, it runs without.
            with contextlib.suppress(duckdb.BinderException):
                return self._run(statement, limit)
            statement = checked(self._con, sql, words, {})
        return self._run(statement, limit)

    def _run(self, statement: Statement, limit: int) -> Rows:
        self._fill_what_is_named_in(" ".join(statement.tables))
        with self._read_only():
            self._con.execute(statement.sql)
            shown = self._con.description or ()
            as_text = {at for at, column in enumerate(shown) if any(k in str(column[1]) for k in _AS_TEXT)}
            try:
                if as_text:
                    self._con.execute(_with_text(statement.sql, shown, as_text))
                rows = _fetch(self._con, limit)
            except (OverflowError, ValueError):
                self._con.execute(_with_text(statement.sql, shown, range(len(shown))))
                rows = _fetch(self._con, limit)
        return self._without_origins(rows, statement.origins)

    def _without_origins(self, rows: Rows, origins: tuple[tuple[str, str], ...]) -> Rows:
        """Take the hidden last columns out of an answer, and say what they said."""
        if not origins:
            return rows
        widths = [len(self.tables[table].identity) for _, table in origins]
        shown = at = len(rows.columns) - sum(widths)
        hidden = []
        for (_, table), width in zip(origins, widths, strict=True):
            # Its first cell is the rowid, which every row has.
            told = tuple(None if row[at] is None else row[at + 1 : at + width] for row in rows.rows)
            hidden.append(RowOrigins(table, told))
            at += width
        return Rows(rows.columns[:shown], tuple(row[:shown] for row in rows.rows), rows.more, tuple(hidden))

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

    def _fill_what_is_named_in(self, sql: str) -> None:
        """Copy in the dictionaries and candidate tables that `sql` names, once each.

        They are the same for all runs and large: most runs never name them.
        """
        lowered = sql.lower()
        for name in sorted(name for name in self._unfilled if name in lowered):
            with self._con.cursor() as filling:
                filling.register("rows_to_fill", self._references.rows(name))
                filling.execute(f"INSERT INTO {name} FROM rows_to_fill")
                filling.unregister("rows_to_fill")
            self._unfilled.discard(name)

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


def _fetch(con: DuckDBPyConnection, limit: int | None) -> Rows:
    columns = tuple(str(column[0]) for column in con.description or ())
    found = con.fetchall() if limit is None else con.fetchmany(limit + 1)
    shown = found if limit is None else found[:limit]
    return Rows(columns, tuple(tuple(_plain(cell) for cell in row) for row in shown), len(found) > len(shown))


# What Python would show otherwise: a zoned time needs a time zone package, an interval loses its months.
_AS_TEXT = ("TIME ZONE", "INTERVAL")


def _with_text(sql: str, columns: Sequence[Any], as_text: Collection[int]) -> str:
    """The statement with some of its columns as DuckDB writes them."""
    shown = [
        f"{f'CAST(#{at + 1} AS VARCHAR)' if at in as_text else f'#{at + 1}'} AS {quoted(str(column[0]))}"
        for at, column in enumerate(columns)
    ]
    return f"SELECT {', '.join(shown)} FROM ({sql})"


def _plain(value: Any) -> Any:
    """A cell as JSON can carry it; times as MIMIC-IV writes them."""
    plain = _PLAIN.get(type(value), str)
    return value if plain is None else plain(value)


_PLAIN: dict[type, Callable[[Any], Any] | None] = {
    type(None): None,
    bool: None,
    str: None,
    int: lambda value: value if -(2**63) <= value < 2**63 else str(value),
    float: lambda value: value if math.isfinite(value) else str(value),
    datetime: lambda value: value.isoformat(" "),
    Decimal: lambda value: int(value) if value == value.to_integral_value() else float(value),
    bytes: bytes.hex,
    list: lambda value: [_plain(item) for item in value],
    tuple: lambda value: [_plain(item) for item in value],
    dict: lambda value: {str(key): _plain(item) for key, item in value.items()},
}
"""By the types that DuckDB gives; None where a value is told as it is."""
