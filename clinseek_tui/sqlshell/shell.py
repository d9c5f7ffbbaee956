"""A person's SQL on a snapshot, asked through the tool that agents have and so guarded as theirs is."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from clinseek_core.ehr.query_plan import QueryPlan
from clinseek_core.errors import InputError
from clinseek_core.journal.events import Table
from clinseek_core.text import one_line, visible
from clinseek_core.tools.spec import Toolbox, ToolResult
from clinseek_tui.sqlshell.layouts import LAYOUTS
from clinseek_tui.typed_lines import Completions

__all__ = ["DOT_COMMANDS", "DotCommand", "Shell", "Told", "rows_named"]

_PAGE = 1000
"""Rows that the tool gives at once."""
_MOST_ROWS = 100_000
_ECHOED = 40
_WORD = re.compile(r"[A-Za-z_0-9.]*$")
_NAME = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS = re.findall(
    r"\w+",
    "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT JOIN LEFT USING ON AS AND OR NOT IN IS NULL LIKE ILIKE "
    "BETWEEN CASE WHEN THEN ELSE END DISTINCT COUNT MIN MAX AVG SUM WITH UNION ALL DESC INTERVAL TIMESTAMP",
)


def rows_named(text: str) -> int:
    """A number of rows that was typed; InputError where it is none."""
    if not text.isdecimal() or len(text) > len(str(_MOST_ROWS)) or not 1 <= int(text) <= _MOST_ROWS:
        raise InputError(f"{text!r} is no number of rows from 1 to {_MOST_ROWS:,}")
    return int(text)


class Told(NamedTuple):
    """A line for standard output, or, where it is about the result and not of it, a notice."""

    text: str
    notice: bool = False


class AskedRecord(Toolbox, Protocol):
    """A record's tools, and how a statement is answered on it."""

    def plan(self, sql: str) -> QueryPlan:
        """The plan; ClinseekError where the statement can't run."""
        ...


class Shell:
    """A record that is open, how rows are written, and the last result."""

    def __init__(
        self, toolbox: AskedRecord, about: Iterable[str], layout: str, rows: int, width: int
    ) -> None:
        """`about` tells the patient and the policy; `rows` are shown at most of a result."""
        self.toolbox = toolbox
        self.about = tuple(about)
        self.layout = layout
        self.rows = rows
        self.width = width
        self.ended = False
        self._asked = ""
        self._shown = 0
        self._answer = ""
        self._columns: dict[str, tuple[str, ...]] = {}

    def is_complete(self, text: str) -> bool:
        """Whether what was typed so far is a command, or a statement with its semicolon."""
        stripped = text.strip()
        return not stripped or stripped.startswith(".") or sqlite3.complete_statement(text)

    def carry_out(self, text: str) -> Iterator[Told]:
        """Do what a command or a statement says; raises InputError for what can't be done."""
        written = text.strip()
        if not written:
            return
        if not written.startswith("."):
            self._asked, self._shown = written, 0
            yield from self._rows()
            return
        name, _, argument = written.partition(" ")
        command = _BY_NAME.get(name)
        if command is None:
            known = ", ".join(_BY_NAME)
            raise InputError(f"{one_line(name, _ECHOED)!r} is no command; there are {known}")
        argument = argument.strip().rstrip(";").strip()
        if bool(argument) and not command.takes:
            raise InputError(f"{command.name} takes nothing after it")
        yield from command.do(self, argument)

    def completions(self, line: str) -> Completions:
        """Tables, columns of the tables that the line names, and keywords; or commands and what they take."""
        if line.startswith("."):
            name, space, argument = line.partition(" ")
            if not space:
                return Completions(name, _BY_NAME)
            offers = {"TABLE": self.tables, "LAYOUT": tuple(LAYOUTS)}
            takes = _BY_NAME[name].takes.strip("[]") if name in _BY_NAME else ""
            return Completions(argument.lstrip(), offers.get(takes, ()))
        found = _WORD.search(line)
        begun = (found[0] if found else "").rpartition(".")[2]
        named = [word for word in _NAME.findall(line) if word in self.tables]
        columns = [column for table in dict.fromkeys(named) for column in self.columns(table)]
        return Completions(begun, (*columns, *self.tables, *_KEYWORDS))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        table = self._tool("ehr.get_table_names").table
        return tuple(str(row[1]) for row in table.rows) if table else ()

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns; none where there is no such table."""
        if table not in self._columns:
            found = self.toolbox.call("ehr.get_column_names", {"table_name": table}).table
            self._columns[table] = tuple(str(row[0]) for row in found.rows) if found else ()
        return self._columns[table]

    def list_tables(self, argument: str) -> Iterator[Told]:
        """The tables whose name holds a text, with their rows."""
        found = self._tool("ehr.get_table_names").table
        assert found is not None  # noqa: S101 -- the list of tables is rows
        kept = tuple(row for row in found.rows if argument.lower() in str(row[1]))
        yield from self._written(Table(columns=found.columns, rows=kept, total=len(kept)))

    def describe(self, argument: str) -> Iterator[Told]:
        """A table's columns, what they mean, and until when a cell stays empty."""
        if not argument:
            raise InputError(".columns needs a table: .columns labevents; .tables lists them")
        result = self._tool("ehr.get_table_description", table_name=argument)
        yield from self._noted()
        if result.table is not None:
            yield from self._written(result.table)

    def more(self, _: str) -> Iterator[Told]:
        """The rows after those that were shown last."""
        if not self._asked:
            raise InputError("nothing was asked yet")
        yield from self._rows()

    def plan(self, argument: str) -> Iterator[Told]:
        """How a statement is answered: the one given, else the one asked last."""
        from clinseek_tui.view.query_plan import plan_table, plan_words  # noqa: PLC0415 -- with the first plan

        asked = argument or self._asked
        if not asked:
            raise InputError("nothing was asked yet; .plan SELECT … plans that")
        plan = self.toolbox.plan(asked)
        yield from (Told(visible(note), notice=True) for note in plan.notes)
        yield from self._written(plan_table(plan))
        yield Told(plan_words(plan), notice=True)

    def as_agent(self, _: str) -> Iterator[Told]:
        """The last answer as an agent reads it."""
        yield from (Told(line) for line in visible(self._answer or "nothing was asked yet").split("\n"))

    def write_as(self, argument: str) -> Iterator[Told]:
        """Write rows in another layout; alone, tell those there are."""
        if argument and argument not in LAYOUTS:
            raise InputError(f"{argument!r} is no layout; there are {', '.join(LAYOUTS)}")
        self.layout = argument or self.layout
        for layout in LAYOUTS.values() if not argument else ():
            yield Told(f"{'>' if layout.name == self.layout else ' '} {layout.name:<8} {layout.says}")

    def show_at_most(self, argument: str) -> Iterator[Told]:
        """Show so many rows of a result at most."""
        self.rows = rows_named(argument)
        return iter(())

    def _rows(self) -> Iterator[Told]:
        """The next rows of what was asked, got from the tool page by page."""
        page = self._page(self.rows)
        first, rows = page, list(page.rows)
        yield from self._noted()
        while page.total > self._shown and len(rows) < self.rows:
            page = self._page(self.rows - len(rows))
            rows += page.rows
        more = page.total > self._shown
        yield from self._written(Table(columns=first.columns, rows=tuple(rows), total=len(rows) + more))
        count = f"{self._shown:,} row{'' if self._shown == 1 else 's'}"
        yield Told(f"the first {count}; there are more: .more" if more else count, notice=True)

    def _page(self, limit: int) -> Table:
        asked = {"sql_query": self._asked, "limit": min(limit, _PAGE), "offset": self._shown}
        table = self._tool("ehr.run_sql_query", **asked).table
        assert table is not None  # noqa: S101 -- SQL that is answered gives rows
        self._shown += len(table.rows)
        return table

    def _tool(self, name: str, **arguments: Any) -> ToolResult:
        """What a tool answers; InputError where it is an error."""
        result = self.toolbox.call(name, arguments)
        self._answer = result.text
        if result.status not in ("ok", "empty"):
            raise InputError(result.text.removeprefix("Error: "))
        return result

    def _noted(self) -> Iterator[Told]:
        """What the tool says above the rows; its line about them, which is for agents, left out."""
        lines = self._answer.split("\n")
        heads = next((n for n, line in enumerate(lines) if line.endswith(":")), len(lines) - 1)
        yield from (Told(visible(line), notice=True) for line in lines[:heads])

    def _written(self, table: Table) -> Iterator[Told]:
        yield from (Told(line) for line in LAYOUTS[self.layout].lines(table, self.width))


class DotCommand(NamedTuple):
    """A command beside SQL."""

    name: str
    takes: str
    help: str
    do: Callable[[Shell, str], Iterator[Told]]


def _help(_: Shell, __: str) -> Iterator[Told]:
    for command in DOT_COMMANDS:
        yield Told(f"{command.name} {command.takes}".ljust(18) + command.help)
    yield Told("Anything else is SQL: one SELECT, which ends with a semicolon.")


def _about(shell: Shell, _: str) -> Iterator[Told]:
    return (Told(line) for line in shell.about)


def _quit(shell: Shell, _: str) -> Iterator[Told]:
    shell.ended = True
    return iter(())


DOT_COMMANDS: tuple[DotCommand, ...] = (
    DotCommand(".tables", "[TEXT]", "the tables and how many rows they have", Shell.list_tables),
    DotCommand(".columns", "TABLE", "its columns, what they mean, when they are known", Shell.describe),
    DotCommand(".more", "", "the rows after those that were shown", Shell.more),
    DotCommand(".plan", "[SQL]", "how it, or what was asked last, is answered: operators, times", Shell.plan),
    DotCommand(".agent", "", "the last answer as an agent reads it", Shell.as_agent),
    DotCommand(".layout", "[LAYOUT]", "how rows are written", Shell.write_as),
    DotCommand(".rows", "N", "how many rows of a result are shown at most", Shell.show_at_most),
    DotCommand(".case", "", "patient, time and policy", _about),
    DotCommand(".help", "", "these commands", _help),
    DotCommand(".quit", "", "leave", _quit),
)

_BY_NAME = {command.name: command for command in DOT_COMMANDS}
