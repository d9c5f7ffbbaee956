"""The formats that recordings come in, each recognised by its structure and never by its file's name."""

from __future__ import annotations

from pathlib import Path

from clinseek_replay.readers.agent_ehr import AGENT_EHR
from clinseek_replay.readers.atif import ATIF
from clinseek_replay.readers.claude_code import CLAUDE_CODE
from clinseek_replay.readers.coding_agents import MINI_SWE_AGENT, SWE_AGENT
from clinseek_replay.readers.detecting import detect_among
from clinseek_replay.readers.inspect_log import INSPECT_EVAL, INSPECT_JSON
from clinseek_replay.readers.journal import JOURNAL
from clinseek_replay.readers.openai_chat import ANTHROPIC_MESSAGES, OPENAI_CHAT
from clinseek_replay.readers.openai_responses import OPENAI_RESPONSES
from clinseek_replay.readers.otel_spans import OTEL
from clinseek_replay.readers.parquet import PARQUET
from clinseek_replay.readers.reader import Entry, Index, Line, Problem, Reader, Sample
from clinseek_replay.readers.results_jsonl import RESULTS_JSONL
from clinseek_replay.readers.sft_text import SFT_TEXT
from clinseek_replay.readers.sharegpt import SHAREGPT
from clinseek_replay.readers.tau2 import TAU2
from clinseek_replay.readers.trajectory_md import TRAJECTORY_MD

__all__ = ["READERS", "Entry", "Index", "Line", "Problem", "Reader", "Sample", "detect"]

READERS: tuple[Reader, ...] = (
    JOURNAL,
    PARQUET,
    INSPECT_EVAL,
    INSPECT_JSON,
    ATIF,
    CLAUDE_CODE,
    TAU2,
    SWE_AGENT,
    MINI_SWE_AGENT,
    AGENT_EHR,
    OTEL,
    RESULTS_JSONL,
    OPENAI_RESPONSES,
    SHAREGPT,
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    TRAJECTORY_MD,
    SFT_TEXT,
)
"""In the order they are asked; the first that recognises a sample reads its file. What could be taken for
another format comes before it."""


def detect(path: Path) -> tuple[Reader, str]:
    """The reader for a file, by the structure of its beginning, and why it is the one.

    Raises InputError where the file can't be read or is of no format we know.
    """
    return detect_among(READERS, path)
