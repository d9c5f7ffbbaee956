"""A person between the model and the tools: a call waits until it is let through, changed or refused."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from clinseek_core.journal.events import CallRequest
from clinseek_core.tools import ToolResult

__all__ = ["RUN_IT", "AskedCall", "Decision", "changed", "decided", "refusal"]


class AskedCall(msgspec.Struct, frozen=True):
    """A call that waits for a person."""

    step: int
    call: int
    request: CallRequest

    @property
    def anchor(self) -> str:
        """`s3.c1`"""
        return f"s{self.step}.c{self.call}"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a call."""

    what: Literal["run", "edit", "refuse"]
    arguments: dict[str, Any] | None = None
    """Of `edit`: what the tool gets instead."""
    why: str = ""
    """Of `refuse`: told to the model."""


RUN_IT = Decision(what="run")


def decided(request: CallRequest, decision: Decision) -> CallRequest:
    """The call as it is run."""
    if decision.what != "edit" or decision.arguments is None:
        return request
    return msgspec.structs.replace(request, arguments=decision.arguments, raw="")


def refusal(decision: Decision) -> ToolResult:
    """What the model gets for a call that was refused."""
    why = f": {decision.why}" if decision.why else ""
    text = f"The person who follows this run refused the call{why}. Go another way."
    return ToolResult(status="refused", text=text)


def changed(result: ToolResult, decision: Decision) -> ToolResult:
    """A changed call's result, which says what was run: the model asked for something else."""
    ran = json.dumps(decision.arguments, ensure_ascii=False)
    note = f"[The person who follows this run changed the call's arguments to {ran}]\n"
    return msgspec.structs.replace(result, text=note + result.text)
