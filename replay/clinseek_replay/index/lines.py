"""Where the lines of a file begin and end, found at the speed of its bytes: nothing of them is kept."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clinseek_replay.index.source_file import SourceFile

__all__ = ["Lines", "scan_lines"]

_CHUNK = 256 * 1024
"""Stays in a core's cache between the read and the search."""


@dataclass(frozen=True)
class Lines:
    """Lines of a file: for each its 1-based number, its offset, and its length with its line feed."""

    numbers: array[int]
    offsets: array[int]
    lengths: array[int]

    def __len__(self) -> int:
        return len(self.offsets)

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """(number, offset, length) of each."""
        return zip(self.numbers, self.offsets, self.lengths, strict=True)


def scan_lines(path: Path) -> Lines:
    """All lines of a file but those that are empty, the last one too where it has no line feed.

    Raises InputError where the file can't be read.
    """
    ends, whole = SourceFile(path).using(_ends)
    lines = Lines(array("Q"), array("Q"), array("Q"))
    begin = 0
    for number, end in enumerate(ends, 1):
        if end - begin > 1 or end > whole:
            lines.numbers.append(number)
            lines.offsets.append(begin)
            lines.lengths.append(end - begin)
        begin = end
    return lines


def _ends(descriptor: int) -> tuple[array[int], int]:
    """The offset that follows each line, and the one that follows the last line feed."""
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    ends = array("Q")
    base = 0
    while size := os.readv(descriptor, [view]):
        at = buffer.find(b"\n", 0, size)
        while at >= 0:
            ends.append(base + at + 1)
            at = buffer.find(b"\n", at + 1, size)
        base += size
    whole = ends[-1] if ends else 0
    if base > whole:
        ends.append(base)
    return ends, whole
