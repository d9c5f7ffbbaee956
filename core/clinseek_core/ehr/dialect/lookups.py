"""Columns of a dictionary asked of the table that it explains, as the reference's tables hold them."""

from __future__ import annotations

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from clinseek_core.ehr.dialect.kinds import Columns

__all__ = ["join_dictionaries"]


class _Dictionary(msgspec.Struct, frozen=True):
    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]


_ITEMS = _Dictionary("d_items", ("itemid",), ("label", "abbreviation", "category", "unitname", "linksto"))
_ICD_KEYS = ("icd_code", "icd_version")
_EXPLAINS = {
    "labevents": _Dictionary("d_labitems", ("itemid",), ("label", "fluid", "category")),
    "diagnoses_icd": _Dictionary("d_icd_diagnoses", _ICD_KEYS, ("long_title",)),
    "procedures_icd": _Dictionary("d_icd_procedures", _ICD_KEYS, ("long_title",)),
    "chartevents": _ITEMS,
    "datetimeevents": _ITEMS,
    "outputevents": _ITEMS,
    "inputevents": _ITEMS,
    "ingredientevents": _ITEMS,
    "procedureevents": _ITEMS,
}
"""Per table its dictionary. The reference joins the first two when it loads a patient."""


def join_dictionaries(tree: exp.Expr, columns: Columns, says: set[str]) -> None:
    """Join a table to its dictionary where a column is asked of it that only the dictionary has."""
    asked = [table for scope in traverse_scope(tree) for table in _asked(scope, columns)]
    for table in {id(table): table for table in asked}.values():
        says.add("dictionary")
        table.replace(_joined(table))


def _asked(scope: Scope, columns: Columns) -> list[exp.Table]:
    tables = {alias.lower(): t for alias, t in scope.sources.items() if isinstance(t, exp.Table)}
    found = []
    for column in scope.columns:
        name, alias = column.name.lower(), column.table.lower()
        among = {a: t for a, t in tables.items() if alias in {"", a}}
        if any(name in map(str.lower, columns.get(table.name.lower(), ())) for table in among.values()):
            continue
        for table in among.values():
            dictionary = _EXPLAINS.get(table.name.lower())
            if dictionary is not None and name in dictionary.columns and dictionary.name in columns:
                found.append(table)
                break
    return found


def _joined(table: exp.Table) -> exp.Expr:
    dictionary = _EXPLAINS[table.name.lower()]
    shown = ", ".join(f"d.{name}" for name in dictionary.columns)
    keys = " AND ".join(f"r.{key} = d.{key}" for key in dictionary.keys)
    query = sqlglot.parse_one(
        f"SELECT r.*, {shown} FROM {table.name} AS r LEFT JOIN {dictionary.name} AS d ON {keys}",
        read="duckdb",
    )
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name)))
