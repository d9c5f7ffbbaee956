"""Calls of tools over MCP's streamable HTTP: JSON-RPC in POST requests, answered by JSON or by events.

One session a call: initialize, tools/call, and the session's end. The protocol is modelcontextprotocol.io's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.errors import ClinseekError
from clinseek_core.models import is_local
from clinseek_core.text import one_line
from clinseek_core.version import __version__

if TYPE_CHECKING:
    import httpx2

__all__ = ["McpError", "McpReply", "call_tool"]

_PROTOCOL = "2025-06-18"
_MAX_BYTES = 64 * 1024 * 1024
_CONNECT_S = 10.0
_SESSION, _VERSION = "mcp-session-id", "mcp-protocol-version"
_ACCEPT = "application/json, text/event-stream"


class McpError(ClinseekError):
    """A server that can't be had, does not speak the protocol, or says that it failed."""


class McpReply(msgspec.Struct, frozen=True):
    """The result of a tools/call."""

    content: tuple[dict[str, Any], ...]
    structured: Any = None
    failed: bool = False
    """Whether the tool itself says that it failed; its words are in the content."""


class _ToolResult(msgspec.Struct):
    content: tuple[dict[str, Any], ...] = ()
    structured: Any = msgspec.field(name="structuredContent", default=None)
    failed: bool = msgspec.field(name="isError", default=False)


def call_tool(url: str, name: str, arguments: dict[str, Any], *, deadline_s: float) -> McpReply:
    """Call a tool of the server at `url`, in a session of its own.

    Raises McpError. Redirects are not followed, and no proxy is asked for an address of this machine.
    """
    try:
        return asyncio.run(_called(url, name, arguments, deadline_s))
    except TimeoutError as error:
        raise McpError(f"{url}: no answer in {deadline_s:g} s; is the server up?") from error


async def _called(url: str, name: str, arguments: dict[str, Any], deadline_s: float) -> McpReply:
    import httpx2  # noqa: PLC0415 - loaded with the first call

    timeout = httpx2.Timeout(deadline_s, connect=_CONNECT_S)
    try:
        async with (
            asyncio.timeout(deadline_s),
            httpx2.AsyncClient(
                timeout=timeout, follow_redirects=False, trust_env=not is_local(url)
            ) as client,
        ):
            session = _Session(client, url)
            await session.begin()
            reply = await session.ask("tools/call", {"name": name, "arguments": arguments})
            await session.end()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise McpError(f"{url}: the server can't be reached ({error or type(error).__name__})") from error
    try:
        result = msgspec.convert(reply, _ToolResult)
    except msgspec.ValidationError as error:
        raise McpError(f"{url}: answered with no result of a tool ({error})") from error
    return McpReply(result.content, result.structured, result.failed)


class _Session:
    """One session with a server."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._headers = {"accept": _ACCEPT}
        self._last_id = 0

    async def begin(self) -> None:
        """Tell who asks, and learn the session's id where the server gives one."""
        about = {"name": "clinseek-tui", "version": __version__}
        asked = {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": about}
        result = await self.ask("initialize", asked)
        version = result.get("protocolVersion")
        self._headers[_VERSION] = version if isinstance(version, str) and version.isascii() else _PROTOCOL
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, None)

    async def ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """One request's result; McpError for an error and for what is no JSON-RPC."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": parameters}
        reply = await self._post(message, self._last_id)
        error, result = reply.get("error"), reply.get("result")
        if isinstance(error, dict):
            said = one_line(str(error.get("message", "")), 200)
            raise McpError(f"{self._url}: {method} failed: {said or 'no reason given'}")
        if not isinstance(result, dict):
            raise McpError(f"{self._url}: {method} was answered without a result")
        return result

    async def end(self) -> None:
        """Give the session up, where the server keeps one; whether it does is its own matter."""
        if _SESSION in self._headers:
            await self._client.delete(self._url, headers=self._headers)

    async def _post(self, message: dict[str, Any], wanted: int | None) -> dict[str, Any]:
        """Send a message; the response to the request of that id, nothing for a notification."""
        async with self._client.stream("POST", self._url, json=message, headers=self._headers) as response:
            if not response.is_success:
                raise McpError(f"{self._url}: answered HTTP {response.status_code}; is it an MCP server?")
            session = response.headers.get(_SESSION)
            if session is not None:
                self._headers[_SESSION] = session
            if wanted is None:
                return {}
            events = response.headers.get("content-type", "").startswith("text/event-stream")
            async for text in _messages(response, events=events, url=self._url):
                reply = self._message(text)
                if reply.get("id") == wanted and ("result" in reply or "error" in reply):
                    return reply
        raise McpError(f"{self._url}: the answer broke off")

    def _message(self, text: bytes) -> dict[str, Any]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise McpError(f"{self._url}: answered with text that is no JSON") from error
        return value if isinstance(value, dict) else {}


async def _messages(response: httpx2.Response, *, events: bool, url: str) -> AsyncIterator[bytes]:
    """The JSON texts of a response: its body, or the data of each of its events."""
    data: list[bytes] = []
    async for line in _lines(response, url):
        if not events:
            data.append(line)
        elif line.startswith(b"data:"):
            data.append(line[5:])
        elif not line.strip() and data:
            yield b"\n".join(data)
            data = []
    if data:
        yield b"\n".join(data)


async def _lines(response: httpx2.Response, url: str) -> AsyncIterator[bytes]:
    total, rest = 0, bytearray()
    async for chunk in response.aiter_bytes():
        total += len(chunk)
        if total > _MAX_BYTES:
            raise McpError(f"{url}: answered with more than {_MAX_BYTES // 2**20} MiB")
        rest += chunk
        if b"\n" in chunk:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                yield line
    yield bytes(rest)
