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
CREATE TABLE lists (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, codes TEXT NOT NULL);
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
        con.execute("INSERT INTO lists VALUES (?, ?, ?)", [number, name, msgspec.json.encode(codes).decode()])
        _fill(con, number, rows, (aliases or {}).get(name))
    if path is not None:
        for number, name in con.execute("SELECT number, name FROM lists ORDER BY number").fetchall():
            tell(f"preparing the search of {name}")
            parts.prepare(con, number)
    if encoder is not None:
        embedding.store(con, encoder, tell)
    con.execute("COMMIT")
    return con


def _fill(
    con: sqlite3.Connection,
    number: int,
    rows: Iterable[tuple[Any, ...]],
    aliases: Callable[[tuple[Any, ...]], Iterable[str]] | None,
) -> None:
    entries: dict[tuple[str, str], int | None] = {}
    others: dict[str, set[str]] = {}
    encode = msgspec.json.encode
    for name, *codes, only in rows:
        text = clean(str(name)).strip() if name is not None else ""
        if not text:
            continue
        key = (text, encode([_cell(code) for code in codes]).decode())
        entries[key] = only if entries.get(key, only) == only else None
        if aliases is not None:
            found = {clean(alias).strip() for alias in aliases((text, *codes))} - {text, ""}
            others.setdefault(text, set()).update(found)
    only_of: dict[str, int | None] = {}
    for (name, _), only in entries.items():
        only_of[name] = only if only_of.get(name, only) == only else None
    ordered = sorted(only_of, key=lambda name: (len(folded(name)), folded(name), name))
    places = {name: place for place, name in enumerate(ordered)}
    con.executemany(
        "INSERT INTO names VALUES (?, ?, ?, ?)",
        ((number, place, name, only_of[name]) for place, name in enumerate(ordered)),
    )
    con.executemany(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
        (
            (number, rank, places[name], codes, entries[name, codes])
            for rank, (name, codes) in enumerate(sorted(entries))
        ),
    )
    con.executemany(
        "INSERT INTO aliases VALUES (?, ?, ?)",
        sorted((number, places[name], alias) for name, found in others.items() for alias in found),
    )


def _cell(code: Any) -> Any:
    """A code as JSON can carry it: numbers as they are, anything else as text without outer spaces."""
    if code is None or isinstance(code, int | float):
        return code
    return clean(str(code)).strip()
