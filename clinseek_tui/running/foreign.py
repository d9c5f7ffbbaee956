"""A foreign MCP server's tools in a run: what `--mcp` asks for, and what a journal says of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import McpInfo
from clinseek_core.models import is_local
from clinseek_core.models.endpoint import is_address, shown_address
from clinseek_core.tools.foreign import ForeignTools

__all__ = ["McpPlan", "plan_mcp", "plan_mcp_again"]


class McpPlan(msgspec.Struct, frozen=True):
    """The server, and which of its tools are offered; all where none is named."""

    url: str
    only: tuple[str, ...] = ()

    @property
    def info(self) -> McpInfo:
        """What a journal says of it."""
        return McpInfo(server=shown_address(self.url), only=self.only)

    def open(self) -> ForeignTools:
        """Ask the server for its tools; InputError where it can't be had."""
        return ForeignTools(self.url, self.only)


def plan_mcp(url: str | None, only: tuple[str, ...], *, bundled: bool, allow_remote: bool) -> McpPlan | None:
    """The plan that the options ask for: None without a server; InputError where they can't be followed."""
    if url is None:
        if only:
            raise InputError(f"--mcp-tool {only[0]} goes with --mcp URL")
        return None
    if not is_address(url):
        raise InputError("--mcp is no http(s) address; write it like http://127.0.0.1:5003/mcp")
    if not (bundled or allow_remote or is_local(url)):
        raise InputError(
            "--mcp is not on this machine, and what a model asks it can hold the patient's record; "
            "if you may send that there, add --allow-remote-model"
        )
    return McpPlan(url, only)


def plan_mcp_again(plan: McpPlan | None, journal: Path, info: McpInfo | None) -> McpPlan | None:
    """The plan of a run that is resumed: a file must not say where a record is sent, so it is asked again."""
    if info is None and plan is not None:
        raise InputError(f"{journal}: was made without tools of an MCP server; go on with it without --mcp")
    if info is not None and plan is None:
        named = "".join(f" --mcp-tool {name}" for name in info.only)
        raise InputError(
            f"{journal}: was made with an MCP server's tools; to go on so, add --mcp {info.server}{named}"
        )
    if info is not None and plan is not None and plan.info != info:
        raise InputError(f"{journal}: was made with other tools, of {info.server}; go on with those")
    return plan
