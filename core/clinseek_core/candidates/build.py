"""Make the candidate tables: one SQLite file with the names, their codes and what searching them needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.candidates import embedding, parts
from clinseek_core.candidates.wording import clean, folded
from clinseek_core.errors import InputError

if TYPE_CHECKING:
    from clinseek_core.candidates.encoder import SentenceEncoder

__all__ = ["APPLICATION_ID", "FORMAT", "Aliases", "SourceTable", "build"]

APPLICATION_ID = 0x436C4361
"""SQLite's mark of whose file it is: `ClCa`."""
FORMAT = 1
"""Raised whenever a file made before would be read wrongly: other tables, other stems, other parts."""

SourceTable = tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]
"""A candidate table's name; its columns: `candidate`, codes, `only_subject`; its rows, in any order."""
Aliases = Mapping[str, Callable[[tuple[Any, ...]], Iterable[str]]]
"""By table, other names of the name in a row: (candidate, *codes)."""

_SCHEMA = """
CREATE TABLE lists (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, codes TEXT NOT NULL,
                    entries INTEGER NOT NULL, names INTEGER NOT NULL);
CREATE TABLE names (list INTEGER, place INTEGER, name TEXT NOT NULL, only_subject INTEGER,
                    PRIMARY KEY (list, place)) WITHOUT ROWID;
CREATE TABLE entries (list INTEGER, number INTEGER, place INTEGER NOT NULL, codes TEXT NOT NULL,
                      only_subject INTEGER, PRIMARY KEY (list, number)) WITHOUT ROWID;
CREATE TABLE aliases (list INTEGER, place INTEGER, alias TEXT,
                      PRIMARY KEY (list, place, alias)) WITHOUT ROWID;
CREATE TABLE parts (list INTEGER, kind TEXT, part TEXT, data BLOB NOT NULL, UNIQUE (list, kind, part));
CREATE INDEX entries_of_name ON entries (list, place, number);
CREATE INDEX hidden_names ON names (only_subject, list) WHERE only_subject IS NOT NULL;
CREATE INDEX hidden_entries ON entries (only_subject, list) WHERE only_subject IS NOT NULL;
"""


def build(
    path: Path | None,
    tables: Iterable[SourceTable],
    *,
    aliases: Aliases | None = None,
    encoder: SentenceEncoder | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> sqlite3.Connection:
    """Make `path`, which must not exist, or a database in memory; the caller closes the connection.

    `only_subject` is the patient who alone has a name that comes from rows, NULL for a name that others
    have too and for a dictionary's; rows that differ in nothing else are one row of all their patients, so
    that (name, patient) pairs will do. Rows without a name are left out. The same rows, in any order, give
    the same bytes with the same SQLite. In memory nothing is prepared: searching prepares what it needs.
    An `encoder` embeds every name and other name, some hundreds a second.
    """
    tell = on_progress or (lambda _: None)
    if path is not None and path.exists():
        raise InputError(f"{path}: exists already; remove it, or name another file")
    con = sqlite3.connect(":memory:" if path is None else path)
    con.isolation_level = None
    con.executescript(
        f"PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        f" PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; BEGIN;" + _SCHEMA
    )
    for number, (name, columns, rows) in enumerate(tables, 1):
        tell(f"listing the names of {name}")
        codes = tuple(columns[1:-1])
        found = _gathered(rows, (aliases or {}).get(name))
        told = [number, name, msgspec.json.encode(codes).decode(), len(found.entries), len(found.names)]
        con.execute("INSERT INTO lists VALUES (?, ?, ?, ?, ?)", told)
        _write(con, number, found)
    if path is not None:
        for number, name in con.execute("SELECT number, name FROM lists ORDER BY number").fetchall():
            tell(f"preparing the search of {name}")
            parts.prepare(con, number)
    if encoder is not None:
        embedding.store(con, encoder, tell)
    con.execute("COMMIT")
    return con


class _Gathered(msgspec.Struct):
    """A table's distinct rows and names, each with the only patient who has it, and names' other names."""

    entries: dict[tuple[str, str], int | None] = {}
    """By name and codes, these as JSON."""
    names: dict[str, int | None] = {}
    aliases: dict[str, set[str]] = {}


def _gathered(
    rows: Iterable[tuple[Any, ...]], aliases: Callable[[tuple[Any, ...]], Iterable[str]] | None
) -> _Gathered:
    found = _Gathered()
    encode = msgspec.json.encode
    for name, *codes, only in rows:
        text = clean(str(name)).strip() if name is not None else ""
        if not text:
            continue
        entry = (text, encode([_cell(code) for code in codes]).decode())
        found.entries[entry] = only if found.entries.get(entry, only) == only else None
        if aliases is not None:
            others = {clean(alias).strip() for alias in aliases((text, *codes))} - {text, ""}
            found.aliases.setdefault(text, set()).update(others)
    for (name, _), only in found.entries.items():
        found.names[name] = only if found.names.get(name, only) == only else None
    return found


def _write(con: sqlite3.Connection, number: int, found: _Gathered) -> None:
    """Number the names by length, then alphabet, and the rows by name, then codes."""
    reads = sorted((len(text), text, name) for name in found.names for text in (folded(name),))
    places = {name: place for place, (*_, name) in enumerate(reads)}
    names = ((number, place, name, found.names[name]) for name, place in places.items())
    entries = (
        (number, rank, places[name], codes, found.entries[name, codes])
        for rank, (name, codes) in enumerate(sorted(found.entries))
    )
    aliases = sorted((number, places[name], other) for name, all_ in found.aliases.items() for other in all_)
    con.executemany("INSERT INTO names VALUES (?, ?, ?, ?)", names)
    con.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", entries)
    con.executemany("INSERT INTO aliases VALUES (?, ?, ?)", aliases)


def _cell(code: Any) -> Any:
    """A code as JSON can carry it: numbers as they are, anything else as text without outer spaces."""
    if code is None or isinstance(code, int | float):
        return code
    return clean(str(code)).strip()
