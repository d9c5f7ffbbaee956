"""What it costs to check, trace and read again the SQL of a model.

`python benchmarks/sql_guard.py` runs statements over the bundled patient in one process, each as it is on the
bare connection and as a model's: checked, in a read-only transaction, with the origins of its rows. A
statement in SQLite's dialect is compared with the one that it becomes.
"""

from __future__ import annotations

from datetime import datetime

from measure import Times, announce, print_table, timed

from clinseek_core.case import Policy
from clinseek_core.ehr.dialect import read_again
from clinseek_core.ehr.sandbox import checked
from clinseek_core.ehr.visible import open_snapshot
from clinseek_fixtures import world_path

RUNS = 300
STATEMENTS = {
    "filter": "SELECT charttime, valuenum FROM labevents WHERE itemid = 50912 ORDER BY charttime",
    "group": "SELECT itemid, count(*), avg(valuenum) FROM labevents WHERE charttime >= '2150-01-01'"
    " GROUP BY itemid ORDER BY 2 DESC LIMIT 10",
    "join": "SELECT l.charttime, d.label, l.value FROM labevents l JOIN d_labitems d USING (itemid)"
    " WHERE d.label LIKE '%glucose%' ORDER BY 1",
    "latest": "WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY itemid ORDER BY charttime DESC) AS n"
    " FROM labevents) SELECT itemid, value FROM ranked WHERE n = 1",
}
DIALECT = {
    "substr": "SELECT substr(charttime, 1, 10), max(value) FROM labevents GROUP BY 1",
    "times": "SELECT count(*) FROM labevents WHERE charttime > datetime('now', '-24 hours')",
    "brackets": "SELECT [itemid] FROM [labevents] WHERE value > 3 LIMIT 5, 10",
}


def _ratio(slow: Times, fast: Times) -> str:
    return f"{slow.median / fast.median:.1f}x"


def main() -> None:
    """Print two tables."""
    announce("The SQL of a model: checking, origins, the second reading")
    record = open_snapshot(world_path(), 90000001, datetime(2150, 3, 4, 12, 30), Policy())
    con, words = record._con, record._words
    rows = []
    for name, sql in STATEMENTS.items():
        bare = timed(lambda sql=sql: record.select(sql), RUNS)
        guard = timed(lambda sql=sql: checked(con, sql, words, traced=False), RUNS)
        traced = timed(lambda sql=sql: checked(con, sql, words), RUNS)
        whole = timed(lambda sql=sql: record.select_untrusted(sql, 1000), RUNS)
        rows.append((name, bare, guard, traced, whole, _ratio(whole, bare)))
    print_table(("statement", "bare, ms", "check", "check + origins", "as a model's", "whole / bare"), rows)
    rows = []
    for name, sql in DIALECT.items():
        reading = read_again(sql, words.columns, parsed="[" not in sql)
        assert reading is not None, sql
        read = timed(lambda sql=sql: read_again(sql, words.columns, parsed="[" not in sql), RUNS)
        direct = timed(lambda sql=reading.sql: record.select_untrusted(sql, 1000), RUNS)
        whole = timed(lambda sql=sql: record.select_untrusted(sql, 1000), RUNS)
        rows.append((name, direct, read, whole, _ratio(whole, direct)))
    print_table(
        ("statement", "what it becomes, ms", "second reading", "as written", "written / becomes"), rows
    )


if __name__ == "__main__":
    main()
