"""Search services, as a table: where each is asked, how, and where its hits are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.web.port import Hit

__all__ = ["PROVIDERS", "Provider", "Service", "service_from"]

_MARKUP = re.compile(r"<[^<>]{0,200}>")


class Request(msgspec.Struct, frozen=True):
    """One request to a service."""

    url: str
    headers: dict[str, str] = {}
    body: bytes | None = None

    @property
    def method(self) -> str:
        """POST where there is a body."""
        return "GET" if self.body is None else "POST"


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A search service."""

    name: str
    variable: str
    """The environment variable with its key; for SearXNG with its address."""
    address: str
    """Empty where the variable holds it."""
    request: Callable[[Service, str, int], Request]
    hits: tuple[str, ...]
    """The path to the list of hits in its answer."""
    title: str
    url: str
    snippet: str


class Service(msgspec.Struct, frozen=True):
    """A provider that can be asked. The key never shows in a repr."""

    provider: Provider
    address: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Service({self.provider.name!r}, {self.address!r})"

    @property
    def own(self) -> bool:
        """Whether the user named its address, which may then lie on this machine."""
        return not self.provider.address

    def request(self, query: str, count: int) -> Request:
        """How to ask it."""
        return self.provider.request(self, query, count)

    def hits(self, answer: bytes) -> tuple[Hit, ...]:
        """What its answer lists; ValueError where that is not its form."""
        found: Any = json.loads(answer)
        for name in self.provider.hits:
            found = found.get(name, []) if isinstance(found, dict) else None
        if not isinstance(found, list):
            raise ValueError(f"it holds no list {'.'.join(self.provider.hits)}")
        return tuple(hit for row in found if isinstance(row, dict) and (hit := self._hit(row)) is not None)

    def _hit(self, row: Mapping[str, Any]) -> Hit | None:
        """A hit whose page can be opened."""
        named = (self.provider.title, self.provider.url, self.provider.snippet)
        title, url, snippet = (value if isinstance(value := row.get(name), str) else "" for name in named)
        try:
            usable = urlsplit(url).scheme in {"http", "https"}
        except ValueError:
            return None
        return Hit(_plain(title), url, _plain(snippet)) if usable else None


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split())


def _searxng(service: Service, query: str, _: int) -> Request:
    return Request(f"{service.address.rstrip('/')}/search?{urlencode({'q': query, 'format': 'json'})}")


def _serper(service: Service, query: str, count: int) -> Request:
    return _posted(service, {"X-API-KEY": service.key}, {"q": query, "num": count})


def _tavily(service: Service, query: str, count: int) -> Request:
    return _posted(
        service, {"Authorization": f"Bearer {service.key}"}, {"query": query, "max_results": count}
    )


def _brave(service: Service, query: str, count: int) -> Request:
    url = f"{service.address}?{urlencode({'q': query, 'count': count})}"
    return Request(url, {"X-Subscription-Token": service.key, "Accept": "application/json"})


def _posted(service: Service, headers: dict[str, str], body: dict[str, Any]) -> Request:
    sent = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
    return Request(service.address, sent, json.dumps(body).encode())


PROVIDERS = (
    Provider(
        name="searxng",
        variable="SEARXNG_URL",
        address="",
        request=_searxng,
        hits=("results",),
        title="title",
        url="url",
        snippet="content",
    ),
    Provider(
        name="serper",
        variable="SERPER_API_KEY",
        address="https://google.serper.dev/search",
        request=_serper,
        hits=("organic",),
        title="title",
        url="link",
        snippet="snippet",
    ),
    Provider(
        name="tavily",
        variable="TAVILY_API_KEY",
        address="https://api.tavily.com/search",
        request=_tavily,
        hits=("results",),
        title="title",
        url="url",
        snippet="content",
    ),
    Provider(
        name="brave",
        variable="BRAVE_API_KEY",
        address="https://api.search.brave.com/res/v1/web/search",
        request=_brave,
        hits=("web", "results"),
        title="title",
        url="url",
        snippet="description",
    ),
)
"""In the order in which the environment is looked at."""


def service_from(environ: Mapping[str, str]) -> Service:
    """The first service the environment names; InputError where it names none, or none that can be asked."""
    for provider in PROVIDERS:
        value = environ.get(provider.variable, "").strip()
        if not value:
            continue
        if provider.address:
            if not (value.isascii() and value.isprintable()):
                raise InputError(f"{provider.variable} holds characters that no HTTP header can carry")
            return Service(provider, provider.address, value)
        if urlsplit(value).scheme not in {"http", "https"}:
            raise InputError(
                f"{provider.variable}={value} is no address; write it like http://localhost:8888"
            )
        return Service(provider, value)
    variables = ", ".join(provider.variable for provider in PROVIDERS)
    raise InputError(f"live web needs a search service: set one of {variables} (docs/web.md)")
