"""The protocol's side: tools and the question of a session's run, by the official SDK."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from clinseek_core.errors import ClinseekError
from clinseek_core.text import one_line
from clinseek_core.tools import ToolSpec
from clinseek_core.version import __version__
from clinseek_tui.mcp_server.connections import Connections
from clinseek_tui.mcp_server.served_run import ServedRun

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

__all__ = ["CASE_HEADER", "STDIO", "make_server"]

STDIO = "stdio"
"""The session of a client on standard input and output, which is alone."""
CASE_HEADER = "x-clinseek-case"
_NOT_DONE = frozenset({"error", "refused", "limited"})
_PROMPT = "case"
_ABOUT = (
    "Tools over one patient's record as it was known at one time. Patient and time are the server's: no "
    "argument changes them. The prompt `case` holds the question; answer it by the tool `finish`."
)


def make_server(connections: Connections) -> Server[Any]:
    """A server whose every session is a run of its own."""
    import mcp_types as types  # noqa: PLC0415 - an extra
    from anyio.to_thread import run_sync  # noqa: PLC0415 - as above
    from mcp.server.lowlevel import Server  # noqa: PLC0415 - as above
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415 - as above

    async def run_of(ctx: Any) -> ServedRun:
        try:
            return await run_sync(partial(connections.run_of, *_asks(ctx)))
        except ClinseekError as error:
            raise MCPError(types.INVALID_REQUEST, str(error)) from error

    async def list_tools(ctx: Any, _: Any) -> types.ListToolsResult:
        run = await run_of(ctx)
        return types.ListToolsResult(
            tools=[
                types.Tool(name=_bare(spec), description=spec.description, input_schema=spec.parameters)
                for spec in run.specs
            ]
        )

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        run = await run_of(ctx)
        result = await run_sync(run.call, params.name, dict(params.arguments or {}))
        text = types.TextContent(type="text", text=result.text)
        return types.CallToolResult(content=[text], is_error=result.status in _NOT_DONE)

    async def list_prompts(_: Any, __: Any) -> types.ListPromptsResult:
        about = "The question of this connection's case, with its candidates."
        return types.ListPromptsResult(prompts=[types.Prompt(name=_PROMPT, description=about)])

    async def get_prompt(ctx: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        if params.name != _PROMPT:
            raise MCPError(
                types.INVALID_PARAMS, f"there is no prompt {one_line(params.name, 60)!r}; ask for case"
            )
        run = await run_of(ctx)
        # The protocol has no system messages: what they say comes first.
        text = "\n\n".join(message.content for message in run.question)
        content = types.TextContent(type="text", text=text)
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])

    return Server(
        "clinseek-tui",
        version=__version__,
        instructions=_ABOUT,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


def _bare(spec: ToolSpec) -> str:
    """A tool as the reference's servers call it: without its namespace."""
    return spec.name.rpartition(".")[2]


def _asks(ctx: Any) -> tuple[str, str | None, str]:
    """The session of a request, the case that its address or its headers name, and who asks."""
    told = ctx.session.client_params
    client = f"{told.client_info.name} {told.client_info.version}" if told is not None else ""
    if ctx.request is None:
        return STDIO, None, one_line(client, 80)
    headers = ctx.request.headers
    case = ctx.request.query_params.get("case") or headers.get(CASE_HEADER)
    return headers["mcp-session-id"], case, one_line(client, 80)
