"""The canonical run: what every reader makes and every screen, command and analysis reads.

A Trajectory is an immutable value; a growing run is a succession of them. Its steps are a sequence: a tuple
whose unchanged elements are shared between successive values, or, in a large recording, one that reads a step
from the file when it is looked at. Go through it by index or by iterating; never copy it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from clinseek_core.call_text import CallFlag
from clinseek_core.case import CaseImage, Policy
from clinseek_core.journal import Damage, DataInfo, ImageRef, Status, Table, Usage

__all__ = ["Call", "CallFlag", "CallStatus", "Damage", "Mode", "Note", "Result", "Span", "Step", "Trajectory"]

CallStatus = Status | Literal["pending"]
Mode = Literal["live", "replay", "follow"]


class Span(msgspec.Struct, frozen=True, array_like=True):
    """A range of bytes in a recording's file."""

    offset: int
    length: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a call gave back. `text` is untrusted: show it through `clinseek_core.text.visible`."""

    status: Status
    text: str
    full_characters: int
    """Length of the whole result; more than `len(text)` where the model got only its head."""
    table: Table | None = None
    images: tuple[ImageRef, ...] = ()
    """What it shows, kept beside a journal by digest."""
    ms: float | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call and, once it is there, its result."""

    anchor: str
    """`s12.c1`."""
    id: str
    name: str
    """Canonical: `ehr.run_sql_query`."""
    arguments: dict[str, Any] | None
    raw_arguments: str = ""
    """The model's text where it was not a JSON object."""
    wire_name: str = ""
    result: Result | None = None
    flags: tuple[CallFlag, ...] = ()

    @property
    def status(self) -> CallStatus:
        """The result's status, or `pending`."""
        return "pending" if self.result is None else self.result.status

    @property
    def sql(self) -> str | None:
        """The SQL text of this call, where it has one."""
        value = (self.arguments or {}).get("sql_query")
        return value if isinstance(value, str) else None


class Note(msgspec.Struct, frozen=True):
    """Something that happened beside the model's turn: a retry, a nudge, a resume, an unknown event."""

    kind: str
    text: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of the model: `s<number>`, with the calls it asked for."""

    number: int
    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    notes: tuple[Note, ...] = ()
    at: datetime | None = None
    usage: Usage | None = None
    ms: float | None = None
    finish_reason: str = ""
    """Why the model stopped, as its endpoint said: `length` where its tokens ran out."""
    raw: tuple[Span, ...] = ()
    """Where it stands in the source: the model's turn, then its results; empty where that is not known."""

    @property
    def anchor(self) -> str:
        """`s12`."""
        return f"s{self.number}"


class Trajectory(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Fields that a recording does not hold are None or empty: unknown, never guessed."""

    run_id: str
    source: str
    """Where it was read: `path` or `path:line`."""
    format: str
    qid: str = ""
    task: str = ""
    subject_id: int | None = None
    prediction_time: datetime | None = None
    question: str = ""
    candidates: tuple[str, ...] = ()
    gold: tuple[str, ...] | None = None
    policy: Policy | None = None
    model: str = ""
    prompt: tuple[tuple[str, str], ...] = ()
    """(role, text) of the opening messages."""
    films: tuple[CaseImage, ...] = ()
    """The films of the case, where the recording names them."""
    pictures: tuple[ImageRef, ...] = ()
    """What the opening messages show, kept beside a journal by digest."""
    curated: str = ""
    """The curated context that the case ships (the benchmark's `input`), where the recording holds it."""
    max_rounds: int | None = None
    max_result_characters: int | None = None
    """The run's limits, where they are recorded."""
    tools: tuple[str, ...] = ()
    """Names of the tools that were offered, where they are recorded."""
    tools_digest: str = ""
    """SHA-256 of their canonical schema, as `clinseek_core.tools.tools_info` makes it."""
    engine_version: str = ""
    """Version of clinseek-tui that made the run; empty for other systems."""
    rules: bool = False
    """Whether the answers were made by rules, without a language model."""
    data: DataInfo | None = None
    """The data that the tools read, where it is recorded."""
    steps: Sequence[Step] = ()
    answer: tuple[str, ...] | None = None
    answer_source: str = ""
    """`finish`, or how the answer came about where the recording says it was made otherwise."""
    status: str = ""
    """`answered`, `no_answer`, `stopped`, `error`; empty while the run has no end."""
    stop_reason: str = ""
    message: str = ""
    damage: tuple[Damage, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the recording holds the run's end."""
        return bool(self.status)
