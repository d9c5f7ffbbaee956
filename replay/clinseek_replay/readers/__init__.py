"""The formats that recordings come in, each recognised by its structure and never by its file's name."""

from __future__ import annotations

from clinseek_replay.readers import journal, results_jsonl
from clinseek_replay.readers.reader import Entry, Index, Line, Problem, Reader

__all__ = ["READERS", "Entry", "Index", "Line", "Problem", "Reader"]

READERS: tuple[Reader, ...] = (journal.READER, results_jsonl.READER)
"""In the order they are asked; the first that recognises a line reads its file."""
