"""Large recordings without loading them: where lines lie, what their ends tell, steps read when looked at.

It knows files, JSON and steps, and no format: the readers use it.
"""

from __future__ import annotations

from clinseek_replay.index.cache import Numbers, cached
from clinseek_replay.index.lazy_steps import LazySteps, call_counts
from clinseek_replay.index.lines import Lines, scan_lines
from clinseek_replay.index.peek import peek
from clinseek_replay.index.source_file import SourceFile
from clinseek_replay.index.spans import item_spans, member_spans, spans_in

__all__ = [
    "LazySteps",
    "Lines",
    "Numbers",
    "SourceFile",
    "cached",
    "call_counts",
    "item_spans",
    "member_spans",
    "peek",
    "scan_lines",
    "spans_in",
]
