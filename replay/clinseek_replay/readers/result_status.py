"""How a call of the reference implementation ended, told from its result's text, which is all it records.

Texts are listed in the order they are tried; what matches none is `ok`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from clinseek_core.journal import Status

__all__ = ["status_of"]

_HEAD_CHARACTERS = 2_000


class _Sign(NamedTuple):
    status: Status
    pattern: str
    tools: str = ""
    """Namespace it holds for; empty for all."""


_SIGNS: tuple[_Sign, ...] = (
    # The wrapper around the tool servers.
    _Sign("error", r"MCP Error\b"),
    _Sign("error", r"Tool Error\b"),
    _Sign("error", r"HTTP Error \d+"),
    _Sign("error", r"Error calling MCP tool\b"),
    _Sign("error", r"Error executing\b"),
    _Sign("error", r"No data in SSE response"),
    _Sign("error", r"Invalid MCP response"),
    _Sign("error", r"Unknown tool namespace\b"),
    _Sign("error", r"Unknown (browser |image |ehr )?tool\b"),
    # The EHR tools.
    _Sign("error", r"SQL Execution Error\b"),
    _Sign("error", r"An error occurred\b"),
    _Sign("error", r"Error:"),
    _Sign("error", r"Table '[^'\n]*' not found\b"),
    _Sign("empty", r"No records found in table\b"),
    _Sign("empty", r"Query executed successfully but returned no results\b"),
    _Sign("empty", r"No valid timestamps found\b"),
    _Sign("empty", r"No tables are currently loaded\b"),
    _Sign("empty", r"(--- No semantically similar candidates found for [^\n]* ---\s*)+\Z"),
    _Sign("empty", r"\[\]\s*\Z"),
    _Sign("empty", r"Empty DataFrame\b"),
    # The browser.
    _Sign("error", r"Invalid link id\b"),
    _Sign("error", r"Invalid location parameter\b"),
    _Sign("error", r"Cannot run `find`"),
    _Sign("error", r"Error (during search|fetching URL)\b"),
    _Sign("error", r"(Fetch error|Failed to|Exception:|Traceback)\b"),
    _Sign("error", r"Cannot serialize\b"),
    _Sign("empty", r"(\[\d+\] [^\n]*\n[\s\S]*?)?No `find` results\b", "browser."),
    # The image tools answer in JSON, errors too.
    _Sign("error", r'\{\s*"output"\s*:\s*\{\s*"error"\s*:', "image."),
    _Sign("error", r'\{[\s\S]*"analysis_status"\s*:\s*"failed"', "image."),
)

_COMPILED = tuple((sign.status, sign.tools, re.compile(sign.pattern)) for sign in _SIGNS)
_ANY = re.compile("|".join(f"(?:{sign.pattern})" for sign in _SIGNS))
"""Most results are `ok`: one look tells."""


def status_of(tool: str, text: str) -> Status:
    """The status of a result, by the tool's canonical name and the start and end of its text."""
    stripped = text.strip()
    if not stripped:
        return "empty"
    head = stripped[:_HEAD_CHARACTERS]
    if not _ANY.match(head):
        return "ok"
    for status, tools, pattern in _COMPILED:
        if tool.startswith(tools) and pattern.match(head):
            return status
    return "ok"
