"""One page from the web, within bounds: of redirects, bytes, time, and of whom may be asked at all.

Proxies of the environment are not used: through one, the address that answers could not be checked.
Importing this loads httpx2: do it when a page is first asked for.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import urljoin

import httpcore2
import httpx2
import msgspec

from clinseek_core.version import __version__
from clinseek_core.web.network import Deadline, Network
from clinseek_core.web.port import WebError
from clinseek_core.web.reach import PUBLIC, Reach, Resolver, resolve
from clinseek_core.web.robots import AGENT, Robots

__all__ = ["BOUNDS", "Answer", "Bounds", "Fetcher"]

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_BROKEN = 500
_GONE = 400
_MAX_URL = 2_000
_ENCODINGS = {"": None, "identity": None, "gzip": 31, "x-gzip": 31, "deflate": 47}
"""Content encodings and zlib's word for them; 47 takes a zlib or gzip head as it comes."""
_ROBOTS_BYTES = 512 * 1024

Permit = Callable[[str], None]
"""Raises WebError for an address that may not be asked for."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How far a fetch may go."""

    seconds: float = 25.0
    """For all of it: names, redirects, robots.txt and the body."""
    silence: float = 10.0
    """Seconds without a byte."""
    sent: int = 16 * 1024 * 1024
    """Bytes of a body as it was sent."""
    unpacked: int = 16 * 1024 * 1024
    """Bytes of a body as it is read."""
    redirects: int = 5


BOUNDS = Bounds()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server sent."""

    url: str
    """After redirects."""
    media_type: str
    """Without parameters, in small letters; empty where it was not said."""
    charset: str
    body: bytes


class Fetcher:
    """Gets pages; `permit` is asked about every address before a byte is sent, redirects too."""

    def __init__(
        self,
        permit: Permit = lambda _: None,
        *,
        reach: Reach = PUBLIC,
        resolve: Resolver = resolve,
        bounds: Bounds = BOUNDS,
    ) -> None:
        self._permit = permit
        self._reach = reach
        self._resolve = resolve
        self._bounds = bounds
        self._robots: dict[str, Robots] = {}

    def page(self, url: str, accept: str) -> Answer:
        """The page at `url`, if its site lets programs read it."""
        with self._connections() as pool:
            return self._follow(pool, url, accept, polite=True)

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """What a service answers; no redirect is followed, or a key would go along."""
        with self._connections() as pool, self._exchange(pool, url, method, headers or {}, body) as response:
            if response.status in _REDIRECTS:
                raise WebError(f"it answered with a redirect ({response.status}); give its own address")
            return self._answer(response, url, self._bounds.unpacked)

    @contextlib.contextmanager
    def _connections(self) -> Iterator[httpcore2.ConnectionPool]:
        """A pool for one fetch, closed after it; every trouble of the network becomes a WebError."""
        deadline = Deadline(self._bounds.seconds)
        network = Network(self._reach, self._resolve, deadline)
        # The environment may name certificates, never a proxy.
        context = httpx2.create_ssl_context()
        try:
            with httpcore2.ConnectionPool(ssl_context=context, network_backend=network, retries=0) as pool:
                yield pool
        except httpcore2.TimeoutException as error:
            # The last wait may have been cut short by the deadline.
            deadline.left()
            raise WebError("no answer came in time") from error
        except httpcore2.UnsupportedProtocol as error:
            raise WebError(f"it can't be asked for ({error})") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise WebError(f"the connection failed{f' ({error})' if str(error) else ''}") from error

    def _follow(self, pool: httpcore2.ConnectionPool, url: str, accept: str, *, polite: bool) -> Answer:
        visited: set[str] = set()
        for _ in range(self._bounds.redirects + 1):
            url = _normal(url)
            if url in visited:
                raise WebError("its redirects go round in a circle", lasting=True)
            visited.add(url)
            self._permit(url)
            if polite:
                self._heed_robots(pool, url)
            with self._exchange(pool, url, "GET", {"Accept": accept}) as response:
                if response.status not in _REDIRECTS:
                    return self._answer(response, url, self._bounds.unpacked if polite else _ROBOTS_BYTES)
                url = _target(url, response)
        raise WebError(f"it was redirected more than {self._bounds.redirects} times", lasting=True)

    def _heed_robots(self, pool: httpcore2.ConnectionPool, url: str) -> None:
        site = str(httpx2.URL(url).copy_with(raw_path=b"/", fragment=None))
        if site not in self._robots:
            self._robots[site] = self._robots_of(pool, site)
        if not self._robots[site].allows(url):
            raise WebError("its site asks programs not to read it (robots.txt)", "refused", lasting=True)

    def _robots_of(self, pool: httpcore2.ConnectionPool, site: str) -> Robots:
        """The rules of a site: none where it has no such file, and nothing allowed where it has a failure."""
        try:
            answer = self._follow(pool, f"{site}robots.txt", "text/plain", polite=False)
        except _StatusError as error:
            if error.code < _BROKEN and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                return Robots("")
            raise WebError(f"its robots.txt can't be had ({error})") from error
        return Robots(answer.body.decode("utf-8", "replace"))

    @contextlib.contextmanager
    def _exchange(
        self,
        pool: httpcore2.ConnectionPool,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Iterator[httpcore2.Response]:
        sent = {"Host": httpx2.URL(url).netloc.decode("ascii"), "User-Agent": f"{AGENT}/{__version__}"}
        sent |= {"Accept-Encoding": "gzip", **headers}
        if body is not None:
            sent["Content-Length"] = str(len(body))
        seconds = self._bounds.silence
        timeout = {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
        with pool.stream(
            method,
            url,
            headers=list(sent.items()),
            content=body,
            extensions={"timeout": timeout},
        ) as response:
            yield response

    def _answer(self, response: httpcore2.Response, url: str, most: int) -> Answer:
        if response.status >= _GONE:
            raise _StatusError(response.status)
        headers = httpx2.Headers(response.headers)
        media_type, charset = _media_type(headers.get("content-type", ""))
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._bounds.sent:
            raise self._too_large()
        body = self._unpacked(response.iter_stream(), headers.get("content-encoding", ""), most)
        return Answer(url=url, media_type=media_type, charset=charset, body=body)

    def _unpacked(self, chunks: Iterator[bytes], encoding: str, most: int) -> bytes:
        """The body, never holding more than the bounds say, however far it would unpack."""
        name = encoding.strip().lower()
        if name not in _ENCODINGS:
            raise WebError(f"it is packed as {name[:40]!r}, which was not asked for", lasting=True)
        word = _ENCODINGS[name]
        unpacker = None if word is None else zlib.decompressobj(word)
        body, sent = bytearray(), 0
        for chunk in chunks:
            sent += len(chunk)
            try:
                body += chunk if unpacker is None else unpacker.decompress(chunk, most + 1 - len(body))
            except zlib.error as error:
                raise WebError(f"it is not packed as {name}, as it says ({error})", lasting=True) from error
            if sent > self._bounds.sent or len(body) > most:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> WebError:
        sent, unpacked = self._bounds.sent / 2**20, self._bounds.unpacked / 2**20
        return WebError(
            f"it is too large: at most {sent:g} MiB, {unpacked:g} MiB unpacked, are read", lasting=True
        )


class _StatusError(WebError):
    """An answer that is no page: 404 Not Found."""

    def __init__(self, code: int) -> None:
        try:
            words = f"{code} {HTTPStatus(code).phrase}"
        except ValueError:
            words = str(code)
        super().__init__(words, lasting=code < _BROKEN and code != HTTPStatus.TOO_MANY_REQUESTS)
        self.code = code


def _normal(url: str) -> str:
    """The address as it is sent; WebError where it can't be."""
    try:
        parsed = httpx2.URL(url).copy_with(fragment=None)
        usable = parsed.scheme in {"http", "https"} and bool(parsed.host)
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise WebError(f"it is no address ({error})", lasting=True) from error
    if not usable:
        raise WebError("it is no http or https address", lasting=True)
    if parsed.userinfo:
        raise WebError("it holds a user and password, which are never sent", "refused", lasting=True)
    if len(str(parsed)) > _MAX_URL:
        raise WebError(f"its address has more than {_MAX_URL} characters", lasting=True)
    return str(parsed)


def _target(url: str, response: httpcore2.Response) -> str:
    location = httpx2.Headers(response.headers).get("location")
    if not location:
        raise WebError(f"it was redirected ({response.status}) to nowhere", lasting=True)
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise WebError(f"it was redirected to what is no address ({error})", lasting=True) from error


def _media_type(header: str) -> tuple[str, str]:
    media_type, *parameters = header.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return media_type.strip().lower(), value.strip(" \"'").lower()
    return media_type.strip().lower(), ""
