"""Recordings on disk that others may still write: whether anything there has changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from clinseek_replay.recordings import Recordings

__all__ = ["run_keys", "stamp"]

Stamp = frozenset[tuple[str, int, int]]
"""Name, size and time of change of each file."""


def stamp(paths: Iterable[Path]) -> Stamp:
    """What files and the files of folders look like from outside; two stamps differ where one was written."""
    found: set[tuple[str, int, int]] = set()
    for path in paths:
        _add(found, path)
        if path.is_dir():
            for folder, _, names in os.walk(path):
                for name in names:
                    _add(found, Path(folder, name))
    return frozenset(found)


def _add(found: set[tuple[str, int, int]], path: Path) -> None:
    try:
        state = os.stat(path)
    except OSError:
        return
    if not os.path.isdir(path):
        found.add((str(path), state.st_size, state.st_mtime_ns))


def run_keys(recordings: Recordings, positions: Sequence[int]) -> list[tuple[str, int]]:
    """For each run its place and its bytes: a run that has grown has another key, others keep theirs."""
    return [(recordings.entries[at].place, recordings.bytes_of(at)) for at in positions]
