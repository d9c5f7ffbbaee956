"""The baseline: what the reference implementation's EHR server does for a call, written anew and fairly.

Imitated, as its source and `get_*` tools do it:

* one SQLite file per patient, every column TEXT, missing values the text `nan`; candidate and reference
  tables in two more, read once at start;
* `load_ehr` reads every table whole into a pandas frame, cuts it by its first column whose name holds `time`
  or `date`, joins the dictionaries, and turns every patient table and every candidate table into JSON text;
  the frames and the text both stay in memory;
* every later call parses the JSON of the tables it touches into a frame again;
* `run_sql_query` writes each table whose name occurs in the query into a fresh in-memory SQLite;
* event counts and records by time parse the time of each row by itself with `pandas.to_datetime`;
* keyword search is a regular expression over every text column; fuzzy search rates every term with a Python
  call of the edit ratio (of rapidfuzz, which is what thefuzz calls), then sorts them all;
* answers are `DataFrame.to_string`.

Left out: the MCP transport (about 100 ms a step in the original), semantic search with a language model, and
the original's imports (torch and more), which cost it time at start and memory. Strings are kept as Python
objects, as the pandas 2.1 that the original names does; with pandas 3's own string type the times are the
same within a tenth.

    python benchmarks/peer.py FOLDER     answers calls as JSON lines, for the other benchmarks
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from measure import memory_of
from rapidfuzz import fuzz

__all__ = ["Peer", "serve"]

# (table, dictionary, column): what is joined at load.
_LINKS = (
    ("labevents", "d_labitems", "itemid"),
    ("chartevents", "d_items", "itemid"),
    ("diagnoses_icd", "d_icd_diagnoses", ["icd_code", "icd_version"]),
    ("procedures_icd", "d_icd_procedures", ["icd_code", "icd_version"]),
)


class Peer:
    """A server's state: the tables of candidates and dictionaries, and the JSON of the loaded patient."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reference = _tables_of(folder / "reference_table.db")
        self._candidates = _tables_of(folder / "candidate_table.db")
        self._frames: dict[str, pd.DataFrame] = {}
        self._json: dict[str, str] = {}

    def load_ehr(self, subject_id: str, timestamp: str) -> str:
        """Read, cut, join, and turn everything into JSON text."""
        self._frames = {}
        tables = {
            name: _cut(table, timestamp)
            for name, table in _tables_of(self._folder / f"patient_{subject_id}.db").items()
        }
        if "pharmacy" in tables:
            tables["pharmacy"] = tables["pharmacy"].iloc[:0]
        if "prescriptions" in tables:
            drugs = tables["prescriptions"]
            tables["prescriptions"] = drugs.assign(ndc=drugs["ndc"].str.split(".", n=1).str[0].str.zfill(11))
        for name, dictionary, column in _LINKS:
            if name in tables:
                tables[name] = tables[name].merge(self._reference[dictionary], on=column, how="left")
        self._frames = tables
        for group in (tables, self._candidates):
            self._json |= _to_json(group)
        return "\n".join(f" - Loading '{name}' with {len(table)} rows." for name, table in tables.items())

    def get_column_names(self, table_name: str) -> str:
        """Name a table's columns."""
        return ", ".join(self._table(table_name).columns)

    def get_records_by_time(self, table_name: str, start_time: str, end_time: str) -> str:
        """Return a table's rows between two times."""
        table = self._table(table_name)
        clock = _clock(table)
        assert clock
        table[clock] = pd.to_datetime(table[clock]).apply(_moment)
        within = (table[clock] >= _moment(start_time)) & (table[clock] <= _moment(end_time))
        return str(table[within].to_string(index=False))

    def get_latest_records(self, table_name: str) -> str:
        """Return the rows of a table's newest time."""
        table = self._table(table_name)
        clock = _clock(table)
        assert clock
        table[clock] = pd.to_datetime(table[clock])
        return str(table[table[clock] == table[clock].max()].to_string(index=False))

    def get_event_counts_by_time(self, start_time: str, end_time: str) -> str:
        """Count each table's rows between two times."""
        start, end = _moment(start_time), _moment(end_time)
        lines = []
        for name in self._frames:
            table = self._table(name)
            clock = _clock(table)
            if clock is None or table.empty:
                lines.append(f"- {name}: could not be counted")
                continue
            times = table[clock].apply(_moment)
            lines.append(f"- {name}: {int(((times >= start) & (times <= end)).sum())} events")
        return "\n".join(lines)

    def run_sql_query(self, sql_query: str) -> str:
        """Run SQL in a fresh SQLite that holds the tables the text names."""
        with sqlite3.connect(":memory:") as con:
            for name in self._json:
                if name in sql_query.lower():
                    self._table(name).to_sql(name, con, index=False)
            return str(pd.read_sql_query(sql_query, con).to_string(index=False))

    def get_candidates_by_keyword(self, table_name: str, keyword: str) -> str:
        """Return the terms of which any column matches."""
        table = self._table(table_name)
        found = pd.Series(False, index=table.index)
        for column in table.columns:
            found |= table[column].str.lower().str.contains(keyword.lower(), na=False)
        return str(table[found].drop_duplicates(subset=["candidate"]).to_string(index=False))

    def get_candidates_by_fuzzy_matching(self, table_name: str, keywords: str) -> str:
        """Return the five terms of the best edit ratio."""
        table, asked = self._table(table_name), keywords.lower()
        table["similarity_score"] = table["candidate"].apply(
            lambda term: _edit_ratio(str(term).lower(), asked)
        )
        best = table.sort_values("similarity_score", ascending=False).drop_duplicates(subset=["candidate"])
        return str(best.head(5).to_string(index=False))

    def _table(self, name: str) -> pd.DataFrame:
        return pd.DataFrame(json.loads(self._json[name]))


def _tables_of(path: Path) -> dict[str, pd.DataFrame]:
    con = sqlite3.connect(path)
    try:
        names = [name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: pd.read_sql_query(f"SELECT * FROM {name}", con) for name in names}
    finally:
        con.close()


def _clock(table: pd.DataFrame) -> str | None:
    return next((name for name in table.columns if "time" in name.lower() or "date" in name.lower()), None)


def _cut(table: pd.DataFrame, timestamp: str) -> pd.DataFrame:
    clock = _clock(table)
    if clock is None:
        return table
    days_only = all(len(str(value)) <= 10 for value in table[clock].head(10))
    times = pd.to_datetime(table[clock], errors="coerce")
    table[clock] = times.dt.normalize() + pd.Timedelta(hours=23, minutes=59) if days_only else times
    return table[table[clock] < pd.to_datetime(timestamp)]


def _to_json(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    lists = {name: table.astype(str).to_dict(orient="list") for name, table in tables.items()}
    return {name: json.dumps(columns) for name, columns in lists.items()}


def _moment(value: Any) -> pd.Timestamp | None:
    """One value's time, as the original reads it: pandas, row by row, then minutes and seconds made whole."""
    try:
        moment = pd.to_datetime(value)
    except (ValueError, TypeError):
        return None
    if not moment.minute:
        moment = moment.replace(minute=0)
    return moment if moment.second else moment.replace(second=0)


def _edit_ratio(first: str, second: str) -> int:
    """The ratio as thefuzz gives it: a Python function around rapidfuzz's."""
    return round(fuzz.ratio(first, second))


def serve(folder: Path) -> None:
    """Answer JSON lines of [tool, [arguments, ...]], one call for each arguments.

    An answer has the times taken in milliseconds, the memory held, and how the last call's text begins.
    """
    begin = time.perf_counter()
    peer = Peer(folder)
    started = 1000 * (time.perf_counter() - begin)
    print(json.dumps({"ms": [started], "memory": _memory(), "answer": "started"}), flush=True)
    for line in sys.stdin:
        tool, calls = json.loads(line)
        taken, answer = [], ""
        for arguments in calls:
            begin = time.perf_counter()
            answer = getattr(peer, tool)(*arguments)
            taken.append(1000 * (time.perf_counter() - begin))
        print(json.dumps({"ms": taken, "memory": _memory(), "answer": answer[:2000]}), flush=True)


def _memory() -> list[int]:
    memory = memory_of(os.getpid())
    return [memory.rss, memory.pss, memory.private, memory.peak]


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.set_option("future.infer_string", False)
        serve(Path(sys.argv[1]))
