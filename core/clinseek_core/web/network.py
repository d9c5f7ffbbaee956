"""Connections that are made only to addresses a Reach allows, and that end at a deadline whatever comes.

The name is resolved here and the connection made to the very address that was checked, so that a name which
changes its address between a check and a use gains nothing. Importing this loads httpcore2: do it late.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2

from clinseek_core.web.port import WebError
from clinseek_core.web.reach import Reach, Resolver

__all__ = ["Deadline", "Network"]


class Deadline:
    """A moment after which nothing more is waited for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """Seconds that are left, `at_most` so many; WebError where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise WebError(f"it was stopped after {self.seconds:g} s")
        return left if at_most is None else min(left, at_most)


class Network(httpcore2.NetworkBackend):
    """What an httpcore2 connection pool opens its connections with."""

    def __init__(self, reach: Reach, resolve: Resolver, deadline: Deadline) -> None:
        self._reach = reach
        self._resolve = resolve
        self._deadline = deadline
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of `host` that answers; WebError where none may be connected to."""
        failure: httpcore2.NetworkError | httpcore2.TimeoutException | None = None
        for address in self._allowed(host, port, timeout):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure or WebError(f"{host} has no address")

    def _allowed(self, host: str, port: int, timeout: float | None) -> tuple[str, ...]:
        """The addresses of a host: all of them must be allowed, or a name could mix in one that is not."""
        try:
            found = self._resolve(host, port, self._deadline.left(timeout))
        except OSError as error:
            raise WebError(f"{host} has no address that can be found ({error.strerror or error})") from error
        for address in found:
            reason = self._reach.refuses(address, port)
            if reason is not None:
                raise WebError(f"{host} may not be connected to: {reason}", "refused")
        return tuple(found)


class _Stream(httpcore2.NetworkStream):
    """A connection of which no single wait outlasts the deadline."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(
            self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
