"""What a tool is to a model (ToolSpec), what it gives back (ToolResult), and who answers (Toolbox)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import msgspec

from clinseek_core.journal.events import Status, Table, ToolsInfo

__all__ = ["PastCall", "Picture", "Remembering", "ToolResult", "ToolSpec", "Toolbox", "tools_info"]


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as a model sees it."""

    name: str
    """Canonical, with its namespace: `ehr.run_sql_query`."""
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments: an object."""


class Picture(msgspec.Struct, frozen=True):
    """An image that a result shows to the person who follows a run."""

    media_type: str
    data: bytes
    label: str
    """Which film it is of, as the case names it."""


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a call gave back."""

    status: Status
    text: str
    table: Table | None = None
    pictures: tuple[Picture, ...] = ()


class Toolbox(Protocol):
    """Answers calls as a pure function of (snapshot, name, arguments), whatever the arguments are."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, in the order a model is told of them."""
        ...

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call; any name and any arguments give a result, never an exception."""
        ...


class PastCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a run made before it was cut off, and what it gave back, whole."""

    place: str
    """`s3.c1`"""
    name: str
    arguments: dict[str, Any]
    status: Status
    text: str


@runtime_checkable
class Remembering(Protocol):
    """A toolbox whose answers depend on the run's earlier calls, such as pages that were opened."""

    def restore(self, calls: Iterable[PastCall]) -> None:
        """Be as after these calls, in their order; InputError where that can't be had."""
        ...


def tools_info(specs: tuple[ToolSpec, ...]) -> ToolsInfo:
    """What a journal's header says of some tools; the digest is of their JSON with sorted keys."""
    canonical = msgspec.json.encode(specs, order="sorted")
    return ToolsInfo(names=tuple(spec.name for spec in specs), digest=hashlib.sha256(canonical).hexdigest())
