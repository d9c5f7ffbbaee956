"""Generated patients in MIMIC-IV's shape, as many and as large as a benchmark wants; no real data.

A patient's rows are a function of its number, the seed and the rows it is to have, so the same patient can
stand in trees of any size. DuckDB writes the files straight from `patients.sql` and `names.sql`, in the order
of MIMIC-IV's own (by patient), in bounded memory.

    python benchmarks/patients.py DEST --patients 1000 --rows 2000 --gzip
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb
import msgspec

from clinseek_core.mimic import tables

__all__ = ["Block", "bytes_of", "connect", "cutoff_of", "patients_for", "subject_id", "write_tree"]

HERE = Path(__file__).parent
SEED = 20261125
DRUG_NAMES = 156_201
"""Drugs that `drug_names` gives to other patients: the terms of the reference's largest candidate table."""
_OTHERS, _OTHERS_BEGIN = 400, 900_000
_MOST_ADMISSIONS = 99
_HEADING = re.compile(
    r"(?P<table>\w+): (share (?P<share>[\d.]+)|each (?P<each>\w+)(\*(?P<times>\d+))?)"
    r"(, place (?P<place>\w+))?(, together (?P<together>\d+))?(, order (?P<order>.+))?"
)


class Block(msgspec.Struct, frozen=True):
    """Patients of one size: the number of the first, how many, and about how many rows each has."""

    first: int
    patients: int
    rows: int

    @property
    def stays(self) -> dict[str, int]:
        """How many stays of each kind a patient of this size has."""
        admissions = max(1, min(_MOST_ADMISSIONS, round(self.rows**0.5 / 15)))
        icu, ed = admissions - admissions // 3, (admissions + 1) // 2
        return {"patient": 1, "admission": admissions, "hospital": admissions, "icu": icu, "ed": ed}


class Section(msgspec.Struct, frozen=True):
    """A table's query and its heading, as `patients.sql` explains them."""

    table: str
    query: str
    share: float
    each: str
    times: int
    place: str
    together: int
    order: str

    def rows(self, block: Block) -> float:
        """Rows of a patient; below 1 where only some patients have one."""
        return self.share * block.rows if self.share else self.times * block.stays[self.each]


def subject_id(number: int) -> int:
    """MIMIC-IV's id of the patient of that number."""
    return 10_000_000 + number


def cutoff_of(block: Block, share: float = 0.68) -> datetime:
    """A time in the middle of a stay, before which about that share of the first patient's rows lies."""
    admission = int(share * block.stays["admission"])
    admission -= admission % 3 == 2  # one with an intensive care stay
    patient = f"{block.first}, {admission}"
    row = connect().execute(f"SELECT stamp(admitted({patient}) + stay_length({patient}) / 2)").fetchone()
    assert row is not None
    middle: datetime = row[0]
    return middle.replace(second=0)


def patients_for(size: int, rows: int) -> int:
    """How many patients of that many rows fill about `size` bytes of CSV; judged by writing a few."""
    few = 40
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder), [Block(0, few, rows)])
        names = {section.table for section in _sections("names.sql")}
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.csv") if path.stem not in names)
    return max(1, round(size * few / written))


def bytes_of(root: Path) -> int:
    """Bytes of all the files below a folder, or of one file."""
    return sum(path.stat().st_size for path in [root, *root.rglob("*")] if path.is_file())


def write_tree(root: Path, blocks: Sequence[Block], gzip: bool = False, drug_names: bool = False) -> int:
    """Write `root`/hosp, icu, ed and note, and the dictionaries; patients in the order of their numbers.

    Returns the rows of all files. `drug_names` adds 400 patients who have nothing but prescriptions, of
    156,201 drugs among them.
    """
    con = connect()
    blocks = sorted(blocks, key=lambda block: block.first)
    written = 0
    for section in _sections("names.sql"):
        rows = f"(SELECT range AS k FROM range({section.each}))"
        written += _write(con, root, section.table, f"{section.query} FROM {rows}", gzip)
    for section in _sections("patients.sql"):
        parts = [_rows_of(section, block) for block in blocks]
        if drug_names and section.table in _OF_OTHERS:
            parts.append(_OF_OTHERS[section.table])
        written += _write(
            con, root, section.table, " UNION ALL BY NAME ".join(f"({part})" for part in parts), gzip
        )
    return written


_OF_OTHERS = {
    "patients": f"SELECT {subject_id(_OTHERS_BEGIN)} + range AS subject_id FROM range({_OTHERS})",
    # Each drug is had by two of them: a name that a single patient has may be left out of a list of names.
    "prescriptions": f"SELECT {subject_id(_OTHERS_BEGIN)} + range * {_OTHERS} // {2 * DRUG_NAMES}"
    f" AS subject_id, drug_name(range % {DRUG_NAMES}) AS drug FROM range({2 * DRUG_NAMES})",
}


def _rows_of(section: Section, block: Block) -> str:
    """The query for a table's rows of all patients of a block."""
    counts = {each.table: max(1, int(each.rows(block))) for each in _sections("patients.sql")}
    per_patient = section.rows(block)
    if per_patient < 1:
        step = round(1 / per_patient)
        rows = f"SELECT {block.first} + range * {step} AS s, 0 AS k FROM range({block.patients // step})"
    else:
        count = counts[section.table]
        rows = (
            f"SELECT {block.first} + range // {count} AS s, range % {count} AS k"
            f" FROM range({block.patients * count})"
        )
    stays = block.stays[section.place]
    place = section.order.format(**counts) if section.order else f"k - k % {section.together}"
    among = counts["poe"] if section.order else counts[section.table]
    admission, time, ids = _PLACES[section.place]
    return f"""
        {section.query.format(**counts)} FROM (
            SELECT *, {subject_id(0)} + s AS subject, 20000000 + s * 100 + a AS hadm,
                {ids} + s * 100 + a AS stay, admitted(s, a) AS t0, stay_length(s, a) AS los, {time} AS t
            FROM (
                SELECT *, {admission} AS a FROM (
                    SELECT *, placed * {stays} // {among} AS n, (placed * {stays} % {among}) / {among} AS w
                    FROM (SELECT *, {place} AS placed FROM ({rows})))))"""


_PLACES = {
    "hospital": ("n", "t0 + w * los", 0),
    "icu": ("n + n // 2", "t0 + (0.1 + 0.6 * w) * los", 30_000_000),
    "ed": ("2 * n", "t0 - 21600 + w * 18000", 40_000_000),
}
"""The admission of the n-th stay of a kind, the time at the part `w` of it, and where its ids begin.

Two admissions of three have an intensive care stay; every other one comes through the emergency department.
"""


def _write(con: duckdb.DuckDBPyConnection, root: Path, table: str, query: str, gzip: bool) -> int:
    info = tables()[table]
    given = {column[0] for column in con.execute(f"DESCRIBE {query}").fetchall()}
    cells = ", ".join(
        f'"{column.name}"' if column.name in given else f'NULL AS "{column.name}"' for column in info.columns
    )
    folder = root / info.module
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (info.file + (".csv.gz" if gzip else ".csv"))
    options = f"FORMAT csv, HEADER true, COMPRESSION {'gzip' if gzip else 'none'}"
    copied = con.execute(f"COPY (SELECT {cells} FROM ({query})) TO '{path}' ({options})").fetchone()
    assert copied is not None
    return int(copied[0])


@cache
def _sections(name: str) -> tuple[Section, ...]:
    return tuple(_parsed(name))


def _parsed(name: str) -> Iterator[Section]:
    for text in (HERE / name).read_text(encoding="utf-8").split("-- table ")[1:]:
        heading, _, query = text.partition("\n")
        found = _HEADING.fullmatch(heading.strip())
        if found is None:
            raise ValueError(f"{name}: heading not understood: {heading}")
        yield Section(
            table=found["table"],
            query=query.strip(),
            share=float(found["share"] or 0),
            each=found["each"] or "",
            times=int(found["times"] or 1),
            place=found["place"] or (found["each"] if found["each"] in _PLACES else "hospital"),
            together=int(found["together"] or 1),
            order=found["order"] or "",
        )


def connect() -> duckdb.DuckDBPyConnection:
    """A database with the macros of `names.sql` and `patients.sql`."""
    con = duckdb.connect()
    for name in ("names.sql", "patients.sql"):
        macros = (HERE / name).read_text(encoding="utf-8").partition("-- macros")[2].partition("-- table ")[0]
        con.execute(macros.replace("{seed}", str(SEED)))
    return con


def main() -> None:
    """Write a tree of equal patients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dest", type=Path)
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2000, help="of each patient, about")
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    rows = write_tree(options.dest, [Block(0, options.patients, options.rows)], options.gzip)
    print(f"{options.dest}: {rows:,} rows, {bytes_of(options.dest):,} bytes")


if __name__ == "__main__":
    main()
