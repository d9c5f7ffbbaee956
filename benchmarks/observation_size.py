"""How many characters twenty typical calls give a model, beside padded tables of the same rows and columns.

The reference implementation prints a result with pandas' `to_string`, which pads every column to its widest
cell. Here the same rows and columns are printed so for the comparison. Each text is read back, and no cell
may be lost. A second table sums calls that nobody chose: patients, cutoffs, tools and tables drawn by a seed.
Reads the open MIMIC-IV demo in the folder that CLINSEEK_MIMIC_DEMO names.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from clinseek_core.case import Policy
from clinseek_core.ehr.snapshot import Snapshot
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.journal.events import Table
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.tools.rowtext import cell_text, read_back

DEMO = "CLINSEEK_MIMIC_DEMO"
SUBJECT, CUTOFF = 10039708, datetime(2140, 2, 6, 8)
"""A patient in intensive care for two weeks, with an earlier stay."""
LAST_DAY = {"start_time": "2140-02-05 08:00:00", "end_time": "2140-02-06 08:00:00"}
THIS_STAY = {"start_time": "2140-01-23", "end_time": "2140-02-06"}

SEED, PATIENTS, CALLS_EACH = 1, 20, 10
ROW_TOOLS = ("get_records_by_time", "get_latest_records", "run_sql_query")

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_latest_records", {"table_name": "admissions"}),
    ("get_latest_records", {"table_name": "transfers"}),
    ("get_latest_records", {"table_name": "vitalsign"}),
    ("get_latest_records", {"table_name": "labevents"}),
    ("get_latest_records", {"table_name": "emar_detail"}),
    ("get_latest_records", {"table_name": "diagnoses_icd"}),
    ("get_event_counts_by_time", LAST_DAY),
    ("get_records_by_time", {"table_name": "labevents"} | LAST_DAY),
    ("get_records_by_time", {"table_name": "emar"} | LAST_DAY),
    ("get_records_by_time", {"table_name": "poe"} | LAST_DAY),
    ("get_records_by_time", {"table_name": "inputevents"} | LAST_DAY),
    ("get_records_by_time", {"table_name": "labevents"} | THIS_STAY),
    ("get_records_by_time", {"table_name": "microbiologyevents"} | THIS_STAY),
    ("get_records_by_time", {"table_name": "prescriptions"} | THIS_STAY),
    ("get_records_by_time", {"table_name": "outputevents"} | THIS_STAY),
    ("get_records_by_keyword", {"table_name": "labevents", "keyword": "creatinine"}),
    ("get_records_by_value", {"table_name": "labevents", "column_name": "itemid", "value": "50813"}),
    (
        "run_sql_query",
        {
            "sql_query": "SELECT * FROM labevents WHERE charttime >= TIMESTAMP '2140-02-04 00:00:00'"
            " AND flag = 'abnormal' ORDER BY charttime"
        },
    ),
    (
        "run_sql_query",
        {
            "sql_query": "SELECT i.label, count(*) AS n, min(l.valuenum) AS lowest,"
            " max(l.valuenum) AS highest, max(l.charttime) AS latest"
            " FROM labevents l JOIN d_labitems i USING (itemid) GROUP BY ALL ORDER BY n DESC, label"
        },
    ),
    (
        "get_candidates_by_keyword",
        {"table_name": "diagnoses_icd_candidates", "keyword": "respiratory failure"},
    ),
)
"""What a model asks when it opens a record: the newest, the last day, the stay, one item, a query, a name."""


def padded(table: Table) -> str:
    """The table as pandas prints it."""
    frame = pd.DataFrame(list(table.rows), columns=list(table.columns))
    return str(frame.to_string(index=False))


def lost_cells(text: str, table: Table) -> int:
    """How many cells can't be read back from the text as they were."""
    read = read_back(text).rows
    rows = [
        {name: cell_text(cell) for name, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]
    if len(read) != len(rows):
        return len(rows) * len(table.columns)
    return sum(
        there.get(name) != cell for row, there in zip(rows, read, strict=True) for name, cell in row.items()
    )


def drawn(snapshot: Snapshot, draw: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls for rows of the patient's own tables, drawn among those that hold any."""
    own = [name for name, table in snapshot.tables.items() if not table.dictionary and table.rows]
    for _ in range(CALLS_EACH):
        name, table = draw.choice(ROW_TOOLS), draw.choice(own)
        hours = draw.choice((24, 72, 24 * 14, 24 * 3650))
        window = {
            "start_time": str(snapshot.cutoff - timedelta(hours=hours)),
            "end_time": str(snapshot.cutoff),
        }
        sql = f"SELECT * FROM {table} LIMIT {draw.choice((5, 20, 100))}"
        yield (
            name,
            {
                "get_records_by_time": {"table_name": table} | window,
                "get_latest_records": {"table_name": table},
                "run_sql_query": {"sql_query": sql},
            }[name],
        )


def moments(root: Path, draw: random.Random) -> list[tuple[int, datetime]]:
    """Patients of the demo, each with a time within a stay of theirs."""
    (file,) = root.glob("hosp/admissions.csv*")
    stays = pd.read_csv(file, usecols=["subject_id", "admittime", "dischtime"]).dropna()
    found = []
    for row in draw.sample(list(stays.itertuples(index=False)), PATIENTS):
        begin, end = datetime.fromisoformat(row.admittime), datetime.fromisoformat(row.dischtime)
        found.append((int(row.subject_id), (begin + (end - begin) * draw.random()).replace(microsecond=0)))
    return found


def sizes_of(tools: EhrTools, name: str, arguments: dict[str, Any]) -> list[int] | None:
    """Rows, padded characters, characters and lost cells of an answer; None where it has no rows."""
    result = tools.call(f"ehr.{name}", arguments)
    if result.table is None or not result.table.rows:
        return None
    return [
        len(result.table.rows),
        len(padded(result.table)),
        len(result.text),
        lost_cells(result.text, result.table),
    ]


def main() -> None:
    """Make the calls and print what each gave."""
    root = os.environ.get(DEMO)
    if not root:
        sys.exit(f"{DEMO} is not set: give it the folder of the MIMIC-IV demo (hosp/, icu/, ed/)")
    tools = EhrTools(open_snapshot(Path(root), SUBJECT, CUTOFF, Policy()))
    print(f"{'call':58} {'rows':>5} {'padded':>8} {'text':>7} {'share':>6} {'lost':>5}")
    sums = [0, 0, 0, 0]
    for name, arguments in CALLS:
        sizes = sizes_of(tools, name, arguments)
        if sizes is None:
            sys.exit(f"{name} {arguments}: no rows")
        sums = [total + size for total, size in zip(sums, sizes, strict=True)]
        what = f"{name} {arguments.get('table_name', '')} {arguments.get('keyword', '')}".strip()
        print(line(what, *sizes))
    print(line(f"{len(CALLS)} calls", *sums))
    print_drawn(Path(root))


def print_drawn(root: Path) -> None:
    """Make the drawn calls and print their sums by tool."""
    draw = random.Random(SEED)
    by_tool: dict[str, list[list[int]]] = {name: [] for name in ROW_TOOLS}
    for subject, cutoff in moments(root, draw):
        snapshot = open_snapshot(root, subject, cutoff, Policy())
        tools = EhrTools(snapshot)
        for name, arguments in drawn(snapshot, draw):
            if sizes := sizes_of(tools, name, arguments):
                by_tool[name].append(sizes)
        snapshot.close()
    print()
    every = [sizes for found in by_tool.values() for sizes in found]
    for name, found in [*by_tool.items(), ("drawn", every)]:
        print(line(f"{len(found)} calls: {name}", *map(sum, zip(*found, strict=True))))
    shares = sorted(sizes[2] / sizes[1] for sizes in every)
    spread = f"median {statistics.median(shares):.3f}, from {shares[0]:.3f} to {shares[-1]:.3f}"
    print(f"share of each drawn call: {spread}")


def line(what: str, rows: int, before: int, after: int, lost: int) -> str:
    """One line of the table that is printed."""
    return f"{what[:58]:58} {rows:5} {before:8} {after:7} {after / before:6.3f} {lost:5}"


if __name__ == "__main__":
    main()
