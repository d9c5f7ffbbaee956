"""SQLite files that others wrote, read as data: the plain tables in them, every cell as text.

Nothing that a file brings along runs: views, virtual tables, triggers and generated columns are never
named in a query, and an authorizer refuses whatever else a schema could lead a query to.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from clinseek_core.ehr.sql_text import quoted
from clinseek_core.errors import InputError

__all__ = ["SqliteColumn", "SqliteFile", "open_sqlite"]

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_WRITE_VERSION = 18
_WRITE_AHEAD = 2

_LOCK_SECONDS = 0.2
_MAX_ROW_BYTES = 32 * 1024**2
# In a file of SQLite a row takes its pointer (2 bytes) and a cell (4 bytes) at least: a file that yields
# more rows than that shows its pages again and again.
_LEAST_ROW_BYTES = 6
_CHUNK_ROWS = 40_000
_CHUNK_CHARACTERS = 16 * 1024**2

# SQLite's advice for files from elsewhere (sqlite.org/security.html), as far as Python reaches.
_PRAGMAS = ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "query_only = ON")
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _MAX_ROW_BYTES,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
}
_ACTIONS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION}
_FUNCTIONS = {"json_array", "typeof", "printf"}

_FAULTS = {
    "SQLITE_BUSY": "another program is writing it; let it end, or read a copy",
    "SQLITE_CORRUPT": "damaged: its pages do not fit together; copy or build it again",
    "SQLITE_NOTADB": "no SQLite database, or encrypted; copy or build it again",
    "SQLITE_READONLY": "its last writer was cut off; open it once with its own program, or build it again",
    "SQLITE_TOOBIG": f"a row of more than {_MAX_ROW_BYTES // 1024**2} MiB; no row of MIMIC-IV is that long",
    "SQLITE_IOERR": "reading it failed; copy it to a disk of this computer",
}


class SqliteColumn(msgspec.Struct, frozen=True):
    """A column as it was declared."""

    name: str
    declared: str


class SqliteFile:
    """An open file; made by `open_sqlite`."""

    def __init__(self, con: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self.broken_rows = 0
        """How many rows read so far held bytes that are no UTF-8; they are shown as `�`."""
        self._con = con
        self._most_rows = path.stat().st_size // _LEAST_ROW_BYTES
        con.text_factory = self._decoded
        names = con.execute(
            "SELECT name, type = 'table' AND rootpage > 0 FROM sqlite_master"
            " WHERE type IN ('table', 'view') ORDER BY name"
        ).fetchall()
        self.tables: tuple[str, ...] = tuple(name for name, plain in names if plain)
        """The plain tables."""
        self.others: tuple[str, ...] = tuple(name for name, plain in names if not plain)
        """Views and virtual tables, which can't be read."""
        con.set_authorizer(_authorized)

    def columns(self, table: str) -> tuple[SqliteColumn, ...]:
        """The columns of a plain table that are stored in it, in order."""
        rows = self._con.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
        return tuple(SqliteColumn(name, declared) for _, name, declared, *_ in rows)

    def rows(self, table: str, columns: Sequence[SqliteColumn]) -> Iterator[list[str]]:
        """The rows of a plain table in chunks of bounded size: each a JSON array of texts and nulls.

        One text a row is twice as fast as one a cell: most of the time goes into making Python's objects.
        """
        cells = ", ".join(_as_text(column) for column in columns)
        # A full scan may take an index instead, which a damaged file need not keep in step.
        found = self._con.execute(f"SELECT json_array({cells}) AS cells FROM {quoted(table)} NOT INDEXED")
        chunk: list[str] = []
        size = count = 0
        for (row,) in found:
            chunk.append(row)
            size += len(row)
            if len(chunk) == _CHUNK_ROWS or size > _CHUNK_CHARACTERS:
                count += len(chunk)
                if count > self._most_rows:
                    raise InputError(f"{self.path}: {_FAULTS['SQLITE_CORRUPT']}")
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.broken_rows += 1
            return data.decode(errors="replace")


@contextlib.contextmanager
def open_sqlite(path: Path) -> Iterator[SqliteFile]:
    """Open a file for reading alone; nothing is written to it or beside it.

    One transaction lasts as long as the file is open, so that no writer changes it meanwhile. Raises
    InputError, then and while it is read, for a file that is no SQLite database, damaged, or locked.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    if _is_write_ahead(path):
        # Its locks are in a file beside it that would have to be made.
        uri += "&immutable=1"
    try:
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=_LOCK_SECONDS, isolation_level=None)
        ) as con:
            for limit, value in _LIMITS.items():
                con.setlimit(limit, value)
            for pragma in _PRAGMAS:
                con.execute(f"PRAGMA {pragma}")
            con.execute("BEGIN")
            yield SqliteFile(con, path)
    except sqlite3.Error as error:
        raise InputError(f"{path}: {_fault(error)}") from error


def _is_write_ahead(path: Path) -> bool:
    """Whether the file's writer keeps a write-ahead log, which must be empty."""
    try:
        with path.open("rb") as file:
            header = _header(file, path)
        log = Path(f"{path.resolve()}-wal")
        pending = log.is_file() and log.stat().st_size > 0
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror})") from error
    if header[_WRITE_VERSION] != _WRITE_AHEAD:
        return False
    if pending:
        raise InputError(
            f"{path}: rows in {log.name} are not in it yet; close the program that writes it, or run"
            f" `sqlite3 {path.name} 'PRAGMA wal_checkpoint(TRUNCATE)'`"
        )
    return True


def _header(file: BinaryIO, path: Path) -> bytes:
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise InputError(f"{path}: {_FAULTS['SQLITE_NOTADB'] if header else 'empty; copy or build it again'}")
    return header


def _as_text(column: SqliteColumn) -> str:
    """A cell as text; a number that 15 digits do not say in 17. A column declared TEXT holds no numbers."""
    name = quoted(column.name)
    text = f"CAST({name} AS TEXT)"
    if column.declared.upper() == "TEXT":
        return text
    longer = f"typeof({name}) = 'real' AND CAST({text} AS REAL) <> {name}"
    return f"CASE WHEN {longer} THEN printf('%!.17g', {name}) ELSE {text} END"


def _authorized(action: int, first: str | None, second: str | None, _: str | None, source: str | None) -> int:
    """SQLite's question before a query runs; `source` is the view or trigger that it came through."""
    allowed = source is None and (
        action in _ACTIONS
        or action == sqlite3.SQLITE_READ
        or (action == sqlite3.SQLITE_PRAGMA and first == "table_info")
        or (action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _fault(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    said = (said for start, said in _FAULTS.items() if name.startswith(start))
    return next(said, f"not readable ({error})")
