"""SQL from a model: what may run, and the connection it runs on.

Two layers. `lock` closes the connection for good: no file, network, extension or setting can be reached.
`checked` reads the statement's syntax tree and lets through one SELECT over the snapshot's own tables and
functions that always give the same answer; each query then runs in a read-only transaction.

One thing is changed in what it lets through: LIKE ignores case, as it does in SQLite, whose habits models
bring with them (GLOB minds it). `clinseek_core.ehr.origins` adds columns that say where rows come from.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.ehr.origins import Carried, trace
from clinseek_core.errors import ClinseekError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "RefusedError",
    "Statement",
    "UnreadableError",
    "Vocabulary",
    "checked",
    "expressions",
    "install_clock",
    "lock",
    "vocabulary",
]

_QUERY_MILLISECONDS = 5_000
_ENGINE_MEMORY = "1GB"
_MAX_SQL_CHARACTERS = 20_000
_MAX_DEPTH = 200
"""Of expressions; a deeper syntax tree overruns Python's reader of it."""

_LOCK = f"""
SET python_enable_replacements = false;
SET autoinstall_known_extensions = false;
SET autoload_known_extensions = false;
SET allow_community_extensions = false;
SET allow_persistent_secrets = false;
SET TimeZone = 'UTC';
SET max_expression_depth = {_MAX_DEPTH};
SET max_execution_time = {_QUERY_MILLISECONDS};
SET memory_limit = '{_ENGINE_MEMORY}';
SET max_temp_directory_size = '0B';
SET temp_directory = '';
SET enable_external_access = false;
SET lock_configuration = true;
"""

# Prepared once: preparing the calls costs more than parsing a statement.
_PREPARE = """
PREPARE parsed AS
    SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true, skip_default := true);
PREPARE unparsed AS SELECT json_deserialize_sql($1::VARCHAR);
"""

_CLOCK_NAMES = (
    "now",
    "current_timestamp",
    "get_current_timestamp",
    "transaction_timestamp",
    "localtimestamp",
    "current_localtimestamp",
)
_DATE_NAMES = ("today", "current_date")
_TIME_NAMES = ("current_time", "get_current_time", "localtime", "current_localtime")

_SESSION_NAMES = frozenset(
    ("user", "current_user", "session_user", "current_role", "current_catalog", "current_schema")
)
# Named by DuckDB as consistent, but they read the engine itself, take its internal forms apart, or take
# unbounded time in one scalar call.
_DENIED = frozenset(
    (
        "levenshtein",
        "editdist3",
        "damerau_levenshtein",
        "json_serialize_sql",
        "json_serialize_plan",
        "json_deserialize_sql",
        "parse_duckdb_log_message",
        "index_key",
        "version",
        "get_block_size",
        "to_aggregate_state",
        "combine",
        "combine_aggr",
        "finalize",
        "variant_bytes_to_variant",
        "variant_to_parquet_variant",
        "create_sort_key",
        "icu_sort_key",
        "bitstring_byte_comparable",
        "timetz_byte_comparable",
        "get_type",
        "make_type",
        "replace_type",
        "can_cast_implicitly",
    )
)
_DENIED_PREFIXES = (
    "__internal",
    "pg_",
    "has_",
    "inet_",
    "duckdb_",
    "pragma_",
    "current_",
    "txid_",
    "st_",
    "collate_",
    "icu_collate_",
)
_TABLE_FUNCTIONS = frozenset(("range", "generate_series", "unnest", "json_each", "json_tree"))
_CATALOGS = frozenset(("information_schema", "pg_catalog", "sqlite_master", "sqlite_schema", "duckdb_tables"))

# What a syntax tree may be made of. Whatever a later DuckDB adds is refused until it is named here.
_STRUCTURE = frozenset(
    (
        "",
        "SELECT_NODE",
        "SET_OPERATION_NODE",
        "RECURSIVE_CTE_NODE",
        "BASE_TABLE",
        "SUBQUERY",
        "JOIN",
        "TABLE_FUNCTION",
        "EXPRESSION_LIST",
        "EMPTY",
        "PIVOT",
        "SHOW_REF",
        "ORDER_MODIFIER",
        "LIMIT_MODIFIER",
        "LIMIT_PERCENT_MODIFIER",
        "DISTINCT_MODIFIER",
        "ORDER_DEFAULT",
        "ASCENDING",
        "DESCENDING",
    )
)
_EXPRESSIONS = frozenset(
    (
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "OPERATOR",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    )
)
_IGNORING_CASE = {
    "~~": "~~*",
    "!~~": "!~~*",
    "like_escape": "ilike_escape",
    "not_like_escape": "not_ilike_escape",
}

_ONLY_SELECT = "only SELECT statements run here: the record is read-only"
_TOO_DEEP = "the statement is nested too deeply; write it flatter"
_SCHEMA_TOOLS = "use ehr.get_table_names and ehr.get_column_names for the schema"


class RefusedError(ClinseekError):
    """The statement may not run here; the message is for the model that wrote it."""


class UnreadableError(RefusedError):
    """The statement is not DuckDB's SQL; another dialect's reading may help.

    `parsed` says that its syntax is DuckDB's, and something it names is not.
    """

    def __init__(self, message: str, *, parsed: bool) -> None:
        super().__init__(message)
        self.parsed = parsed


class Vocabulary(msgspec.Struct, frozen=True):
    """What a statement may name."""

    tables: frozenset[str]
    functions: frozenset[str]
    aggregates: frozenset[str]
    columns: Mapping[str, Mapping[str, str]]
    """Per table its columns with their types, in order."""
    built_in: frozenset[str]
    """Views of the engine, which a name in a statement must never reach."""


class Statement(msgspec.Struct, frozen=True):
    """One SELECT that may run."""

    sql: str
    tables: frozenset[str]
    """The tables of the snapshot that it names."""
    origins: tuple[tuple[str, str], ...] = ()
    """(alias, table) of the rows told in its last columns, which the asker doesn't see."""


def install_clock(con: DuckDBPyConnection, cutoff: datetime) -> None:
    """Shadow every function that reads the clock with one that answers the cutoff."""
    moment = f"TIMESTAMP '{cutoff:%Y-%m-%d %H:%M:%S}'"
    shadows = dict.fromkeys(_CLOCK_NAMES, moment)
    shadows |= dict.fromkeys(_DATE_NAMES, f"CAST({moment} AS DATE)")
    shadows |= dict.fromkeys(_TIME_NAMES, f"CAST({moment} AS TIME)")
    for name, value in shadows.items():
        con.execute(f'CREATE MACRO "{name}"() AS {value}, (digits) AS {value}')
    con.execute(f"CREATE MACRO ago(i) AS {moment} - i::INTERVAL")
    con.execute(f"CREATE MACRO age(a) AS system.main.age({moment}, a), (a, b) AS system.main.age(a, b)")


def lock(con: DuckDBPyConnection) -> None:
    """Close the connection to everything but its own tables; there is no way back."""
    con.execute(_LOCK)


def vocabulary(con: DuckDBPyConnection, table_names: Collection[str]) -> Vocabulary:
    """The names of the snapshot's tables, and of the functions that are the same every time.

    Readies `con` for `checked`.
    """
    con.execute(_PREPARE)
    rows = con.execute(
        # Overloads for zoned times depend on the session's time zone, which `lock` fixes.
        "SELECT function_name, bool_or(stability = 'CONSISTENT' OR function_type = 'macro'),"
        " bool_or(function_type = 'aggregate')"
        " FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'window', 'macro')"
        " AND schema_name = 'main' GROUP BY ALL"
    ).fetchall()
    functions = {
        name
        for name, consistent, _ in rows
        if consistent and name not in _DENIED and not name.startswith(_DENIED_PREFIXES)
    }
    functions |= {*_CLOCK_NAMES, *_DATE_NAMES, *_TIME_NAMES, "age", "ago"}
    columns: dict[str, dict[str, str]] = {name: {} for name in table_names}
    for table, column, kind in con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE NOT internal AND schema_name = 'main' AND database_name = current_database()"
        " ORDER BY table_name, column_index"
    ).fetchall():
        if table in columns:
            columns[table][column] = kind
    views = con.execute("SELECT view_name FROM duckdb_views() WHERE internal").fetchall()
    return Vocabulary(
        tables=frozenset(table_names),
        functions=frozenset(functions - _SESSION_NAMES),
        aggregates=frozenset(name for name, _, aggregate in rows if aggregate),
        columns=columns,
        built_in=frozenset(str(name).lower() for (name,) in views),
    )


def expressions(con: DuckDBPyConnection, sql: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Expressions of ours as syntax trees; `vocabulary` has readied `con`."""
    tree = msgspec.json.decode(_call(con, "parsed", f"SELECT {', '.join(sql)}"))
    return tuple(tree["statements"][0]["node"]["select_list"])


def checked(con: DuckDBPyConnection, sql: str, words: Vocabulary, carried: Carried) -> Statement:
    """Read one SELECT; with what `carried` says of its rows, where a row of it is a row of the record.

    Raises RefusedError with words that a model can act on, UnreadableError where DuckDB can't parse it
    or knows no such function.
    """
    if len(sql) > _MAX_SQL_CHARACTERS:
        raise RefusedError(f"the statement is longer than {_MAX_SQL_CHARACTERS:,} characters")
    try:
        return _checked(con, sql, words, carried)
    except RecursionError as error:
        raise RefusedError(_TOO_DEEP) from error


def _checked(con: DuckDBPyConnection, sql: str, words: Vocabulary, carried: Carried) -> Statement:
    tree = msgspec.json.decode(_call(con, "parsed", sql))
    if tree.get("error"):
        raise _parse_error(tree)
    statements = tree.get("statements", ())
    if len(statements) != 1:
        raise RefusedError("send exactly one SELECT statement a call")
    node = statements[0]["node"]
    check = _Check(words)
    check.run(node)
    origins = trace(node, words.aggregates, carried)
    if origins or check.changed:
        sql = _call(con, "unparsed", msgspec.json.encode(tree).decode())
    return Statement(sql.strip().rstrip(";"), frozenset(check.tables), origins)


def _call(con: DuckDBPyConnection, prepared: str, text: str) -> str:
    literal = text.replace("'", "''")
    (answer,) = con.execute(f"EXECUTE {prepared}('{literal}')").fetchone() or ("{}",)
    return str(answer)


def _parse_error(tree: dict[str, Any]) -> RefusedError:
    message = str(tree.get("error_message", "not one SELECT statement"))
    if "Only SELECT" in message:
        return RefusedError(_ONLY_SELECT)
    if "depth limit" in message:
        return RefusedError(_TOO_DEEP)
    return UnreadableError(message, parsed=False)


class _Check:
    """One walk over a syntax tree: what is refused, the tables it names, LIKE made to ignore case."""

    def __init__(self, words: Vocabulary) -> None:
        self.tables: set[str] = set()
        self.changed = False
        self._words = words

    def run(self, root: dict[str, Any]) -> None:
        """Walk `root`; a CTE's name is known where DuckDB knows it, and nowhere else.

        Anywhere else the same name would reach a view of the engine.
        """
        stack: list[tuple[Any, frozenset[str]]] = [(root, frozenset())]
        while stack:
            current, ctes = stack.pop()
            if isinstance(current, list):
                stack.extend((child, ctes) for child in current if isinstance(child, dict | list))
                continue
            self._check(current, ctes)
            for entry in (current.get("cte_map") or {}).get("map", ()):
                name = str(entry["key"]).lower()
                if name in self._words.built_in:
                    raise RefusedError(f"a WITH query can't be called {name}; choose another name")
                stack.append((entry["value"], ctes))
                ctes |= {name}
            for key, child in current.items():
                if key == "right" and current.get("type") == "RECURSIVE_CTE_NODE":
                    stack.append((child, ctes | {str(current["cte_name"]).lower()}))
                elif key != "cte_map" and isinstance(child, dict | list):
                    stack.append((child, ctes))

    def _check(self, node: dict[str, Any], ctes: frozenset[str]) -> None:
        for key, reason in _REFUSED_KEYS.items():
            if node.get(key):
                raise RefusedError(reason)
        kind = str(node.get("class", node.get("type", "")))
        if kind not in (_EXPRESSIONS if "class" in node else _STRUCTURE):
            raise RefusedError(_REFUSED_KINDS.get(kind, _ONLY_SELECT))
        if kind in _CHECKS:
            _CHECKS[kind](self, node, ctes)

    def _check_table(self, node: dict[str, Any], ctes: frozenset[str]) -> None:
        name, schema = str(node["table_name"]).lower(), str(node.get("schema_name", "")).lower()
        catalog = str(node.get("catalog_name", "")).lower()
        if name in _CATALOGS or schema in _CATALOGS:
            raise RefusedError(_SCHEMA_TOOLS)
        if schema not in {"", "main"} or catalog not in {"", "memory"} or len(_path(node)) > 3:
            raise RefusedError(f"{schema}.{name} is not part of the record; tables stand without a schema")
        if name in ctes and not schema:
            return
        if name not in self._words.tables:
            near = difflib.get_close_matches(name, self._words.tables, n=3, cutoff=0.6)
            hint = f"; did you mean {', '.join(near)}?" if near else "; see ehr.get_table_names"
            raise RefusedError(f"there is no table {_shortened(name)}{hint}")
        self.tables.add(name)

    def _check_table_function(self, node: dict[str, Any], _: frozenset[str]) -> None:
        name = str(node.get("function", {}).get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS:
            raise RefusedError(f"table function {_shortened(name)}() is not available here")

    def _check_column(self, node: dict[str, Any], _: frozenset[str]) -> None:
        names = node.get("column_names") or [""]
        if len(names) == 1 and str(names[0]).lower() in _SESSION_NAMES:
            raise RefusedError(f"{names[0]} is not available here")

    def _check_function(self, node: dict[str, Any], _: frozenset[str]) -> None:
        name = str(node["function_name"]).lower()
        if len(_path(node)) > 1 or node.get("schema") or node.get("catalog"):
            # `system.main.now()` would reach past the shadow that answers the cutoff.
            raise RefusedError(f"write {_shortened(name)}() without a schema")
        if name not in self._words.functions and name not in _TABLE_FUNCTIONS:
            near = difflib.get_close_matches(name, self._words.functions, n=2, cutoff=0.75)
            hint = f"; there is {' and '.join(near)}" if near else ""
            raise UnreadableError(f"function {_shortened(name)}() is not available here{hint}", parsed=True)
        if name in _IGNORING_CASE:
            node["function_name"] = _IGNORING_CASE[name]
            node["qualified_name"] = {"path": [_IGNORING_CASE[name]]}
            self.changed = True

    def _check_show(self, _node: dict[str, Any], _: frozenset[str]) -> None:
        raise RefusedError(_SCHEMA_TOOLS)


_CHECKS: dict[str, Callable[[_Check, dict[str, Any], frozenset[str]], None]] = {
    "BASE_TABLE": _Check._check_table,
    "TABLE_FUNCTION": _Check._check_table_function,
    "SHOW_REF": _Check._check_show,
    "COLUMN_REF": _Check._check_column,
    "FUNCTION": _Check._check_function,
    "WINDOW": _Check._check_function,
}
_REFUSED_KEYS = {
    "sample": "sampling is refused: the same query must give the same rows",
    "at_clause": "the record is read as of the cutoff only, without AT",
    "export_state": "the state of an aggregate is not available here",
}
_REFUSED_KINDS = {
    "PARAMETER": "there are no parameters here: write the value itself",
    "DEFAULT": "DEFAULT has no meaning in a SELECT",
}


def _path(node: dict[str, Any]) -> list[str]:
    path: list[str] = (node.get("qualified_name") or {}).get("path", [])
    return path


def _shortened(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"
