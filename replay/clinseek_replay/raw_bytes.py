"""A step as it lies in the recording's file: its bytes, at the places that the reader found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clinseek_core.errors import InputError
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["Piece", "pieces_of", "recording_file"]

_MOST = 2 * 1024 * 1024
"""Bytes of a piece that are read."""


class Piece(NamedTuple):
    """One stretch of the file."""

    offset: int
    length: int
    text: str
    """As UTF-8; bytes that are none are replaced. The head where the piece is very long."""
    cut: int
    """Bytes that were not read."""


def recording_file(trajectory: Trajectory) -> Path:
    """The file that a run was read from; raises InputError where it is not there, or was none."""
    whole = Path(trajectory.source)
    path = whole if whole.is_file() else Path(trajectory.source.rpartition(":")[0])
    if not path.is_file():
        raise InputError(f"{trajectory.source}: there is no such file now")
    return path


def pieces_of(trajectory: Trajectory, step: Step) -> Iterator[Piece]:
    """The pieces of a step in their order; none where its places are not known.

    Raises InputError where the file can't be read any more.
    """
    if not step.raw:
        return
    path = recording_file(trajectory)
    try:
        with path.open("rb") as file:
            for span in step.raw:
                file.seek(span.offset)
                data = file.read(min(span.length, _MOST))
                yield Piece(
                    span.offset, span.length, data.decode("utf-8", "replace"), max(span.length - len(data), 0)
                )
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from error
