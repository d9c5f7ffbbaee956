"""MIMIC-IV as data: which tables and columns there are, and when each cell of them is known."""

from clinseek_core.mimic.catalogue import (
    Column,
    ColumnType,
    Kind,
    Module,
    Role,
    TableInfo,
    Version,
    table,
    tables,
)

__all__ = ["Column", "ColumnType", "Kind", "Module", "Role", "TableInfo", "Version", "table", "tables"]
