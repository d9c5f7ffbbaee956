"""SQLite's habits in SQL that DuckDB refuses: rewritten to what their writer meant, on the record's types.

Models trained on the reference implementation write SQLite over tables whose every column is text. A
statement that DuckDB runs is never touched. One that it refuses is read again: what DuckDB can parse keeps
DuckDB's meaning but for the rewrites here, the rest is read as SQLite (`[x]`, LIMIT a, b, IS NOT 'x').

A column that only a table's dictionary has (labevents.label) is looked up there, as the reference's tables
hold it.

Differences that stay, because the statement runs or because the other answer is the trap:

- 5 / 2 is 2.5. MIN and MAX of two arguments, in a statement that runs, are DuckDB's lists of extremes.
- CAST(7.9 AS INTEGER) rounds in a statement that runs; in a rewritten one it truncates, as in SQLite.
- Numbers in text compare as numbers, not letter by letter; text that is no number is NULL, never 0. CAST
  takes a leading number ('7.5 mg').
- A text that stands beside numbers, in a CASE or COALESCE, makes text of them all.
- NULL sorts last in what DuckDB can parse, first where only SQLite can.
- '' and 'nan' against a number or a time ask whether there is one; a NULL never differs from them.
- LIKE ignores the case of all letters, in SQLite that of ASCII alone.
- Adding months stops at the month's last day; SQLite runs over into the next month.

Importing this brings sqlglot: do it where a statement was refused.
"""

from __future__ import annotations

from clinseek_core.ehr.dialect.reading import Reading, read_again

__all__ = ["Reading", "read_again"]
