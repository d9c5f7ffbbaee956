"""The events a run writes, in the order they happen. `docs/formats/journal.md` is their reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from clinseek_core.case import Case, Policy

__all__ = [
    "FORMAT",
    "Body",
    "CallRequest",
    "DataInfo",
    "Edit",
    "End",
    "Event",
    "Forked",
    "Header",
    "ImageRef",
    "Limits",
    "McpInfo",
    "Message",
    "ModelInfo",
    "Nudge",
    "Observation",
    "Origin",
    "OriginRow",
    "Prompt",
    "Resumed",
    "Retry",
    "Status",
    "Table",
    "TextAnswers",
    "ToolsInfo",
    "Turn",
    "Usage",
    "WebInfo",
]

FORMAT = "clinseek.journal/1"

Status = Literal["ok", "empty", "error", "refused", "limited"]
"""How a call ended: `refused` broke the run's policy, `limited` was stopped by a limit (never drift)."""


TextAnswers = Literal["never", "after_nudges", "at_once"]

_KINDS = {"chat": "", "builtin": " (rules, no language model)", "mcp": " (over MCP)"}


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asks: an endpoint's model, the built-in policy `seeker`, or a foreign agent that calls over MCP."""

    name: str
    kind: Literal["chat", "builtin", "mcp"]
    base_url: str = ""
    temperature: float | None = None
    max_output_tokens: int | None = None

    @property
    def label(self) -> str:
        """The name as screens show it; rules are never taken for a model."""
        return f"{self.name}{_KINDS[self.kind]}"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of a run; the defaults are the paper's."""

    max_rounds: int = 200
    max_result_characters: int = 100_000
    max_image_edge: int = 1568
    """Pixels on the longest edge of an image sent to a model."""


class ToolsInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The tools a run offered: their names, and the SHA-256 of their canonical JSON schema."""

    names: tuple[str, ...]
    digest: str


class DataInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The data behind a run: where it lies and the SHA-256 of the snapshot's visible cells."""

    source: str
    """`bundled`, or the path of a MIMIC-IV tree."""
    digest: str


class WebInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the pages of a run came from."""

    mode: Literal["offline", "live", "recorded"]
    source: str
    """The corpus, the search service, or the cassette's file."""
    digest: str = ""
    """Of a corpus: the SHA-256 of what it says."""


class ImagesInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answered the image tools of a run that need a model."""

    backends: tuple[Literal["fixture", "local", "endpoint", "mcp"], ...] = ()
    """In the order in which they were asked; none where such tools had no answer."""
    endpoint: str = ""
    """The address of a vision model, without user, password and query, and below its name."""
    model: str = ""
    mcp: str = ""
    """The address of an MCP server, likewise."""
    results: str = ""
    """Where recorded results came from: `bundled` or a file."""


class McpInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A foreign MCP server whose tools a run had, under names that begin with `mcp.`.

    No promise covers what they say: the server may know what was not known yet.
    """

    server: str
    """Its address, without user, password and query."""
    only: tuple[str, ...] = ()
    """The tools that were chosen; empty where all were offered."""


class ImageRef(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a message or a result; its bytes lie beside the journal under their digest."""

    media_type: str
    sha256: str
    bytes: int
    label: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of the opening prompt."""

    role: Literal["system", "user"]
    content: str
    images: tuple[ImageRef, ...] = ()


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A text too large for a line of the journal: it lies beside it under its digest."""

    sha256: str
    characters: int


class CallRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool call as the model asked for it."""

    id: str
    name: str
    """Canonical: `ehr.run_sql_query`."""
    arguments: dict[str, Any] | None = None
    """None where the model's text was not a JSON object; then `raw` holds that text."""
    wire_name: str = ""
    """As the model wrote it, where that differs from `name`."""
    raw: str = ""
    parsed_from: Literal["", "text", "reasoning"] = ""
    """Where the call was found that the model wrote as text; empty for a call of the API."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens as the endpoint counted them."""

    input_tokens: int
    output_tokens: int


class OriginRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of the record behind a row of an observation."""

    key: tuple[Any, ...]
    event_time: str | None = None
    """When it happened; None where the table only says when it was known."""
    known_at: str | None = None


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows of an observation come from in one table of the record."""

    table: str
    key: tuple[str, ...]
    """The names of the columns that tell the table's rows apart."""
    rows: tuple[OriginRow | None, ...]
    """One for each row of the observation; None where an outer join found none."""


class Table(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rows of an observation, typed, for screens and analyses: never more than its text says."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int
    """Rows there are; more than `len(rows)` where some were left out."""
    source: str = ""
    """The table the rows come from, where there is one."""
    origins: tuple[Origin, ...] = ()
    """Where each row comes from; empty where a row is not one of the record, a count for example."""


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="header"):
    """The first line: all that decides what a run could see and do."""

    seq: int
    at: datetime
    format: str
    run_id: str
    engine_version: str
    case: Case
    policy: Policy
    model: ModelInfo
    limits: Limits
    tools: ToolsInfo
    data: DataInfo
    parent: str = ""
    """`<run_id>#s12` where this run was forked from a step of another."""
    web: WebInfo | None = None
    """None where the run had no browser tools."""
    images: ImagesInfo | None = None
    """None where the run had no image tools."""
    mcp: McpInfo | None = None
    """None where the run had no tools of a foreign server."""
    text_answers: TextAnswers = "never"
    """When a turn without a call is taken for the answer: `never`, when nudges did not help, or at once."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="prompt"):
    """The messages a run opens with."""

    seq: int
    at: datetime
    messages: tuple[Message, ...]


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="turn"):
    """One answer of the model: step `s<step>`, with its calls `s<step>.c1` and on."""

    seq: int
    at: datetime
    step: int
    text: str = ""
    reasoning: str = ""
    calls: tuple[CallRequest, ...] = ()
    finish_reason: str = ""
    usage: Usage | None = None
    ms: float = 0.0


class Observation(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="observation"
):
    """What a call gave back, exactly as the model got it."""

    seq: int
    at: datetime
    step: int
    call: int
    """1-based within the step."""
    tool_call_id: str
    name: str
    status: Status
    text: str = ""
    """What the model got; empty where `body` holds it."""
    body: Body | None = None
    full: Body | None = None
    """The whole result, where the model got only its head."""
    table: Table | None = None
    images: tuple[ImageRef, ...] = ()
    """What the result shows to a person; the model got only the text."""
    ms: float = 0.0
    decided: Literal["", "edit", "refuse"] = ""
    """What a person made of the call before it ran."""
    arguments: dict[str, Any] | None = None
    """Of an edited call: what the tool got instead of what the model asked."""


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="retry"):
    """A request to the model that failed and is tried again; no step was lost."""

    seq: int
    at: datetime
    step: int
    reason: str
    wait_s: float = 0.0


class Nudge(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="nudge"):
    """A user message the harness sent because a turn held no call."""

    seq: int
    at: datetime
    step: int
    text: str


class Edit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person changed of the run that this one was forked from."""

    what: Literal["result", "prompt", "model", "leak"]
    """`leak`: the call was made again under a policy that shows only what was known."""
    place: str = ""
    """The call whose result it is, `s12.c1`."""
    before: str = ""
    """SHA-256 of the text as it was, or the model's name."""


class Forked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="forked"):
    """What stands before this line and up to `place` is another run's; the run goes on from there."""

    seq: int
    at: datetime
    place: str
    """The last step or call that was kept: `s12`, `s12.c1`; `s0` for the opening alone."""
    edits: tuple[Edit, ...] = ()


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="resumed"):
    """A run that had been cut off goes on from here."""

    seq: int
    at: datetime
    engine_version: str


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="end"):
    """The last line of a run that ended by itself."""

    seq: int
    at: datetime
    status: Literal["answered", "no_answer", "stopped", "error"]
    stop_reason: str
    """`finish`, `no_call`, `max_rounds`, `stopped_by_user`, or a ModelError's kind."""
    answer: tuple[str, ...] | None = None
    message: str = ""


Event = Header | Prompt | Forked | Turn | Observation | Retry | Nudge | Resumed | End
