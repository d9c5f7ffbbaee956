"""The formats that recordings come in, each recognised by its structure and never by its file's name."""

from __future__ import annotations

from clinseek_replay.readers.journal import JOURNAL
from clinseek_replay.readers.reader import Entry, Index, Line, Problem, Reader
from clinseek_replay.readers.results_jsonl import RESULTS_JSONL

__all__ = ["READERS", "Entry", "Index", "Line", "Problem", "Reader"]

READERS: tuple[Reader, ...] = (JOURNAL, RESULTS_JSONL)
"""In the order they are asked; the first that recognises a line reads its file."""
