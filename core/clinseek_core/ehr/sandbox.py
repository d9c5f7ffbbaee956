"""SQL from a model: what may run, and the connection it runs on.

Two layers. `lock` closes the connection for good: no file, network, extension or setting can be reached.
`checked` reads the statement's syntax tree and lets through one SELECT over the snapshot's own tables and
functions that always give the same answer; each query then runs in a read-only transaction.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.errors import ClinseekError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RefusedError", "Vocabulary", "checked", "install_clock", "lock", "vocabulary"]

_QUERY_MILLISECONDS = 5_000
_ENGINE_MEMORY = "1GB"
_MAX_SQL_CHARACTERS = 20_000

_LOCK = f"""
SET python_enable_replacements = false;
SET autoinstall_known_extensions = false;
SET autoload_known_extensions = false;
SET allow_community_extensions = false;
SET allow_persistent_secrets = false;
SET TimeZone = 'UTC';
SET max_execution_time = {_QUERY_MILLISECONDS};
SET memory_limit = '{_ENGINE_MEMORY}';
SET max_temp_directory_size = '0B';
SET temp_directory = '';
SET enable_external_access = false;
SET lock_configuration = true;
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
# Named by DuckDB as consistent, but they read the engine itself or take unbounded time in one scalar call.
_DENIED = frozenset(
    (
        "levenshtein",
        "editdist3",
        "damerau_levenshtein",
        "json_serialize_plan",
        "json_deserialize_sql",
        "parse_duckdb_log_message",
        "index_key",
        "version",
        "ago",
    )
)
_DENIED_PREFIXES = ("__internal", "pg_", "has_", "inet_", "duckdb_", "pragma_", "current_", "txid_")
_TABLE_FUNCTIONS = frozenset(("range", "generate_series", "unnest", "json_each", "json_tree"))
_CATALOGS = frozenset(("information_schema", "pg_catalog", "sqlite_master", "sqlite_schema", "duckdb_tables"))
_NODES = frozenset(("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"))


class RefusedError(ClinseekError):
    """The statement may not run here; the message is for the model that wrote it."""


class Vocabulary(msgspec.Struct, frozen=True):
    """What a statement may name."""

    tables: frozenset[str]
    functions: frozenset[str]


def install_clock(con: DuckDBPyConnection, cutoff: datetime) -> None:
    """Shadow every function that reads the clock with one that answers the cutoff."""
    moment = f"TIMESTAMP '{cutoff:%Y-%m-%d %H:%M:%S}'"
    shadows = dict.fromkeys(_CLOCK_NAMES, moment)
    shadows |= dict.fromkeys(_DATE_NAMES, f"CAST({moment} AS DATE)")
    shadows |= dict.fromkeys(_TIME_NAMES, f"CAST({moment} AS TIME)")
    for name, value in shadows.items():
        con.execute(f'CREATE MACRO "{name}"() AS {value}')
    con.execute(f"CREATE MACRO age(a) AS system.main.age({moment}, a), (a, b) AS system.main.age(a, b)")


def lock(con: DuckDBPyConnection) -> None:
    """Close the connection to everything but its own tables; there is no way back."""
    con.execute(_LOCK)


def vocabulary(con: DuckDBPyConnection, table_names: Collection[str]) -> Vocabulary:
    """The names of the snapshot's tables, and of the functions that are the same every time."""
    rows = con.execute(
        # Overloads for zoned times depend on the session's time zone, which `lock` fixes.
        "SELECT function_name, bool_or(stability = 'CONSISTENT' OR function_type = 'macro')"
        " FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'window', 'macro')"
        " GROUP BY ALL"
    ).fetchall()
    functions = {
        name
        for name, consistent in rows
        if consistent and name not in _DENIED and not name.startswith(_DENIED_PREFIXES)
    }
    functions |= {*_CLOCK_NAMES, *_DATE_NAMES, *_TIME_NAMES, "age"}
    return Vocabulary(frozenset(table_names), frozenset(functions - _SESSION_NAMES))


def checked(con: DuckDBPyConnection, sql: str, words: Vocabulary) -> str:
    """Return the one SELECT in `sql`, or raise RefusedError with words that a model can act on."""
    if len(sql) > _MAX_SQL_CHARACTERS:
        raise RefusedError(f"the statement is longer than {_MAX_SQL_CHARACTERS:,} characters")
    (serialized,) = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone() or ("{}",)
    tree = json.loads(serialized)
    if tree.get("error"):
        raise RefusedError(_parse_error(tree))
    if len(tree["statements"]) != 1:
        raise RefusedError("send exactly one SELECT statement a call")
    nodes = list(_walk(tree["statements"][0]["node"]))
    ctes = {entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    for node in nodes:
        _check_node(node, words, ctes)
    return sql.strip().rstrip(";")


def _parse_error(tree: dict[str, Any]) -> str:
    message = str(tree.get("error_message", "not one SELECT statement"))
    if "Only SELECT" in message:
        return "only SELECT statements run here: the record is read-only"
    return message


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)


def _check_node(node: dict[str, Any], words: Vocabulary, ctes: set[str]) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _NODES:
        raise RefusedError("only SELECT statements run here: the record is read-only")
    if node.get("sample"):
        raise RefusedError("sampling is refused: the same query must give the same rows")
    if kind == "BASE_TABLE":
        _check_table(node, words, ctes)
    elif kind == "TABLE_FUNCTION":
        name = str(node.get("function", {}).get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS:
            raise RefusedError(f"table function {name}() is not available here")
    elif kind == "SHOW_REF":
        raise RefusedError("use ehr.get_table_names and ehr.get_column_names for the schema")
    elif node.get("class") == "COLUMN_REF":
        names = node.get("column_names") or [""]
        if len(names) == 1 and str(names[0]).lower() in _SESSION_NAMES:
            raise RefusedError(f"{names[0]} is not available here")
    elif "function_name" in node and not node.get("is_operator"):
        _check_function(node, words)


def _check_table(node: dict[str, Any], words: Vocabulary, ctes: set[str]) -> None:
    name, schema = str(node["table_name"]).lower(), str(node.get("schema_name", "")).lower()
    if name in _CATALOGS or schema in _CATALOGS:
        raise RefusedError("use ehr.get_table_names and ehr.get_column_names for the schema")
    if schema not in {"", "main"} or str(node.get("catalog_name", "")).lower() not in {"", "memory"}:
        raise RefusedError(f"{schema}.{name} is not part of the record; tables stand without a schema")
    if name not in words.tables and name not in ctes:
        near = difflib.get_close_matches(name, words.tables, n=3, cutoff=0.6)
        hint = f"; did you mean {', '.join(near)}?" if near else "; see ehr.get_table_names"
        raise RefusedError(f"there is no table {name}{hint}")


def _check_function(node: dict[str, Any], words: Vocabulary) -> None:
    name = str(node["function_name"]).lower()
    if node.get("schema") or node.get("catalog"):
        # `system.main.now()` would reach past the shadow that answers the cutoff.
        raise RefusedError(f"write {name}() without a schema")
    if (
        node.get("class") in {"FUNCTION", "WINDOW"}
        and name not in words.functions
        and name not in _TABLE_FUNCTIONS
    ):
        near = difflib.get_close_matches(name, words.functions, n=2, cutoff=0.75)
        hint = f"; there is {' and '.join(near)}" if near else ""
        raise RefusedError(f"function {name}() is not available here{hint}")
