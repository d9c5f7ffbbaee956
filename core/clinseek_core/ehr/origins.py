"""Where the rows of a model's query come from: what identifies them, added to it as hidden last columns.

A row has origins where it is one row of each table it is joined from: a plain SELECT, without aggregates or
DISTINCT, over tables of the record, read directly, through subqueries or through WITH queries named once.
The hidden columns change neither the rows nor their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

__all__ = ["HIDDEN", "trace"]

HIDDEN = "__origin_"
"""How hidden columns are called, before their number."""

_ONLY_LEFT = frozenset(("SEMI", "ANTI"))


Carried = Mapping[str, Sequence[dict[str, Any]]]
"""By table the expressions, as syntax trees over its columns, that are added for each of its rows."""


class _Source(msgspec.Struct, frozen=True):
    """Cells of one row that a SELECT can name: how, and the alias and table they stand for."""

    cells: tuple[dict[str, Any], ...]
    alias: str
    table: str
    derived: str | None = None
    """The alias of the subquery they pass through; a star over that subquery must leave them out."""


def trace(root: dict[str, Any], aggregates: frozenset[str], carried: Carried) -> tuple[tuple[str, str], ...]:
    """Add what `carried` says to the tree of a checked statement, as its last columns.

    (alias, table) of each table whose rows are told, in the order of the columns.
    """
    tracer = _Tracer(root, aggregates, carried)
    return tuple((source.alias, source.table) for source in tracer.select(root, {}))


class _Tracer:
    def __init__(self, root: dict[str, Any], aggregates: frozenset[str], carried: Carried) -> None:
        self._root = root
        self._aggregates = aggregates
        self._carried = carried
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
                cell["column_names"][-1]
                for source in sources
                if source.derived is not None and relation in {"", source.derived}
                for cell in source.cells
            ]
            star["exclude_list"] = [*star.get("exclude_list", ()), *left_out]
        hidden = []
        for source in sources:
            names = [f"{HIDDEN}{self._count + n}" for n in range(len(source.cells))]
            self._count += len(names)
            shown += (cell | {"alias": name} for cell, name in zip(source.cells, names, strict=True))
            hidden.append(_Source(tuple(_column([name]) for name in names), source.alias, source.table))
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
                if cells := self._carried.get(name):
                    yield _Source(tuple(_of_alias(cell, alias) for cell in cells), alias, name)
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


def _column(path: list[str]) -> dict[str, Any]:
    return {"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": path}


def _of_alias(tree: Any, alias: str) -> Any:
    """A copy of an expression whose columns are those of the table that `alias` names."""
    if isinstance(tree, list):
        return [_of_alias(part, alias) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("class") == "COLUMN_REF":
        return _column([alias, tree["column_names"][-1]])
    return {key: _of_alias(part, alias) for key, part in tree.items()}


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
