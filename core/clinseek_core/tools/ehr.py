"""The EHR tools: functions of (snapshot, arguments) that always answer, and never twice differently."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from clinseek_core.ehr.query_plan import QueryPlan
from clinseek_core.ehr.sandbox import RefusedError
from clinseek_core.ehr.snapshot import RowOrigins, Rows, Snapshot
from clinseek_core.errors import InputError
from clinseek_core.journal.events import Table
from clinseek_core.tools.arguments import CallError, check_arguments, encodable, moment, number, text
from clinseek_core.tools.ehr_candidates import CandidateTools
from clinseek_core.tools.ehr_records import RecordTools
from clinseek_core.tools.ehr_schema import SchemaTools
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_core.tools.ehr_tables import Tables
from clinseek_core.tools.names import nearest, shown
from clinseek_core.tools.origins import origins_of
from clinseek_core.tools.paging import Call, fitting, next_call, page_of, rows_result
from clinseek_core.tools.spec import ToolResult, ToolSpec

__all__ = ["EhrTools"]

_SPECS = {spec.name: spec for spec in EHR_TOOLS}
_SQL_ROWS = 1000
_STOPPED = "the query was stopped at its limit of time or memory; narrow it or aggregate."

_HOW_ROWS_READ = (
    "How rows are written: as CSV, below lines that tell once what rows share. An empty cell is missing. A"
    " line `# a=1, b=2` tells cells of all rows below it, each until such a line tells it anew; a cell `a=1`"
    " at the end of a row is of that row alone. `{charttime}` stands for that cell of the same row, [1] for a"
    " text told above; after `told by label` come each label's cells, up to `rows`.",
    "A time without a date is of the date last told by a `# ` line, else of the first date in its row."
    " known_at is when a row reached the record; where it is not shown, rows were known when they happened.",
)


class EhrTools:
    """The sixteen EHR tools on one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._tables = Tables(snapshot)
        self._schema = SchemaTools(snapshot, self._tables)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The sixteen tools, `ehr.load_ehr` first."""
        return EHR_TOOLS

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call; any name and any arguments give a result."""
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is

        try:
            return self._answer(encodable(name), encodable(arguments))
        except CallError as error:
            return ToolResult(status=error.status, text=_error(str(error), error.status))
        except RefusedError as error:
            return ToolResult(status="error", text=f"Error: {error}")
        except RecursionError:
            return ToolResult(status="error", text="Error: the arguments are nested too deeply")
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            return ToolResult(status="limited", text=f"Error: {_STOPPED}")
        except duckdb.Error as error:
            return ToolResult(status="error", text=f"Error: {_reason(error)}")

    def plan(self, sql: str) -> QueryPlan:
        """How the engine answers a statement, for a person; InputError where it can't, with why."""
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is

        try:
            return self._snapshot.plan_untrusted(sql)
        except RefusedError as error:
            raise InputError(str(error)) from error
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise InputError(_STOPPED) from error
        except duckdb.Error as error:
            raise InputError(_reason(error)) from error

    def _answer(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            raise CallError(
                f"there is no tool {shown(name)}{nearest(name, self._tools, 'see the list of tools')}"
            )
        arguments = check_arguments(_SPECS[name], arguments)
        self._check_subject(arguments)
        return tool(Call(name, arguments))

    @cached_property
    def _tools(self) -> dict[str, Callable[[Call], ToolResult]]:
        return {
            "ehr.load_ehr": self._load_ehr,
            "ehr.run_sql_query": self._run_sql_query,
            "ehr.think": lambda _: ToolResult(status="ok", text="Noted."),
            "ehr.finish": lambda _: ToolResult(status="ok", text="Finished."),
            **self._schema.tools,
            **RecordTools(self._snapshot, self._tables).tools,
            **CandidateTools(self._snapshot, self._tables).tools,
        }

    def _load_ehr(self, call: Call) -> ToolResult:
        cutoff = self._snapshot.cutoff
        asked = moment(call.arguments, "timestamp", end=False)
        if asked != cutoff:
            raise CallError(
                f"this run sees the record as of {cutoff}; it can't be loaded as of {asked}."
                f" Call ehr.load_ehr with timestamp {cutoff}, or go on: the record is open.",
                "refused",
            )
        before = "by" if self._snapshot.policy.boundary == "inclusive" else "before"
        head = f"The record of patient {self._snapshot.subject_id}, as known {before} {cutoff}, is open."
        return self._schema.table_names((head, *_HOW_ROWS_READ))

    def _run_sql_query(self, call: Call) -> ToolResult:
        page = page_of(call, _SQL_ROWS)
        found = self._snapshot.select_untrusted(text(call.arguments, "sql_query"), page.offset + page.limit)
        rows = found.rows[page.offset :]
        rows = rows[: fitting(rows)]
        last = page.offset + len(rows)
        more = found.more or last < len(found.rows)
        words = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
        if page.offset and not rows:
            words = f"no rows after the first {len(found.rows)}"
        elif more or page.offset:
            words = f"rows {page.offset + 1} to {last}"
            words += f"; there are more, {next_call(call, last)}" if more else ""
        table = Table(
            columns=_distinct(found.columns),
            rows=rows,
            total=max(last, len(found.rows)) + found.more,
            origins=origins_of(self._snapshot, _part(found, page.offset, last)),
        )
        if not rows:
            words += f" ({', '.join(table.columns)})"
        return rows_result(words, table, found.notes)

    def _check_subject(self, arguments: dict[str, Any]) -> None:
        if "subject_id" not in arguments:
            return
        asked = text(arguments, "subject_id")
        if number(asked) != self._snapshot.subject_id:
            raise CallError(
                f"this run reads patient {self._snapshot.subject_id} only, not {shown(asked)!r}", "refused"
            )


def _error(words: str, status: str) -> str:
    return words if status == "empty" else f"Error: {words}"


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Column names of which no two are the same: a second `itemid` is `itemid_2`."""
    distinct: list[str] = []
    for name in names:
        number, new = 1, name or "column"
        while new in distinct:
            number += 1
            new = f"{name or 'column'}_{number}"
        distinct.append(new)
    return tuple(distinct)


def _part(found: Rows, start: int, end: int) -> tuple[RowOrigins, ...]:
    return tuple(RowOrigins(each.table, each.rows[start:end]) for each in found.origins)


def _reason(error: Exception) -> str:
    """A database error without its position art."""
    return str(error).split("\n\nLINE ")[0].strip()
