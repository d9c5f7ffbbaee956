"""Where the rows of a model's query come from: rowids added to it as hidden last columns.

A row has origins where it is one row of each table it is joined from: a plain SELECT, without aggregates or
DISTINCT, over tables of the record, read directly, through subqueries or through WITH queries named once.
The hidden columns change neither the rows nor their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

__all__ = ["HIDDEN", "trace"]

HIDDEN = "__origin_"
"""How hidden columns are called, before their number."""

_ONLY_LEFT = frozenset(("SEMI", "ANTI"))


class _Source(msgspec.Struct, frozen=True):
    """A rowid that a SELECT can name: how, and the alias and table it stands for."""

    path: list[str]
    alias: str
    table: str
    derived: str | None = None
    """The alias of the subquery it passes through; a star over that subquery must leave it out."""


def trace(root: dict[str, Any], aggregates: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Add hidden columns to the tree of a checked statement; (alias, table) of each, in order."""
    return tuple((source.alias, source.table) for source in _Tracer(root, aggregates).select(root, {}))


class _Tracer:
    def __init__(self, root: dict[str, Any], aggregates: frozenset[str]) -> None:
        self._root = root
        self._aggregates = aggregates
        self._count = 0

    @cached_property
    def _named(self) -> Counter[str]:
        """How often each table and WITH query is named, its own definition included."""
        return Counter(
            str(node["key"] if "key" in node else node["table_name"]).lower()
            for node in _walk(self._root)
            if node.get("type") == "BASE_TABLE" or ("key" in node and "value" in node)
        )

    def select(self, node: dict[str, Any], ctes: dict[str, dict[str, Any]]) -> list[_Source]:
        """Add hidden columns to a SELECT; what they stand for, named as its reader names them."""
        if not self._is_plain(node):
            return []
        entries = (node.get("cte_map") or {}).get("map", ())
        ctes = ctes | {str(entry["key"]).lower(): entry["value"] for entry in entries}
        sources = list(self._sources(node["from_table"], ctes, node))
        shown = node["select_list"]
        for star in [item for item in shown if item.get("class") == "STAR"]:
            relation = str(star.get("relation_name", "")).lower()
            left_out = [
                source.path[-1]
                for source in sources
                if source.derived is not None and relation in {"", source.derived}
            ]
            star["exclude_list"] = [*star.get("exclude_list", ()), *left_out]
        hidden = []
        for source in sources:
            name = f"{HIDDEN}{self._count}"
            self._count += 1
            shown.append(_column(source.path, name))
            hidden.append(_Source([name], source.alias, source.table))
        return hidden

    def _is_plain(self, node: dict[str, Any]) -> bool:
        if (
            node.get("type") != "SELECT_NODE"
            or node.get("group_expressions")
            or node.get("group_sets")
            or node.get("having")
            or node.get("aggregate_handling", "STANDARD_HANDLING") != "STANDARD_HANDLING"
        ):
            return False
        modifiers = node.get("modifiers", ())
        if any(m["type"] == "DISTINCT_MODIFIER" and not m.get("distinct_on_targets") for m in modifiers):
            return False
        return not any(
            part.get("class") == "FUNCTION" and str(part["function_name"]).lower() in self._aggregates
            for part in _walk([node["select_list"], modifiers, node.get("qualify")], into_subqueries=False)
        )

    def _sources(
        self, source: dict[str, Any], ctes: dict[str, dict[str, Any]], reader: dict[str, Any]
    ) -> Iterator[_Source]:
        kind, alias = source["type"], str(source.get("alias", ""))
        if kind == "JOIN":
            yield from self._sources(source["left"], ctes, reader)
            if source.get("join_type") not in _ONLY_LEFT:
                yield from self._sources(source["right"], ctes, reader)
        elif kind == "SUBQUERY":
            yield from self._derived(source["subquery"]["node"], alias, ctes, reader)
        elif kind == "BASE_TABLE":
            name, alias = str(source["table_name"]).lower(), alias or str(source["table_name"])
            if name not in ctes or source.get("schema_name"):
                yield _Source([alias, "rowid"], alias, name)
            elif self._named[name] == 2:
                yield from self._derived(ctes[name]["query_node"], alias, ctes, reader)

    def _derived(
        self, node: dict[str, Any], alias: str, ctes: dict[str, dict[str, Any]], reader: dict[str, Any]
    ) -> Iterator[_Source]:
        """Sources of a subquery or WITH query, unless its reader takes its rows whole."""
        if _reads_whole_rows(reader) & {"*", alias.lower()}:
            return
        for inner in self.select(node, ctes):
            yield msgspec.structs.replace(inner, derived=alias.lower())


def _reads_whole_rows(node: dict[str, Any]) -> set[str]:
    """Names used as a column of their own, which may be rows of a subquery; `*` for a star in an expression.

    Such a row would show the hidden columns.
    """
    stars = [item for item in node["select_list"] if item.get("class") == "STAR"]
    parts = [node["select_list"], *(part for key, part in node.items() if key not in _NOT_EXPRESSIONS)]
    names = set()
    for part in _walk(parts):
        if part.get("class") == "STAR" and (part.get("columns") or not any(part is star for star in stars)):
            names.add("*")
        elif part.get("class") == "COLUMN_REF" and len(part["column_names"]) == 1:
            names.add(str(part["column_names"][0]).lower())
    return names


_NOT_EXPRESSIONS = frozenset(("from_table", "cte_map", "select_list"))


def _column(path: list[str], alias: str) -> dict[str, Any]:
    return {"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": alias, "column_names": path}


def _walk(root: Any, *, into_subqueries: bool = True) -> Iterator[dict[str, Any]]:
    stack = [root]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            if into_subqueries or current.get("class") != "SUBQUERY":
                stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
