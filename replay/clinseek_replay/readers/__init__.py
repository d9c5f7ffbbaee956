"""The formats that recordings come in, each recognised by its structure and never by its file's name."""

from __future__ import annotations

from pathlib import Path

from clinseek_replay.readers.detecting import detect_among
from clinseek_replay.readers.journal import JOURNAL
from clinseek_replay.readers.reader import Entry, Index, Line, Problem, Reader, Sample
from clinseek_replay.readers.results_jsonl import RESULTS_JSONL

__all__ = ["READERS", "Entry", "Index", "Line", "Problem", "Reader", "Sample", "detect"]

READERS: tuple[Reader, ...] = (JOURNAL, RESULTS_JSONL)
"""In the order they are asked; the first that recognises a line reads its file."""


def detect(path: Path) -> tuple[Reader, str]:
    """The reader for a file, by the structure of its beginning, and why it is the one.

    Raises InputError where the file can't be read or is of no format we know.
    """
    return detect_among(READERS, path)
