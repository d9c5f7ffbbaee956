"""Where the record says things in words: the text columns of its tables, and SQL that reads them as one.

`sources.tsv` lists them by what a mention there means (its role): a complaint, a report, an order, a dose.
"""

from __future__ import annotations

from datetime import datetime
from string import Template
from typing import Literal

import msgspec

from clinseek_core.seeker.data import lines
from clinseek_core.seeker.reading import Row, rows, shown, whole

__all__ = ["SOURCES", "Role", "Schema", "Source", "read_columns", "read_tables", "texts_sql", "timestamp"]

Role = Literal[
    "complaint",
    "report",
    "coded",
    "done",
    "ordered",
    "requested",
    "given",
    "dispensed",
    "home",
    "measured",
    "culture",
    "charted",
    "place",
]


class Source(msgspec.Struct, frozen=True):
    """One text column (or what is made of some), and when its rows happened."""

    role: Role
    table: str
    needs: tuple[str, ...]
    """Columns that reading it takes; `known_at`, which every table of the record has, is not listed."""
    text: str
    at: str
    joined: str


class Schema(msgspec.Struct, frozen=True):
    """The record's tables with their rows, and the columns of those that were looked at."""

    rows: dict[str, int]
    columns: dict[str, frozenset[str]]

    def holds(self, table: str) -> bool:
        """Whether the table has rows."""
        return self.rows.get(table, 0) > 0

    def can_read(self, source: Source) -> bool:
        """Whether the source's table has rows and the columns that reading it needs."""
        return self.holds(source.table) and set(source.needs) <= self.columns.get(source.table, frozenset())


SOURCES: tuple[Source, ...] = tuple(
    msgspec.convert(line | {"needs": line["needs"].split(",")}, Source) for line in lines("sources.tsv")
)

_SELECT = Template(
    "SELECT '$role: $table' AS source, lower($text) AS text, $at AS happened FROM $table t$joined"
)
# Reports are read by sentences, so that "no effusion" in one doesn't deny what another states.
_SENTENCES = Template(
    "SELECT '$role: $table' AS source, unnest(string_split_regex("
    "replace(regexp_replace(lower($text), '\\s+', ' ', 'g'), 'no change', 'unchanged'),"
    " '[.;:] | but | however ')) AS text, $at AS happened FROM $table t"
)


def texts_sql(schema: Schema, roles: tuple[Role, ...]) -> str:
    """A SELECT of (source, text, happened) over what can be read of these roles; empty for nothing."""
    readable = [source for source in SOURCES if source.role in roles and schema.can_read(source)]
    return "\nUNION ALL ".join(map(_select, readable))


def _select(source: Source) -> str:
    template = _SENTENCES if source.role == "report" else _SELECT
    return template.substitute(
        role=source.role,
        table=source.table,
        text=source.text,
        at=source.at,
        joined=f" JOIN {source.joined}" if source.joined else "",
    )


def timestamp(moment: datetime) -> str:
    """The time as SQL."""
    return f"TIMESTAMP '{shown(moment)}'"


def read_tables(*answers: str) -> dict[str, int]:
    """Tables with their rows, from what `ehr.load_ehr` or `ehr.get_table_names` said."""
    listed: list[Row] = [row for answer in answers for row in rows(answer, "table", "rows")]
    return {row["table"]: whole(row["rows"]) for row in listed if row.get("kind", "record") != "candidates"}


def read_columns(answer: str) -> frozenset[str]:
    """Column names, from what `ehr.get_column_names` or `ehr.get_table_description` said."""
    described = rows(answer, "column", "type")
    if described:
        return frozenset(row["column"] for row in described)
    return frozenset(name.strip() for name in answer.partition("\n")[2].split(","))
