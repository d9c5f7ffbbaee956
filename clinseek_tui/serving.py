"""The app in a browser: Textual's server behind a secret path, with a process for each page that is open."""

from __future__ import annotations

import hmac
import logging
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from textual_serve.server import Server

__all__ = ["AppServer"]

_MOST_PAGES = 8
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HEADERS = {
    # The page of textual-serve asks a font of another site; nothing is to be asked of others.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; font-src 'self' data:; connect-src 'self' {socket}; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class AppServer(Server):
    """Serves `clinseek-tui` with the words given to whoever knows the path.

    The secret is part of the path and of no cookie, which a browser would send to every port of the host.
    A page of another site can't open the app: its origin is not this server's.
    """

    def __init__(
        self, words: Sequence[str], host: str, port: int, *, base: str, secret: str, ready: Callable[[], None]
    ) -> None:
        # UTF-8 whatever the locale: a browser has all characters. No module comes from the folder one is in.
        command = shlex.join([sys.executable, "-P", "-X", "utf8", "-m", "clinseek_tui", *words])
        super().__init__(command, host=host, port=port, title="clinseek-tui", public_url=base)
        self._base = base
        self._secret = secret
        self._ready = ready
        self._pages = 0

    def initialize_logging(self) -> None:
        """Warnings alone: the server's own log would tell the secret, and the values of variables."""
        logging.basicConfig(level=logging.WARNING, format="%(message)s")

    def serve(self, debug: bool = False) -> None:
        """Listen until a signal ends it. It is told as ready when its socket is bound, not before."""
        self.debug = debug
        self.initialize_logging()
        web.run_app(self._make_app(), host=self.host, port=self.port, print=lambda *_: self._ready())

    async def _make_app(self) -> web.Application:
        inner = await super()._make_app()
        inner.on_startup.clear()
        inner.middlewares.append(self._let_in)
        inner.on_response_prepare.append(self._add_headers)
        app = web.Application()
        app.add_subapp(f"/{self._secret}", inner)
        return app

    @web.middleware
    async def _let_in(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuse another name of this host, and pages of other sites."""
        wanted = self._base.partition("://")[2]
        if not hmac.compare_digest(request.host.encode(), wanted.encode()):
            raise web.HTTPForbidden(text=f"open {self._base} by that name")
        origin = request.headers.get("Origin")
        if origin is not None and origin != self._base:
            raise web.HTTPForbidden(text="a page of another site can't open this")
        return await handler(request)

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        socket = "ws" + self._base.removeprefix("http")
        for name, value in _HEADERS.items():
            response.headers[name] = value.replace("{socket}", socket)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the app for one page, unless many are open."""
        if self._pages >= _MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{_MOST_PAGES} pages are open; close one")
        self._pages += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._pages -= 1
