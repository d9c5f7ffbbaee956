"""What a printed column shows, by the contract: when it happened, when it was stored, how it ended.

The catalogue and the contract say it for MIMIC-IV's columns; a few lines here add the columns that the
reference implementation's databases have besides. Columns that SQL makes are traced to what they are made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from clinseek_core.mimic import Role, tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_replay.tables import TextTable

__all__ = [
    "CODED",
    "INTERVALS",
    "LATER",
    "OUTCOMES",
    "UNTIMED",
    "Kind",
    "Later",
    "Source",
    "event_column",
    "kind_of",
    "sources_of",
]

Kind = Literal["event", "store", "end", "interval", "plan", "written", "film", "unknown"]
"""What a time in a column is: `event` when the row happened, `store` when it reached the record, `end` known
only then, `interval` the end of an infusion or procedure, `plan` a planned time, `written` a date inside a
fact or a text, `film` when a study was taken, `unknown` where nothing says."""


class Source(NamedTuple):
    """A column of the record that a printed column may show."""

    table: str
    column: str
    role: Role | Literal["film", "text"]
    type: str


class Later(NamedTuple):
    """A cell that is known later than its row."""

    clocks: tuple[str, ...]
    """Columns of the same row, the latest of which is when; itself where it is a time; empty for a key."""
    key: str = ""
    """For another row's identifier the column of the record that holds when that row began."""


INTERVALS = frozenset(("inputevents", "ingredientevents", "procedureevents"))
"""Tables whose rows are known while they go on."""

OUTCOMES = frozenset(
    ("dischtime", "deathtime", "hospital_expire_flag", "discharge_location", "dod", "disposition", "los")
)
"""Columns that are what risk tasks ask for."""

UNTIMED: Mapping[str, tuple[str, str]] = {
    "triage": ("edstays", "stay_id"),
    "emar_detail": ("emar", "emar_id"),
    "poe_detail": ("poe", "poe_id"),
    "discharge_detail": ("discharge", "note_id"),
    "radiology_detail": ("radiology", "note_id"),
}
"""Tables without a time of their own: the table and key of what they belong to."""

_BESIDE = (
    Source("admissions", "text", "text", "VARCHAR"),
    Source("diagnoses_icd", "charttime", "event", "TIMESTAMP"),
    Source("diagnosis", "charttime", "event", "TIMESTAMP"),
    Source("stays", "intime", "event", "TIMESTAMP"),
    Source("stays", "admittime", "event", "TIMESTAMP"),
    Source("stays", "last_careunit", "end", "VARCHAR"),
    Source("stays", "hadm_id", "key", "INTEGER"),
    Source("stays", "stay_id", "id", "INTEGER"),
    Source("events", "charttime", "event", "TIMESTAMP"),
    Source("events", "value", "value", "VARCHAR"),
    Source("tb_cxr", "studydatetime", "film", "TIMESTAMP"),
    Source("tb_cxr", "study_id", "id", "INTEGER"),
)
"""What the reference implementation's databases have besides MIMIC-IV's columns."""

_FILMS = frozenset(("cxr_metadata", "cxr_study_list", "cxr_record_list", "tb_cxr"))
_KEY_CLOCKS = {
    "admitted": "admittime",
    "ed_arrived": "intime",
    "icu_entered": "intime",
    "ordered": "ordertime",
}
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLANNED = re.compile(r"sched|plan|due|expir|appoint|birth|dob\b|next|until|valid|follow_?up|starttime", re.I)
_LONGEST = 20_000
"""Characters of a query that are looked at."""
_MOST_NAMES = 200
_EXPRESSION = 400
"""Characters before an alias that are looked at for what it is made of."""


@cache
def _columns() -> Mapping[str, tuple[Source, ...]]:
    """Column name in lower case to the columns of that name."""
    found: dict[str, list[Source]] = {}
    for info in tables().values():
        for column in info.columns:
            role: Role | Literal["film"] = column.role
            if info.name in _FILMS and column.role == "event":
                role = "film"
            found.setdefault(column.name.lower(), []).append(
                Source(info.name, column.name, role, str(column.type))
            )
    for source in _BESIDE:
        found.setdefault(source.column, []).append(source)
    return {name: tuple(sources) for name, sources in found.items()}


@cache
def _known_tables() -> frozenset[str]:
    return frozenset(source.table for sources in _columns().values() for source in sources)


@lru_cache(maxsize=512)
def sources_of(
    names: tuple[str, ...], printed: str, beside: tuple[str, ...], sql: str = ""
) -> tuple[Source, ...]:
    """The columns that a printed one may show; empty where that is not to be told.

    `names` are the tables that are read, `beside` the columns printed with it, which tell the table where no
    name does.
    """
    known = tuple(name for name in names if name in _known_tables())
    within = frozenset(known or (() if names else _alike(beside)))
    if found := _named(printed.lower(), within):
        return found
    made_of = _IDENTIFIER.findall(printed) if not printed.isidentifier() else _made_of(printed, sql)
    return tuple(source for name in made_of for source in _named(name.lower(), within))


def _named(name: str, within: frozenset[str]) -> tuple[Source, ...]:
    if name == "known_at":
        return (Source("", "known_at", "store", "TIMESTAMP"),)
    return tuple(source for source in _columns().get(name, ()) if source.table in within)


def _alike(printed: tuple[str, ...]) -> tuple[str, ...]:
    """The tables that have most of the printed columns, where they have most of them."""
    shared: dict[str, int] = {}
    for name in dict.fromkeys(printed):
        for source in _columns().get(name.lower(), ()):
            shared[source.table] = shared.get(source.table, 0) + 1
    most = max(shared.values(), default=0)
    if most < 2 or most * 2 < len(printed):
        return ()
    return tuple(table for table, count in shared.items() if count == most)


def _made_of(alias: str, sql: str) -> list[str]:
    """The names in the expressions that a query calls `alias`, those behind other aliases too."""
    names: dict[str, None] = {}
    waiting = [alias]
    sql = sql[:_LONGEST]
    while waiting and len(names) < _MOST_NAMES:
        alias = waiting.pop()
        for found in re.finditer(rf'\bas\s++["`]?{re.escape(alias)}["`]?(?!\w)', sql, re.IGNORECASE):
            for name in _IDENTIFIER.findall(_expression_before(sql, found.start())):
                if name not in names and name.lower() not in _columns():
                    waiting.append(name)
                names[name] = None
    return list(names)


def _expression_before(sql: str, end: int) -> str:
    """The expression that ends at `end`: back to a comma, an open bracket or SELECT of its own level."""
    depth, at = 0, end
    floor = max(end - _EXPRESSION, 0)
    while at > floor:
        sign = sql[at - 1]
        if sign == ")":
            depth += 1
        elif sign == "(":
            depth -= 1
        if depth < 0 or (depth == 0 and (sign == "," or sql[at - 6 : at].lower() == "select")):
            break
        at -= 1
    return sql[at:end]


def kind_of(printed: str, sources: tuple[Source, ...]) -> Kind:
    """What a time in a column is. Where it may show several columns, what does least harm to say."""
    if not sources:
        return "plan" if _PLANNED.search(printed) else "unknown"
    kinds = {_kind(source) for source in sources}
    return next(kind for kind in _MILDEST if kind in kinds)


_MILDEST: tuple[Kind, ...] = ("plan", "end", "interval", "store", "film", "event", "written", "unknown")
_KINDS: Mapping[str, Kind] = {"event": "event", "store": "store", "plan": "plan", "film": "film"}


def _kind(source: Source) -> Kind:
    if source.role in {"end", "outcome", "final"} and source.type in {"TIMESTAMP", "DATE"}:
        return "interval" if source.table in INTERVALS else "end"
    return _KINDS.get(source.role, "written")


def event_column(table: TextTable, name: str) -> int:
    """The printed column that best says which row of a table it is: when it happened, or whose."""
    info = tables().get(name)
    events = [c.name.lower() for c in info.columns if c.role == "event"] if info else []
    whose = UNTIMED[name][1:] if name in UNTIMED else ()
    others = (column for column in table.index if column != "subject_id")
    return next((table.index[each] for each in (*events, *whose, *others) if each in table.index), 0)


def _later() -> Mapping[tuple[str, str], Later]:
    """The contract's later cells, by table and column in lower case."""
    found: dict[tuple[str, str], Later] = {}
    for name, rule in CONTRACT.items():
        info = tables()[name]
        times = {column.name for column in info.columns if column.type in {"TIMESTAMP", "DATE"}}
        for column, clock in rule.later.items():
            function = clock.partition("(")[0]
            key = _KEY_CLOCKS.get(function, "")
            clocks = tuple(dict.fromkeys(word for word in _IDENTIFIER.findall(clock) if word in times))
            if not clocks and column in times:
                clocks = (column,)
            if clocks or key:
                found[name, column.lower()] = Later(() if key else clocks, key)
    found["patients", "dod"] = Later(("dod",))
    found["stays", "last_careunit"] = Later(("outtime",))
    return found


LATER = _later()
CODED = frozenset(name for name, rule in CONTRACT.items() if rule.coded)
"""Tables of billing codes: known when the encounter is over."""
