"""Files of JSON lines that together are one run, each line a message or an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from clinseek_core.errors import InputError
from clinseek_replay.readers.reader import MAX_LINE_BYTES, lines_of, object_of
from clinseek_replay.trajectory import Damage, Span

__all__ = ["JsonLine", "json_lines"]


class JsonLine(NamedTuple):
    """An object of a file's line, and where the line lies."""

    number: int
    value: dict[str, Any]
    span: Span


def json_lines(path: Path) -> tuple[list[JsonLine], list[Damage]]:
    """The objects of a file's lines, and the lines that hold none.

    Raises InputError where the file can't be read, or is too large to be one run.
    """
    lines: list[JsonLine] = []
    damage: list[Damage] = []
    taken = 0
    for line in lines_of(path):
        taken += len(line.data)
        if taken > MAX_LINE_BYTES:
            raise InputError(f"{path}: is over {MAX_LINE_BYTES >> 20} MiB, too much for one run")
        try:
            if not line.data:
                raise ValueError(f"longer than {MAX_LINE_BYTES >> 20} MiB")
            lines.append(JsonLine(line.number, object_of(line.data), Span(line.offset, len(line.data))))
        except ValueError as error:
            damage.append(Damage(line.number, str(error)))
    return lines, damage
