"""Streamable HTTP: a door that checks the token, and the address that clients connect to."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_tui.mcp_server.connections import Connections
from clinseek_tui.mcp_server.server import make_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["HttpLimits", "serve_http"]

_MAX_REQUEST_BYTES = 1024 * 1024
_LOOK_EVERY_S = 30.0
_UNSUPPORTED_VERSION = -32022
_SESSION, _VERSION = b"mcp-session-id", b"mcp-protocol-version"


class _Door:
    """Lets in who has the token, and hears when a session is given up.

    The protocol of 2026 has no sessions, and a run is one: clients that speak it are told to shake hands as
    before.
    """

    def __init__(self, app: App, token: str, versions: tuple[str, ...], ended: Callable[[str], None]) -> None:
        self._app = app
        self._token = token
        self._versions = versions
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._token and not hmac.compare_digest(
            headers.get(b"authorization", b""), f"Bearer {self._token}".encode()
        ):
            await _refuse(send, 401, -32001, "a token is needed: Authorization: Bearer ...")
            return
        version = headers.get(_VERSION, b"").decode("latin-1")
        if version and version not in self._versions:
            data = {"supported": list(self._versions), "requested": version[:40]}
            await _refuse(send, 400, _UNSUPPORTED_VERSION, "this version has no sessions", data)
            return
        await self._app(scope, receive, send)
        if scope["method"] == "DELETE" and _SESSION in headers:
            await asyncio.to_thread(self._ended, headers[_SESSION].decode("latin-1"))


async def _refuse(send: Send, status: int, code: int, message: str, data: Any = None) -> None:
    error = {"code": code, "message": message} | ({"data": data} if data is not None else {})
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Who is let in, and for how long."""

    token: str
    """What clients must send; empty where all of this machine may."""
    sessions: int
    idle_s: float


def serve_http(
    connections: Connections, host: str, port: int, limits: HttpLimits, tell: Callable[[str], None]
) -> None:
    """Serve until interrupted; `tell` gets the address. InputError where it can't be had."""
    import uvicorn  # noqa: PLC0415 - an extra
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS  # noqa: PLC0415 - as above

    app = make_server(connections).streamable_http_app(
        host=host,
        session_idle_timeout=limits.idle_s,
        max_sessions=limits.sessions,
        max_request_body_size=_MAX_REQUEST_BYTES,
    )
    door = _Door(app, limits.token, tuple(HANDSHAKE_PROTOCOL_VERSIONS), connections.end)
    config = uvicorn.Config(door, host=host, port=port, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    try:
        socket = _bound(host, port)
    except OSError as error:
        raise InputError(
            f"--http {host}:{port}: can't be had ({error.strerror}); name another port"
        ) from error
    with socket:
        tell(f"http://{host}:{socket.getsockname()[1]}/mcp")
        asyncio.run(_serve(server, [socket], connections))


async def _serve(server: Any, sockets: list[Any], connections: Connections) -> None:
    async def look() -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await asyncio.to_thread(connections.end_idle)

    looking = asyncio.create_task(look())
    try:
        await server.serve(sockets=sockets)
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


def _bound(host: str, port: int) -> Any:
    import socket  # noqa: PLC0415 - only a server binds

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
