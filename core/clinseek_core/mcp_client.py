"""Calls of tools over MCP's streamable HTTP: JSON-RPC in POST requests, answered by JSON or by events.

A session is initialize, requests one after another, and its end. The protocol is modelcontextprotocol.io's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec

from clinseek_core.errors import ClinseekError
from clinseek_core.models import is_local
from clinseek_core.text import one_line
from clinseek_core.version import __version__

if TYPE_CHECKING:
    import httpx2

__all__ = ["McpConnection", "McpError", "McpReply", "McpTool", "call_tool"]

T = TypeVar("T")

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


class McpTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that a server offers."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(name="inputSchema", default_factory=dict)


class _ToolPage(msgspec.Struct):
    says: ClassVar[str] = "list of tools"
    tools: tuple[McpTool, ...] = ()
    next_cursor: str | None = msgspec.field(name="nextCursor", default=None)


class _ToolResult(msgspec.Struct):
    says: ClassVar[str] = "result of a tool"
    content: tuple[dict[str, Any], ...] = ()
    structured: Any = msgspec.field(name="structuredContent", default=None)
    failed: bool = msgspec.field(name="isError", default=False)


S = TypeVar("S", _ToolPage, _ToolResult)


def call_tool(url: str, name: str, arguments: dict[str, Any], *, deadline_s: float) -> McpReply:
    """Call a tool of the server at `url`, in a session of its own; errors as `McpConnection`."""
    with McpConnection(url) as connection:
        return connection.call_tool(name, arguments, deadline_s=deadline_s)


class McpConnection:
    """One session with the server at `url`, begun with the first request; one request at a time.

    What it does raises McpError. Redirects are not followed, and no proxy is asked for an address of this
    machine.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._session: _Session | None = None

    def __enter__(self) -> McpConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def list_tools(self, *, at_most: int, deadline_s: float) -> tuple[McpTool, ...]:
        """The server's tools, page after page; McpError where there are more than `at_most`."""
        found: list[McpTool] = []
        cursor: str | None = None
        while True:
            asked = {} if cursor is None else {"cursor": cursor}
            page = self._converted(self._asked("tools/list", asked, deadline_s), _ToolPage)
            found += page.tools
            cursor = page.next_cursor
            if len(found) > at_most:
                raise McpError(f"{self._url}: offers more than {at_most} tools; name those you want")
            if not cursor or not page.tools:
                return tuple(found)

    def call_tool(self, name: str, arguments: dict[str, Any], *, deadline_s: float) -> McpReply:
        """What a tool answers; `failed` where the tool itself says so."""
        reply = self._asked("tools/call", {"name": name, "arguments": arguments}, deadline_s)
        result = self._converted(reply, _ToolResult)
        return McpReply(result.content, result.structured, result.failed)

    def close(self) -> None:
        """Give the session up."""
        if self._loop.is_closed():
            return
        if self._session is not None:
            with contextlib.suppress(McpError):
                self._run(self._session.end(), _CONNECT_S)
        self._loop.close()

    def _asked(self, method: str, parameters: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        try:
            return self._run(self._ask(method, parameters), deadline_s)
        except McpError:
            # A session that failed may have an answer under way, which the next request would get.
            self._session = None
            raise

    async def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self._session is None:
            session = _Session(self._url)
            await session.begin()
            self._session = session
        return await self._session.ask(method, parameters)

    def _run(self, work: Coroutine[Any, Any, T], deadline_s: float) -> T:
        import httpx2  # noqa: PLC0415 - loaded with the first call

        try:
            return self._loop.run_until_complete(asyncio.wait_for(work, deadline_s))
        except TimeoutError as error:
            raise McpError(f"{self._url}: no answer in {deadline_s:g} s; is the server up?") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            why = error or type(error).__name__
            raise McpError(f"{self._url}: the server can't be reached ({why})") from error

    def _converted(self, value: dict[str, Any], into: type[S]) -> S:
        try:
            return msgspec.convert(value, into)
        except msgspec.ValidationError as error:
            raise McpError(f"{self._url}: answered with what is no {into.says} ({error})") from error


class _Session:
    """One session with a server."""

    def __init__(self, url: str) -> None:
        import httpx2  # noqa: PLC0415 - loaded with the first call

        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=_CONNECT_S),
            follow_redirects=False,
            trust_env=not is_local(url),
        )
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
        try:
            if _SESSION in self._headers:
                await self._client.delete(self._url, headers=self._headers)
        finally:
            await self._client.aclose()

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
