"""What a call's result is to evidence: the patient's own data, names that are the same for all, or pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from clinseek_replay.tables import table_names
from clinseek_replay.trajectory import Call

__all__ = ["CallKind", "call_kind", "is_thought"]

CallKind = Literal["patient", "lookup", "web", "thought", "finish", "none"]
"""`patient`: rows, notes or films of the patient; `lookup`: candidate tables and dictionaries, which say
nothing of the patient; `web`: pages; `thought`: what the model told itself; `none`: opens the record, tells
which tables and columns there are, or computes without reading a table."""

_KINDS: tuple[tuple[str, CallKind], ...] = (
    ("ehr.get_candidates_", "lookup"),
    ("ehr.think", "thought"),
    ("ehr.load_ehr", "none"),
    ("ehr.clear_session", "none"),
    ("ehr.get_table_", "none"),
    ("ehr.get_column_names", "none"),
    ("ehr.retrieve_", "web"),
    ("browser.", "web"),
    ("", "patient"),
)
"""By how the tool's canonical name begins: the first that fits. Tools we do not know read the patient."""


def call_kind(call: Call) -> CallKind:
    """The kind of a call; a query over candidate tables and dictionaries alone is a lookup."""
    kind = _kind_of_name(call.name)
    if kind != "patient":
        return kind
    tables = table_names(call)
    if call.sql is not None and not tables:
        return "none"
    return "lookup" if tables and all(map(_is_the_same_for_all, tables)) else "patient"


def is_thought(call: Call) -> bool:
    """Whether a call is what the model told itself."""
    return _kind_of_name(call.name) == "thought"


@lru_cache(maxsize=1024)
def _kind_of_name(name: str) -> CallKind:
    if "finish" in name.lower():
        return "finish"
    return next(kind for start, kind in _KINDS if name.startswith(start))


def _is_the_same_for_all(table: str) -> bool:
    return table.endswith("_candidates") or table.startswith("d_")
