"""The EHR tools: functions of (snapshot, arguments) that always answer, and never twice differently."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable
from functools import cached_property
from typing import Any

from clinseek_core.ehr.candidates import CANDIDATE_TABLES, CandidateIndex
from clinseek_core.ehr.sandbox import RefusedError
from clinseek_core.ehr.snapshot import Rows, Snapshot, SnapshotTable
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.journal.events import Table
from clinseek_core.mimic import table as catalogue_table
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools.arguments import CallError, check_arguments, count, encodable, moment
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_core.tools.spec import ToolResult, ToolSpec

__all__ = ["EhrTools"]

_SPECS = {spec.name: spec for spec in EHR_TOOLS}
_ROWS_BY_TIME = 500
_LATEST_ROWS = 20
_SQL_ROWS = 1000
_CANDIDATES = 20
_MAX_QUERIES = 20
_MAX_CHARACTERS = 16_000_000
"""Of one result; a journal keeps all of it."""


class EhrTools:
    """The paper's eleven EHR tools on one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._indexes: dict[str, CandidateIndex] = {}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The eleven tools, `ehr.load_ehr` first."""
        return EHR_TOOLS

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call; any name and any arguments give a result."""
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is

        name, arguments = encodable(name), encodable(arguments)
        tool = self._tools.get(name)
        try:
            if tool is None:
                raise CallError(f"there is no tool {name}; {_nearest(name, self._tools)}")
            check_arguments(_SPECS[name], arguments)
            self._check_subject(arguments)
            return _bounded(tool(arguments))
        except CallError as error:
            return ToolResult(status=error.status, text=f"Error: {error}")
        except RefusedError as error:
            return ToolResult(status="error", text=f"Error: {error}")
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            return ToolResult(
                status="limited",
                text="Error: the query was stopped at its limit of time or memory; narrow it or aggregate.",
            )
        except duckdb.Error as error:
            return ToolResult(status="error", text=f"Error: {_reason(error)}")

    @cached_property
    def _tools(self) -> dict[str, Callable[[dict[str, Any]], ToolResult]]:
        return {
            "ehr.load_ehr": self._load_ehr,
            "ehr.get_table_names": lambda _: self._table_names(),
            "ehr.get_table_description": self._table_description,
            "ehr.get_column_names": self._column_names,
            "ehr.get_records_by_time": self._records_by_time,
            "ehr.get_latest_records": self._latest_records,
            "ehr.run_sql_query": self._run_sql_query,
            "ehr.get_candidates_by_keyword": self._candidates_by_keyword,
            "ehr.get_candidates_by_semantic_similarity": self._candidates_by_similarity,
            "ehr.think": lambda _: ToolResult(status="ok", text="Noted."),
            "ehr.finish": lambda _: ToolResult(status="ok", text="Finished."),
        }

    def _load_ehr(self, arguments: dict[str, Any]) -> ToolResult:
        cutoff = self._snapshot.cutoff
        asked = moment(arguments, "timestamp", end=False)
        if asked != cutoff:
            raise CallError(
                f"this run sees the record as of {cutoff}; it can't be loaded as of {asked}."
                f" Call ehr.load_ehr with timestamp {cutoff}, or go on: the record is open.",
                "refused",
            )
        policy = self._snapshot.policy
        before = "by" if policy.boundary == "inclusive" else "before"
        head = f"The record of patient {self._snapshot.subject_id}, as known {before} {cutoff}, is open."
        names = self._table_names()
        return ToolResult(status="ok", text=f"{head}\n{names.text}", table=names.table)

    def _table_names(self) -> ToolResult:
        rows = tuple((_kind(table), table.name, table.rows) for table in self._snapshot.tables.values())
        columns = ("kind", "table", "rows")
        return ToolResult(
            status="ok",
            text=f"{len(rows)} tables\n{_csv(columns, rows)}",
            table=Table(columns=columns, rows=rows, total=len(rows)),
        )

    def _table_description(self, arguments: dict[str, Any]) -> ToolResult:
        table = self._table(arguments)
        if table.name in CANDIDATE_TABLES:
            source = CANDIDATE_TABLES[table.name]
            return ToolResult(
                status="ok",
                text=f"{table.name}: names from {source.source}.{source.column}, with their codes.",
            )
        info, rule = catalogue_table(table.name), CONTRACT[table.name]
        masks = {} if self._snapshot.policy.basis == "upstream" else rule.later
        shown = [column for column in info.columns if column.name in table.columns]
        rows = tuple((c.name, c.type, c.meaning, masks.get(c.name, "")) for c in shown)
        lines = [f"{table.name} ({info.module}): {info.meaning}"]
        if self._snapshot.policy.basis == "available" and not table.dictionary:
            lines.append(f"Rows become known {rule.says or 'at ' + rule.available}.")
        columns = ("column", "type", "meaning", "null_until")
        return ToolResult(
            status="ok",
            text="\n".join([*lines, _csv(columns, rows)]),
            table=Table(columns=columns, rows=rows, total=len(rows), source=table.name),
        )

    def _column_names(self, arguments: dict[str, Any]) -> ToolResult:
        table = self._table(arguments)
        return ToolResult(
            status="ok", text=f"{table.name}: {len(table.columns)} columns\n{', '.join(table.columns)}"
        )

    def _records_by_time(self, arguments: dict[str, Any]) -> ToolResult:
        table = self._timed_table(arguments)
        start, end = moment(arguments, "start_time", end=False), moment(arguments, "end_time", end=True)
        if end < start:
            raise CallError(f"end_time {end} is before start_time {start}")
        rows = self._snapshot.select(
            f"SELECT * FROM {quoted(table.name)} WHERE {table.clock} BETWEEN ? AND ?",
            [start, end],
        )
        return _page(rows, table, arguments, _ROWS_BY_TIME, f"between {start} and {end}")

    def _latest_records(self, arguments: dict[str, Any]) -> ToolResult:
        table = self._timed_table(arguments)
        rows = self._snapshot.select(
            f"SELECT * FROM {quoted(table.name)} ORDER BY {table.clock} DESC NULLS LAST, rowid DESC"
        )
        return _page(rows, table, arguments, _LATEST_ROWS, "newest first")

    def _run_sql_query(self, arguments: dict[str, Any]) -> ToolResult:
        rows = self._snapshot.select_untrusted(str(arguments["sql_query"]), _SQL_ROWS)
        if not rows.rows:
            return ToolResult(
                status="empty",
                text=f"0 rows\n{','.join(rows.columns)}",
                table=Table(columns=rows.columns, rows=(), total=0),
            )
        shown = len(rows.rows)
        head = f"{shown} row{'s' if shown > 1 else ''}"
        if rows.more:
            head = f"the first {shown} rows; there are more: use LIMIT and OFFSET, or aggregate"
        return ToolResult(
            status="ok",
            text=f"{head}\n{_csv(rows.columns, rows.rows)}",
            table=Table(columns=rows.columns, rows=rows.rows, total=shown + rows.more),
        )

    def _candidates_by_keyword(self, arguments: dict[str, Any]) -> ToolResult:
        table = self._candidate_table(arguments)
        words = str(arguments["keyword"]).lower().split()
        if not words:
            raise CallError("keyword is empty; give at least one word")
        where = " AND ".join("contains(lower(candidate), ?)" for _ in words)
        rows = self._snapshot.select(
            f"SELECT * FROM {quoted(table.name)} WHERE {where}"
            " ORDER BY lower(candidate) <> ?, length(candidate), rowid",
            [*words, " ".join(words)],
        )
        return _page(rows, table, arguments, _CANDIDATES, f"containing {' and '.join(words)}")

    def _candidates_by_similarity(self, arguments: dict[str, Any]) -> ToolResult:
        table = self._candidate_table(arguments)
        asked = arguments["query"]
        queries = [str(query) for query in (asked if isinstance(asked, list) else [asked])][:_MAX_QUERIES]
        limit = count(arguments, "limit", _CANDIDATES)
        index = self._index(table.name)
        rows = tuple((query, name, score) for query in queries for name, score in index.search(query, limit))
        columns = ("query", "candidate", "score")
        head = f"{table.name}: {len(rows)} names near {len(queries)} queries, by spelling and word stems"
        return ToolResult(
            status="ok" if rows else "empty",
            text=f"{head}\n{_csv(columns, rows)}",
            table=Table(columns=columns, rows=rows, total=len(rows), source=table.name),
        )

    def _index(self, name: str) -> CandidateIndex:
        if name not in self._indexes:
            rows = self._snapshot.select(
                f"SELECT DISTINCT candidate FROM {quoted(name)} WHERE candidate IS NOT NULL ORDER BY 1"
            )
            self._indexes[name] = CandidateIndex(str(row[0]) for row in rows.rows)
        return self._indexes[name]

    def _table(self, arguments: dict[str, Any]) -> SnapshotTable:
        name = str(arguments["table_name"]).strip().lower()
        table = self._snapshot.tables.get(name)
        if table is None:
            raise CallError(f"there is no table {name}; {_nearest(name, self._snapshot.tables)}")
        return table

    def _timed_table(self, arguments: dict[str, Any]) -> SnapshotTable:
        table = self._table(arguments)
        if not table.clock:
            raise CallError(f"{table.name} has no times; read it with ehr.run_sql_query")
        return table

    def _candidate_table(self, arguments: dict[str, Any]) -> SnapshotTable:
        table = self._table(arguments)
        if table.name not in CANDIDATE_TABLES:
            raise CallError(f"{table.name} is no candidate table; there are {', '.join(CANDIDATE_TABLES)}")
        return table

    def _check_subject(self, arguments: dict[str, Any]) -> None:
        asked = arguments.get("subject_id")
        if asked is not None and str(asked).strip() != str(self._snapshot.subject_id):
            raise CallError(
                f"this run reads patient {self._snapshot.subject_id} only, not {str(asked)[:40]!r}", "refused"
            )


def _bounded(result: ToolResult) -> ToolResult:
    if len(result.text) <= _MAX_CHARACTERS:
        return result
    text = f"Error: the result has {len(result.text):,} characters; ask for fewer columns or rows."
    return ToolResult(status="limited", text=text)


def _page(rows: Rows, table: SnapshotTable, arguments: dict[str, Any], default: int, what: str) -> ToolResult:
    offset, limit = count(arguments, "offset", 0), count(arguments, "limit", default)
    total, shown = len(rows.rows), rows.rows[offset : offset + limit]
    if not shown:
        text = f"{table.name}: no rows {what} (of {table.rows} in the table)"
        return ToolResult(status="empty", text=text, table=Table(columns=rows.columns, rows=(), total=total))
    head = f"{table.name}: {total} row{'s' if total > 1 else ''} {what}"
    if len(shown) < total:
        head += f"; rows {offset + 1} to {offset + len(shown)} here, the rest with limit and offset"
    return ToolResult(
        status="ok",
        text=f"{head}\n{_csv(rows.columns, shown)}",
        table=Table(columns=rows.columns, rows=shown, total=total, source=table.name),
    )


def _csv(columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> str:
    """CSV (RFC 4180), line feeds between rows; NULL is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().rstrip("\n")


def _cell(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _kind(table: SnapshotTable) -> str:
    if table.name in CANDIDATE_TABLES:
        return "candidates"
    return "dictionary" if table.dictionary else "record"


def _nearest(name: str, names: Any) -> str:
    near = difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "see ehr.get_table_names"


def _reason(error: Exception) -> str:
    """A database error without its position art."""
    return str(error).split("\n\nLINE ")[0].strip()
