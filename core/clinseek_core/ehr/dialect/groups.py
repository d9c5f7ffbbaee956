"""Columns beside aggregates that are not grouped by: SQLite takes them from one of the group's rows."""

from __future__ import annotations

from collections.abc import Set

from sqlglot import exp

from clinseek_core.ehr.dialect.kinds import call, kind_of, sources

__all__ = ["loosen_groups"]


def loosen_groups(select: exp.Expr, says: set[str]) -> None:
    """Take each bare column from the row of the one MIN or MAX, as SQLite does, else from the first row.

    SQLite takes the other columns from any row; the first in the record's order is always the same one.
    """
    group = select.args.get("group")
    if group is not None and not group.expressions:
        return
    clauses = [clause for clause in (select.args.get("having"), select.args.get("order")) if clause]
    aggregates = [found for item in select.expressions for found in _aggregates(item)]
    if group is None and not aggregates:
        return
    aggregates += [found for clause in clauses for found in _aggregates(clause)]
    _expand_stars(select)
    keys = {_grouped_by(key, select) for key in (group.expressions if group else ())}
    extremes = {found.sql(): found for found in aggregates if isinstance(found, exp.Min | exp.Max)}
    taken = _Taken(keys, next(iter(extremes.values())) if len(extremes) == 1 else None, says)
    select.set("expressions", [taken.named(item) for item in select.expressions])
    taken.aliases = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
    for clause in clauses:
        taken.within(clause)


class _Taken:
    """Bare columns put into aggregates."""

    def __init__(self, keys: Set[str], extreme: exp.Expr | None, says: set[str]) -> None:
        self._keys = keys
        self._extreme = extreme
        self._says = says
        self.aliases: Set[str] = frozenset()
        """Names of answer columns, which HAVING and ORDER BY may use as they are."""

    def named(self, item: exp.Expr) -> exp.Expr:
        """A column of the answer, under the name it had."""
        if isinstance(item, exp.Column) and _comparable(item) not in self._keys and not item.is_star:
            return exp.alias_(self._aggregate(item), item.name, copy=False)
        self.within(item)
        return item

    def within(self, node: exp.Expr) -> None:
        if _comparable(node) in self._keys or isinstance(node, exp.Query | exp.Subquery):
            return
        if isinstance(node, exp.AggFunc | exp.Filter) and not isinstance(node.parent, exp.Window):
            return
        if not isinstance(node, exp.Column):
            for child in list(node.iter_expressions()):
                self.within(child)
        elif node.table or node.name.lower() not in self.aliases:
            node.replace(self._aggregate(node))

    def _aggregate(self, column: exp.Expr) -> exp.Expr:
        self._says.add("groups")
        if self._extreme is None:
            return exp.First(this=column.copy())
        name = "arg_min_null" if isinstance(self._extreme, exp.Min) else "arg_max_null"
        made = call(name, column, self._extreme.this)
        made.meta["kind"] = kind_of(column)
        return made


def _aggregates(node: exp.Expr) -> list[exp.Expr]:
    """Aggregates of this SELECT: not those of a window, and none of a subquery."""
    if isinstance(node, exp.Query | exp.Subquery):
        return []
    if isinstance(node, exp.AggFunc):
        holder = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
        return [] if isinstance(holder, exp.Window) else [node]
    return [found for child in node.iter_expressions() for found in _aggregates(child)]


def _expand_stars(select: exp.Expr) -> None:
    """Each column by its name, where all of them are known."""
    if not all(sources(select).values()):
        return
    shown: list[exp.Expr] = []
    for item in select.expressions:
        if not item.is_star or isinstance(item, exp.Count):
            shown.append(item)
            continue
        table = item.table.lower() if isinstance(item, exp.Column) else ""
        for alias, kinds in sources(select).items():
            for name, kind in kinds.items() if table in {"", alias} else ():
                column = exp.column(name, table=alias)
                column.meta["kind"] = kind
                shown.append(column)
    select.set("expressions", shown)


def _grouped_by(key: exp.Expr, select: exp.Expr) -> str:
    """What a GROUP BY item stands for: an ordinal and an alias are the column of the answer they name."""
    if isinstance(key, exp.Literal) and not key.is_string:
        at = int(key.name) - 1
        key = select.expressions[at] if 0 <= at < len(select.expressions) else key
    for item in select.expressions:
        if isinstance(key, exp.Column) and isinstance(item, exp.Alias) and item.alias == key.sql():
            return _comparable(item)
    return _comparable(key)


def _comparable(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, exp.Alias) else node
    return inner.name.lower() if isinstance(inner, exp.Column) else inner.sql().lower()
