"""Examples as Parquet: messages as a typed column, so that every reader gives them back as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clinseek_replay.export.files import new_file
from clinseek_replay.export.plain_json import json_text

__all__ = ["write_parquet"]

_CALL = "STRUCT(id VARCHAR, type VARCHAR, function STRUCT(name VARCHAR, arguments VARCHAR))"
_MESSAGE = (
    f"STRUCT(role VARCHAR, content VARCHAR, reasoning_content VARCHAR, tool_calls {_CALL}[],"
    " tool_call_id VARCHAR, name VARCHAR)"
)
_COLUMNS = {
    "id": "VARCHAR",
    "qid": "VARCHAR",
    "task": "VARCHAR",
    "f1": "DOUBLE",
    "tokens": "BIGINT",
    "messages": f"{_MESSAGE}[]",
    "tools": "VARCHAR",
    "text": "VARCHAR",
}
_MAX_BYTES = 1024**3
"""Of one example."""


def write_parquet(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write rows of `_COLUMNS` to a new file.

    Arguments of calls are JSON text there, as OpenAI's API has them: as objects, all calls would get the
    fields of every other.
    """
    import duckdb  # noqa: PLC0415 - heavy: loaded where Parquet is written

    shapes = ", ".join(f"{name}: '{kind}'" for name, kind in _COLUMNS.items() if name in rows[0])
    draft = path.with_suffix(".draft.jsonl")
    with new_file(draft) as file:
        for row in rows:
            flat = row | {"messages": _flat(row["messages"]), "tools": json.dumps(row["tools"])}
            file.write(json_text(flat).encode() + b"\n")
    read = (
        f"read_json({_quoted(draft)}, format = 'newline_delimited', columns = {{{shapes}}},"
        f" maximum_object_size = {_MAX_BYTES})"
    )
    try:
        with duckdb.connect(":memory:") as con:
            con.execute(f"COPY (FROM {read}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)")
    finally:
        draft.unlink(missing_ok=True)
    path.chmod(0o600)


def _flat(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages whose calls have their arguments as JSON text."""
    return [
        message | {"tool_calls": _calls(message)} if "tool_calls" in message else message
        for message in messages
    ]


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        call | {"function": call["function"] | {"arguments": json_text(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]


def _quoted(path: Path) -> str:
    escaped = str(path).replace("'", "''")
    return f"'{escaped}'"
