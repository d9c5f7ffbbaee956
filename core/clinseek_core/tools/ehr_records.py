"""The tools that give records, by time, newest first, by word and by value, and that count them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from clinseek_core.ehr.snapshot import Snapshot, SnapshotTable
from clinseek_core.ehr.sql_text import quoted
from clinseek_core.journal.events import Table
from clinseek_core.tools.arguments import MISSING, CallError, moment, number, text, whole_day
from clinseek_core.tools.ehr_tables import TableColumn, Tables
from clinseek_core.tools.names import shown
from clinseek_core.tools.origins import rows_origin
from clinseek_core.tools.paging import Call, fitting, next_call, page_of, rows_result
from clinseek_core.tools.spec import ToolResult

__all__ = ["RecordTools"]

_BY_TIME, _LATEST, _FOUND, _VALUES = 500, 20, 50, 50
"""Rows of a page where the call doesn't say."""
_MAX_WORDS = 20
_PATTERN_SIGNS = frozenset("^$.*+?[](){}\\%")
_NEAREST_VALUES = 5
_INTEGERS = frozenset(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"))


class _Asked(msgspec.Struct, frozen=True):
    """Which rows of a table, in what order, and in words."""

    where: str
    """A condition on the table, called `t`."""
    values: tuple[Any, ...]
    words: str
    newest_first: bool = True


class RecordTools:
    """Answers from the rows of a snapshot's tables."""

    def __init__(self, snapshot: Snapshot, tables: Tables) -> None:
        self._snapshot = snapshot
        self._tables = tables

    @property
    def tools(self) -> dict[str, Callable[[Call], ToolResult]]:
        """The tools by name."""
        return {
            "ehr.get_records_by_time": self._by_time,
            "ehr.get_latest_records": self._latest,
            "ehr.get_records_by_keyword": self._by_keyword,
            "ehr.get_records_by_value": self._by_value,
            "ehr.get_unique_values": self._unique_values,
            "ehr.get_event_counts_by_time": self._event_counts,
        }

    def _by_time(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        start, end = _span(call)
        if not table.clock:
            return self._records(
                call, table, _Asked("TRUE", (), _no_clock(table), newest_first=False), _BY_TIME
            )
        where, values = self._within(table, start, end)
        words = f"between {start} and {end.replace(microsecond=0)}, oldest first"
        return self._records(call, table, _Asked(where, values, words, newest_first=False), _BY_TIME)

    def _latest(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        words = "newest first" if table.clock else _no_clock(table)
        return self._records(call, table, _Asked("TRUE", (), words, newest_first=bool(table.clock)), _LATEST)

    def _by_keyword(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        written = text(call.arguments, "keyword")
        choices = [words for words in (choice.split() for choice in written.split("|")) if words]
        if not choices:
            raise CallError("keyword is empty; give at least one word")
        if sum(map(len, choices)) > _MAX_WORDS:
            raise CallError(f"keyword has more than {_MAX_WORDS} words; give fewer")
        texts = [column.sql for column in self._tables.columns(table).values() if column.kind == "VARCHAR"]
        if not texts:
            raise CallError(f"{table.name} holds no texts; ask with ehr.get_records_by_value")
        # One text a row, its cells apart: a word is found in any of them and never across two.
        row = f"lower(concat_ws(chr(10), {', '.join(texts)}))"
        found = f"contains({row}, lower(?))"
        where = " OR ".join("(" + " AND ".join([found] * len(words)) + ")" for words in choices)
        said = " or ".join(" and ".join(repr(shown(word)) for word in words) for words in choices)
        asked = _Asked(
            where, tuple(word for words in choices for word in words), f"with {said}, newest first"
        )
        result = self._records(call, table, asked, _FOUND)
        if result.status == "empty" and _PATTERN_SIGNS & set(written):
            hint = "; keyword is plain words, each of which must be there, and | between them means or"
            return msgspec.structs.replace(result, text=result.text + hint)
        return result

    def _by_value(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        column = self._tables.find_column(table, call.arguments)
        asked = _with_value(table, column, text(call.arguments, "value"))
        result = self._records(call, table, asked, _FOUND)
        if result.status == "empty" and table.rows != 0:
            return msgspec.structs.replace(
                result, text=result.text + self._other_values(table, column, asked)
            )
        return result

    def _other_values(self, table: SnapshotTable, column: TableColumn, asked: _Asked) -> str:
        """Values that are there, the nearest first where they are texts."""
        order = "jaro_winkler_similarity(lower(value), lower(?)) DESC," if asked.values else ""
        near, like = (order, asked.values[:1]) if column.kind == "VARCHAR" else ("", ())
        rows = self._snapshot.select(
            f"SELECT value FROM (SELECT DISTINCT {column.sql} AS value FROM {quoted(table.name)} t)"
            f" WHERE value IS NOT NULL ORDER BY {near} value LIMIT {_NEAREST_VALUES}",
            like,
        ).rows
        if not rows:
            return f"; {column.name} is empty in all rows"
        values = ", ".join(repr(shown(str(value))) for (value,) in rows)
        return f"; there are {values}; see ehr.get_unique_values"

    def _unique_values(self, call: Call) -> ToolResult:
        table = self._tables.find(call.arguments)
        column, page = self._tables.find_column(table, call.arguments), page_of(call, _VALUES)
        labels = self._tables.labels(table)
        columns = self._tables.columns(table)
        of_code = labels is not None and list(labels.keys) == [column.name]
        beside = [columns[name] for name in labels.columns if name in columns] if labels and of_code else []
        values = f"SELECT {column.sql} AS value, count(*) AS rows FROM {quoted(table.name)} t GROUP BY ALL"
        every, missing, of_all = self._snapshot.select(
            "SELECT count(value), coalesce(sum(rows) FILTER (WHERE value IS NULL), 0), coalesce(sum(rows), 0)"
            f" FROM ({values})"
        ).rows[0]
        shown_labels = "".join(f", {each.sql.replace(column.sql, 't.value')}" for each in beside)
        found = self._snapshot.select(
            f"SELECT t.value{shown_labels}, t.rows FROM ({values}) t WHERE t.value IS NOT NULL"
            " ORDER BY t.value LIMIT ? OFFSET ?",
            [page.limit, page.offset],
        ).rows
        rows = found[: fitting(found)]
        names = (column.name, *(each.name for each in beside), "rows" if column.name != "rows" else "count")
        words = f"{table.name}.{column.name}: {_many(every, 'value')}"
        words += f"; {missing} of {of_all} rows have none" if missing else ""
        words += _place(call, page.offset, len(rows), every, "values")
        return rows_result(words, Table(columns=names, rows=rows, total=every, source=table.name))

    def _event_counts(self, call: Call) -> ToolResult:
        start, end = _span(call)
        record = [table for table in self._snapshot.tables.values() if not table.dictionary]
        timed = [table for table in record if table.clock]
        counted = self._counts([table for table in timed if table.rows], start, end)
        rows = tuple(counted.get(table.name, (table.name, 0, None, None)) for table in timed)
        events = sum(row[1] for row in rows)
        words = (
            f"{_many(events, 'event')} between {start} and {end.replace(microsecond=0)} in {len(rows)} tables"
        )
        without = [table.name for table in record if not table.clock]
        words += f" ({', '.join(without)} without times)" if without else ""
        counts = Table(columns=("table", "events", "first", "last"), rows=rows, total=len(rows))
        return rows_result(words, counts, plain=True)

    def _counts(
        self, tables: Sequence[SnapshotTable], start: datetime, end: datetime
    ) -> dict[str, tuple[Any, ...]]:
        """By table its name, its events in a span, the first and the last of them."""
        parts: list[str] = []
        values: list[Any] = []
        for table in tables:
            where, bounds = self._within(table, start, end)
            clock = f"CAST({table.clock} AS TIMESTAMP)"
            source = f"{quoted(table.name)} t WHERE {where}"
            parts.append(f"SELECT '{table.name}', count(*), min({clock}), max({clock}) FROM {source}")
            values += bounds
        rows = self._snapshot.select(" UNION ALL ".join(parts), values).rows if parts else ()
        return {row[0]: row for row in rows}

    def _within(self, table: SnapshotTable, start: datetime, end: datetime) -> tuple[str, tuple[Any, ...]]:
        """The condition that a row happened in a span; a date alone counts as its whole day."""
        column = self._tables.columns(table).get(table.clock.strip('"'))
        if column is not None and column.kind == "DATE":
            return f"{table.clock} BETWEEN ? AND ?", (start.date(), end.date())
        return f"{table.clock} BETWEEN ? AND ?", (start, end)

    def _records(self, call: Call, table: SnapshotTable, asked: _Asked, limit: int) -> ToolResult:
        """A page of a table's rows, with their labels and where they come from."""
        page, columns = page_of(call, limit), self._tables.columns(table)
        down = " DESC" if asked.newest_first else ""
        clock = f"{table.clock}{down} NULLS LAST, " if table.clock else ""
        name = quoted(table.name)
        (total,) = self._snapshot.select(
            f"SELECT count(*) FROM {name} t WHERE {asked.where}", asked.values
        ).rows[0]
        rows = self._snapshot.select(
            f"SELECT {', '.join(column.sql for column in columns.values())}, t.event_time"
            f" FROM (SELECT *, rowid AS place, {table.event_time} AS event_time FROM {name} t"
            f" WHERE {asked.where} ORDER BY {clock}rowid{down} LIMIT ? OFFSET ?) t"
            f" ORDER BY {clock}place{down}",
            [*asked.values, page.limit, page.offset],
        ).rows
        shown_rows = [row[:-1] for row in rows[: fitting(rows)]]
        times = [row[-1] for row in rows[: len(shown_rows)]]
        words = f"{table.name}: {_many(total, 'row')} {asked.words}"
        if not total:
            words = f"{table.name}: no rows {asked.words}{self._holdings(table)}"
        words += _place(call, page.offset, len(shown_rows), total, "rows")
        found = _table(table, list(columns), shown_rows, times, total)
        return rows_result(words, found)

    def _holdings(self, table: SnapshotTable) -> str:
        """How many rows a table has, and from when to when; nothing of a table that is not counted."""
        if not table.rows or not table.clock:
            return "" if table.rows is None else f" (of {table.rows} in the table)"
        first, last = self._snapshot.select(
            f"SELECT min({table.clock}), max({table.clock}) FROM {quoted(table.name)}"
        ).rows[0]
        return f" (of {table.rows} in the table, from {first} to {last})"


def _table(
    table: SnapshotTable, columns: list[str], rows: Sequence[Sequence[Any]], times: Sequence[Any], total: int
) -> Table:
    """The rows without `known_at` where each was known when it happened."""
    origins = rows_origin(table, columns, rows, times)
    known = columns.index("known_at") if "known_at" in columns else None
    if rows and known is not None and all(row[known] == at for row, at in zip(rows, times, strict=True)):
        columns = [*columns[:known], *columns[known + 1 :]]
        rows = [(*row[:known], *row[known + 1 :]) for row in rows]
    return Table(
        columns=tuple(columns), rows=tuple(map(tuple, rows)), total=total, source=table.name, origins=origins
    )


def _span(call: Call) -> tuple[datetime, datetime]:
    start = moment(call.arguments, "start_time", end=False)
    end = moment(call.arguments, "end_time", end=True)
    if end < start:
        raise CallError(f"end_time {end} is before start_time {start}")
    return start, end


def _no_clock(table: SnapshotTable) -> str:
    kind = "a list that is the same at all times" if table.dictionary else "known from the start"
    return f"without times ({kind}), so all of them"


def _place(call: Call, offset: int, shown_rows: int, total: int, what: str) -> str:
    """Which of them are shown, and how to get those after them."""
    if not total or shown_rows == total:
        return ""
    if not shown_rows:
        return f"; none after the first {total}"
    last = offset + shown_rows
    here = f"; {what} {offset + 1} to {last} here"
    return f"{here}, {next_call(call, last)}" if last < total else here


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _with_value(table: SnapshotTable, column: TableColumn, written: str) -> _Asked:
    """The rows that hold a value: compared as what the column holds, texts without regard to case."""
    value, said = written.strip(), f"with {column.name} = {shown(written)!r}"
    if value.lower() in MISSING:
        missing = f"({column.sql} IS NULL OR lower(trim({column.sql}::VARCHAR)) = ?)"
        return _Asked(missing, (value.lower(),), f"without {column.name}")
    amount = number(value)
    if column.kind in {"DATE", "TIMESTAMP"}:
        start, end = moment({"value": value}, "value", end=False), moment({"value": value}, "value", end=True)
        bounds = (start.date(), end.date()) if column.kind == "DATE" else (start, end)
        return _Asked(
            f"{column.sql} BETWEEN ? AND ?", bounds, said if not whole_day(value) else f"on {value}"
        )
    if column.kind != "VARCHAR":
        if amount is None:
            holds = "whole numbers" if column.kind in _INTEGERS else "numbers"
            raise CallError(
                f"{table.name}.{column.name} holds {holds}, not {shown(value)!r};"
                " words are found with ehr.get_records_by_keyword"
            )
        return _Asked(f"{column.sql} = ?", (amount,), said)
    same = f"lower(trim({column.sql})) = lower(?)"
    if column.code:
        return _Asked(f"({same} OR {same})", (value, value.replace(".", "")), said)
    if amount is not None:
        return _Asked(f"({same} OR TRY_CAST({column.sql} AS DOUBLE) = ?)", (value, amount), said)
    return _Asked(same, (value,), said)
