"""Tools of a foreign MCP server, offered to an agent beside ours under names that begin with `mcp.`.

Nothing is proven of them: they may know the future, and say anything. A run's journal names the server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from clinseek_core.errors import InputError
from clinseek_core.mcp_client import McpConnection, McpError, McpReply, McpTool
from clinseek_core.models.endpoint import shown_address
from clinseek_core.text import one_line
from clinseek_core.tools.spec import ToolResult, ToolSpec

__all__ = ["FOREIGN", "ForeignTools"]

FOREIGN = "mcp."
"""What the names of foreign tools begin with."""

_MAX_TOOLS = 64
_MAX_DESCRIPTION = 4_000
_MAX_SCHEMA = 32_000
_MAX_CHARACTERS = 1_000_000
"""Of a result; an agent gets less of it, as of any."""
_LIST_S, _CALL_S = 20.0, 120.0
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class ForeignTools:
    """A Toolbox over an MCP server; `close` it.

    `only` are names of its tools; without it all are offered. Raises InputError for a server that can't be
    had, and for names that it does not offer.
    """

    def __init__(self, url: str, only: Collection[str] = ()) -> None:
        self._connection = McpConnection(url)
        try:
            offered = self._connection.list_tools(at_most=_MAX_TOOLS, deadline_s=_LIST_S)
            self.specs = _chosen(offered, only, shown_address(url))
        except McpError as error:
            self.close()
            raise InputError(f"--mcp {error}") from error
        except InputError:
            self.close()
            raise

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Ask the server; what it says is handed on as text, whatever it is."""
        if name not in {spec.name for spec in self.specs}:
            offered = ", ".join(spec.name for spec in self.specs)
            return ToolResult(status="error", text=f"Error: no such tool; there are: {offered}")
        try:
            reply = self._connection.call_tool(name.removeprefix(FOREIGN), arguments, deadline_s=_CALL_S)
        except McpError as error:
            return ToolResult(status="error", text=f"Error: {error}")
        text = _text(reply)
        return ToolResult(status="error" if reply.failed else "ok" if text else "empty", text=text)

    def close(self) -> None:
        """Give the session up."""
        self._connection.close()


def _chosen(offered: tuple[McpTool, ...], only: Collection[str], server: str) -> tuple[ToolSpec, ...]:
    known = {tool.name: tool for tool in offered}
    missing = [name for name in only if name not in known]
    if missing:
        there = one_line(", ".join(known), 400) or "none"
        raise InputError(f"--mcp-tool {missing[0]}: {server} offers no such tool; there are: {there}")
    specs = tuple(_spec(tool) for name, tool in known.items() if not only or name in only)
    if not specs:
        raise InputError(f"--mcp {server}: offers no tools")
    return specs


def _spec(tool: McpTool) -> ToolSpec:
    """The tool under our name; InputError where it is of no form that a model's endpoint takes."""
    schema = tool.parameters or {"type": "object", "properties": {}}
    if not _NAME.fullmatch(tool.name):
        raise InputError(f"--mcp: a tool is called {one_line(tool.name, 80)!r}; leave it out by --mcp-tool")
    if schema.get("type") != "object" or len(json.dumps(schema)) > _MAX_SCHEMA:
        raise InputError(
            f"--mcp: the arguments of {tool.name} are no JSON object, or described at more than "
            f"{_MAX_SCHEMA:,} characters; leave it out by --mcp-tool"
        )
    description = tool.description[:_MAX_DESCRIPTION] or tool.name
    return ToolSpec(name=f"{FOREIGN}{tool.name}", description=description, parameters=schema)


def _text(reply: McpReply) -> str:
    """The texts of a result; what is no text is named by its kind."""
    parts = []
    for part in reply.content:
        text = part.get("text")
        parts.append(text if isinstance(text, str) else f"[{one_line(str(part.get('type')), 40)}]")
    if not parts and reply.structured is not None:
        parts.append(json.dumps(reply.structured))
    return "\n".join(parts)[:_MAX_CHARACTERS]
