"""Parquet files whose rows are chats: a column `messages`, or `conversations` as ShareGPT has it.

They are read by DuckDB, which may open this file and nothing else. A row has no range of bytes of its own:
`Step.raw` stays empty. Nested columns have one type for all rows, so that an argument that another row has
reads as null here; such arguments are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinseek_core.errors import InputError
from clinseek_core.lenient_json import lenient_json
from clinseek_replay.readers.facts import qid_of, run_index_of, status_from
from clinseek_replay.readers.json_records import run_from
from clinseek_replay.readers.messages import Message, items, read_messages, text_of
from clinseek_replay.readers.reader import Entry, Index, Reader, Sample
from clinseek_replay.readers.sharegpt import sharegpt_messages
from clinseek_replay.trajectory import Trajectory

if TYPE_CHECKING:
    import duckdb

__all__ = ["PARQUET"]

_MAGIC = b"PAR1"
_CHATS = ("messages", "conversations")
_LISTED = ("qid", "query_id", "run_index", "status", "stop_reason")
_MEMORY = "1GB"


def recognise(sample: Sample) -> str | None:
    """The file's first four bytes."""
    return "Parquet's `PAR1`" if sample.data.startswith(_MAGIC) and sample.value is None else None


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may read this file and no other.

    Raises InputError for what DuckDB says of it.
    """
    import duckdb  # noqa: PLC0415 -- only where such a file is read

    place = str(path.absolute())
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as con:
            con.execute("SET allowed_paths = $1", [[place]])
            con.execute(
                f"SET memory_limit = '{_MEMORY}'; SET temp_directory = ''; "
                "SET autoload_known_extensions = false; SET autoinstall_known_extensions = false; "
                "SET python_enable_replacements = false; "
                "SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true"
            )
            yield con
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: can't be read as Parquet ({reason})") from error


def _columns(con: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    rows = con.execute("DESCRIBE SELECT * FROM read_parquet($1)", [str(path.absolute())]).fetchall()
    return [row[0] for row in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def index(path: Path) -> Index:
    """One entry for each row."""
    with _opened(path) as con:
        columns = _columns(con, path)
        if not any(name in columns for name in _CHATS):
            some = ", ".join(columns[:10])
            raise InputError(
                f"{path}: a Parquet file without a column `messages` or `conversations`; it has {some}"
            )
        listed = [name for name in _LISTED if name in columns]
        wanted = ", ".join(["file_row_number", *(_quoted(name) for name in listed)])
        query = f"SELECT {wanted} FROM read_parquet($1, file_row_number = true) ORDER BY 1"  # noqa: S608 -- quoted
        rows = con.execute(query, [str(path.absolute())]).fetchall()
    return Index(tuple(_entry(path, row[0], dict(zip(listed, row[1:], strict=True))) for row in rows))


def _entry(path: Path, row: int, values: dict[str, Any]) -> Entry:
    return Entry(
        path=path,
        line=row + 1,
        offset=0,
        length=0,
        qid=qid_of(values),
        run_index=run_index_of(values),
        status=status_from(values.get("status"), values.get("stop_reason")),
        part=f"row {row + 1}",
    )


def read(entry: Entry) -> Trajectory:
    """The run of one row."""
    place = str(entry.path.absolute())
    with _opened(entry.path) as con:
        columns = _columns(con, entry.path)
        query = "SELECT * FROM read_parquet($1, file_row_number = true) WHERE file_row_number = $2"
        row = con.execute(query, [place, entry.line - 1]).fetchone()
    if row is None:
        raise InputError(f"{entry.place}: there is no such row; the file may have changed, open it again")
    record = _plain(dict(zip(columns, row, strict=False)))
    chat = next((name for name in _CHATS if name in record), "messages")
    messages, damage = _messages(chat, record.pop(chat, None))
    if isinstance(record.get("system"), str) and record["system"]:
        messages.insert(0, Message(role="system", text=record["system"]))
    run_id = text_of(record.get("session_id")) or text_of(record.get("id"))
    return run_from(entry, "parquet", messages, damage, record, run_id=run_id)


def _messages(chat: str, value: Any) -> tuple[list[Message], list[str]]:
    if isinstance(value, str):
        # As a column of JSON text, which some writers make of nested rows.
        try:
            value = lenient_json(value)
        except (ValueError, RecursionError):
            return [], [f"`{chat}` is text, and no JSON"]
    values = [_plain(item) for item in items(value)]
    if chat == "messages" and not any(isinstance(item, dict) and "from" in item for item in values):
        return read_messages(values)
    return sharegpt_messages(values, [])


def _plain(value: Any) -> Any:
    """A value as JSON has it, without members that are null; times and the like as their text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str | int | None) else str(value)


PARQUET = Reader(name="parquet", title="a Parquet file of chats", recognise=recognise, index=index, read=read)
