"""Calls of every EHR tool made from a seed: right ones, wrong ones, and SQL of a small grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

from generated_record import KEYS, SUBJECT, TEXTS, VALUES, made_time

from clinseek_core.candidates import CANDIDATE_TABLES
from clinseek_core.mimic import tables
from clinseek_core.mimic.contract import CONTRACT
from clinseek_core.tools.ehr_specs import EHR_TOOLS

Call = tuple[str, dict[str, Any]]

_SQL = "ehr.run_sql_query"
_TOOLS = [spec for spec in EHR_TOOLS for _ in range(6 if spec.name == _SQL else 1)]
_RECORD_TABLES = [name for name in CONTRACT if tables()[name].kind == "patient"]
_TABLES = [*CONTRACT, *_RECORD_TABLES, *CANDIDATE_TABLES]
_WRONG_TABLES = ("provider", "nosuchtable", "hosp.labevents", "LABEVENTS.csv", "lab events", "", "d_", "%")
_WRONG_COLUMNS = (
    "dod",
    "order_status",
    "anchor_age",
    "known_at@known",
    "pending",
    "rowid",
    "happened_at",
    "",
)
_WRONG_TYPES = (None, True, {}, 5, [1], ["a"], "\ud800")
_WORDS = (
    *("a", "blood", "CANARY", "heparin|canary", "culture", "of mine", "sepsis", "insulin", "medicine"),
    *("creatinine", "98", "", " | ", "%", "é"),
)
_KEY_VALUES = [value for values in KEYS.values() for value in values]
_VALUES = [value for values in VALUES.values() for value in values]


def made_calls(random: Random, cutoff: datetime) -> list[Call]:
    """A sequence of calls."""
    return [made_call(random, cutoff) for _ in range(random.randrange(2, 7))]


def made_call(random: Random, cutoff: datetime) -> Call:
    """A call of any tool; one in ten is spoiled."""
    spec = random.choice(_TOOLS)
    of_candidates = "candidates" in spec.name and random.random() < 0.9
    table = random.choice(list(CANDIDATE_TABLES) if of_candidates else _TABLES)
    if spec.name == "ehr.load_ehr" and random.random() < 0.5:
        return spec.name, {"subject_id": str(SUBJECT), "timestamp": str(cutoff)}
    asked = [
        name
        for name in spec.parameters["properties"]
        if name in spec.parameters["required"] or random.random() < 0.3
    ]
    arguments = {name: _ARGUMENTS[name](random, table) for name in asked}
    return _spoiled(random, spec.name, arguments) if random.random() < 0.1 else (spec.name, arguments)


def _spoiled(random: Random, name: str, arguments: dict[str, Any]) -> Call:
    other = random.choice(sorted(_ARGUMENTS))
    return random.choice(
        [
            (name.replace("ehr.", "erh."), arguments),
            (name, arguments | {other: _ARGUMENTS[other](random, "labevents")}),
            (name, {**arguments, "page": 2}),
            (
                name,
                arguments
                | dict.fromkeys(arguments, random.choice((None, True, {}, 5, [1], ["a"], "\ud800"))),
            ),
            (name, {}),
        ]
    )


def _time(random: Random, _: str) -> Any:
    odd = ("2150-03-02", "2149-01-01", "2199-01-01 00:00:00", "2150-03-02T06:00:00Z", "noon", "", 2150)
    return random.choice((str(made_time(random)), str(made_time(random)), random.choice(odd)))


def _table(random: Random, table: str) -> str:
    return random.choice(_WRONG_TABLES) if random.random() < 0.1 else table


def _column(random: Random, table: str) -> str:
    if random.random() < 0.15:
        return random.choice(_WRONG_COLUMNS)
    return random.choice(columns_shown(table))


def columns_shown(table: str) -> list[str]:
    """The columns of a table of the record, a dictionary or a candidate table."""
    if table in CANDIDATE_TABLES:
        return list(CANDIDATE_TABLES[table].columns)
    rule = CONTRACT[table]
    columns = [column.name for column in tables()[table].columns if column.name not in rule.never]
    return [*columns, *rule.derived] if table == "patients" else [*columns, "known_at"]


_ARGUMENTS: dict[str, Callable[[Random, str], Any]] = {
    "subject_id": lambda random, _: random.choice((str(SUBJECT), SUBJECT, f"{SUBJECT}.0", "90000002")),
    "timestamp": _time,
    "table_name": _table,
    "column_name": _column,
    "start_time": lambda random, table: random.choice(("2150-01-01", _time(random, table))),
    "end_time": lambda random, table: random.choice(("2151-01-01", _time(random, table))),
    "limit": lambda random, _: random.choice((1, 2, 3, 50, 1000, 0, -1, "2", "x")),
    "offset": lambda random, _: random.choice((0, 1, 2, 5, -1, "1.0", 10**12)),
    "sql_query": lambda random, table: made_query(random, table),  # noqa: PLW0108 - defined below
    "keyword": lambda random, _: random.choice(_WORDS + TEXTS),
    "keywords": lambda random, _: random.choice((random.choice(_WORDS), random.sample(_WORDS, 2), "[]")),
    "query": lambda random, _: random.choice((random.choice(_WORDS), random.sample(_WORDS, 2), '["a", "b"]')),
    "value": lambda random, table: random.choice(
        (random.choice(_KEY_VALUES), random.choice(_VALUES), random.choice(TEXTS), _time(random, table))
    ),
    "response": lambda random, _: random.choice(("a", ["a", "b"], [])),
}

# Each name stands for one of its texts; names in them likewise. `{c}` is a column of the table `{t}`, called
# `a` in the statement, `{k}` a key that it shares with the table `{u}`, called `b`.
_GRAMMAR: dict[str, tuple[str, ...]] = {
    "statement": (
        "SELECT {items} FROM {t} a {where} {tail}",
        "SELECT {items} FROM {t} a {where} {tail}",
        "SELECT {items} FROM {t} a {join} {where} {tail}",
        "SELECT {x} AS x, {aggregate} FROM {t} a {where} GROUP BY {grouping} {having} ORDER BY ALL",
        "SELECT {x} AS x, {aggregate} FROM {t} a {join} GROUP BY ALL ORDER BY ALL",
        "SELECT {aggregate}, {aggregate} FROM {t} a {where}",
        "SELECT {x}, {window} FROM {t} a {tail}",
        "WITH w AS (SELECT * FROM {t} a {where}) SELECT {items} FROM w a {tail}",
        "SELECT * FROM (SELECT {x} AS x, count(*) AS n FROM {t} a GROUP BY 1) ORDER BY ALL",
        "SELECT {x} FROM {t} a UNION ALL SELECT count(*)::VARCHAR FROM {u} b",
        "SELECT * FROM {t} a WHERE EXISTS (SELECT 1 FROM {u} b WHERE b.{k} = a.{k}) {tail}",
        "SELECT *, (SELECT count(*) FROM {u} b WHERE b.{k} = a.{k}) FROM {t} a",
        "SELECT DISTINCT ON ({c}) * FROM {t} a ORDER BY {c}, known_at",
        "PIVOT {t} ON {c} USING count(*)",
        "FROM {t}",
        "{failing}",
    ),
    "items": (
        "*",
        "*",
        "a.*",
        "{x}",
        "{x}, {x}",
        "a",
        "rowid, *",
        "count(*)",
        "*, {x} AS x",
        "COLUMNS(*)::VARCHAR",
    ),
    "join": (
        "JOIN {u} b ON a.{k} = b.{k}",
        "LEFT JOIN {u} b USING ({k})",
        "FULL JOIN {u} b ON a.{k} = b.{k} AND a.known_at < b.known_at",
        "ANTI JOIN {u} b ON a.{k} = b.{k}",
        ", {u} b",
        "ASOF JOIN {u} b ON a.{k} = b.{k} AND a.known_at >= b.known_at",
    ),
    "where": ("", "", "WHERE {p}", "WHERE {p} AND {p}", "WHERE NOT ({p}) OR {p}"),
    "p": (
        "a.{c} IS NULL",
        "a.{c} = {value}",
        "a.{c}::VARCHAR LIKE '{pattern}'",
        "a::VARCHAR LIKE '%{word}%'",
        "a.{c} < {value}",
        "a.known_at {compare} {time}",
        "a.{c}::VARCHAR ~ '^[0-9]+'",
        "a.{c} IN (SELECT {k} FROM {u})",
        "a.{c} BETWEEN '2150-03-01' AND {time}",
    ),
    "x": (
        "a.{c}",
        "a.{c}",
        "coalesce(a.{c}::VARCHAR, '-')",
        "a.{c} IS NULL",
        "length(a.{c}::VARCHAR)",
        "CASE WHEN a.{c} IS NULL THEN 'none' ELSE 'some' END",
        "date_diff('hour', a.known_at, {time})",
        "strftime(a.known_at, '%Y-%m-%d')",
        "hash(a.{c})",
        "age(a.known_at)",
        "TRY_CAST(a.{c} AS DOUBLE) * 2",
    ),
    "aggregate": (
        "count(*)",
        "count(a.{c})",
        "count(DISTINCT a.{c})",
        "min(a.{c})",
        "max(a.known_at)",
        "string_agg(a.{c}::VARCHAR, '|')",
        "list(a.{c})",
        "first(a.{c})",
        "arg_max(a.{c}, a.known_at)",
        "sum(hash(a::VARCHAR))",
        "count(*) FILTER (WHERE {p})",
        "mode(a.{c})",
        "approx_count_distinct(a.{c})",
        "avg(TRY_CAST(a.{c} AS DOUBLE))",
    ),
    "grouping": ("ALL", "1", "ROLLUP (x)"),
    "having": ("", "HAVING count(*) > 1"),
    "window": (
        "row_number() OVER (ORDER BY a.known_at)",
        "lag(a.{c}) OVER (ORDER BY rowid)",
        "count(*) OVER (PARTITION BY a.{c})",
        "rank() OVER (PARTITION BY {k} ORDER BY a.{c})",
        "lead(a.known_at) OVER (PARTITION BY a.{k} ORDER BY a.known_at, rowid)",
    ),
    "tail": ("", "", "ORDER BY ALL", "ORDER BY a.{c} DESC", "LIMIT 2", "ORDER BY known_at LIMIT 3 OFFSET 1"),
    "time": (
        "now()",
        "TIMESTAMP '2150-03-02 06:00:00'",
        "current_date",
        "'2150-03-02'",
        "today() + INTERVAL 9 DAY",
    ),
    "compare": ("<", "<=", ">", ">=", "="),
    "value": ("NULL", "1", "'a'", "92000001", "93000001", "'90000001-2'", "'CANARY'", "'2150-03-02'"),
    "pattern": ("%", "%a%", "9%", "%CANARY%", "__", "%2199%"),
    "word": ("CANARY", "2199", "92000002", "nan", "Blood"),
    "failing": (
        "SELECT {c} FROM {u}",
        "SELECT nosuchcolumn FROM {t}",
        "SELECT CAST({c} AS INTEGER) FROM {t}",
        "SELECT CAST({c} AS TIMESTAMP) FROM {t}",
        "SELECT sum({c}) FROM {t}",
        "SELECT {c} + 2147483647::INTEGER FROM {t}",
        "SELECT error({c}::VARCHAR) FROM {t}",
        "SELECT ({c}) = (SELECT {c} FROM {t}) FROM {t}",
        "SELECT {c}, count(*) FROM {t}",
        "SELECT json_extract({c}::VARCHAR, '$.a') FROM {t}",
        "SELECT strptime({c}::VARCHAR, '%Y') FROM {t}",
        "SELECT julianday('now') - julianday({c}), substr({c}, 1, 4), datetime('now') FROM {t}",
        "SELECT strftime('%Y', {c}), ifnull({c}, 'x') FROM {t} LIMIT 1, 2",
        "SELECT * FROM {t} LIMIT 5; SELECT 1",
        "SELEC * FROM {t}",
        "SELECT * FROM record.dated.{t}",
        "SELECT * FROM numbers_radiology",
        "SELECT * FROM information_schema.columns WHERE table_name = '{t}'",
        "SELECT sql FROM sqlite_master",
        "SELECT estimated_size FROM duckdb_tables()",
        "SELECT * FROM pragma_storage_info('{t}')",
        "SELECT * FROM pragma_table_info('{t}')",
        "SELECT stats({c}) FROM {t}",
        "DESCRIBE {t}",
        "SHOW TABLES",
        "SUMMARIZE {t}",
        "EXPLAIN ANALYZE SELECT * FROM {t}",
        "PRAGMA table_info('{t}')",
        "SELECT * FROM {t} TABLESAMPLE 50%",
        "SELECT random(), uuid() FROM {t}",
        "SELECT current_setting('threads'), txid_current()",
        "UPDATE {t} SET {c} = NULL",
        "DROP TABLE {t}",
    ),
}
_NAME = re.compile(r"\{(\w+)\}")


def made_query(random: Random, table: str) -> str:
    """A statement about a table, most often one that runs."""
    other = random.choice(_RECORD_TABLES)
    keys = {name for name in columns_shown(table) if name.endswith("id")} & set(columns_shown(other))
    chosen: dict[str, Callable[[], str]] = {
        "t": lambda: table,
        "u": lambda: other,
        "k": lambda: random.choice(sorted(keys) or ["subject_id"]),
        "c": lambda: _column(random, table) if random.random() < 0.1 else random.choice(columns_shown(table)),
    }

    def said(name: str) -> str:
        if name in chosen:
            return chosen[name]()
        return _NAME.sub(lambda found: said(found[1]), random.choice(_GRAMMAR[name]))

    return " ".join(said("statement").split())
