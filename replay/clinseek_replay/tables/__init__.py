"""The tables in results' texts, of every system's form, with the place of each cell."""

from clinseek_replay.tables.names import table_names, tables_of_sql
from clinseek_replay.tables.reading import tables_in, tables_of_text
from clinseek_replay.tables.table import MISSING, Cell, Form, TextTable
from clinseek_replay.tables.timestamps import Beyond, Resolution, Stamp, stamp_of, stamps_in

__all__ = [
    "MISSING",
    "Beyond",
    "Cell",
    "Form",
    "Resolution",
    "Stamp",
    "TextTable",
    "stamp_of",
    "stamps_in",
    "table_names",
    "tables_in",
    "tables_of_sql",
    "tables_of_text",
]
